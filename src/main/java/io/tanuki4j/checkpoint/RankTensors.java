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
    return holdings().stream().mapToLong(Holding::numBytes).sum();
  }

  List<SourceTensor> of(Part part) {
    return switch (part) {
      case MODEL -> model;
      case OPTIMIZER -> optimizer;
      case FP8 -> fp8;
    };
  }

  List<Holding> holdings() {
    List<Holding> holdings = new ArrayList<>();
    for (Part part : Part.values()) {
      of(part).stream()
          .map(tensor -> Holding.of(part, tensor))
          .filter(holding -> holding.numBytes() > 0)
          .forEach(holdings::add);
    }
    return holdings;
  }

  /** Returns the tensors of a part that a rank writes. */
  List<SourceTensor> share(Part part, Map<Holding, Integer> writers, int rank) {
    return of(part).stream()
        .filter(tensor -> Objects.equals(writers.get(Holding.of(part, tensor)), rank))
        .toList();
  }
}
