package io.tanuki4j.backend.cuda;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/**
 * Attention by kernels of our own, for shapes and types that cuDNN does not support; see
 * attention.cu and merge.cu.
 */
final class PlainAttention implements AttentionEngine {
  private static final int THREADS = 128;
  private static final int VECTOR = 8;
  private static final int MAX_HEAD_DIM = 256;

  private final CudaModules modules;
  private final CudaWorkspace workspace;

  PlainAttention(CudaModules modules, CudaWorkspace workspace) {
    this.modules = modules;
    this.workspace = workspace;
  }

  @Override
  public void forward(AttentionCall call) {
    AttentionForm form = call.form();
    requireHeadDim(form);
    CudaFunction function = function(call.type(), "attention_forward");
    function.arg(call.out()).arg(call.logSumExp());
    addOperands(function, call.in());
    addForm(function, call).arg(form.scale());
    launch(function, form, form.numQueries(), form.queries().numHeads());
  }

  @Override
  public void backward(AttentionCall call, AttentionOperands gradients, long dOut) {
    AttentionForm form = call.form();
    requireHeadDim(form);
    long delta = workspace.reserve(form.numRows() * Float.BYTES);
    CudaFunction rowSums = function(call.type(), "attention_delta");
    rowSums.arg(delta).arg(dOut).arg(call.out());
    launch(addForm(rowSums, call), form, form.numQueries(), form.queries().numHeads());

    CudaFunction ofQueries = function(call.type(), "attention_backward_query");
    ofQueries.arg(gradients.queries()).arg(form.queryGradWidth());
    addBackward(ofQueries, call, dOut, delta);
    launch(ofQueries, form, form.numQueries(), form.queries().numHeads());

    CudaFunction ofKeys = function(call.type(), "attention_backward_key");
    ofKeys.arg(gradients.keys()).arg(gradients.values());
    addBackward(ofKeys, call, dOut, delta);
    launch(ofKeys, form, form.numKeys(), form.queries().numQueryGroups());
  }

  /** Merges two partial results; see {@link io.tanuki4j.kernel.AttentionKernels#mergeAttention}. */
  void merge(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    int vector = shape.headDim() % VECTOR == 0 ? VECTOR : 1;
    CudaFunction function =
        modules.function(
            PairVariant.rowSums("merge", out.dtype(), partOut.dtype(), vector), "attention_merge");
    function.arg(out).arg(logSumExp).arg(partOut).arg(partLogSumExp);
    function.arg(shape.seqLength()).arg(partOut.dim(0)).arg(shape.batchSize());
    function.arg(shape.numHeads()).arg(shape.headDim());
    function.launch(partOut.dim(0), shape.batchSize(), 1, THREADS, 1);
  }

  private CudaFunction function(DType type, String name) {
    return modules.function(new RowVariant("attention", type, 1), name);
  }

  private static void addBackward(
      CudaFunction function, AttentionCall call, long dOut, long delta) {
    function.arg(dOut).arg(delta).arg(call.logSumExp());
    addOperands(function, call.in());
    addForm(function, call).arg(call.form().scale());
  }

  private static void addOperands(CudaFunction function, AttentionOperands in) {
    function.arg(in.queries()).arg(in.keys()).arg(in.values());
  }

  private static CudaFunction addForm(CudaFunction function, AttentionCall call) {
    AttentionForm form = call.form();
    AttentionShape queries = form.queries();
    function.arg(form.numQueries()).arg(form.numKeys()).arg(queries.batchSize());
    function.arg(queries.numHeads()).arg(queries.numQueryGroups()).arg(queries.headDim());
    function.arg(form.queryWidth()).arg(form.keyWidth());
    function.arg(form.causal() ? 1 : 0);
    MaskOperands mask = call.mask();
    function.arg(mask.documentStarts()).arg(mask.queryPositions()).arg(mask.keyPositions());
    function.arg(mask.samples()).arg(mask.key()).arg(mask.keptBelow()).arg(mask.factor());
    return function.arg(mask.firstHead());
  }

  private static void launch(CudaFunction function, AttentionForm form, int positions, int heads) {
    function.launch(positions, heads, form.queries().batchSize(), THREADS, 1);
  }

  private static void requireHeadDim(AttentionForm form) {
    if (form.queries().headDim() > MAX_HEAD_DIM) {
      throw new UserException(
          "head dim %d of attention (expected: at most %d). Choose another --kv-channels."
              .formatted(form.queries().headDim(), MAX_HEAD_DIM));
    }
  }
}
