package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;

/** A tensor being quantized to FP8, some rows at a time. */
final class Quantization {
  private final Target out;
  private final Tensor x;
  private final DType type;
  private final float scale;
  private final Amax most;

  private Quantization(Target out, Tensor x, DType type) {
    this.out = out;
    this.x = x;
    this.type = type;
    this.scale = (float) Elements.get(out.scale(), 0);
    this.most = new Amax(out.amax());
  }

  static Quantization of(Target out, Tensor x) {
    return new Quantization(out, x, CallChecks.quantized(out, Rows.count(x), Rows.columns(x)));
  }

  void run(long from, long to, Scratch scratch) {
    int width = Rows.columns(x);
    Row row = scratch.row(0, x);
    byte[][] bytes = new byte[(int) (to - from)][width];
    for (long i = from; i < to; i++) {
      row.load(x, i * width, width);
      most.raise(row);
      byte[] encoded = bytes[(int) (i - from)];
      for (int j = 0; j < width; j++) {
        encoded[j] = Float8.fromFloat((float) row.get(j) * scale, type);
      }
      if (out.rows() != null) {
        Bytes.put(out.rows(), i * width, encoded, width);
      }
    }
    if (out.columns() != null) {
      putColumns(out.columns(), from, bytes);
    }
  }

  /** Writes the largest magnitude, after the last rows. */
  void finish() {
    most.store();
  }

  private void putColumns(Tensor columns, long from, byte[][] bytes) {
    byte[] column = new byte[bytes.length];
    for (int j = 0; j < Rows.columns(x); j++) {
      for (int i = 0; i < bytes.length; i++) {
        column[i] = bytes[i][j];
      }
      Bytes.put(columns, j * Rows.count(x) + from, column, column.length);
    }
  }
}
