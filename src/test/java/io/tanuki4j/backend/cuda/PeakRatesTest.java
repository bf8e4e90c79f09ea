package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PeakRatesTest {
  @ParameterizedTest
  @CsvSource({
    "NVIDIA A100-SXM4-80GB, 312, 0",
    "NVIDIA A100 80GB PCIe, 312, 0",
    "NVIDIA H100 80GB HBM3, 989.4, 1978.9",
    "NVIDIA H100 PCIe, 756.5, 1513",
    "NVIDIA H100 NVL, 835.5, 1670.5",
    "NVIDIA H200, 989.4, 1978.9",
    "NVIDIA GH200 480GB, 989.4, 1978.9",
    "NVIDIA B200, 2250, 4500",
    "NVIDIA GeForce RTX 3090, 71, 0",
    "NVIDIA GeForce RTX 3090 Ti, 80, 0",
    "NVIDIA GeForce RTX 4090, 165.2, 330.3",
    "NVIDIA RTX A6000, 154.8, 0",
    "NVIDIA RTX 6000 Ada Generation, 364.2, 728.5",
    "NVIDIA L40S, 362, 733",
    "NVIDIA L40, 181, 362",
    "NVIDIA L4, 121, 242.5",
  })
  void a_known_gpu_has_the_rates_of_its_data_sheet(String name, double bf16, double fp8) {
    assertThat(PeakRates.of(name)).isEqualTo(new PeakRates(bf16 * 1e12, fp8 * 1e12));
  }

  @Test
  void other_gpus_and_slower_variants_are_unknown() {
    for (String name :
        new String[] {
          "NVIDIA RTX A4000",
          "NVIDIA GeForce RTX 4090 Laptop GPU",
          "NVIDIA GeForce RTX 4090 D",
          "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
          "Tesla V100-SXM2-32GB",
          "NVIDIA A1000",
        }) {
      assertThat(PeakRates.of(name).bf16()).as(name).isZero();
    }
  }
}
