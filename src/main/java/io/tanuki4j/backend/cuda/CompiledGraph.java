package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDnn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.jspecify.annotations.Nullable;

/** A graph with the kernels that cuDNN has chosen for it. */
final class CompiledGraph implements AutoCloseable {
  private static final int[] MODES = {cudnn.CUDNN_HEUR_MODE_A, cudnn.CUDNN_HEUR_MODE_FALLBACK};

  /** There is no plan for a graph on this GPU with this version of cuDNN. */
  static final class UnsupportedException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    UnsupportedException(String reasons) {
      super(reasons);
    }
  }

  private final AttentionGraph attention;
  private final CudnnDescriptor plan;
  private final long workspaceBytes;

  private CompiledGraph(AttentionGraph attention, CudnnDescriptor plan) {
    this.attention = attention;
    this.plan = plan;
    workspaceBytes = plan.getLong(cudnn.CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
  }

  /**
   * Builds the first of cuDNN's proposals that it supports. Takes about a second.
   *
   * @param library null where there is no GPU: then deviceProperties describes the GPU to compile
   *     for
   * @throws UnsupportedException with cuDNN's reasons, if there is none
   */
  static CompiledGraph build(
      AttentionGraph attention,
      @Nullable cudnnContext library,
      @Nullable CudnnDescriptor deviceProperties) {
    CudnnGraph graph = attention.graph();
    CudnnDescriptor operations =
        graph
            .create(cudnn.CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATIONGRAPH_OPS, graph.operations());
    if (library != null) {
      operations.set(
          cudnn.CUDNN_ATTR_OPERATIONGRAPH_HANDLE, cudnn.CUDNN_TYPE_HANDLE, library.address());
    }
    operations.finish();
    List<String> refusals = new ArrayList<>();
    for (int mode : MODES) {
      for (CudnnDescriptor config : proposals(graph, operations, mode, deviceProperties)) {
        CudnnDescriptor plan = graph.create(cudnn.CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
        if (library != null) {
          plan.set(
              cudnn.CUDNN_ATTR_EXECUTION_PLAN_HANDLE, cudnn.CUDNN_TYPE_HANDLE, library.address());
        }
        plan.setDescriptors(cudnn.CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);
        if (deviceProperties != null) {
          plan.setDescriptors(cudnn.CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, deviceProperties);
        }
        if (plan.tryFinish() == cudnn.CUDNN_STATUS_SUCCESS) {
          return new CompiledGraph(attention, plan);
        }
        refusals.add(CudaException.lastDnnError());
      }
    }
    throw new UnsupportedException("cuDNN cannot run this attention: " + refusals);
  }

  private static List<CudnnDescriptor> proposals(
      CudnnGraph graph,
      CudnnDescriptor operations,
      int mode,
      @Nullable CudnnDescriptor deviceProperties) {
    CudnnDescriptor heuristic =
        graph
            .create(cudnn.CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, operations)
            .setInt(cudnn.CUDNN_ATTR_ENGINEHEUR_MODE, cudnn.CUDNN_TYPE_HEUR_MODE, mode);
    if (deviceProperties != null) {
      heuristic.setDescriptors(cudnn.CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, deviceProperties);
    }
    if (heuristic.tryFinish() != cudnn.CUDNN_STATUS_SUCCESS) {
      return List.of();
    }
    int results = cudnn.CUDNN_ATTR_ENGINEHEUR_RESULTS;
    int offered = getDescriptors(heuristic, results, null, 0);
    List<CudnnDescriptor> configs = new ArrayList<>();
    long[] addresses = new long[offered];
    for (int i = 0; i < offered; i++) {
      configs.add(graph.create(cudnn.CUDNN_BACKEND_ENGINECFG_DESCRIPTOR));
      addresses[i] = configs.get(i).handle().address();
    }
    if (offered == 0) {
      return List.of();
    }
    try (LongPointer pointers = new LongPointer(addresses)) {
      return configs.subList(0, getDescriptors(heuristic, results, pointers, offered));
    }
  }

  /** Returns how many descriptors there are, or how many of the given ones were filled. */
  private static int getDescriptors(
      CudnnDescriptor from, int attribute, @Nullable LongPointer into, int size) {
    try (LongPointer count = new LongPointer(1)) {
      checkDnn(
          cudnn.cudnnBackendGetAttribute(
              from.handle(), attribute, cudnn.CUDNN_TYPE_BACKEND_DESCRIPTOR, size, count, into),
          "cudnnBackendGetAttribute " + attribute);
      return Math.toIntExact(count.get());
    }
  }

  long workspaceBytes() {
    return workspaceBytes;
  }

  /**
   * Binds addresses to the graph, which can then run any number of times.
   *
   * @param addresses in the order of {@link AttentionGraph#inputs}
   */
  CudnnDescriptor bind(long[] addresses, long workspace) {
    List<CudnnTensor> inputs = attention.inputs();
    int count = inputs.size() + attention.graph().scalars().size();
    long[] ids = new long[count];
    long[] all = new long[count];
    int next = 0;
    for (; next < inputs.size(); next++) {
      ids[next] = inputs.get(next).id();
      all[next] = addresses[next];
    }
    for (var scalar : attention.graph().scalars().entrySet()) {
      FloatPointer value = scalar.getValue();
      ids[next] = scalar.getKey();
      all[next++] = value.address();
    }
    return new CudnnDescriptor(cudnn.CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR)
        .set(cudnn.CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, cudnn.CUDNN_TYPE_INT64, ids)
        .set(cudnn.CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, cudnn.CUDNN_TYPE_VOID_PTR, all)
        .set(cudnn.CUDNN_ATTR_VARIANT_PACK_WORKSPACE, cudnn.CUDNN_TYPE_VOID_PTR, workspace)
        .finish();
  }

  void run(cudnnContext library, CudnnDescriptor bound) {
    checkDnn(
        cudnn.cudnnBackendExecute(library, plan.handle(), bound.handle()), "cudnnBackendExecute");
  }

  @Override
  public void close() {
    attention.close();
  }
}
