package io.tanuki4j.generate;

import io.tanuki4j.tokenizer.Tokenizer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Continues texts token by token, and hands on each piece of text as soon as it is certain. */
public final class TextGenerator {
  private static final String HALF_CHARACTER = "\uFFFD";

  private final NextToken model;
  private final Tokenizer tokenizer;
  private final Sampler sampler;
  private final Limits limits;

  /** Scores the tokens that may follow a text. */
  public interface NextToken {
    /** Returns the length, in tokens, of the longest text that the model can look at. */
    int maxTokens();

    /**
     * Returns the logits of the token after these, fp32 [vocabulary].
     *
     * @param tokens at most {@link #maxTokens}
     * @return valid until the next call; the caller may change them
     */
    FloatBuffer next(int[] tokens);
  }

  /**
   * Where a text ends, apart from the token that ends documents.
   *
   * @param maxNewTokens after the prompt
   * @param stops the text ends before the first of these; they are not in the prompt's part
   */
  public record Limits(int maxNewTokens, List<String> stops) {}

  public TextGenerator(NextToken model, Tokenizer tokenizer, Sampler sampler, Limits limits) {
    this.model = model;
    this.tokenizer = tokenizer;
    this.sampler = sampler;
    this.limits = limits;
  }

  /**
   * Returns whether a prompt and the new tokens are more than the model can look at. Then each
   * token follows from the last {@link NextToken#maxTokens} alone.
   */
  public boolean exceedsModel(String prompt) {
    return tokenizer.encode(prompt).length + limits.maxNewTokens - 1 > model.maxTokens();
  }

  /**
   * Continues a prompt.
   *
   * @param shown is given the prompt, as the tokenizer returns it, and then the new text in pieces
   */
  public void generate(String prompt, Consumer<String> shown) {
    int[] ids = tokenizer.encode(prompt);
    if (ids.length == 0) {
      ids = new int[] {tokenizer.eodId()};
    }
    int[] first = Arrays.stream(ids).filter(id -> !tokenizer.isSpecial(id)).toArray();
    String front = tokenizer.decode(first);
    shown.accept(front);
    int done = front.length();
    int[] written = first;
    for (int i = 0; i < limits.maxNewTokens; i++) {
      int next = choose(ids);
      if (next == tokenizer.eodId()) {
        break;
      }
      ids = append(ids, next);
      written = append(written, next);
      String text = tokenizer.decode(written);
      int stop = firstStop(text, front.length());
      int certain = stop >= 0 ? stop : certain(text, front.length());
      done = show(text, done, certain, shown);
      if (stop >= 0) {
        return;
      }
    }
    String text = tokenizer.decode(written);
    show(text, done, text.length(), shown);
  }

  private int choose(int[] ids) {
    FloatBuffer logits =
        model.next(
            Arrays.copyOfRange(ids, Math.max(0, ids.length - model.maxTokens()), ids.length));
    while (true) {
      int next = sampler.choose(logits, tokenizer.vocabSize());
      if (next == tokenizer.eodId() || !tokenizer.isSpecial(next)) {
        return next;
      }
      logits.put(next, Float.NEGATIVE_INFINITY);
    }
  }

  private static int show(String text, int from, int to, Consumer<String> shown) {
    if (to <= from) {
      return from;
    }
    shown.accept(text.substring(from, to));
    return to;
  }

  /** Returns where the new text has the first of the stops, or -1. */
  private int firstStop(String text, int from) {
    return limits.stops.stream()
        .mapToInt(stop -> text.indexOf(stop, from))
        .filter(at -> at >= 0)
        .min()
        .orElse(-1);
  }

  /**
   * Returns where the text ends that later tokens cannot change: before half a character, and
   * before what may be the beginning of a stop.
   */
  private int certain(String text, int from) {
    int end = text.length();
    while (end > from && text.startsWith(HALF_CHARACTER, end - 1)) {
      end--;
    }
    for (String stop : limits.stops) {
      for (int length = Math.min(stop.length() - 1, end - from); length > 0; length--) {
        if (stop.startsWith(text.substring(end - length, end))) {
          end -= length;
          break;
        }
      }
    }
    return end;
  }

  private static int[] append(int[] ids, int id) {
    int[] longer = Arrays.copyOf(ids, ids.length + 1);
    longer[ids.length] = id;
    return longer;
  }
}
