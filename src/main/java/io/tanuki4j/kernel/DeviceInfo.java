package io.tanuki4j.kernel;

/**
 * The description of a device, for the log.
 *
 * @param name for example the CPU's or GPU's model name
 * @param memoryBytes memory that tensors may use
 * @param peakFlops floating-point operations per second of dense products in BF16 or F16; 0 if
 *     unknown
 * @param peakFp8Flops the same in FP8; 0 if unknown or not supported
 */
public record DeviceInfo(String name, long memoryBytes, double peakFlops, double peakFp8Flops) {
  /** Describes a device whose peak is unknown. */
  public DeviceInfo(String name, long memoryBytes) {
    this(name, memoryBytes, 0, 0);
  }
}
