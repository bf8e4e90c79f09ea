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

  static Signals intoRequests(StopRequest stop) {
    Signals signals = new Signals();
    for (String name : new String[] {"TERM", "INT"}) {
      Signal signal = new Signal(name);
      signals.before.put(signal, Signal.handle(signal, heard -> request(stop, heard)));
    }
    return signals;
  }

  private static void request(StopRequest stop, Signal signal) {
    if (stop.signal().isPresent()) {
      Runtime.getRuntime().halt(SIGNAL_EXIT + signal.getNumber());
    }
    stop.request("SIG" + signal.getName());
  }

  @Override
  public void close() {
    before.forEach(Signal::handle);
  }
}
