package io.tanuki4j.kernel;

/**
 * The description of a device, for the log.
 *
 * @param name for example the CPU's or GPU's model name
 * @param memoryBytes memory that tensors may use
 * @param peakFlops floating-point operations per second in the type of training; 0 if unknown
 */
public record DeviceInfo(String name, long memoryBytes, double peakFlops) {}
