package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Rows by token id; see embedding.cu. */
final class CudaEmbedding implements EmbeddingKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaEmbedding(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    int columns = Expect.columns(weight);
    check(out, "out", tokens, weight);
    Expect.sameType("out of embedding", out, weight);
    int vector = Vectors.width(out.dtype(), columns, out, weight);
    PairVariant variant = PairVariant.embedding(DType.F32, out.dtype(), vector);
    CudaFunction function = modules.function(variant, "embedding_forward");
    function.arg(out).arg(tokens).arg(weight).arg(columns).arg(firstRow).arg(Expect.rows(weight));
    function.launch(tokens.numElements(), THREADS);
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    int columns = Expect.columns(dWeight);
    long count = tokens.numElements();
    check(dOut, "dOut", tokens, dWeight);
    Expect.sumType("dWeight of embedding", dWeight, dOut);
    int vector = Vectors.width(dOut.dtype(), columns, dWeight, dOut);
    PairVariant variant = PairVariant.embedding(dWeight.dtype(), dOut.dtype(), vector);
    CudaFunction function = modules.function(variant, "embedding_backward");
    function.arg(dWeight).arg(dOut).arg(tokens).arg(count).arg(columns);
    function.arg(firstRow).arg(Expect.rows(dWeight));
    long columnBlocks = Vectors.ceilDiv(columns, (long) THREADS * vector);
    function.launch(count, Math.toIntExact(columnBlocks), 1, THREADS, 1);
  }

  private static void check(Tensor rows, String name, Tensor tokens, Tensor table) {
    Expect.computeType(name + " of embedding", rows);
    Expect.dtype("tokens of embedding", tokens, DType.I32);
    Expect.matrix(name + " of embedding", rows, tokens.numElements(), Expect.columns(table));
  }
}
