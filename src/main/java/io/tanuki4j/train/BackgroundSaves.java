package io.tanuki4j.train;

import io.tanuki4j.checkpoint.SaveFolder.JointSave;
import io.tanuki4j.parallel.Agreement;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Saves that are written while training continues, one at a time. All ranks call the same methods
 * after the same iterations: whether a step is over on all they find out without a wait, by what
 * they had an iteration before.
 */
final class BackgroundSaves {
  private final Agreement agreement;
  private final Consumer<String> log;
  private @Nullable JointSave pending;
  private Runnable published = () -> {};
  private int numPolls;
  private boolean publishing;
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
   * @param whenPublished called once; not at all if the save fails
   */
  void add(JointSave save, Runnable whenPublished) {
    pending = save;
    published = whenPublished;
    numPolls = 0;
    publishing = false;
    failed = false;
  }

  /** Publishes a save that all ranks have written; called after each iteration. */
  void poll() {
    JointSave save = pending;
    if (save == null) {
      return;
    }
    double unfinished = agreement.largestBefore(save.isStepOver() ? 0 : 1);
    numPolls++;
    if (unfinished > 0 || (numPolls == 1 && !agreement.isAlone())) {
      return;
    }
    if (publishing) {
      finish();
    } else {
      publishing = true;
      numPolls = 0;
      orWarn(save::publish);
    }
  }

  /** Returns whether a save is not known to be published, nor to have failed. */
  boolean isPending() {
    return pending != null;
  }

  /**
   * Waits for the save, if there is one.
   *
   * @return whether the last save failed, which has been told
   */
  boolean finish() {
    JointSave save = pending;
    if (save != null) {
      orWarn(save::finish);
      pending = null;
      if (!failed) {
        published.run();
      }
    }
    return failed;
  }

  private void orWarn(Runnable step) {
    try {
      step.run();
    } catch (UncheckedIOException e) {
      failed = true;
      pending = null;
      log.accept(
          "WARNING: %s The run continues; its next save waits for the disk."
              .formatted(e.getMessage()));
    }
  }
}
