package io.tanuki4j.nd4j;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The weights of a checkpoint as arrays by the names of their global tensors, such as {@code
 * layers.0.mlp.down.weight}, however many ranks have saved it.
 */
public final class Nd4jCheckpoint {
  /** Elements read or written at once. */
  private static final int PART = 1 << 22;

  private Nd4jCheckpoint() {}

  /**
   * Reads the weights of a folder's latest checkpoint, after a comparison of all checksums.
   *
   * @return arrays of FLOAT or DOUBLE; weights of sixteen bits become floats
   * @throws UserException if there is no checkpoint, or it is damaged
   */
  public static Map<String, INDArray> readWeights(Path folder) throws IOException {
    Checkpoint checkpoint =
        new CheckpointStore(folder)
            .latest()
            .orElseThrow(
                () ->
                    new UserException(
                        folder + ": there is no checkpoint in it. Give the folder of --save."));
    Map<String, INDArray> arrays = new LinkedHashMap<>();
    try (OpenShards shards = checkpoint.open(StateKind.MODEL)) {
      shards.verify();
      for (ShardedTensor tensor : shards.tensors()) {
        arrays.put(tensor.name(), read(tensor));
      }
    }
    return arrays;
  }

  private static INDArray read(ShardedTensor tensor) throws IOException {
    Elements elements = Elements.of(tensor.name(), tensor.type());
    long count = tensor.globalShape().numElements();
    INDArray flat = Nd4j.createUninitialized(elements.arrayType(), count);
    ByteBuffer bytes = buffer(elements, count);
    for (long from = 0; from < count; from += PART) {
      long to = Math.min(count, from + PART);
      bytes.clear().limit(Math.toIntExact((to - from) * elements.bytes()));
      tensor.content().read(from, bytes);
      flat.get(NDArrayIndex.interval(from, to)).assign(elements.decode(bytes.flip()));
    }
    return flat.reshape(tensor.globalShape().toArray());
  }

  /**
   * Writes arrays to a safetensors file, which PyTorch and transformers read.
   *
   * @param arrays of DOUBLE, FLOAT, BFLOAT16 or HALF
   * @throws UserException if an array has another type
   */
  public static void writeSafetensors(Path file, Map<String, INDArray> arrays) throws IOException {
    List<TensorEntry> entries =
        arrays.entrySet().stream()
            .map(
                array ->
                    new TensorEntry(
                        array.getKey(),
                        Elements.of(array.getKey(), array.getValue().dataType()).type(),
                        Shape.of(array.getValue().shape())))
            .toList();
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, entries, SafetensorsWriter.PYTORCH)) {
      for (TensorEntry entry : writer.tensors()) {
        append(
            writer,
            Elements.of(entry.name(), entry.type()),
            Objects.requireNonNull(arrays.get(entry.name())));
      }
      writer.publish();
    }
  }

  private static void append(SafetensorsWriter writer, Elements elements, INDArray array)
      throws IOException {
    long count = array.length();
    INDArray flat = array.dup('c').reshape(count);
    ByteBuffer bytes = buffer(elements, count);
    for (long from = 0; from < count; from += PART) {
      long to = Math.min(count, from + PART);
      elements.encode(flat.get(NDArrayIndex.interval(from, to)), bytes.clear());
      writer.append(bytes.flip());
    }
  }

  private static ByteBuffer buffer(Elements elements, long count) {
    int size = Math.toIntExact(Math.min(PART, count) * elements.bytes());
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
