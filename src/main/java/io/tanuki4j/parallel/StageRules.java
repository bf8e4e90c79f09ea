package io.tanuki4j.parallel;

import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.parallel.LayoutRequest.Stages;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rules by which layers are shared among stages and their chunks. */
final class StageRules {
  private static final String PP = "--pipeline-model-parallel-size";
  private static final String FIRST = "--decoder-first-pipeline-num-layers";
  private static final String LAST = "--decoder-last-pipeline-num-layers";
  private static final String PER_CHUNK = "--num-layers-per-virtual-pipeline-stage";
  private static final String CHUNKS = "--num-virtual-stages-per-pipeline-rank";

  private static final String EMBEDDING = "--account-for-embedding-in-pipeline-split";
  private static final String LOSS = "--account-for-loss-in-pipeline-split";

  private final int numLayers;
  private final int pp;
  private final Stages stages;
  private final LayoutProblems refusals;

  StageRules(LayoutRequest request, int numLayers, LayoutProblems refusals) {
    this.numLayers = numLayers;
    this.pp = request.pp();
    this.stages = request.stages();
    this.refusals = refusals;
  }

  Optional<StageLayers> resolve() {
    boolean counted = stages.embeddingCounts() || stages.lossCounts();
    boolean given = stages.firstStage() != null || stages.lastStage() != null;
    if (counted && given) {
      refusals.add(
          stages.embeddingCounts() ? EMBEDDING : LOSS,
          "given",
          "not together with %s or %s".formatted(FIRST, LAST),
          "Leave out one of the two.");
      return Optional.empty();
    }
    List<Integer> layers = given ? withOwnEnds() : evenly();
    if (layers.isEmpty()) {
      return Optional.empty();
    }
    int chunks = chunksPerStage(layers);
    return chunks == 0
        ? Optional.empty()
        : withoutEmpty(withoutCounted(StageLayers.ofStages(layers, chunks)));
  }

  /** Refuses chunks that would be the embedding or the loss alone. */
  private Optional<StageLayers> withoutEmpty(StageLayers layers) {
    if (!layers.counts().contains(0)) {
      return Optional.of(layers);
    }
    refusals.add(
        layers.count(0, 0) == 0 && stages.embeddingCounts() ? EMBEDDING : LOSS,
        "given",
        "2 or more layers in each chunk, so that another one is left",
        "Leave it out, or use fewer stages or chunks.");
    return Optional.empty();
  }

  /**
   * Returns the layers of each stage, including the counted ones; empty if they do not divide
   * evenly.
   */
  private List<Integer> evenly() {
    int units = numLayers + (stages.embeddingCounts() ? 1 : 0) + (stages.lossCounts() ? 1 : 0);
    if (units % pp == 0) {
      return Collections.nCopies(pp, units / pp);
    }
    String counted = units == numLayers ? "" : " + %d counted".formatted(units - numLayers);
    refusals.add(
        PP,
        pp,
        "a divisor of --num-layers %d%s".formatted(numLayers, counted),
        "%s Or give %s or %s."
            .formatted(Divisors.use(units, degree -> units % degree == 0), FIRST, LAST));
    return List.of();
  }

  private List<Integer> withOwnEnds() {
    int ends = (stages.firstStage() == null ? 0 : 1) + (stages.lastStage() == null ? 0 : 1);
    int rest =
        numLayers
            - requireNonNullElse(stages.firstStage(), 0)
            - requireNonNullElse(stages.lastStage(), 0);
    boolean fits = endFits(FIRST, stages.firstStage()) && endFits(LAST, stages.lastStage());
    if (!fits) {
      return List.of();
    }
    int between = pp - ends;
    if (between < 0 || rest < between || (between == 0 ? rest != 0 : rest % between != 0)) {
      String expected =
          between <= 0
              ? "together with the other end, all of --num-layers %d on %s %d"
              : "leaves a multiple of the stages between, of --num-layers %d on %s %d";
      refusals.add(
          stages.firstStage() == null ? LAST : FIRST,
          stages.firstStage() == null ? "" + stages.lastStage() : "" + stages.firstStage(),
          expected.formatted(numLayers, PP, pp),
          "%d layers are left for %d stages.".formatted(rest, Math.max(0, between)));
      return List.of();
    }
    List<Integer> layers = new ArrayList<>();
    if (stages.firstStage() != null) {
      layers.add(stages.firstStage());
    }
    layers.addAll(Collections.nCopies(between, between == 0 ? 0 : rest / between));
    if (stages.lastStage() != null) {
      layers.add(stages.lastStage());
    }
    return layers;
  }

  private boolean endFits(String flag, @Nullable Integer layers) {
    boolean fits = layers == null || (layers > 0 && layers <= numLayers && pp > 1);
    if (!fits) {
      String expected = "1 to --num-layers %d, and %s above 1".formatted(numLayers, PP);
      refusals.add(flag, String.valueOf(layers), expected, "Leave it out for equal stages.");
    }
    return fits;
  }

  /** Returns the number of chunks per stage; 0 if it does not divide evenly. */
  private int chunksPerStage(List<Integer> layers) {
    Integer perChunk = stages.layersPerChunk();
    Integer chunks = stages.chunksPerStage();
    if (perChunk == null && chunks == null) {
      return 1;
    }
    String flag = perChunk != null ? PER_CHUNK : CHUNKS;
    int value = perChunk != null ? perChunk : requireNonNullElse(chunks, 1);
    if (perChunk != null && chunks != null) {
      refusals.add(flag, value, "not together with " + CHUNKS, "Leave out one of the two.");
      return 0;
    }
    if (pp == 1) {
      refusals.add(flag, value, PP + " above 1", "Leave it out.");
      return 0;
    }
    return chunksPerStage(flag, value, layers);
  }

  private int chunksPerStage(String flag, int value, List<Integer> layers) {
    int first = layers.get(0);
    boolean equal = layers.stream().allMatch(count -> count == first);
    if (flag.equals(PER_CHUNK) && !equal) {
      refusals.add(
          flag,
          value,
          "as many layers on every stage, not %s".formatted(layers),
          "Use " + CHUNKS + ".");
      return 0;
    }
    if (value < 1 || layers.stream().anyMatch(count -> count % value != 0)) {
      refusals.add(
          flag,
          value,
          "a divisor of the %s layers of each stage".formatted(equal ? first : layers),
          Divisors.use(first, v -> layers.stream().allMatch(count -> count % v == 0)));
      return 0;
    }
    return flag.equals(PER_CHUNK) ? first / value : value;
  }

  /** Takes the embedding and the loss, which counted as layers, out of the first and last chunk. */
  private StageLayers withoutCounted(StageLayers layers) {
    List<Integer> counts = new ArrayList<>(layers.counts());
    int last = counts.size() - 1;
    counts.set(0, counts.get(0) - (stages.embeddingCounts() ? 1 : 0));
    counts.set(last, counts.get(last) - (stages.lossCounts() ? 1 : 0));
    return new StageLayers(pp, counts);
  }
}
