package io.tanuki4j.run;

import io.tanuki4j.run.launcher.LauncherWatch;
import io.tanuki4j.train.StopRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Turns SIGTERM and SIGINT into a wish to stop: the run finishes its iteration, saves and exits.
 * The same signal once more ends the process at once. Closing brings the old handlers back.
 *
 * <p>A launched rank may hear each signal twice: from a terminal or Slurm, which send it to all
 * processes, and from its launcher. So it heeds the first only; the second wish is its launcher's.
 */
public final class Signals implements AutoCloseable {
  private static final int SIGNAL_EXIT = 128;

  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();

  /** Hears nothing yet. */
  Signals() {}

  /**
   * Hears from now on; a second call does nothing, since ranks that are threads share the process.
   */
  synchronized void intoRequests(StopRequest stop) {
    if (!before.isEmpty()) {
      return;
    }
    if (LauncherWatch.isLaunched(System.getenv())) {
      handle(heard -> stop.request("SIG" + heard.getName()));
      before.replaceAll(
          (signal, handler) ->
              SignalHandler.SIG_IGN); // from close() on, too, for a late second one
    } else {
      handle(heard -> requestOrEnd(stop, heard));
    }
  }

  /**
   * Calls this at each of the signals.
   *
   * @param request gets its name: {@code INT}
   */
  public static Signals calling(Consumer<String> request) {
    Signals signals = new Signals();
    signals.handle(heard -> request.accept(heard.getName()));
    return signals;
  }

  private void handle(SignalHandler handler) {
    for (String name : List.of("TERM", "INT")) {
      Signal signal = new Signal(name);
      before.put(signal, Signal.handle(signal, handler));
    }
  }

  private static void requestOrEnd(StopRequest stop, Signal signal) {
    if (stop.signal().isPresent()) {
      Runtime.getRuntime().halt(SIGNAL_EXIT + signal.getNumber());
    }
    stop.request("SIG" + signal.getName());
  }

  @Override
  public synchronized void close() {
    before.forEach(Signal::handle);
  }
}
