package io.tanuki4j.backend.cuda;

import java.util.Map;
import java.util.TreeMap;

/** Dense BF16 rates with fp32 sums, in TFLOP/s, as NVIDIA's data sheets state them. */
final class PeakRates {
  private static final double TERA = 1e12;

  /** Keyed by a part of the GPU's name; if several match, the longest counts. */
  private static final Map<String, Double> TERAFLOPS =
      Map.ofEntries(
          Map.entry("A100", 312.0),
          Map.entry("A800", 312.0),
          Map.entry("A10", 125.0),
          Map.entry("A30", 165.0),
          Map.entry("A40", 149.7),
          Map.entry("RTX A6000", 154.8),
          Map.entry("RTX 3090", 71.0),
          Map.entry("RTX 4090", 165.2),
          Map.entry("L4", 121.0),
          Map.entry("L40", 181.0),
          Map.entry("L40S", 362.0),
          Map.entry("H100", 989.4),
          Map.entry("H100 PCIe", 756.0),
          Map.entry("H100 NVL", 835.0),
          Map.entry("H800", 989.4),
          Map.entry("H200", 989.4),
          Map.entry("GH200", 989.4),
          Map.entry("B200", 2250.0));

  private PeakRates() {}

  /** Returns the operations per second; 0 if unknown. */
  static double flops(String gpuName) {
    TreeMap<Integer, Double> byLength = new TreeMap<>();
    TERAFLOPS.forEach(
        (part, rate) -> {
          if (gpuName.contains(part)) {
            byLength.put(part.length(), rate);
          }
        });
    return byLength.isEmpty() ? 0 : byLength.lastEntry().getValue() * TERA;
  }
}
