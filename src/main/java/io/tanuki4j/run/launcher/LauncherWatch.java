package io.tanuki4j.run.launcher;

import java.io.IOException;
import java.io.InputStream;
import java.util.Map;

/** Lets no rank outlive its launcher, which holds the rank's input open as long as it lives. */
public final class LauncherWatch {
  private static final int EXIT_CODE = 1;

  private LauncherWatch() {}

  public static boolean isLaunched(Map<String, String> environment) {
    return environment.containsKey(LaunchSpec.LAUNCHED);
  }

  /** Ends this process once the launcher has ended without ending it. */
  public static void start() {
    Thread watch = new Thread(() -> awaitEnd(System.in), "launcher watch");
    watch.setDaemon(true);
    watch.start();
  }

  private static void awaitEnd(InputStream input) {
    try {
      while (input.read() >= 0) {
        // nothing is meant for a rank
      }
    } catch (IOException e) {
      // it is closed, too
    }
    System.err.println("tanuki4j: the launcher of this rank is gone, so it ends.");
    Runtime.getRuntime().halt(EXIT_CODE);
  }
}
