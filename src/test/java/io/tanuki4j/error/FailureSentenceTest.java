package io.tanuki4j.error;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import java.nio.charset.MalformedInputException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FailureSentenceTest {
  private static final String DISK_FULL = "No space left on device";

  /** Calls of the JDK that fail as a bug of ours would make them fail. */
  static Stream<ThrowingCallable> mistakesOfProgrammers() {
    Iterator<String> empty = List.<String>of().iterator();
    return Stream.of(
        empty::next,
        () -> ByteBuffer.allocate(4).limit(9),
        () -> ByteBuffer.allocate(4).position(5),
        () -> ByteBuffer.allocate(-1),
        () -> Integer.parseInt("twelve"),
        () -> Long.parseLong(""),
        () -> Path.of("a\0b"),
        () -> Optional.empty().get(),
        () -> Optional.empty().orElseThrow(),
        () -> Stream.empty().findFirst().orElseThrow(),
        () -> TimeUnit.valueOf("FORTNIGHTS"),
        () -> Charset.forName("no such charset"),
        () -> URI.create("a b"),
        () -> new InetSocketAddress("localhost", -1),
        () -> Pattern.compile("[".repeat(2)),
        () -> List.of(1).get(1),
        () -> Math.toIntExact(1L << 40));
  }

  @ParameterizedTest
  @MethodSource("mistakesOfProgrammers")
  void a_fault_of_the_program_never_reads_as_a_mistake_of_the_user(ThrowingCallable mistake) {
    Throwable failure = catchThrowable(mistake);
    assertThat(failure).isInstanceOf(RuntimeException.class);
    assertThat(FailureSentence.of(failure))
        .isEqualTo(
            "a fault of the program: %s. Run again with --debug and report what it prints.",
            failure);
  }

  @Test
  void a_user_exception_speaks_for_itself() {
    UserException failure = new UserException("a.idx: it is damaged. Copy it again.");
    assertThat(FailureSentence.of(failure)).isEqualTo("a.idx: it is damaged. Copy it again.");
  }

  @Test
  void a_sentence_around_a_failure_of_the_disk_is_shown_as_it_is() {
    String sentence = "run: saving iteration 2 failed: the disk is full.";
    assertThat(FailureSentence.of(new UncheckedIOException(sentence, new IOException(DISK_FULL))))
        .isEqualTo(sentence);
  }

  @Test
  void words_about_a_failure_of_the_disk_get_its_reason() {
    IOException denied = new AccessDeniedException("a.bin");
    assertThat(FailureSentence.of(new UncheckedIOException("cannot read a.bin", denied)))
        .isEqualTo("cannot read a.bin: not allowed to read or write it.");
    assertThat(
            FailureSentence.of(
                new UncheckedIOException("cannot read a.bin", new IOException(DISK_FULL))))
        .isEqualTo("cannot read a.bin: No space left on device.");
  }

  static Stream<IOException> failuresOfTheDisk() {
    return Stream.of(
        new AccessDeniedException("a.txt"),
        new NoSuchFileException("a.txt"),
        new FileAlreadyExistsException("a.txt"),
        new FileSystemException("a.txt"),
        new MalformedInputException(1),
        new EOFException(),
        new IOException());
  }

  @ParameterizedTest
  @MethodSource("failuresOfTheDisk")
  void a_failure_of_the_disk_is_told_without_the_name_of_a_class(IOException failure) {
    assertThat(
            List.of(
                FailureSentence.of(failure), FailureSentence.of(new UncheckedIOException(failure))))
        .allSatisfy(sentence -> assertThat(sentence).endsWith(".").doesNotContain("Exception"));
  }

  @Test
  void a_library_that_the_machine_does_not_let_load_is_no_fault_of_the_program() {
    Error cause = new ExceptionInInitializerError(new IOException("Too many open files"));
    assertThat(FailureSentence.of(cause))
        .isEqualTo("a library cannot be loaded: Too many open files.");
    assertThat(FailureSentence.of(new NoClassDefFoundError("io/tanuki4j/A")))
        .startsWith("a fault of the program: ");
  }

  @Test
  void a_heap_that_is_used_up_names_what_sets_its_size() {
    assertThat(FailureSentence.of(new OutOfMemoryError("Java heap space")))
        .startsWith("out of memory: Java heap space.")
        .contains("TANUKI4J_HEAP");
  }
}
