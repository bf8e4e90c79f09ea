package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.ActivationContract;
import io.tanuki4j.kernel.AttentionContract;
import io.tanuki4j.kernel.BlockAttentionContract;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DocumentAttentionContract;
import io.tanuki4j.kernel.DropoutContract;
import io.tanuki4j.kernel.ElementwiseContract;
import io.tanuki4j.kernel.EmbeddingContract;
import io.tanuki4j.kernel.Fp8Contract;
import io.tanuki4j.kernel.LayerNormContract;
import io.tanuki4j.kernel.LossContract;
import io.tanuki4j.kernel.MatmulContract;
import io.tanuki4j.kernel.NormContract;
import io.tanuki4j.kernel.OptimizerContract;
import io.tanuki4j.kernel.RandomContract;
import io.tanuki4j.kernel.RopeContract;
import io.tanuki4j.kernel.VocabParallelLossContract;
import io.tanuki4j.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class CudaKernelsTest {
  /** Odd ones, and multiples of the widest access, which take another way through the kernels. */
  private static final int[] SIZES = {1, 7, 8, 33, 257, 264};

  private static Stream<DType> computeTypes() {
    return Stream.of(DType.F32, DType.BF16, DType.F16);
  }

  @Nested
  class Matmul extends MatmulContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Fp8 extends Fp8Contract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }
  }

  @Nested
  class Norm extends NormContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class LayerNorm extends LayerNormContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Rope extends RopeContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Attention extends AttentionContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class DropoutKernels extends DropoutContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class DocumentAttention extends DocumentAttentionContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class BlockAttention extends BlockAttentionContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Activation extends ActivationContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Embedding extends EmbeddingContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Loss extends LossContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class VocabParallelLoss extends VocabParallelLossContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Optimizer extends OptimizerContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Elementwise extends ElementwiseContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }

  @Nested
  class Random extends RandomContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }

    @Override
    protected int[] sizes() {
      return SIZES;
    }
  }
}
