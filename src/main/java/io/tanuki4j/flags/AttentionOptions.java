package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.config.Problems;
import io.tanuki4j.model.ModelConfig.Attention;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Heads and their sizes. Part of {@link ModelOptions}. */
final class AttentionOptions {
  @Option(names = "--num-attention-heads", paramLabel = "N", description = "Attention heads.")
  @Nullable Integer numAttentionHeads;

  @Option(
      names = "--kv-channels",
      paramLabel = "N",
      description = "Size of a head (hidden size / heads).")
  @Nullable Integer kvChannels;

  @Option(
      names = "--group-query-attention",
      description = "Several heads share a key and a value; see --num-query-groups.")
  boolean groupQueryAttention;

  @Option(
      names = "--num-query-groups",
      paramLabel = "N",
      description = "Keys and values, with --group-query-attention; else one per head.")
  int numQueryGroups = 1;

  void derive(@Nullable Integer hiddenSize) {
    if (numAttentionHeads == null || numAttentionHeads <= 0) {
      return;
    }
    if (kvChannels == null && hiddenSize != null && hiddenSize > 0) {
      kvChannels = hiddenSize % numAttentionHeads == 0 ? hiddenSize / numAttentionHeads : null;
    }
    if (!groupQueryAttention && numQueryGroups == 1) {
      numQueryGroups = numAttentionHeads;
    }
  }

  void check(@Nullable Integer hiddenSize, Problems problems) {
    problems.required(
        "--num-attention-heads",
        numAttentionHeads,
        "an integer",
        "Add it, for example --num-attention-heads 4.");
    problems.positive("--num-attention-heads", numAttentionHeads, "Write 1 or more.");
    problems.positive("--num-query-groups", numQueryGroups, "Write 1 or more.");
    if (numAttentionHeads == null || numAttentionHeads <= 0) {
      return;
    }
    if (kvChannels != null) {
      problems.positive("--kv-channels", kvChannels, "Write 1 or more, or leave it out.");
    } else if (hiddenSize != null && hiddenSize > 0) {
      problems.add(
          "--num-attention-heads",
          numAttentionHeads,
          "a divisor of --hidden-size, " + hiddenSize,
          "Change it, or give the size of a head with --kv-channels.");
    }
    if (numQueryGroups > 0) {
      checkGroups(numAttentionHeads, problems);
    }
  }

  private void checkGroups(int heads, Problems problems) {
    if (groupQueryAttention && heads % numQueryGroups != 0) {
      problems.add(
          "--num-query-groups",
          numQueryGroups,
          "a divisor of --num-attention-heads, " + heads,
          "Change one of the two.");
    } else if (!groupQueryAttention && numQueryGroups != heads) {
      problems.add(
          "--num-query-groups",
          numQueryGroups,
          "together with --group-query-attention",
          "Add --group-query-attention, or leave it out for %d groups.".formatted(heads));
    }
  }

  /** Returns the configuration of checked flags. */
  Attention toConfig() {
    return new Attention(
        requireNonNull(numAttentionHeads), numQueryGroups, requireNonNull(kvChannels));
  }
}
