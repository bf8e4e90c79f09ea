package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A JVM that does nothing but save is killed at random moments; the next start always loads. */
class KilledSaveTest {
  private static final int MAX_MILLIS = 120;

  private final HostDevice device = new HostDevice();

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"1, sync", "3, sync", "3, async"})
  void three_kills_lose_nothing(int numRanks, String how) throws Exception {
    killAndLoad(3, numRanks, how, new Random(1));
  }

  @ParameterizedTest
  @CsvSource({"1, sync", "3, sync", "1, async", "3, async"})
  @Tag("slow")
  void twenty_kills_lose_nothing(int numRanks, String how) throws Exception {
    Random random = new Random();
    Set<String> leftovers = killAndLoad(20, numRanks, how, random);
    assertThat(leftovers).as("what kills in the middle of a save left").isNotEmpty();
  }

  /** Returns the kinds of leftovers that were seen. */
  private Set<String> killAndLoad(int kills, int numRanks, String how, Random random)
      throws Exception {
    Set<String> leftovers = new TreeSet<>();
    long before = 0;
    for (int i = 0; i < kills; i++) {
      long acknowledged = saveUntilKilled(random.nextInt(MAX_MILLIS), numRanks, how);
      assertThat(acknowledged).as("iterations saved by process %d", i).isGreaterThan(before);
      for (Path path : Folders.list(folder)) {
        String name = path.getFileName().toString();
        leftovers.add(name.substring(name.indexOf('.') + 1));
      }
      leftovers.removeIf(name -> name.startsWith("iter_") || name.equals("txt"));
      before = assertLoads(acknowledged);
    }
    return leftovers;
  }

  /** The last iteration whose save returned. */
  private long saveUntilKilled(int millisAfterFirstSave, int numRanks, String how)
      throws IOException, InterruptedException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            EndlessSaves.class.getName(),
            folder.toString(),
            Integer.toString(numRanks),
            how);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    long acknowledged = 0;
    try (BufferedReader output = process.inputReader()) {
      acknowledged = Long.parseLong(output.readLine());
      process.waitFor(millisAfterFirstSave, TimeUnit.MILLISECONDS);
      process.toHandle().destroyForcibly();
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        acknowledged = Long.parseLong(line);
      }
    } finally {
      process.destroyForcibly().waitFor();
    }
    return acknowledged;
  }

  private long assertLoads(long acknowledged) {
    Checkpoint latest = new CheckpointStore(folder).latest().orElseThrow();
    long iteration = latest.state().iteration();
    assertThat(iteration).isBetween(acknowledged, acknowledged + 1);
    List<ShardedTensor> targets = new ArrayList<>(EndlessSaves.tensors(device, "", -1));
    latest.load(device, StateKind.MODEL, targets, 0);
    List<ShardedTensor> moments = EndlessSaves.tensors(device, "exp_avg.", -1);
    latest.load(device, StateKind.OPTIMIZER, moments, 0);
    targets.addAll(moments);
    for (ShardedTensor target : targets) {
      assertThat(device.values(target.local())).containsOnly((double) iteration);
    }
    return iteration;
  }
}
