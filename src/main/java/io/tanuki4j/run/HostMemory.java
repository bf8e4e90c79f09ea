package io.tanuki4j.run;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the machine has of memory that nothing uses. */
final class HostMemory {
  private static final Path INFO = Path.of("/proc/meminfo");
  private static final Pattern AVAILABLE = Pattern.compile("MemAvailable: +([0-9]+) kB");

  private HostMemory() {}

  /** Returns the bytes that one of several ranks may take, of half of what is there. */
  static long share(int ranksHere) {
    return available() / 2 / ranksHere;
  }

  private static long available() {
    long total = total(); // of the container, if it has a limit
    try {
      Matcher line = AVAILABLE.matcher(Files.readString(INFO));
      return line.find() ? Math.min(total, Long.parseLong(line.group(1)) << 10) : total / 2;
    } catch (IOException e) {
      return total / 2;
    }
  }

  private static long total() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getTotalMemorySize()
        : Runtime.getRuntime().maxMemory();
  }
}
