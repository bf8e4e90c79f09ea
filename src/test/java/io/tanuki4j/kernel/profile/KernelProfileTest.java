package io.tanuki4j.kernel.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import java.util.List;
import org.junit.jupiter.api.Test;

class KernelProfileTest {
  private static final KernelCall PRODUCT =
      new KernelCall(KernelFamily.MATMUL, "matmul", "NT 8×8×8 BF16", 4e12, 2e9);
  private static final KernelCall SMALL_PRODUCT =
      new KernelCall(KernelFamily.MATMUL, "matmul", "NT 1×1×1 BF16", 1e9, 1e9);
  private static final KernelCall COPY =
      new KernelCall(KernelFamily.ELEMENTWISE, "copy", "BF16 [8]", 0, 3e9);

  /** 500 TFLOP/s, 2 TB/s. */
  private static final DeviceRates RATES = new DeviceRates(5e14, 2e12);

  private static final KernelProfile PROFILE =
      new KernelProfile(
          List.of(
              new KernelProfile.Row(COPY, 2, 6),
              new KernelProfile.Row(PRODUCT, 4, 40),
              new KernelProfile.Row(SMALL_PRODUCT, 2, 4)),
          2);

  @Test
  void times_are_means_of_an_iteration_and_families_add_up_to_all() {
    assertThat(PROFILE.millisPerIteration()).isEqualTo(25);
    assertThat(PROFILE.millisByFamily())
        .containsExactly(entry(KernelFamily.MATMUL, 22.0), entry(KernelFamily.ELEMENTWISE, 3.0));
  }

  /** The bound of the small product is its memory: 1 GB at 2 TB/s take 0.5 of its 2 ms. */
  @Test
  void the_table_shows_rates_and_the_nearer_of_both_roofs() {
    List<String> table = PROFILE.table(RATES, 24.5);
    assertThat(table).hasSize(5);
    assertThat(words(table.get(1)))
        .isEqualTo("matmul NT 8×8×8 BF16 2 20.000 80.0 % 400.0 TFLOP/s 80 %");
    assertThat(words(table.get(2))).isEqualTo("copy BF16 [8] 1 3.000 12.0 % 1000.0 GB/s 50 %");
    assertThat(words(table.get(3)))
        .isEqualTo("matmul NT 1×1×1 BF16 1 2.000 8.0 % 500.0 GFLOP/s 25 %");
    assertThat(table.get(4)).startsWith("25.000 ms of kernels").contains("24.500 ms");
  }

  private static String words(String line) {
    return line.replaceAll(" +", " ");
  }
}
