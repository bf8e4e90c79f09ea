package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * The state of a run, as checkpoints hold it: here all that is not a tensor, and in {@link
 * RankTensors} the tensors by kind.
 *
 * <p>Values of the maps are strings, booleans, numbers, lists of them or null; after loading, whole
 * numbers are {@link Long} and others {@link Double}.
 *
 * @param iteration iterations done
 * @param consumedTrainSamples samples done, which says where the data continues
 * @param vocabSize ids of the tokenizer; any more rows of the vocabulary's tensors are padding
 * @param optimizer its scalars, for example the number of steps; empty if it is not saved
 * @param schedule the state of the rates' schedule; empty if the optimizer is not saved
 * @param arguments the run's flags under Megatron's attribute names ({@code num_layers})
 */
public record TrainState(
    long iteration,
    long consumedTrainSamples,
    long consumedValidSamples,
    int vocabSize,
    Map<String, Object> optimizer,
    Map<String, Object> schedule,
    Map<String, @Nullable Object> arguments) {

  /** The kinds of state that have separate files in a checkpoint, so that each can be left out. */
  public enum StateKind {
    MODEL("model"),
    OPTIMIZER("optimizer"),
    /** FP8 scales, and the magnitudes that determine them. */
    FP8("fp8");

    private final String word;

    StateKind(String word) {
      this.word = word;
    }

    /** Returns its name in file names and messages. */
    public String word() {
      return word;
    }
  }

  /**
   * One rank's tensors of a run. If several ranks have copies, one of them writes.
   *
   * @param optimizer empty to leave it out
   * @param fp8 empty if there is none
   */
  public record RankTensors(
      List<ShardedTensor> model, List<ShardedTensor> optimizer, List<ShardedTensor> fp8) {
    /** Makes tensors without an FP8 state. */
    public RankTensors(List<ShardedTensor> model, List<ShardedTensor> optimizer) {
      this(model, optimizer, List.of());
    }

    /** Returns the size of all of them. */
    long numBytes() {
      return pieces().stream().mapToLong(RankPiece::numBytes).sum();
    }

    List<ShardedTensor> of(StateKind kind) {
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
    List<ShardedTensor> share(StateKind kind, Map<RankPiece, Integer> writers, int rank) {
      return of(kind).stream()
          .filter(tensor -> Objects.equals(writers.get(RankPiece.of(kind, tensor)), rank))
          .toList();
    }
  }

  /**
   * The box of a tensor that a rank has, as it tells the other ranks. Equal pieces are copies.
   *
   * @param dims of the whole tensor
   */
  record RankPiece(StateKind kind, String name, ElementType type, List<Long> dims, Region region) {

    static RankPiece of(StateKind kind, ShardedTensor tensor) {
      List<Long> dims = LongStream.of(tensor.globalShape().toArray()).boxed().toList();
      return new RankPiece(kind, tensor.name(), tensor.type(), dims, tensor.region());
    }

    /** Returns the pieces of several ranks, an array for each. */
    static RankPiece[][] of(List<RankTensors> ranks) {
      return ranks.stream()
          .map(tensors -> tensors.pieces().toArray(RankPiece[]::new))
          .toArray(RankPiece[][]::new);
    }

    /** Returns the shape of the whole tensor. */
    Shape globalShape() {
      return Shape.of(dims.stream().mapToLong(Long::longValue).toArray());
    }

    long numBytes() {
      return type.numBytes(Shape.of(region.numElements()));
    }

    /**
     * Assigns a writer to every piece: among the ranks with copies, the one with the least to write
     * so far. A pure function, so that every rank knows what all ranks write.
     *
     * @param pieces of each rank
     * @return every piece, in the order of the ranks, with the rank that writes it
     */
    static Map<RankPiece, Integer> assignWriters(List<List<RankPiece>> pieces) {
      Map<RankPiece, Integer> writers = new LinkedHashMap<>();
      long[] bytes = new long[pieces.size()];
      owners(pieces)
          .forEach(
              (piece, ranks) -> {
                int writer = ranks.get(0);
                for (int rank : ranks) {
                  writer = bytes[rank] < bytes[writer] ? rank : writer;
                }
                bytes[writer] += piece.numBytes();
                writers.put(piece, writer);
              });
      return writers;
    }

    private static Map<RankPiece, List<Integer>> owners(List<List<RankPiece>> pieces) {
      Map<RankPiece, List<Integer>> owners = new LinkedHashMap<>();
      for (int rank = 0; rank < pieces.size(); rank++) {
        for (RankPiece piece : pieces.get(rank)) {
          owners.computeIfAbsent(piece, key -> new ArrayList<>()).add(rank);
        }
      }
      return owners;
    }
  }
}
