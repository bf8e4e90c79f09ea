package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.LayoutRequest;
import io.tanuki4j.parallel.LayoutRequest.Sizes;
import io.tanuki4j.parallel.LayoutRules;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankOrder;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How the work is divided among ranks: the flags of {@link ParallelConfig}. */
public final class ParallelOptions {
  private static final String TP = "--tensor-model-parallel-size";
  private static final String TP_OVERLAP = "--tp-comm-overlap";
  private static final String CP_COMM = "--cp-comm-type";
  private static final List<String> OWN_CP_COMM = List.of("p2p", "all_gather");
  private static final List<String> CP_COMMS =
      List.of("p2p", "all_gather", "allgather", "a2a", "a2a+p2p");
  private static final String CP = "--context-parallel-size";

  @Option(names = TP, paramLabel = "N", description = "Ranks that share the weights of each layer.")
  int tensorModelParallelSize = 1;

  @Option(
      names = "--sequence-parallel",
      description = "They share the activations between those layers too.")
  boolean sequenceParallel;

  @Option(
      names = TP_OVERLAP,
      description =
          "Overlaps their products with exchanges, shard by shard of the sequence; needs"
              + " --sequence-parallel.")
  boolean tpCommOverlap;

  @Option(
      names = "--pipeline-model-parallel-size",
      paramLabel = "N",
      description = "Stages: ranks with other layers.")
  int pipelineModelParallelSize = 1;

  @Mixin final StageOptions stages = new StageOptions();

  @Option(
      names = CP,
      paramLabel = "N",
      description = "Ranks that share each sequence; in halves from both ends.")
  int contextParallelSize = 1;

  @Option(
      names = CP_COMM,
      paramLabel = "p2p|all_gather",
      arity = "0..*",
      description =
          "How they exchange keys and values: in a ring, or all at once. Other values run as a ring,"
              + " with the same results.")
  List<String> cpCommType = List.of("p2p");

  @Option(
      names = "--use-tp-pp-dp-mapping",
      description = "Stages, not ranks with other samples, are neighbours.")
  boolean useTpPpDpMapping;

  @Mixin final DataParallelOptions dataParallel = new DataParallelOptions();

  private @Nullable Layout layout;

  /** Returns the number of ranks of one model replica, whose parts see the same samples. */
  int modelRanks() {
    long tp = Math.max(1, tensorModelParallelSize);
    long cp = Math.max(1, contextParallelSize);
    long ranks = tp * cp * Math.max(1, pipelineModelParallelSize);
    return (int) Math.min(Integer.MAX_VALUE, ranks);
  }

  /**
   * Returns the number of replicas; 1 if the ranks cannot be divided, which {@link #check} reports.
   */
  int dataParallelSize(int worldSize) {
    return worldSize % modelRanks() == 0 ? worldSize / modelRanks() : 1;
  }

  /**
   * Checks the flags.
   *
   * @param sizes null if some are wrong, which is reported elsewhere
   * @param notices receive Megatron's warnings
   */
  void check(int worldSize, @Nullable Sizes sizes, List<String> notices, Problems problems) {
    dataParallel.check(notices, problems);
    stages.checkSchedule(pipelineModelParallelSize, problems);
    if (cpCommType.isEmpty()) {
      problems.add(CP_COMM, "no value", "p2p or all_gather", "Write one of these.");
    }
    cpCommType.forEach(type -> problems.oneOf(CP_COMM, type, CP_COMMS));
    if (cpCommType.stream().distinct().count() > 1 || !OWN_CP_COMM.containsAll(cpCommType)) {
      notices.add(
          "%s %s: keys and values go %s in every layer, with the same results"
              .formatted(
                  CP_COMM,
                  String.join(" ", cpCommType),
                  keys() == ContextCommunication.P2P ? "around a ring" : "to all ranks at once"));
    }
    if (sizes != null) {
      layout = resolve(worldSize, sizes, problems).orElse(null);
    }
    checkOverlap(notices, problems);
    if (sequenceParallel && tensorModelParallelSize == 1) {
      notices.add("Disabling sequence parallelism because tensor model parallelism is disabled");
      sequenceParallel = false;
    }
  }

  private void checkOverlap(List<String> notices, Problems problems) {
    if (tpCommOverlap && tensorModelParallelSize == 1) {
      notices.add(TP_OVERLAP + " has no effect: no ranks share the weights of layers");
      tpCommOverlap = false;
    } else if (tpCommOverlap && !sequenceParallel) {
      problems.add(
          TP_OVERLAP,
          "given",
          "together with --sequence-parallel",
          "Add it, or leave this one out.");
    }
  }

  private Optional<Layout> resolve(int worldSize, Sizes sizes, Problems problems) {
    LayoutRequest request =
        new LayoutRequest(
            worldSize,
            tensorModelParallelSize,
            contextParallelSize,
            pipelineModelParallelSize,
            sequenceParallel,
            stages.toRequest());
    return LayoutRules.resolve(request, sizes, problems::add);
  }

  /** Returns the number of samples that a global batch must be a multiple of; 0 if unknown. */
  int samplesPerStep(@Nullable Integer microBatchSize) {
    if (layout == null || microBatchSize == null) {
      return 0;
    }
    int samples = microBatchSize * layout.dims().dp();
    return layout.dims().vpp() == 1 ? samples : samples * layout.dims().pp();
  }

  private ParallelDims dims() {
    return layout == null ? ParallelDims.SINGLE : layout.dims();
  }

  /** Returns the line with which Megatron's log begins. */
  String worldLine() {
    ParallelDims dims = dims();
    return StartupLines.worldSize(dims.tp(), dims.pp(), dims.dp(), dims.cp());
  }

  /**
   * Returns the number of chunks per stage; null without interleaving, as in Megatron's attribute.
   */
  @Nullable Integer virtualStages() {
    return dims().vpp() == 1 ? null : dims().vpp();
  }

  /** Returns the configuration of checked flags. */
  ParallelConfig toConfig() {
    if (layout == null) {
      throw new IllegalStateException("the layout was not resolved");
    }
    RankOrder order = useTpPpDpMapping ? RankOrder.TP_CP_PP_DP : RankOrder.TP_CP_DP_PP;
    LayerCommunication communication = new LayerCommunication(keys(), tpCommOverlap);
    return new ParallelConfig(
        layout, order, stages.zeroBubble(), communication, dataParallel.toConfig());
  }

  private ContextCommunication keys() {
    return cpCommType.stream().allMatch(type -> type.matches("all_?gather"))
        ? ContextCommunication.ALL_GATHER
        : ContextCommunication.P2P;
  }
}
