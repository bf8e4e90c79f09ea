package io.tanuki4j.launch;

import io.tanuki4j.train.StopRequest;
import java.util.LinkedHashMap;
import java.util.Map;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * Turns SIGTERM and SIGINT into a wish to stop: the run finishes its iteration, saves and exits.
 * The same signal once more ends the process at once. Closing brings the old handlers back.
 */
final class Signals implements AutoCloseable {
  private static final int SIGNAL_EXIT = 128;

  private final Map<Signal, SignalHandler> before = new LinkedHashMap<>();

  /** Hears nothing yet. */
  Signals() {}

  /**
   * Hears from now on; a second call does nothing, since ranks that are threads share the process.
   * A launched rank leaves SIGINT to its launcher: a terminal sends it to both, and the launcher
   * passes it on.
   */
  synchronized void intoRequests(StopRequest stop) {
    if (!before.isEmpty()) {
      return;
    }
    handle("TERM", heard -> request(stop, heard));
    boolean launched = LauncherWatch.isLaunched(System.getenv());
    handle("INT", launched ? SignalHandler.SIG_IGN : heard -> request(stop, heard));
  }

  /** Calls this at each of the signals. */
  static Signals calling(Runnable request) {
    Signals signals = new Signals();
    signals.handle("TERM", heard -> request.run());
    signals.handle("INT", heard -> request.run());
    return signals;
  }

  private void handle(String name, SignalHandler handler) {
    Signal signal = new Signal(name);
    before.put(signal, Signal.handle(signal, handler));
  }

  private static void request(StopRequest stop, Signal signal) {
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
