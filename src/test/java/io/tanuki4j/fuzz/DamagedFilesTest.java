package io.tanuki4j.fuzz;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.error.FailureSentence;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damages files of every kind that the program reads. A damaged file is refused with a sentence, or
 * it still means what its kind allows; nothing hangs and nothing is a fault of the program.
 */
class DamagedFilesTest {
  private static final long SEED = 20261129;
  private static final long LIMIT_SECONDS = 20;
  private static final int FEW = 2;
  private static final int MANY = 25;

  @TempDir private Path folder;

  private int refused;
  private int accepted;
  private final List<String> failures = new ArrayList<>();

  @Test
  void a_few_damaged_files_of_every_kind_are_refused_or_mean_the_same() throws Exception {
    damageAll(FEW);
  }

  @Test
  @Tag("slow")
  void many_damaged_files_of_every_kind_are_refused_or_mean_the_same() throws Exception {
    damageAll(MANY);
  }

  private void damageAll(int each) throws Exception {
    List<FileKind> kinds = new ArrayList<>(new DataFileKinds(folder).all());
    kinds.addAll(new ModelFileKinds(folder).all());
    kinds.addAll(new ForeignFileKinds(folder).all());
    Map<String, String> counts = new TreeMap<>();
    for (FileKind kind : kinds) {
      int before = refused + accepted;
      int acceptedBefore = accepted;
      damage(kind, each);
      counts.merge(
          kind.name(),
          "%d inputs, %d accepted"
              .formatted(refused + accepted - before, accepted - acceptedBefore),
          (a, b) -> a + "; " + b);
    }
    System.out.printf("seed %d: %d refused, %d accepted%n", SEED, refused, accepted);
    counts.forEach((kind, count) -> System.out.printf("  %-24s %s%n", kind, count));
    assertThat(failures).isEmpty();
  }

  private void damage(FileKind kind, int each) throws Exception {
    byte[] whole = Files.readAllBytes(kind.file());
    byte[] other = Files.readAllBytes(kind.other());
    List<Object> meaning = kind.reading().read();
    for (Mutation mutation : Mutation.values()) {
      for (int i = 0; i < each; i++) {
        long seed = SEED + 31L * mutation.ordinal() + 1009L * i;
        byte[] damaged = mutation.apply(whole, other, new Random(seed));
        Files.write(kind.file(), damaged);
        String failure = outcome(kind, meaning);
        if (!failure.isEmpty()) {
          failures.add("%s, %s, seed %d: %s".formatted(kind, mutation, seed, failure));
        }
      }
    }
    Files.write(kind.file(), whole);
  }

  /** Returns what is wrong with how the damaged file was read, or nothing. */
  private String outcome(FileKind kind, List<Object> meaning) throws InterruptedException {
    FutureTask<List<Object>> task = new FutureTask<>(() -> kind.reading().read());
    Thread thread = new Thread(task, "reader of a damaged file");
    thread.setDaemon(true);
    thread.start();
    try {
      List<Object> read = task.get(LIMIT_SECONDS, TimeUnit.SECONDS);
      accepted++;
      return kind.accepted().test(meaning, read) ? "" : "accepted with another meaning";
    } catch (TimeoutException e) {
      return "not over after %d s, in %s".formatted(LIMIT_SECONDS, thread.getStackTrace()[0]);
    } catch (ExecutionException e) {
      refused++;
      return fault(requireNonNull(e.getCause()));
    }
  }

  private static String fault(Throwable failure) {
    String sentence = FailureSentence.of(failure);
    boolean clear =
        !sentence.isBlank()
            && !sentence.contains("fault of the program")
            && !sentence.contains("out of memory")
            && !sentence.matches("(?s).*\\b(java|com|io)\\.[a-z].*|.*Exception.*");
    if (clear) {
      return "";
    }
    StackTraceElement[] trace = failure.getStackTrace();
    String places =
        trace.length == 0 ? "" : List.of(trace).subList(0, Math.min(4, trace.length)).toString();
    return sentence + " " + places;
  }
}
