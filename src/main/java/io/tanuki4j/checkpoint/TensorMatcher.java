package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Checks that a checkpoint's tensors match those to be filled, by name and shape. One difference is
 * allowed: the number of padding rows after the vocabulary. Each side must have a row for every id
 * of the other's tokenizer, so that no trained row is lost and no id starts without one; padding
 * rows that the checkpoint lacks become zero.
 */
final class TensorMatcher {
  private static final int MAX_NAMED = 5;

  /** What the names of the optimizer's own weights begin with, which a model in fp32 lacks. */
  private static final String MAIN_WEIGHTS = "fp32_param.";

  private final Path folder;
  private final StateKind kind;
  private final Map<String, StoredTensor> stored = new LinkedHashMap<>();
  private final int storedVocabSize;
  private final Map<String, @Nullable Object> arguments;

  TensorMatcher(Path folder, Manifest manifest, StateKind kind) {
    this.folder = folder;
    this.kind = kind;
    this.storedVocabSize = manifest.state().vocabSize();
    this.arguments = manifest.state().arguments();
    manifest.tensors(kind).forEach(tensor -> stored.put(tensor.name(), tensor));
  }

  /**
   * Matches targets with stored tensors.
   *
   * @param targets of all ranks
   * @param vocabSize ids of the tokenizer that the tensors are for
   * @return the stored tensor for each target name
   * @throws UserException if the two do not match; the message has every kind of difference
   */
  Map<String, StoredTensor> match(List<RankPiece> targets, int vocabSize) {
    Map<String, StoredTensor> matches = new LinkedHashMap<>();
    Map<String, StoredTensor> extra = new LinkedHashMap<>(stored);
    Set<String> missing = new LinkedHashSet<>();
    Set<String> different = new LinkedHashSet<>();
    for (RankPiece target : targets) {
      StoredTensor from = stored.get(target.name());
      extra.remove(target.name());
      if (from == null) {
        missing.add(target.name());
      } else if (differs(from, target, vocabSize)) {
        different.add(
            "%s is %s %s in the checkpoint and %s %s here"
                .formatted(
                    target.name(), from.type(), from.shape(), target.type(), target.globalShape()));
      } else {
        matches.put(target.name(), from);
      }
    }
    refuse(missing, extra.keySet(), different, vocabSize);
    return matches;
  }

  private boolean differs(StoredTensor from, RankPiece target, int vocabSize) {
    if (!FloatConversion.supports(from.type(), target.type())) {
      return true;
    }
    return !from.shape().equals(target.globalShape())
        && !(isVocabulary(from.name())
            && rowSizesAgree(from.shape(), target.globalShape())
            && from.shape().dim(0) >= vocabSize
            && target.globalShape().dim(0) >= storedVocabSize);
  }

  private static boolean isVocabulary(String name) {
    return ("." + name).endsWith(".embedding.weight") || ("." + name).endsWith(".output.weight");
  }

  private static boolean rowSizesAgree(Shape a, Shape b) {
    return a.rank() == b.rank() && a.rowSize() == b.rowSize();
  }

  private void refuse(
      Set<String> missing, Set<String> extra, Set<String> different, int vocabSize) {
    List<String> reasons = new ArrayList<>();
    describe(reasons, "missing in it", missing);
    describe(reasons, "not part of this run", extra);
    describe(reasons, "different", different);
    if (reasons.isEmpty()) {
      return;
    }
    String precision = otherPrecision(missing, extra, different);
    String vocabulary =
        different.stream().anyMatch(text -> isVocabulary(text.substring(0, text.indexOf(' '))))
            ? " (its tokenizer has %d ids, this one %d)".formatted(storedVocabSize, vocabSize)
            : "";
    throw new UserException(
        "%s: its %s state does not fit%s: %s. %s"
            .formatted(
                folder,
                kind.word(),
                vocabulary,
                String.join("; ", reasons),
                precision.isEmpty() ? remedy() : precision));
  }

  /** Returns what to do where only the main weights differ, and else an empty text. */
  private String otherPrecision(Set<String> missing, Set<String> extra, Set<String> different) {
    boolean isOther =
        missing.isEmpty() != extra.isEmpty()
            && different.isEmpty()
            && Stream.concat(missing.stream(), extra.stream())
                .allMatch(name -> name.startsWith(MAIN_WEIGHTS));
    if (!isOther) {
      return "";
    }
    String how = "in fp32";
    String flags = "neither --bf16 nor --fp16";
    if (missing.isEmpty()) {
      flags = isTrue("fp16") ? "--fp16" : isTrue("bf16") ? "--bf16" : "--bf16 or --fp16";
      how = "with " + flags + " (main weights in fp32)";
    } else if (isTrue("bf16")) {
      flags = "--bf16 --main-params-dtype bf16";
      how = "with " + flags;
    }
    return "It was trained %s, and this run is not. Give %s, or start without it by --no-load-optim or --finetune."
        .formatted(how, flags);
  }

  private boolean isTrue(String argument) {
    return Boolean.TRUE.equals(arguments.get(argument));
  }

  private static void describe(List<String> reasons, String what, Set<String> names) {
    if (names.isEmpty()) {
      return;
    }
    String more =
        names.size() > MAX_NAMED ? " and %d more".formatted(names.size() - MAX_NAMED) : "";
    String count = names.size() == 1 ? "1 tensor is" : names.size() + " tensors are";
    reasons.add(
        names.stream()
            .limit(MAX_NAMED)
            .collect(Collectors.joining(", ", "%s %s (".formatted(count, what), more + ")")));
  }

  private String remedy() {
    return switch (kind) {
      case MODEL -> "Give the flags it was trained with, for example by --use-checkpoint-args.";
      case OPTIMIZER -> "Add --no-load-optim or --finetune to start without it.";
      case FP8 ->
          "Give --fp8-amax-history-len and the layers in bf16 as they were, or --no-load-optim.";
    };
  }
}
