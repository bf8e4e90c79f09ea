package io.tanuki4j.plan;

import io.tanuki4j.backend.cuda.ComputeCapability;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GPU that need not be in this machine. Capabilities are those of NVIDIA's list of CUDA GPUs.
 *
 * @param memoryGib as a driver reports it, rounded down; 0 if unknown
 */
public record KnownDevice(String name, ComputeCapability capability, double memoryGib) {
  private static final List<KnownDevice> ALL =
      List.of(
          of("A10", 8, 6, 22),
          of("A100", 8, 0, 80),
          of("A100-40GB", 8, 0, 40),
          of("B200", 10, 0, 179),
          of("H100", 9, 0, 79),
          of("H100-NVL", 9, 0, 93),
          of("H200", 9, 0, 140),
          of("L4", 8, 9, 22),
          of("L40S", 8, 9, 44),
          of("RTX3090", 8, 6, 24),
          of("RTX4090", 8, 9, 23),
          of("RTX5090", 12, 0, 31),
          of("RTXA6000", 8, 6, 47));

  private static final Pattern CAPABILITY = Pattern.compile("(\\d{1,2})\\.(\\d)");

  private static KnownDevice of(String name, int major, int minor, int memoryGib) {
    return new KnownDevice(name, new ComputeCapability(major, minor), memoryGib);
  }

  /**
   * Finds a GPU.
   *
   * @param name in capitals or not, with blanks or not; or a compute capability
   */
  public static Optional<KnownDevice> find(String name) {
    Matcher capability = CAPABILITY.matcher(name);
    if (capability.matches()) {
      int major = Integer.parseInt(capability.group(1));
      int minor = Integer.parseInt(capability.group(2));
      return Optional.of(of("a GPU", major, minor, 0));
    }
    return ALL.stream().filter(device -> key(device.name).equals(key(name))).findFirst();
  }

  private static String key(String name) {
    return name.toUpperCase(Locale.ROOT).replaceAll("[ _-]|NVIDIA", "");
  }

  /** Returns the names of all, for messages. */
  public static List<String> names() {
    return ALL.stream().map(KnownDevice::name).toList();
  }

  /** Returns why it cannot multiply in FP8; empty if it can. */
  public Optional<String> obstacleToFp8() {
    return capability.obstacleToFp8(name);
  }
}
