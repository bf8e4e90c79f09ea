package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.optim.OptimizerSchedule.Conflict;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OptimizerScheduleTest {
  private final List<String> log = new ArrayList<>();

  @Test
  void the_first_update_uses_the_rate_before_any_sample() {
    OptimizerSchedule schedule = new OptimizerSchedule(Schedules.cosine());
    assertThat(schedule.learningRate()).isZero();
    schedule.advance(5);
    assertThat(schedule.learningRate()).isEqualTo(.0005);
    assertThat(schedule.weightDecay()).isEqualTo(.1);
  }

  @Test
  void a_loaded_schedule_goes_on_where_the_saved_one_stopped() {
    OptimizerSchedule saved = new OptimizerSchedule(Schedules.cosine());
    saved.advance(55);
    OptimizerSchedule loaded = new OptimizerSchedule(Schedules.cosine());
    loaded.load(saved.state(), Conflict.FAIL, 4, log::add);
    assertThat(loaded.learningRate()).isEqualTo(saved.learningRate());
    assertThat(loaded.state()).isEqualTo(saved.state());
    assertThat(log).isEmpty();
  }

  @Test
  void the_state_has_megatrons_keys() {
    assertThat(new OptimizerSchedule(Schedules.cosine()).state())
        .containsOnlyKeys(
            "max_lr",
            "lr_warmup_steps",
            "num_steps",
            "lr_decay_style",
            "lr_decay_steps",
            "min_lr",
            "start_wd",
            "end_wd",
            "wd_incr_style",
            "wd_incr_steps");
  }

  @Test
  void a_mismatch_ends_with_a_sentence() {
    assertThatThrownBy(() -> resumed(Conflict.FAIL))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "--lr: 0.001 (expected: 0.002, as in the checkpoint). Change it back, or give"
                + " --override-opt_param-scheduler to continue with 0.001, or"
                + " --use-checkpoint-opt_param-scheduler with 0.002. (OptimizerParamScheduler:"
                + " class input value 0.001 and checkpointvalue 0.002 for learning rate do not"
                + " match.)");
  }

  @Test
  void a_run_of_another_length_is_told_the_flags_that_say_it() {
    assertThat(SavedSetting.RAMP.mismatch("1472", "1280", 64))
        .startsWith(
            "--train-iters or --train-samples: 1472 samples, 23 iterations (expected: 1280 samples,"
                + " 20 iterations, as in the checkpoint). Change it back, or give"
                + " --override-opt_param-scheduler to continue with 1472 and train longer or"
                + " shorter, or")
        .endsWith(
            "class input value 1472 and checkpointvalue 1280 for total number of weight decay"
                + " iterations do not match.)");
  }

  @Test
  void overriding_keeps_the_configured_values_and_the_saved_position() {
    OptimizerSchedule schedule = resumed(Conflict.KEEP_CONFIGURED);
    assertThat(schedule.learningRate()).isEqualTo(.000505);
    assertThat(log)
        .contains(
            " > overriding learning rate value to 0.001",
            " > overriding total number of iterations value to 100")
        .hasSize(9);
  }

  @Test
  void the_checkpoints_values_can_be_taken() {
    OptimizerSchedule schedule = resumed(Conflict.TAKE_SAVED);
    assertThat(schedule.learningRate()).isEqualTo(.001005);
    assertThat(log)
        .contains(
            " > using checkpoint value 0.002 for learning rate",
            " > using checkpoint value linear for learning rate decay style");
  }

  @Test
  void an_incomplete_state_ends_with_a_sentence() {
    OptimizerSchedule schedule = new OptimizerSchedule(Schedules.cosine());
    assertThatThrownBy(() -> schedule.load(Map.of("max_lr", "high"), Conflict.FAIL, 4, log::add))
        .hasMessage(
            "the checkpoint's schedule has max_lr: high (expected: a number). Use --no-load-optim"
                + " to start the schedule anew.");
  }

  /** Half-way through another schedule, then continued with the cosine. */
  private OptimizerSchedule resumed(Conflict conflict) {
    OptimizerSchedule saved =
        new OptimizerSchedule(
            new ScheduleConfig(
                new LearningRate(DecayStyle.LINEAR, 2e-3, 1e-5, 0, 10, 100),
                new FinalDecay(DecayStyle.LINEAR, 0),
                new WeightDecay(DecayStyle.CONSTANT, 0.1, 0.1, 100)));
    saved.advance(55);
    OptimizerSchedule schedule = new OptimizerSchedule(Schedules.cosine());
    schedule.load(saved.state(), conflict, 4, log::add);
    return schedule;
  }
}
