package io.tanuki4j.backend.cuda;

import java.util.Comparator;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The peak rates of a GPU's dense products with fp32 sums, in operations per second; 0 if unknown.
 *
 * <p>Sources are NVIDIA's data sheets of the A100, A800, A10, A30, A40, H100, H200, H20, L4, L40,
 * L40S, RTX A5000, RTX A6000 and RTX 6000 Ada, of HGX B100, B200 and GB200 NVL72, and the
 * architecture papers of GA102 (RTX 30), Ada (RTX 40) and RTX Blackwell (RTX 50). Sheets that state
 * rates "with sparsity" count here by half.
 */
record PeakRates(double bf16, double fp8) {
  private static final double TERA = 1e12;
  private static final PeakRates UNKNOWN = new PeakRates(0, 0);

  /** Variants that are slower than the card whose name they contain. */
  private static final Pattern SLOWER = Pattern.compile("\\b(Laptop|Max-Q|MIG|[45]090 D)\\b");

  private static final PeakRates H100_SXM = teraflops(989.4, 1978.9);
  private static final PeakRates H100_NVL = teraflops(835.5, 1670.5);
  private static final PeakRates A100 = teraflops(312, 0);

  /** Keyed by words of the GPU's name; if several match, the longest counts. */
  private static final Map<String, PeakRates> BY_NAME =
      Map.ofEntries(
          Map.entry("A10", teraflops(125, 0)),
          Map.entry("A30", teraflops(165, 0)),
          Map.entry("A40", teraflops(149.7, 0)),
          Map.entry("A100", A100),
          Map.entry("A800", A100),
          Map.entry("B100", teraflops(1750, 3500)),
          Map.entry("B200", teraflops(2250, 4500)),
          Map.entry("GB200", teraflops(2500, 5000)),
          Map.entry("GH200", H100_SXM),
          Map.entry("H20", teraflops(148, 296)),
          Map.entry("H100", H100_SXM),
          Map.entry("H100 NVL", H100_NVL),
          Map.entry("H100 PCIe", teraflops(756.5, 1513)),
          Map.entry("H200", H100_SXM),
          Map.entry("H200 NVL", H100_NVL),
          Map.entry("H800", H100_SXM),
          Map.entry("L4", teraflops(121, 242.5)),
          Map.entry("L40", teraflops(181, 362)),
          Map.entry("L40S", teraflops(362, 733)),
          Map.entry("RTX 3080", teraflops(59.5, 0)),
          Map.entry("RTX 3090", teraflops(71, 0)),
          Map.entry("RTX 3090 Ti", teraflops(80, 0)),
          Map.entry("RTX 4080", teraflops(97.5, 194.9)),
          Map.entry("RTX 4090", teraflops(165.2, 330.3)),
          Map.entry("RTX 5090", teraflops(209.5, 419)),
          Map.entry("RTX 6000 Ada", teraflops(364.2, 728.5)),
          Map.entry("RTX A5000", teraflops(111.1, 0)),
          Map.entry("RTX A6000", teraflops(154.8, 0)));

  /** Finds the rates of a GPU by the name that CUDA gives it. */
  static PeakRates of(String gpuName) {
    if (SLOWER.matcher(gpuName).find()) {
      return UNKNOWN;
    }
    return BY_NAME.keySet().stream()
        .filter(words -> Pattern.compile("\\b" + words + "\\b").matcher(gpuName).find())
        .max(Comparator.comparingInt(String::length))
        .map(BY_NAME::get)
        .orElse(UNKNOWN);
  }

  private static PeakRates teraflops(double bf16, double fp8) {
    return new PeakRates(bf16 * TERA, fp8 * TERA);
  }
}
