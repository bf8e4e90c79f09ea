package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;

/** The sizes of a model and a micro-batch; one layer stands for the many of a large model. */
record BenchmarkShape(
    int layers, int hidden, int ffn, int heads, int groups, int seq, int batch, int vocab) {

  static BenchmarkShape named(String name) {
    return switch (name) {
      case "quickstart" -> new BenchmarkShape(4, 256, 704, 8, 4, 256, 4, 8064);
      case "debug" -> new BenchmarkShape(8, 256, 1024, 4, 4, 2048, 1, 65024);
      case "8b" -> new BenchmarkShape(1, 4096, 14336, 32, 8, 2048, 4, 65536);
      default ->
          throw new IllegalArgumentException(
              "shape: " + name + " (expected: quickstart, debug or 8b)");
    };
  }

  int tokens() {
    return seq * batch;
  }

  AttentionShape attention() {
    return new AttentionShape(seq, batch, heads, groups, hidden / heads);
  }

  /** The same tokens as one sequence. */
  AttentionShape longAttention() {
    return new AttentionShape(tokens(), 1, heads, groups, hidden / heads);
  }

  /** Parameters of the model with an untied head. */
  long parameters() {
    long block = (long) hidden * (attention().qkvSize() + hidden + 3L * ffn + 2);
    return layers * block + 2L * vocab * hidden + hidden;
  }
}
