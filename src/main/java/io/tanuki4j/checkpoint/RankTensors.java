package io.tanuki4j.checkpoint;

import io.tanuki4j.kernel.Device;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One rank's tensors of a run. If several ranks have copies, one of them writes.
 *
 * @param optimizer empty to leave it out
 * @param fp8 empty if there is none
 */
public record RankTensors(
    List<SourceTensor> model, List<SourceTensor> optimizer, List<SourceTensor> fp8) {
  /** Makes tensors without an FP8 state. */
  public RankTensors(List<SourceTensor> model, List<SourceTensor> optimizer) {
    this(model, optimizer, List.of());
  }

  /** Returns tensors in a device's memory. */
  public static RankTensors of(
      Device device,
      List<ShardedTensor> model,
      List<ShardedTensor> optimizer,
      List<ShardedTensor> fp8) {
    return new RankTensors(
        sources(device, model), sources(device, optimizer), sources(device, fp8));
  }

  private static List<SourceTensor> sources(Device device, List<ShardedTensor> tensors) {
    return tensors.stream().map(tensor -> SourceTensor.of(device, tensor)).toList();
  }

  /** Returns the size of all of them. */
  long numBytes() {
    return pieces().stream().mapToLong(RankPiece::numBytes).sum();
  }

  List<SourceTensor> of(StateKind kind) {
    return switch (kind) {
      case MODEL -> model;
      case OPTIMIZER -> optimizer;
      case FP8 -> fp8;
    };
  }

  List<RankPiece> pieces() {
    List<RankPiece> pieces = new ArrayList<>();
    for (StateKind kind : StateKind.values()) {
      of(kind).stream()
          .map(tensor -> RankPiece.of(kind, tensor))
          .filter(piece -> piece.numBytes() > 0)
          .forEach(pieces::add);
    }
    return pieces;
  }

  /** Returns the tensors of a kind that a rank writes. */
  List<SourceTensor> share(StateKind kind, Map<RankPiece, Integer> writers, int rank) {
    return of(kind).stream()
        .filter(tensor -> Objects.equals(writers.get(RankPiece.of(kind, tensor)), rank))
        .toList();
  }
}
