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
 */
final class CudnnAttention implements AttentionEngine, AutoCloseable {
  private static final int SEQUENCE_MULTIPLE = 128;
  private static final int HEAD_DIM_MULTIPLE = 8;
  private static final int MAX_HEAD_DIM = 128;
  private static final int MAX_BOUND = 4096;
  private static final long ALIGNMENT = 512;

  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final boolean deterministic;
  private final cudnnContext library = new cudnnContext();
  private final Map<PlanKey, CompiledGraph> plans = new HashMap<>();
  private final Map<BoundKey, CudnnDescriptor> bound = new HashMap<>();

  private record PlanKey(AttentionForm form, DType type, boolean backward) {}

  /**
   * @param gradients null in the forward
   */
  private record BoundKey(
      AttentionCall call, @Nullable AttentionOperands gradients, long dOut, long workspace) {}

  /**
   * @param deterministic whether dQ is summed in a fixed order, at the cost of a workspace that
   *     grows with s²
   */
  CudnnAttention(CudaStream stream, CudaWorkspace workspace, boolean deterministic) {
    this.stream = stream;
    this.workspace = workspace;
    this.deterministic = deterministic;
    checkDnn(cudnn.cudnnCreate(library), "cudnnCreate");
    checkDnn(cudnn.cudnnSetStream(library, stream.handle()), "cudnnSetStream");
  }

  /** Returns whether cuDNN's fast kernels, and its fixes, cover such shapes. */
  static boolean takes(AttentionCall call) {
    AttentionForm form = call.form();
    int headDim = form.queries().headDim();
    return call.type().isFloat16()
        && !call.mask().hasDocuments()
        && !call.mask().drops()
        && form.numQueries() % SEQUENCE_MULTIPLE == 0
        && form.numKeys() % SEQUENCE_MULTIPLE == 0
        && headDim % HEAD_DIM_MULTIPLE == 0
        && headDim <= MAX_HEAD_DIM;
  }

  @Override
  public void forward(AttentionCall call) {
    CompiledGraph plan = plan(new PlanKey(call.form(), call.type(), false));
    long scratch = workspace.reserve(plan.workspaceBytes());
    BoundKey place = new BoundKey(call, null, 0, scratch);
    CudnnDescriptor pack = bound.get(place);
    if (pack == null) {
      pack = keep(place, plan.bind(forwardAddresses(call), scratch));
    }
    plan.run(library, pack);
  }

  /**
   * Computes the gradients. The scratch begins with the row sums, then the sum of dQ if there is
   * one.
   */
  @Override
  public void backward(AttentionCall call, AttentionOperands gradients, long dOut) {
    AttentionForm form = call.form();
    CompiledGraph plan = plan(new PlanKey(form, call.type(), true));
    long rowSumBytes = aligned(form.numRows() * Float.BYTES);
    long dQBytes =
        deterministic ? 0 : aligned(form.numRows() * form.queries().headDim() * Float.BYTES);
    long scratch = workspace.reserve(rowSumBytes + dQBytes + plan.workspaceBytes());
    BoundKey place = new BoundKey(call, gradients, dOut, scratch);
    CudnnDescriptor pack = bound.get(place);
    if (pack == null) {
      long[] addresses = backwardAddresses(call, gradients, dOut, scratch, rowSumBytes);
      pack = keep(place, plan.bind(addresses, scratch + rowSumBytes + dQBytes));
    }
    plan.run(library, pack);
  }

  private static long[] forwardAddresses(AttentionCall call) {
    AttentionOperands in = call.in();
    return new long[] {in.queries(), in.keys(), in.values(), call.out(), call.logSumExp()};
  }

  private static long[] backwardAddresses(
      AttentionCall call, AttentionOperands gradients, long dOut, long scratch, long rowSumBytes) {
    AttentionOperands in = call.in();
    return new long[] {
      in.queries(),
      in.keys(),
      in.values(),
      call.out(),
      dOut,
      call.logSumExp(),
      gradients.queries(),
      gradients.keys(),
      gradients.values(),
      scratch,
      scratch + rowSumBytes
    };
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
