package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * Initial weights as a function of seed, name and global place, so that every layout of ranks
 * starts from the same model. Each slice of a parameter has its own stream of normal numbers, given
 * by {@code RandomKernels.fillNormal} under the key {@link #key}.
 */
public final class Initializer {
  private final Kernels kernels;
  private final long seed;

  public Initializer(Kernels kernels, long seed) {
    this.kernels = kernels;
    this.seed = seed;
  }

  /** Fills all values; gradients, and the gaps between parameters, become zero. */
  public void initialize(ParameterBuffers parameters) {
    kernels.elementwise().fill(parameters.values(), 0);
    kernels.elementwise().fill(parameters.grads(), 0);
    for (Parameter parameter : parameters.all()) {
      initialize(parameter);
    }
  }

  /**
   * Returns the first eight bytes, big-endian, of the SHA-256 of {@code seed ":" name} in UTF-8,
   * the seed in decimal.
   */
  static long key(long seed, String name) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      byte[] digest = sha256.digest((seed + ":" + name).getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(digest).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private void initialize(Parameter parameter) {
    ParameterSpec spec = parameter.spec();
    if (spec.initialStd() == ParameterSpec.ONES) {
      kernels.elementwise().fill(parameter.value(), 1);
      return;
    }
    if (spec.initialStd() == 0) {
      return; // as it is
    }
    long row = 0;
    for (ParameterSpec.Slice slice : spec.slices()) {
      Tensor rows = parameter.value().rows(row, row + slice.rows());
      fillNormal(rows, slice, spec.initialStd());
      row += slice.rows();
    }
  }

  private void fillNormal(Tensor rows, ParameterSpec.Slice slice, double standardDeviation) {
    long columns = rows.shape().rowSize();
    kernels
        .random()
        .fillNormal(
            rows.reshape(Shape.of(slice.rows(), columns)),
            key(seed, slice.name()),
            slice.firstRow(),
            slice.firstColumn(),
            slice.globalShape().rowSize(),
            standardDeviation);
  }
}
