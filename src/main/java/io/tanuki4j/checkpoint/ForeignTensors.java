package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** One kind of the state of another program's checkpoint, whose reader has verified it. */
final class ForeignTensors implements TensorFiles {
  private final Path folder;
  private final StateKind kind;
  private final ForeignCheckpoints.Content content;
  private final Map<String, ShardedTensor> byName = new HashMap<>();

  ForeignTensors(Path folder, StateKind kind, ForeignCheckpoints.Content content) {
    this.folder = folder;
    this.kind = kind;
    this.content = content;
    content.tensors().forEach(tensor -> byName.put(tensor.name(), tensor));
  }

  /**
   * Returns the tensors as a manifest has them.
   *
   * @throws UserException if there are none
   */
  Manifest manifest() {
    if (content.tensors().isEmpty()) {
      throw new UserException(
          "%s: %s. Add --no-load-optim or --finetune.".formatted(folder, content.whyNone()));
    }
    return new Manifest(
        content.state(), List.of(), content.tensors().stream().map(this::stored).toList());
  }

  private StoredTensor stored(ShardedTensor tensor) {
    Piece whole = new Piece("", tensor.region());
    return new StoredTensor(
        tensor.name(), kind, tensor.type(), tensor.globalShape(), List.of(whole));
  }

  @Override
  public void read(StoredTensor tensor, Region box, long first, ByteBuffer into)
      throws IOException {
    ShardedTensor whole = byName.get(tensor.name());
    if (whole == null) {
      throw new IllegalStateException(tensor.name() + " is none of its tensors");
    }
    int start = into.position();
    TensorViews.part(whole, box).content().read(first, into);
    if (kind == StateKind.MODEL) {
      FiniteValues.require(folder, tensor.name(), tensor.type(), into, start);
    }
  }

  @Override
  public void verify() {}

  @Override
  public void close() throws IOException {
    content.close();
  }
}
