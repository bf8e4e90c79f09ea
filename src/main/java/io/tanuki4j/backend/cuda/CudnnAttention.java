package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDnn;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.cuda.global.cudnn;

/**
 * Flash attention in BF16 by cuDNN. A shape has a plan for each direction; a plan keeps the bound
 * addresses of every layer, so a call in the steady state makes no object in cuDNN.
 */
final class CudnnAttention implements AttentionKernels, AutoCloseable {
  private static final int SEQUENCE_MULTIPLE = 128;
  private static final int HEAD_DIM_MULTIPLE = 8;
  private static final int MAX_HEAD_DIM = 128;
  private static final int MAX_BOUND = 4096;
  private static final long ALIGNMENT = 512;

  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final boolean deterministic;
  private final cudnnContext library = new cudnnContext();
  private final Map<PlanKey, CudnnPlan> plans = new HashMap<>();
  private final Map<BoundKey, CudnnDescriptor> bound = new HashMap<>();

  private record PlanKey(AttentionShape shape, boolean backward) {}

  /** Forward calls leave the gradients' addresses 0. */
  private record BoundKey(
      PlanKey plan, long qkv, long out, long logSumExp, long dQkv, long dOut, long workspace) {}

  /**
   * @param deterministic whether dQ is summed in a fixed order, at the price of a workspace that
   *     grows with s²
   */
  CudnnAttention(CudaStream stream, CudaWorkspace workspace, boolean deterministic) {
    this.stream = stream;
    this.workspace = workspace;
    this.deterministic = deterministic;
    checkDnn(cudnn.cudnnCreate(library), "cudnnCreate");
    checkDnn(cudnn.cudnnSetStream(library, stream.handle()), "cudnnSetStream");
  }

  /** cuDNN's fast kernels, and its corrections, hold for such shapes. */
  static boolean takes(DType type, AttentionShape shape) {
    return type == DType.BF16
        && shape.seqLength() % SEQUENCE_MULTIPLE == 0
        && shape.headDim() % HEAD_DIM_MULTIPLE == 0
        && shape.headDim() <= MAX_HEAD_DIM;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    PlanKey key = new PlanKey(shape, false);
    CudnnPlan plan = plan(key);
    long scratch = workspace.reserve(plan.workspaceBytes());
    BoundKey place =
        new BoundKey(key, Address.of(qkv), Address.of(out), Address.of(logSumExp), 0, 0, scratch);
    CudnnDescriptor pack = bound.get(place);
    if (pack == null) {
      pack = keep(place, plan.bind(forwardAddresses(place), scratch));
    }
    plan.run(library, pack);
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    PlanKey key = new PlanKey(shape, true);
    CudnnPlan plan = plan(key);
    long rowSumBytes = aligned(rows(shape) * Float.BYTES);
    long dQBytes = deterministic ? 0 : aligned(rows(shape) * shape.headDim() * Float.BYTES);
    long scratch = workspace.reserve(rowSumBytes + dQBytes + plan.workspaceBytes());
    BoundKey place =
        new BoundKey(
            key,
            Address.of(qkv),
            Address.of(out),
            Address.of(logSumExp),
            Address.of(dQkv),
            Address.of(dOut),
            scratch);
    CudnnDescriptor pack = bound.get(place);
    if (pack == null) {
      long[] addresses = backwardAddresses(place, rowSumBytes);
      pack = keep(place, plan.bind(addresses, scratch + rowSumBytes + dQBytes));
    }
    plan.run(library, pack);
  }

  private static long[] forwardAddresses(BoundKey place) {
    AttentionShape shape = place.plan().shape();
    long key = keyOffset(shape);
    long value = valueOffset(shape);
    return new long[] {
      place.qkv(), place.qkv() + key, place.qkv() + value, place.out(), place.logSumExp()
    };
  }

  /** The scratch begins with the row sums, then the sum of dQ if there is one. */
  private static long[] backwardAddresses(BoundKey place, long rowSumBytes) {
    AttentionShape shape = place.plan().shape();
    long key = keyOffset(shape);
    long value = valueOffset(shape);
    return new long[] {
      place.qkv(),
      place.qkv() + key,
      place.qkv() + value,
      place.out(),
      place.dOut(),
      place.logSumExp(),
      place.dQkv(),
      place.dQkv() + key,
      place.dQkv() + value,
      place.workspace(),
      place.workspace() + rowSumBytes
    };
  }

  private static long keyOffset(AttentionShape shape) {
    return (long) shape.numHeads() * shape.headDim() * DType.BF16.bytes();
  }

  private static long valueOffset(AttentionShape shape) {
    int before = shape.numHeads() + shape.numQueryGroups();
    return (long) before * shape.headDim() * DType.BF16.bytes();
  }

  private static long rows(AttentionShape shape) {
    return (long) shape.batchSize() * shape.numHeads() * shape.seqLength();
  }

  private static long aligned(long bytes) {
    return Vectors.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }

  private CudnnPlan plan(PlanKey key) {
    CudnnPlan known = plans.get(key);
    if (known != null) {
      return known;
    }
    stream.requireRunning("plan attention");
    AttentionGraph graph =
        key.backward()
            ? AttentionGraph.backward(key.shape(), deterministic)
            : AttentionGraph.forward(key.shape());
    CudnnPlan built = CudnnPlan.build(graph, library, null);
    plans.put(key, built);
    return built;
  }

  /** Layers have fixed addresses; a run that keeps moving must not fill the memory. */
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
    plans.values().forEach(CudnnPlan::close);
    checkDnn(cudnn.cudnnDestroy(library), "cudnnDestroy");
  }
}
