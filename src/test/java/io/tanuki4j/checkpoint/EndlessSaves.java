package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A program that saves until it is killed: after the latest checkpoint come three new iterations,
 * each saved twice, and again the last. Every element of iteration i is i. Each of its ranks has
 * some of the tensors.
 */
final class EndlessSaves {
  private static final long STAGE_BYTES = 8 << 20;

  static final int NUM_TENSORS = 12;
  static final Shape SHAPE = Shape.of(128, 256);

  private EndlessSaves() {}

  public static void main(String[] arguments) {
    Path folder = Path.of(arguments[0]);
    RankThreads.run(
        Integer.parseInt(arguments[1]),
        Duration.ofSeconds(20),
        seat -> {
          HostDevice device = new HostDevice();
          List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
          ProcessGroup world = seat.processGroups(device).create("world", List.of(all));
          TextExchange ranks = TextExchange.over(world, device);
          boolean behind = arguments[2].equals("async");
          save(folder, device, ranks, behind);
        });
  }

  private static void save(Path path, HostDevice device, TextExchange ranks, boolean behind) {
    SaveFolder folder = new SaveFolder(path, ranks, Retention.ALL);
    StagedWriter stage =
        StagedWriter.Size.holding(STAGE_BYTES, STAGE_BYTES).open(device::openStage);
    long iteration =
        new CheckpointStore(path, ranks)
            .latest()
            .map(latest -> latest.state().iteration())
            .orElse(0L);
    for (int i = 0; ; i++) {
      iteration += i % 2 == 0 && i < 6 ? 1 : 0;
      TrainState state =
          new TrainState(iteration, iteration, 0, 0, Map.of(), Map.of(), Map.of("save", i));
      RankTensors here =
          new RankTensors(
              share(tensors(device, "", iteration), ranks),
              share(tensors(device, "exp_avg.", iteration), ranks));
      if (behind) {
        behind(folder.begin(stage, state, List.of(here)));
      } else {
        folder.save(device, state, here);
      }
      if (ranks.rank() == 0) {
        System.out.println(iteration);
      }
    }
  }

  /** Publishes a save as a run does, and waits for it. */
  private static void behind(SaveFolder.JointSave save) {
    while (!save.isStepOver()) {
      Thread.onSpinWait();
    }
    save.publish();
    save.finish();
  }

  private static List<ShardedTensor> share(List<ShardedTensor> tensors, TextExchange ranks) {
    int from = NUM_TENSORS * ranks.rank() / ranks.size();
    return tensors.subList(from, NUM_TENSORS * (ranks.rank() + 1) / ranks.size());
  }

  static List<ShardedTensor> tensors(HostDevice device, String prefix, long value) {
    float[] values = new float[(int) SHAPE.numElements()];
    Arrays.fill(values, (float) value);
    List<ShardedTensor> tensors = new ArrayList<>();
    for (int i = 0; i < NUM_TENSORS; i++) {
      tensors.add(
          new ShardedTensor(
              prefix + "layers.%d.weight".formatted(i),
              SHAPE,
              0,
              0,
              device.tensor(SHAPE, DType.F32, values)));
    }
    return tensors;
  }
}
