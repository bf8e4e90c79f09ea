package io.tanuki4j.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.cli.CommandLines;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.RandomBatches;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.profile.KernelFamily;
import io.tanuki4j.kernel.profile.KernelProfile;
import io.tanuki4j.kernel.profile.ProfiledDevice;
import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.run.Closer;
import io.tanuki4j.run.RankModel;
import io.tanuki4j.tensor.Tensor;
import io.tanuki4j.train.TrainStep;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Iterations of a small model, profiled and not. */
class ProfiledRunTest {
  private static final int VOCAB_SIZE = 128;
  private static final int NUM_MICROBATCHES = 3;

  @TempDir Path folder;
  private RunConfig config;

  @BeforeEach
  void read_flags() throws IOException {
    config = new CommandLines(folder).config("--global-batch-size 6");
  }

  /** Two iterations, and a third one whose calls may be timed. */
  private static final class Iterations {
    private final RankModel model;
    private final TrainStep step;
    private final RandomBatches batches;

    Iterations(RunConfig config, Device device, Closer closer) {
      model = RankModel.build(config, VOCAB_SIZE, device, ParallelContext.single(device), closer);
      model.initialize(config.train().seed());
      step =
          new TrainStep(
              device,
              model.runner(closer),
              model.data(),
              model.optimizer(config.optimizer(), false),
              model.memory());
      batches =
          new RandomBatches(
              config.model().sizes().seqLength(),
              config.train().batches().microBatchSize(),
              VOCAB_SIZE,
              7,
              1);
    }

    void run() {
      step.run(batches, NUM_MICROBATCHES, Rates.of(1e-3, 0.1));
    }

    byte[] gradients() {
      return bytes(model.parameters().grads());
    }

    byte[] weights() {
      return bytes(model.parameters().values());
    }

    private byte[] bytes(Tensor tensor) {
      ByteBuffer host = ByteBuffer.allocate((int) tensor.numBytes());
      model.device().download(host, tensor);
      return host.array();
    }
  }

  @Test
  void a_profile_changes_no_bit_of_gradients_and_weights() {
    try (Closer closer = new Closer()) {
      CpuBackend backend = closer.add(new CpuBackend(1));
      Iterations plain = new Iterations(config, closer.add(backend.openDevice(0)), closer);
      ProfiledDevice device = closer.add(new ProfiledDevice(backend.openDevice(0)));
      Iterations profiled = new Iterations(config, device, closer);
      for (int i = 0; i < 3; i++) {
        plain.run();
      }
      profiled.run();
      profiled.run();
      device.startProfile();
      profiled.run();
      device.stopProfile(1);
      assertThat(profiled.gradients()).isEqualTo(plain.gradients());
      assertThat(profiled.weights()).isEqualTo(plain.weights());
    }
  }

  @Test
  void the_calls_do_the_work_that_a_token_is_known_to_take() {
    try (Closer closer = new Closer()) {
      ProfiledDevice device = closer.add(new ProfiledDevice(new CpuBackend(1).openDevice(0)));
      Iterations iterations = new Iterations(config, device, closer);
      iterations.run();
      iterations.run();
      device.startProfile();
      iterations.run();
      KernelProfile profile = device.stopProfile(1);

      int layers = config.model().sizes().numLayers();
      assertThat(calls(profile, "matmul")).isEqualTo(NUM_MICROBATCHES * (layers * 4 + 1) * 3);
      assertThat(calls(profile, "causalAttentionForward")).isEqualTo(NUM_MICROBATCHES * layers);
      assertThat(calls(profile, "addRmsNormForward")).isEqualTo(NUM_MICROBATCHES * layers);
      assertThat(calls(profile, "adamW")).isEqualTo(2);

      double tokens = 6 * config.model().sizes().seqLength();
      double all = tokens * FlopsPerToken.of(iterations.model.shape());
      double attention = tokens * FlopsPerToken.withFullAttention(iterations.model.shape()) - all;
      assertThat(flops(profile, KernelFamily.MATMUL)).isCloseTo(all - attention, within(1.0));
      // Of three parts one is the forward, two are the backward without the scores' second time.
      assertThat(flops(profile, KernelFamily.ATTENTION)).isCloseTo(attention * 7 / 6, within(1.0));
    }
  }

  private static long calls(KernelProfile profile, String operation) {
    return profile.rows().stream()
        .filter(row -> row.call().operation().equals(operation))
        .mapToLong(KernelProfile.Row::calls)
        .sum();
  }

  private static double flops(KernelProfile profile, KernelFamily family) {
    return profile.rows().stream()
        .filter(row -> row.call().family() == family)
        .mapToDouble(row -> row.call().flops() * row.calls())
        .sum();
  }
}
