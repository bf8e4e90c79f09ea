package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.HiddenDropout;
import io.tanuki4j.nn.LearnedPositions;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Scaling;
import io.tanuki4j.parallel.tensor.VocabParallelEmbedding;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The begin of a model: the tokens' rows of the vocabulary's table, and their positions' rows.
 *
 * @param positions null unless they are learned
 * @param dropout of their sum
 * @param scaling of what is left
 */
record InputEmbedding(
    VocabParallelEmbedding words,
    @Nullable LearnedPositions positions,
    HiddenDropout dropout,
    Scaling scaling) {
  /** Returns this rank's shard of the hidden states, from the micro-batch's memory. */
  Tensor forward(Microbatch microbatch) {
    Tensor hidden = words.forward(microbatch);
    if (positions != null) {
      requireOwnPlaces(microbatch);
      positions.forward(hidden);
    }
    dropout.apply(hidden, microbatch);
    scaling.apply(hidden);
    return hidden;
  }

  private static void requireOwnPlaces(Microbatch microbatch) {
    if (microbatch.samples().positions() != null) {
      throw new UserException(
          "--reset-position-ids: given (expected: not given, with --position-embedding-type"
              + " learned_absolute). Learned positions do not restart in each document: leave it"
              + " out.");
    }
  }

  /** Adds into the gradients of the tables, or begins them. Overwrites dHidden. */
  void backward(Tensor dHidden, Microbatch microbatch) {
    scaling.apply(dHidden);
    dropout.apply(dHidden, microbatch);
    if (positions != null) {
      positions.backward(dHidden, microbatch);
    }
    words.backward(dHidden, microbatch);
  }

  List<Parameter> parameters() {
    return positions == null ? List.of(words.weight()) : List.of(words.weight(), positions.table());
  }
}
