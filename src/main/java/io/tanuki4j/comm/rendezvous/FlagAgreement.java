package io.tanuki4j.comm.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.comm.CommunicationException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Checks that the processes of a run have the same flags as rank 0. Ranks compare digests, so that
 * thousands of them send little, and compare flag by flag only if the digests differ.
 */
final class FlagAgreement {
  private static final String DIGEST = "flags/digest";
  private static final String FLAGS = "flags";
  private static final int MOST_FLAGS = 8;
  private static final int MOST_CHARS = 200;

  private FlagAgreement() {}

  /**
   * Ends the run on all ranks if this one's flags differ from those of rank 0.
   *
   * @param flags by their names; the texts have no line breaks
   * @throws CommunicationException if they differ, or the run has failed otherwise
   */
  static void require(Rendezvous rendezvous, Map<String, String> flags) {
    byte[] own = encode(flags);
    int rank = rendezvous.environment().globalRank();
    if (rank == 0) {
      rendezvous.set(FLAGS, own);
      rendezvous.set(DIGEST, digest(own));
    } else if (!MessageDigest.isEqual(digest(own), rendezvous.await(DIGEST, 0))) {
      rendezvous.fail(difference(rank, decode(own), decode(rendezvous.await(FLAGS, 0))));
      rendezvous.throwIfFailed();
    }
  }

  /** Writes a line for each flag, in the order of their names. */
  private static byte[] encode(Map<String, String> flags) {
    return new TreeMap<>(flags)
        .entrySet().stream()
            .map(flag -> flag.getKey() + " " + flag.getValue().replace('\n', ' '))
            .collect(Collectors.joining("\n"))
            .getBytes(UTF_8);
  }

  private static Map<String, String> decode(byte[] lines) {
    return new String(lines, UTF_8)
        .lines()
        .map(line -> line.split(" ", 2))
        .collect(Collectors.toMap(words -> words[0], words -> words[1], (a, b) -> a, TreeMap::new));
  }

  private static byte[] digest(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static String difference(int rank, Map<String, String> own, Map<String, String> first) {
    List<String> names =
        Stream.concat(own.keySet().stream(), first.keySet().stream())
            .distinct()
            .filter(name -> !Objects.equals(own.get(name), first.get(name)))
            .toList();
    String more =
        names.size() > MOST_FLAGS ? " and %d more".formatted(names.size() - MOST_FLAGS) : "";
    Function<Map<String, String>, String> shown =
        flags ->
            names.stream()
                .limit(MOST_FLAGS)
                .map(name -> name + " " + shortened(flags.getOrDefault(name, "unknown")))
                .collect(Collectors.joining(", "));
    return "rank %d has %s%s (expected: %s, as rank 0). Start all ranks with the same flags."
        .formatted(rank, shown.apply(own), more, shown.apply(first));
  }

  private static String shortened(String value) {
    return value.length() <= MOST_CHARS ? value : value.substring(0, MOST_CHARS) + "…";
  }
}
