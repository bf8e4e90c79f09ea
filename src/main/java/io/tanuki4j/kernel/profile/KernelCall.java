package io.tanuki4j.kernel.profile;

/**
 * A kind of call: an operation on tensors of certain shapes, and its least cost.
 *
 * @param operation the method's name
 * @param shape for people
 * @param flops floating-point operations of products, a multiply and an add each counting one; 0
 *     for what only passes over memory
 * @param bytes what must be read and written if each operand passes once
 */
public record KernelCall(
    KernelFamily family, String operation, String shape, double flops, double bytes) {

  /** Returns the seconds on a machine that runs at its measured rates throughout. */
  double boundSeconds(DeviceRates rates) {
    return Math.max(flops / rates.flops(), bytes / rates.bytesPerSecond());
  }
}
