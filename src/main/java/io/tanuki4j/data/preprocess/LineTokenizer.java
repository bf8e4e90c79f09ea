package io.tanuki4j.data.preprocess;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Turns lines into documents. Thread-safe. */
final class LineTokenizer {
  private final Tokenizer tokenizer;
  private final List<String> keys;
  private final boolean appendEod;

  LineTokenizer(Tokenizer tokenizer, List<String> keys, boolean appendEod) {
    this.tokenizer = tokenizer;
    this.keys = keys;
    this.appendEod = appendEod;
  }

  /**
   * Returns the documents of some lines of a batch, in order: those whose index over all lines is
   * {@code part} modulo {@code numParts}.
   *
   * @throws UserException if a line is bad or too long for the heap; the message names it
   */
  List<Document> documents(LineBatch batch, int part, int numParts) {
    List<Document> documents = new ArrayList<>();
    JsonLineReader reader = new JsonLineReader(keys);
    int line = 0;
    int from = 0;
    while (from < batch.size()) {
      int end = batch.lineEnd(from);
      if ((batch.firstIndex() + line) % numParts == part) {
        documents.add(document(reader, batch, line, from, end));
      }
      from = end + 1;
      line++;
    }
    return documents;
  }

  private Document document(JsonLineReader reader, LineBatch batch, int line, int from, int end) {
    try {
      List<List<int[]>> sequences = new ArrayList<>(keys.size());
      for (List<String> texts : reader.read(batch.bytes(), from, end)) {
        sequences.add(sequences(texts));
      }
      return new Document(sequences, end - from);
    } catch (UserException e) {
      throw new UserException(
          "%s, line %d: %s".formatted(batch.file(), batch.firstLine() + line, e.getMessage()), e);
    } catch (OutOfMemoryError e) {
      throw LineBatches.tooLong(batch.file(), batch.firstLine() + line, end - from, e);
    }
  }

  private List<int[]> sequences(List<String> texts) {
    List<int[]> sequences = new ArrayList<>(texts.size());
    for (String text : texts) {
      int[] ids = tokenizer.encode(text);
      if (ids.length > 0) {
        sequences.add(ids);
      }
    }
    if (appendEod && !sequences.isEmpty()) {
      sequences.set(sequences.size() - 1, withEod(sequences.get(sequences.size() - 1)));
    }
    return sequences;
  }

  private int[] withEod(int[] ids) {
    int[] longer = Arrays.copyOf(ids, ids.length + 1);
    longer[ids.length] = tokenizer.eodId();
    return longer;
  }
}
