package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Rows of a table by token id. A row of zeros behind the table stands for all tokens that are not
 * here, since ND4J's gather and scatter do not check their indices.
 */
final class Nd4jEmbedding implements EmbeddingKernels {
  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    INDArray zeros = Nd4j.create(DataType.DOUBLE, 1, weight.dim(-1));
    INDArray table = Nd4j.concat(0, TensorArrays.matrix(weight), zeros);
    TensorArrays.put(out, Nd4j.pullRows(table, 1, rows(tokens, weight, firstRow)));
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    INDArray rows = Nd4j.createFromArray(rows(tokens, dWeight, firstRow));
    INDArray sums =
        Nd4j.exec(
            DynamicCustomOp.builder("unsorted_segment_sum")
                .addInputs(TensorArrays.matrix(dOut), rows)
                .addIntegerArguments(Math.toIntExact(dWeight.dim(0) + 1))
                .build())[0];
    INDArray ofTable = sums.get(interval(0, dWeight.dim(0)), all());
    TensorArrays.put(dWeight, TensorArrays.matrix(dWeight).add(ofTable));
  }

  /** Returns each token's row; the one behind the table for a token that is not here. */
  private static int[] rows(Tensor tokens, Tensor table, long firstRow) {
    int behind = Math.toIntExact(table.dim(0));
    return Arrays.stream(TensorArrays.ints(tokens))
        .mapToLong(id -> id - firstRow)
        .mapToInt(row -> row >= 0 && row < behind ? (int) row : behind)
        .toArray();
  }
}
