package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Matrix products. */
final class Nd4jMatmul implements MatmulKernels {
  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    CallChecks.product(out, a, opA, b, opB);
    INDArray product =
        Nd4j.matmul(matrix(a), matrix(b), opA == Op.TRANSPOSE, opB == Op.TRANSPOSE, false);
    TensorArrays.put(out, accumulate == Accumulate.ADD ? product.add(matrix(out)) : product);
  }
}
