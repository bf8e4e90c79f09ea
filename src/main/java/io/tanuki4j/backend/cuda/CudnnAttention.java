package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDnn;

import io.tanuki4j.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.cuda.global.cudnn;
import org.jspecify.annotations.Nullable;

/**
 * Flash attention in BF16 or F16 by cuDNN. A shape has a plan for each direction. A plan keeps the
 * bound addresses of every layer, so a call in the steady state creates no cuDNN object.
 *
 * <p>It drops no probabilities: cuDNN's own dropout (9.14, H200) draws rows two apart together, at
 * a correlation of 0.76.
 */
final class CudnnAttention implements AttentionEngine, AutoCloseable {
  private static final int SEQUENCE_MULTIPLE = 128;
  private static final int HEAD_DIM_MULTIPLE = 8;
  private static final int MAX_HEAD_DIM = 128;
  private static final int MAX_BOUND = 4096;
  private static final long ALIGNMENT = 512;

  private final CudaStream stream;
  private final CudaModules modules;
  private final CudaWorkspace workspace;
  private final ComputeCapability capability;
  private final boolean deterministic;
  private final cudnnContext library = new cudnnContext();
  private final Map<PlanKey, CompiledGraph> plans = new HashMap<>();
  private final Map<BoundKey, CudnnDescriptor> bound = new HashMap<>();
  private final Map<PlanKey, String> refusals = new HashMap<>();

  private record PlanKey(AttentionForm form, DType type, boolean backward) {}

  /**
   * @param gradients null in the forward
   */
  private record BoundKey(
      AttentionCall call,
      int sample,
      @Nullable AttentionOperands gradients,
      long dOut,
      long workspace) {}

  /**
   * @param deterministic whether dQ is summed in a fixed order, at the cost of a workspace that
   *     grows with s²
   */
  CudnnAttention(
      CudaStream stream,
      CudaModules modules,
      CudaWorkspace workspace,
      ComputeCapability capability,
      boolean deterministic) {
    this.stream = stream;
    this.modules = modules;
    this.capability = capability;
    this.workspace = workspace;
    this.deterministic = deterministic;
    checkDnn(cudnn.cudnnCreate(library), "cudnnCreate");
    checkDnn(cudnn.cudnnSetStream(library, stream.handle()), "cudnnSetStream");
  }

  /** Returns whether cuDNN's fast kernels, and its fixes, cover such shapes. */
  static boolean takes(AttentionCall call) {
    AttentionForm form = call.form();
    int headDim = form.queries().headDim();
    boolean whole = form.causal() && call.mask().isOfWholeSequences();
    return call.type().isFloat16()
        && (whole || !form.hasDocuments())
        && !call.mask().drops()
        && form.numQueries() % SEQUENCE_MULTIPLE == 0
        && form.numKeys() % SEQUENCE_MULTIPLE == 0
        && headDim % HEAD_DIM_MULTIPLE == 0
        && headDim <= MAX_HEAD_DIM;
  }

  /** Returns why cuDNN does not compute a shape's documents; empty if it does. */
  String refusal(AttentionCall call) {
    if (!call.form().hasDocuments()) {
      return "";
    }
    PlanKey forward = new PlanKey(call.form(), call.type(), false);
    String known = refusals.get(forward);
    if (known == null) {
      known = findRefusal(forward, new PlanKey(call.form(), call.type(), true));
      refusals.put(forward, known);
    }
    return known;
  }

  private String findRefusal(PlanKey forward, PlanKey backward) {
    if (!capability.hasPackedAttention()) {
      return "cuDNN's backward of documents is for GPUs of compute capability 9 and 10";
    }
    try {
      plan(forward);
      plan(backward);
      return "";
    } catch (CudaException | CompiledGraph.UnsupportedException e) {
      return String.valueOf(e.getMessage());
    }
  }

  @Override
  public void forward(AttentionCall call) {
    CompiledGraph plan = plan(new PlanKey(call.form(), call.type(), false));
    AttentionScratch scratch = prepare(call, plan, false);
    for (int sample = 0; sample < scratch.numCalls(); sample++) {
      BoundKey place = new BoundKey(call, sample, null, 0, scratch.address());
      CudnnDescriptor pack = bound.get(place);
      if (pack == null) {
        pack = keep(place, bind(plan, scratch, scratch.forward(call, sample)));
      }
      plan.run(library, pack);
    }
  }

  @Override
  public void backward(AttentionCall call, AttentionOperands gradients, long dOut) {
    CompiledGraph plan = plan(new PlanKey(call.form(), call.type(), true));
    AttentionScratch scratch = prepare(call, plan, true);
    for (int sample = 0; sample < scratch.numCalls(); sample++) {
      BoundKey place = new BoundKey(call, sample, gradients, dOut, scratch.address());
      CudnnDescriptor pack = bound.get(place);
      if (pack == null) {
        pack = keep(place, bind(plan, scratch, scratch.backward(call, gradients, dOut, sample)));
      }
      plan.run(library, pack);
    }
  }

  /** Takes scratch memory and has the GPU write the bounds of documents. */
  private AttentionScratch prepare(AttentionCall call, CompiledGraph plan, boolean backward) {
    AttentionScratch size = new AttentionScratch(call.form(), backward, deterministic, 0);
    AttentionScratch scratch = size.at(workspace.reserve(size.bytes() + plan.workspaceBytes()));
    if (call.form().hasDocuments()) {
      RowVariant variant = new RowVariant("attention", call.type(), 1);
      scratch.bounds().write(modules.function(variant, "attention_documents"), call);
    }
    return scratch;
  }

  private static CudnnDescriptor bind(
      CompiledGraph plan, AttentionScratch scratch, long[] addresses) {
    return plan.bind(addresses, scratch.address() + scratch.bytes());
  }

  static long aligned(long bytes) {
    return Vectors.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  private CompiledGraph plan(PlanKey key) {
    CompiledGraph known = plans.get(key);
    if (known != null) {
      return known;
    }
    stream.requireRunning("plan attention");
    AttentionGraph graph =
        key.backward()
            ? AttentionGraph.backward(key.form(), key.type(), deterministic)
            : AttentionGraph.forward(key.form(), key.type());
    CompiledGraph built = CompiledGraph.build(graph, library, null);
    plans.put(key, built);
    return built;
  }

  /**
   * Keeps a bound pack. Layers have fixed addresses; the limit is for runs whose addresses keep
   * changing.
   */
  private CudnnDescriptor keep(BoundKey place, CudnnDescriptor pack) {
    if (bound.size() == MAX_BOUND) {
      bound.values().forEach(CudnnDescriptor::close);
      bound.clear();
    }
    bound.put(place, pack);
    return pack;
  }

  @Override
  public void close() {
    bound.values().forEach(CudnnDescriptor::close);
    plans.values().forEach(CompiledGraph::close);
    checkDnn(cudnn.cudnnDestroy(library), "cudnnDestroy");
  }
}
