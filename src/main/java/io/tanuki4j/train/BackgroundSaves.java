package io.tanuki4j.train;

import io.tanuki4j.checkpoint.SaveFolder.JointSave;
import io.tanuki4j.parallel.Agreement;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Saves that are written while training continues, one at a time. All ranks call the same methods
 * after the same iterations: whether all have written they find out without a wait, by what they
 * had an iteration before.
 */
final class BackgroundSaves {
  private final Agreement agreement;
  private final Consumer<String> log;
  private @Nullable JointSave pending;
  private Runnable published = () -> {};
  private int numPolls;
  private boolean publishing;
  private boolean told;
  private boolean failed;

  /**
   * @param agreement of all ranks, for this alone
   */
  BackgroundSaves(Agreement agreement, Consumer<String> log) {
    this.agreement = agreement;
    this.log = log;
  }

  /**
   * Takes charge of a save.
   *
   * @param whenPublished called once
   */
  void add(JointSave save, Runnable whenPublished) {
    pending = save;
    published = whenPublished;
    numPolls = 0;
    publishing = false;
    told = false;
    failed = false;
  }

  /** Publishes a save that all ranks have written; called after each iteration. */
  void poll() {
    JointSave save = pending;
    if (save == null || failed) {
      return;
    }
    if (!publishing) {
      double unwritten = agreement.largestBefore(save.isWritten() ? 0 : 1);
      numPolls++;
      if (unwritten == 0 && (numPolls > 1 || agreement.isAlone())) {
        publishing = true;
        orWarn(save::publish);
      }
    } else if (!told && save.isPublished()) {
      tell();
    }
  }

  private void tell() {
    told = true;
    published.run();
  }

  /** Returns whether a save is not known to be published yet. */
  boolean isPending() {
    return pending != null && !told && !failed;
  }

  /**
   * Waits for the save, if there is one.
   *
   * @return whether it failed, which has been told
   */
  boolean finish() {
    JointSave save = pending;
    if (save != null && !failed) {
      orWarn(save::finish);
      if (!failed && !told) {
        tell();
      }
    }
    pending = null;
    return failed;
  }

  private void orWarn(Runnable step) {
    try {
      step.run();
    } catch (UncheckedIOException e) {
      failed = true;
      log.accept(
          "WARNING: %s The run continues; its next save waits for the disk."
              .formatted(e.getMessage()));
    }
  }
}
