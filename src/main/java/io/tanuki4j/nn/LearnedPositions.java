package io.tanuki4j.nn;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A row of a table {@code [m, h]} for each position, added to the token's embedding (Radford et
 * al., 2018).
 */
public final class LearnedPositions {
  private final Kernels kernels;
  private final Parameter table;
  private final List<Span> spans;
  private final int length;

  /**
   * @param positions of this rank's tokens in their sequence; if these are 0, 1, 2 and so on,
   *     shorter sequences can be embedded, too
   */
  public LearnedPositions(Kernels kernels, Parameter table, int[] positions) {
    this.kernels = kernels;
    this.table = table;
    this.spans = Span.of(positions);
    this.length = positions.length;
  }

  /**
   * Tokens at consecutive positions.
   *
   * @param token the first one
   * @param position its position
   */
  private record Span(int token, int position, int length) {
    static List<Span> of(int[] positions) {
      List<Span> spans = new ArrayList<>();
      int first = 0;
      for (int i = 1; i <= positions.length; i++) {
        if (i == positions.length || positions[i] != positions[i - 1] + 1) {
          spans.add(new Span(first, positions[first], i - first));
          first = i;
        }
      }
      return spans;
    }

    Span upTo(long numTokens) {
      return new Span(token, position, (int) Math.max(0, Math.min(length, numTokens - token)));
    }
  }

  /**
   * Adds the positions' rows.
   *
   * @param hidden {@code [s, b, h]}
   */
  public void forward(Tensor hidden) {
    requireLength(hidden.dim(0));
    for (Span span : spans) {
      add(hidden, span.upTo(hidden.dim(0)));
    }
  }

  private void add(Tensor hidden, Span span) {
    int width = width();
    Tensor rows = table.value().rows(span.position(), span.position() + span.length());
    Tensor tokens = tokens(hidden, span);
    for (int sample = 0; sample < hidden.dim(1); sample++) {
      kernels.elementwise().copyColumns(tokens, sample * width, rows, 0, width, Accumulate.ADD);
    }
  }

  /**
   * Adds to the gradient of the table, or begins it.
   *
   * @param dHidden {@code [s, b, h]}
   */
  public void backward(Tensor dHidden, Microbatch microbatch) {
    int width = width();
    microbatch.begin(table.grad(), kernels);
    for (Span span : spans) {
      Tensor rows = table.grad().rows(span.position(), span.position() + span.length());
      Tensor tokens = tokens(dHidden, span);
      for (int sample = 0; sample < dHidden.dim(1); sample++) {
        kernels.elementwise().copyColumns(rows, 0, tokens, sample * width, width, Accumulate.ADD);
      }
    }
  }

  /** Returns the span's tokens as rows {@code [length, b·h]}. */
  private static Tensor tokens(Tensor hidden, Span span) {
    return hidden
        .rows(span.token(), span.token() + span.length())
        .reshape(Shape.of(span.length(), hidden.dim(1) * hidden.dim(2)));
  }

  private void requireLength(long numTokens) {
    boolean fromStart = spans.size() == 1 && spans.get(0).position() == 0;
    if (numTokens > length) {
      throw new UserException(
          ("sequence of %d tokens (expected: at most %d). Give a longer --seq-length.")
              .formatted(numTokens, length));
    }
    if (numTokens < length && !fromStart) {
      throw new IllegalStateException(
          "%d tokens of a part of a sequence (expected: all %d)".formatted(numTokens, length));
    }
  }

  private int width() {
    return Math.toIntExact(table.value().dim(1));
  }

  public Parameter table() {
    return table;
  }
}
