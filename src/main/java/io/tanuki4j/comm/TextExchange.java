package io.tanuki4j.comm;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Exchanges texts between ranks, for what they must agree on outside of iterations. With {@link
 * CollectiveTask} they also agree on failures.
 */
public interface TextExchange {
  /** The exchange of a single rank. */
  TextExchange ALONE =
      new TextExchange() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int size() {
          return 1;
        }

        @Override
        public List<String> gather(String own) {
          return List.of(own);
        }
      };

  /**
   * Returns an exchange between the ranks of a group.
   *
   * @param device the one that the group's tensors are on
   */
  static TextExchange over(ProcessGroup group, Device device) {
    return group.size() == 1 ? ALONE : new GroupTexts(group, device, /* place= */ null);
  }

  /**
   * Returns an exchange for texts that come often: where they fit, nothing is allocated, and no
   * device waits for all of its work to free memory.
   *
   * @param place I32 words for the texts of all ranks and one more; others get memory of their own
   */
  static TextExchange over(ProcessGroup group, Device device, Tensor place) {
    return group.size() == 1 ? ALONE : new GroupTexts(group, device, place);
  }

  int rank();

  int size();

  /** Returns the texts of all ranks, in rank order, on every rank. Every rank calls it. */
  List<String> gather(String own);

  /**
   * Work that the ranks share. If it fails on one rank, it fails on all, with the same sentence.
   */
  final class CollectiveTask {
    private static final Gson GSON = new Gson();

    private final TextExchange ranks;
    private final Function<IOException, UncheckedIOException> sentence;

    /**
     * Begins the work.
     *
     * @param sentence turns a disk failure into its sentence
     */
    public CollectiveTask(
        TextExchange ranks, Function<IOException, UncheckedIOException> sentence) {
      this.ranks = ranks;
      this.sentence = sentence;
    }

    /** A rank's part, with the result that the others need. */
    @FunctionalInterface
    public interface Query<T> {
      T run() throws IOException;
    }

    /** A rank's part. */
    @FunctionalInterface
    public interface Task {
      void run() throws IOException;
    }

    /** A rank's message to the others: its result, or why it has none. */
    private record Message(
        @Nullable String failure, @Nullable Kind kind, @Nullable JsonElement result) {
      static Message of(@Nullable RuntimeException failure, JsonElement result) {
        return failure == null
            ? new Message(null, null, result)
            : new Message(String.valueOf(failure.getMessage()), Kind.of(failure), null);
      }

      RuntimeException toException(int rank, @Nullable RuntimeException cause) {
        String text = "rank %d: %s".formatted(rank, failure);
        if (kind == Kind.DISK) {
          return new UncheckedIOException(text, new IOException(text, cause));
        }
        return kind == Kind.DAMAGE
            ? new DamagedException(text, cause)
            : new UserException(text, cause);
      }
    }

    /** The kind of a failure, which all ranks need in addition to its sentence. */
    private enum Kind {
      DISK,
      DAMAGE,
      OTHER;

      static Kind of(RuntimeException failure) {
        if (failure instanceof UncheckedIOException) {
          return DISK;
        }
        return failure instanceof DamagedException ? DAMAGE : OTHER;
      }
    }

    /** The outcome of this rank's part: a result or a failure. */
    private record Attempt<T>(@Nullable T result, @Nullable RuntimeException failure) {}

    /** Runs a task. Returns on every rank when all have done it, or fails on every rank. */
    public void run(Task task) {
      own(
          () -> {
            task.run();
            return true;
          });
    }

    /** Returns this rank's result when all ranks have theirs; fails as {@link #gather} does. */
    public <T> T own(Query<T> query) {
      Attempt<T> attempt = attempt(query);
      exchange(attempt, JsonNull.INSTANCE);
      return Objects.requireNonNull(attempt.result());
    }

    /**
     * Returns the results of all ranks, in their order, on every rank.
     *
     * @param type of the results, which pass between ranks as JSON
     * @throws UserException if a rank's task threw one: the first rank's sentence
     * @throws UncheckedIOException likewise
     */
    public <T> List<T> gather(Class<T> type, Query<T> query) {
      Attempt<T> attempt = attempt(query);
      return exchange(attempt, GSON.toJsonTree(attempt.result())).stream()
          .map(message -> GSON.fromJson(message.result(), type))
          .toList();
    }

    private <T> Attempt<T> attempt(Query<T> query) {
      try {
        return new Attempt<>(query.run(), null);
      } catch (IOException e) {
        return new Attempt<>(null, sentence.apply(e));
      } catch (UserException | UncheckedIOException e) {
        return new Attempt<>(null, e);
      }
    }

    private List<Message> exchange(Attempt<?> own, JsonElement result) {
      RuntimeException failure = own.failure();
      if (ranks.size() == 1 && failure != null) {
        throw failure;
      }
      List<String> texts = ranks.gather(GSON.toJson(Message.of(failure, result)));
      List<Message> messages = new ArrayList<>();
      for (int rank = 0; rank < texts.size(); rank++) {
        Message message = GSON.fromJson(texts.get(rank), Message.class);
        if (message.failure() != null) {
          throw message.toException(rank, rank == ranks.rank() ? failure : null);
        }
        messages.add(message);
      }
      return messages;
    }
  }
}
