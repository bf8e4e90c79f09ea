package io.tanuki4j.optim;

/**
 * A setting of the schedules that a checkpoint keeps, under the names that Megatron and the user
 * know.
 */
enum SavedSetting {
  MAX_RATE("max_lr", "learning rate", "--lr"),
  MIN_RATE("min_lr", "minimum learning rate", "--min-lr"),
  WARMUP(
      "lr_warmup_steps",
      "warmup iterations",
      "--lr-warmup-iters, --lr-warmup-samples or --lr-warmup-fraction"),
  DECAY(
      "lr_decay_steps",
      "total number of iterations",
      "--lr-decay-iters or --train-iters, or the same in samples"),
  STYLE("lr_decay_style", "learning rate decay style", "--lr-decay-style"),
  START_DECAY("start_wd", "start weight decay", "--start-weight-decay or --weight-decay"),
  END_DECAY("end_wd", "end weight decay", "--end-weight-decay or --weight-decay"),
  RAMP(
      "wd_incr_steps",
      "total number of weight decay iterations",
      "--train-iters or --train-samples"),
  RAMP_STYLE("wd_incr_style", "weight decay incr style", "--weight-decay-incr-style");

  private final String key;
  private final String megatronName;
  private final String flags;

  SavedSetting(String key, String megatronName, String flags) {
    this.key = key;
    this.megatronName = megatronName;
    this.flags = flags;
  }

  /** Returns the key under which a checkpoint holds it. */
  String key() {
    return key;
  }

  /** Returns its name in Megatron's log. */
  String megatronName() {
    return megatronName;
  }

  /**
   * Returns a message that the run's setting differs from its checkpoint's. The sentence that users
   * of Megatron look for follows at the end.
   *
   * @param configured the run's value, and {@code saved} the checkpoint's
   * @param globalBatchSize samples of an iteration, which most users count lengths in
   */
  String mismatch(String configured, String saved, int globalBatchSize) {
    return ("%s: %s (expected: %s, as in the checkpoint). Change it back, or give"
            + " --override-opt_param-scheduler to continue with %s%s, or"
            + " --use-checkpoint-opt_param-scheduler with %s. (OptimizerParamScheduler: class input"
            + " value %s and checkpointvalue %s for %s do not match.)")
        .formatted(
            flags,
            shown(configured, globalBatchSize),
            shown(saved, globalBatchSize),
            configured,
            isLength() ? " and train longer or shorter" : "",
            saved,
            configured,
            saved,
            megatronName);
  }

  private String shown(String value, int globalBatchSize) {
    return isLength()
        ? "%s samples, %.0f iterations"
            .formatted(value, Math.ceil(Double.parseDouble(value) / globalBatchSize))
        : value;
  }

  private boolean isLength() {
    return this == WARMUP || this == DECAY || this == RAMP;
  }
}
