package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.config.Problems;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.parallel.Divisors;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.LayoutRequest;
import io.tanuki4j.parallel.LayoutRequest.ModelSizes;
import io.tanuki4j.parallel.LayoutRequest.Sizes;
import io.tanuki4j.parallel.LayoutRequest.Stages;
import io.tanuki4j.parallel.LayoutRules;
import io.tanuki4j.parallel.RankGrid;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Cuts whole tensors as the ranks of a tensor and pipeline parallel run hold them. A converted
 * checkpoint then has the shards that such a run would write.
 *
 * @param model with its padded vocabulary
 */
record TargetLayout(ModelConfig model, Layout layout) {

  /**
   * Lays out a model.
   *
   * @throws io.tanuki4j.config.ConfigException if the model cannot be split so
   */
  static TargetLayout of(ModelConfig model, int tp, int pp) {
    Problems problems = new Problems();
    int stages = checkedStages(model.sizes().numLayers(), pp, problems);
    LayoutRequest request = new LayoutRequest(tp * stages, tp, 1, stages, false, Stages.EVEN);
    Sizes sizes =
        new Sizes(
            new ModelSizes(
                model.sizes().numLayers(),
                model.attention().numHeads(),
                model.attention().numQueryGroups(),
                model.sizes().ffnHiddenSize(),
                model.sizes().vocabSize(),
                model.sizes().seqLength()),
            1,
            1);
    Optional<Layout> layout =
        LayoutRules.resolve(
            request,
            sizes,
            (flag, value, expected, remedy) ->
                problems.add(
                    targetFlag(flag), value, expected.replace("--", "the model's "), remedy));
    problems.throwIfAny();
    return new TargetLayout(model, layout.orElseThrow());
  }

  /** Checks that stages are equal. Pretrain's own messages would name flags that convert lacks. */
  private static int checkedStages(int numLayers, int pp, Problems problems) {
    if (pp < 1 || numLayers % pp == 0) {
      return pp;
    }
    problems.add(
        ConvertOptions.TARGET_PP,
        pp,
        "a divisor of the model's num-layers %d".formatted(numLayers),
        Divisors.use(numLayers, stages -> numLayers % stages == 0)
            + " Runs load it whatever number of layers their stages have.");
    return 1;
  }

  private static String targetFlag(String flag) {
    return switch (flag) {
      case "--tensor-model-parallel-size" -> ConvertOptions.TARGET_TP;
      case "--pipeline-model-parallel-size" -> ConvertOptions.TARGET_PP;
      default -> flag;
    };
  }

  /**
   * Returns the shards of each rank.
   *
   * @param optimizer tensors named after the parameters with a prefix: {@code exp_avg.}
   * @param fp8 named so too; each rank has those of its parameters whole
   * @throws UserException if the model's tensors do not match its shape
   */
  List<RankTensors> cut(
      List<ShardedTensor> tensors, List<ShardedTensor> optimizer, List<ShardedTensor> fp8) {
    RankGrid grid = new RankGrid(layout.dims());
    List<RankTensors> ranks = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (int rank = 0; rank < grid.worldSize(); rank++) {
      List<ParameterSpec> specs = ModelParameters.specs(model, layout.layers(), grid, rank);
      Set<String> parameters = specs.stream().map(ParameterSpec::name).collect(Collectors.toSet());
      Map<String, Region> regions = regions(specs);
      names.addAll(regions.keySet());
      ranks.add(
          new RankTensors(
              parts(tensors, ShardedTensor::name, regions),
              parts(optimizer, TargetLayout::parameterOf, regions),
              fp8.stream().filter(state -> parameters.contains(parameterOf(state))).toList()));
    }
    requireSameNames(names, tensors);
    return ranks;
  }

  private static Map<String, Region> regions(List<ParameterSpec> specs) {
    Map<String, Region> regions = new HashMap<>();
    for (ParameterSpec spec : specs) {
      for (ParameterSpec.Slice slice : spec.slices()) {
        long columns = spec.shape().rank() == 1 ? 1 : spec.shape().dim(1);
        regions.put(
            slice.name(), new Region(slice.firstRow(), slice.firstColumn(), slice.rows(), columns));
      }
    }
    return regions;
  }

  private static List<ShardedTensor> parts(
      List<ShardedTensor> tensors,
      Function<ShardedTensor, String> parameter,
      Map<String, Region> regions) {
    List<ShardedTensor> parts = new ArrayList<>();
    for (ShardedTensor tensor : tensors) {
      Region region = regions.get(parameter.apply(tensor));
      if (region != null) {
        parts.add(TensorViews.part(tensor, region));
      }
    }
    return parts;
  }

  private static String parameterOf(ShardedTensor state) {
    return state.name().substring(state.name().indexOf('.') + 1);
  }

  private static void requireSameNames(Set<String> expected, List<ShardedTensor> tensors) {
    Set<String> missing = new TreeSet<>(expected);
    Set<String> others = new TreeSet<>();
    for (ShardedTensor tensor : tensors) {
      if (!missing.remove(tensor.name())) {
        others.add(tensor.name());
      }
    }
    if (!missing.isEmpty() || !others.isEmpty()) {
      throw new UserException(
          "the model's tensors are not those that its arguments give: it has %s, and lacks %s."
              .formatted(names(others), names(missing)));
    }
  }

  private static String names(Set<String> names) {
    return names.isEmpty() ? "no others" : String.join(", ", names);
  }
}
