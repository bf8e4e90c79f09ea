package io.tanuki4j.plan;

import io.tanuki4j.backend.cuda.WorkspaceEstimate;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.run.MemoryPlan;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.run.Rehearsal;
import java.util.Map;

/**
 * What a rank of a run takes of its device and sends to others.
 *
 * @param tables what is held besides weights, gradients and optimizer state: rotary tables, results
 *     that wait for the log, gaps between tensors
 * @param workspaces temporary memory of the kernels; 0 on a CPU
 * @param bytesSent in an iteration, by the names of the groups
 */
record RankPlan(
    int globalRank, MemoryPlan memory, long tables, long workspaces, Map<String, Long> bytesSent) {

  /**
   * @param model with its vocabulary
   */
  static RankPlan of(RunConfig config, ModelConfig model, int globalRank) {
    PlanRequest request = PlanRequest.of(config, model, globalRank);
    int numMicrobatches =
        config.train().batches().numMicrobatches(config.train().batches().globalBatchSize());
    try (Rehearsal rehearsal = new Rehearsal(request).iteration(numMicrobatches)) {
      MemoryPlan memory = rehearsal.memory();
      long named = memory.weights() + memory.gradients() + memory.optimizer();
      return new RankPlan(
          globalRank,
          memory,
          rehearsal.residentBytes() - named,
          onGpu(config) ? workspaces(request) : 0,
          rehearsal.bytesSent());
    }
  }

  /** Returns whether the run is for GPUs, as one that leaves the backend open is. */
  private static boolean onGpu(RunConfig config) {
    return config.backend().kind() == null || config.backend().kind() == Kind.CUDA;
  }

  private static long workspaces(PlanRequest request) {
    ModelConfig.Attention attention = request.model().attention();
    ParallelDims dims = request.parallel().dims();
    AttentionShape shape =
        new AttentionShape(
            request.model().sizes().seqLength() / dims.cp(),
            request.microBatchSize(),
            attention.numHeads() / dims.tp(),
            attention.numQueryGroups() / dims.tp(),
            attention.headDim());
    boolean documents = request.model().training().samples().documents() && dims.cp() == 1;
    return WorkspaceEstimate.bytes(request.precision().compute(), shape, documents);
  }

  long total() {
    return memory.total() + tables + workspaces;
  }
}
