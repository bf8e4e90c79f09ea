package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.ActivationContract;
import io.tanuki4j.kernel.AttentionContract;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.ElementwiseContract;
import io.tanuki4j.kernel.EmbeddingContract;
import io.tanuki4j.kernel.LossContract;
import io.tanuki4j.kernel.MatmulContract;
import io.tanuki4j.kernel.NormContract;
import io.tanuki4j.kernel.OptimizerContract;
import io.tanuki4j.kernel.RandomContract;
import io.tanuki4j.kernel.RopeContract;
import io.tanuki4j.tensor.DType;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;

@Tag("gpu")
class CudaKernelsTest {
  private static Stream<DType> computeTypes() {
    return Stream.of(DType.F32, DType.BF16);
  }

  @Nested
  class Matmul extends MatmulContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Norm extends NormContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Rope extends RopeContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Attention extends AttentionContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Activation extends ActivationContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Embedding extends EmbeddingContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Loss extends LossContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Optimizer extends OptimizerContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Elementwise extends ElementwiseContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }

  @Nested
  class Random extends RandomContract {
    @Override
    protected Device openDevice() {
      return TestGpu.open();
    }

    @Override
    protected Device openReference() {
      return TestGpu.openCpu();
    }

    @Override
    protected Stream<DType> types() {
      return computeTypes();
    }
  }
}
