package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.ForeignCheckpoints.Check;
import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;

/**
 * One kind of the state of another program's checkpoint. Each rank compares a share of the
 * checksums.
 */
final class ForeignTensors implements TensorFiles {
  private final Path folder;
  private final StateKind kind;
  private final ForeignCheckpoints.Content content;
  private final TextExchange ranks;
  private final Map<String, ShardedTensor> byName = new HashMap<>();

  ForeignTensors(
      Path folder, StateKind kind, ForeignCheckpoints.Content content, TextExchange ranks) {
    this.ranks = ranks;
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
  public void verify() throws IOException {
    try (ReaderThreads threads = new ReaderThreads()) {
      List<Future<Boolean>> verified = new ArrayList<>();
      for (Check check : share()) {
        verified.add(
            threads.submit(
                () -> {
                  check.verify();
                  return true;
                }));
      }
      for (Future<Boolean> each : verified) {
        ReaderThreads.await(each);
      }
    }
  }

  /** Returns this rank's checks: each goes to the rank with the fewest bytes so far. */
  private List<Check> share() {
    List<Check> own = new ArrayList<>();
    long[] bytes = new long[ranks.size()];
    for (Check check : content.checks()) {
      int least = 0;
      for (int rank = 1; rank < bytes.length; rank++) {
        least = bytes[rank] < bytes[least] ? rank : least;
      }
      bytes[least] += check.numBytes();
      if (least == ranks.rank()) {
        own.add(check);
      }
    }
    return own;
  }

  @Override
  public void close() throws IOException {
    content.close();
  }
}
