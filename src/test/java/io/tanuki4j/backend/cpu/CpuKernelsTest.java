package io.tanuki4j.backend.cpu;

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
import org.junit.jupiter.api.Nested;

class CpuKernelsTest {
  private static Device open() {
    return new CpuBackend(2).openDevice(0);
  }

  @Nested
  class Matmul extends MatmulContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Fp8 extends Fp8Contract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Norm extends NormContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class LayerNorm extends LayerNormContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Rope extends RopeContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Attention extends AttentionContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class DropoutKernels extends DropoutContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class DocumentAttention extends DocumentAttentionContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class BlockAttention extends BlockAttentionContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Activation extends ActivationContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Embedding extends EmbeddingContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Loss extends LossContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class VocabParallelLoss extends VocabParallelLossContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Optimizer extends OptimizerContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Elementwise extends ElementwiseContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }

  @Nested
  class Random extends RandomContract {
    @Override
    protected Device openDevice() {
      return open();
    }
  }
}
