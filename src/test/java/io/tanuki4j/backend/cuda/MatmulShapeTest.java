package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cuda.MatmulShape.Factor;
import io.tanuki4j.backend.cuda.MatmulShape.Sizes;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import org.junit.jupiter.api.Test;

class MatmulShapeTest {
  @Test
  void the_key_of_tuned_algorithms_stays_so_that_machines_need_not_tune_again() {
    MatmulShape shape =
        new MatmulShape(
            new Factor(Op.NONE, DType.F8_E4M3),
            new Factor(Op.TRANSPOSE, DType.F8_E5M2),
            new Sizes(8, 16, 32),
            DType.BF16,
            true,
            false,
            256);
    assertThat(shape)
        .hasToString(
            "MatmulShape[opA=NONE, opB=TRANSPOSE, m=8, n=16, k=32, inA=F8_E4M3, inB=F8_E5M2,"
                + " out=BF16, add=true, fast=false, alignment=256]");
  }
}
