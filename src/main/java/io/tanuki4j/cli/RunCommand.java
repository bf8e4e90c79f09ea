package io.tanuki4j.cli;

import io.tanuki4j.flags.PretrainOptions;
import java.util.Map;

/** A command that several ranks can run together, with the flags of a run. */
interface RunCommand {
  /**
   * Reads the flags after picocli has read the words, and checks them all.
   *
   * @param environment of the process that will run
   * @throws io.tanuki4j.config.ConfigException with a line for each problem
   */
  PretrainOptions.Resolved resolve(Map<String, String> environment);
}
