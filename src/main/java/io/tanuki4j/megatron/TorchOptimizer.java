package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.RankParameters.Parameter;
import io.tanuki4j.megatron.TorchRanks.RankFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads Adam's state from the format torch. It is stored by the number of a parameter: Megatron
 * counts those that decay and those that do not in groups of their own, each in the model's order.
 * {@link TorchBuffers} reads that of the distributed optimizer.
 */
final class TorchOptimizer {
  /** Why there is no state if nothing was saved. */
  static final String NONE = "it has no optimizer state";

  static final String MASTER = "fp32_param";
  private static final List<String> MOMENTS = List.of("exp_avg", "exp_avg_sq");

  private final MegatronFolder folder;
  private final String source;
  private final Map<String, Map<String, List<Matrix>>> states = new LinkedHashMap<>();
  private final TorchBuffers buffers;
  private @Nullable String absent;

  TorchOptimizer(MegatronFolder folder) {
    this.folder = folder;
    this.source = folder.folder().toString();
    this.buffers = new TorchBuffers(folder);
  }

  /** Returns by kind and Megatron's name the parts of the tensor parallel ranks. */
  Map<String, Map<String, List<Matrix>>> states() {
    if (absent != null) {
      return Map.of();
    }
    return states.isEmpty() ? buffers.states() : states;
  }

  /** Returns the reason if there are none. */
  String whyAbsent() {
    return absent == null ? NONE : absent;
  }

  /** Adds what a rank of a stage has. */
  void add(RankFile file, int stage) throws IOException {
    if (!(file.content().get("optimizer") instanceof Map<?, ?> saved)) {
      absent = NONE;
      return;
    }
    Map<?, ?> adam = saved.get("optimizer") instanceof Map<?, ?> inner ? inner : saved;
    if (!(adam.get("state") instanceof Map<?, ?> byNumber) || byNumber.isEmpty()) {
      buffers.add(file, stage);
      return;
    }
    List<Map<?, ?>> groups = groups(adam.get("param_groups"));
    for (int i = 0; i < groups.size() && absent == null; i++) {
      Group group = group(groups.get(i), file.parameters());
      if (group != null) {
        addMoments(file.archive(), byNumber, group);
        addMasters(file.archive(), saved.get("fp32_from_fp16_params"), i, group.parameters());
      }
    }
  }

  private record Group(List<?> numbers, List<Parameter> parameters) {}

  private static List<Map<?, ?>> groups(@Nullable Object saved) {
    List<Map<?, ?>> groups = new ArrayList<>();
    for (Object each : saved instanceof List<?> list ? list : List.of()) {
      if (each instanceof Map<?, ?> group) {
        groups.add(group);
      }
    }
    return groups;
  }

  /** Matches a group with its parameters; null if it is empty or cannot be matched. */
  private @Nullable Group group(Map<?, ?> saved, List<Parameter> all) {
    List<?> numbers = saved.get("params") instanceof List<?> list ? list : List.of();
    if (numbers.isEmpty()) {
      return null;
    }
    if (saved.get("wd_mult") instanceof Number factor) {
      boolean decays = factor.doubleValue() != 0;
      List<Parameter> parameters =
          all.stream().filter(parameter -> parameter.decays() == decays).toList();
      if (parameters.size() == numbers.size()) {
        return new Group(numbers, parameters);
      }
    }
    absent =
        "its optimizer has groups of parameters other than those with and without weight decay";
    return null;
  }

  private void addMoments(TorchArchive archive, Map<?, ?> byNumber, Group group)
      throws IOException {
    for (int i = 0; i < group.numbers().size(); i++) {
      Object saved = byNumber.get(group.numbers().get(i));
      for (String kind : MOMENTS) {
        Object state = saved instanceof Map<?, ?> map ? map.get(kind) : null;
        put(archive, kind, group.parameters().get(i), state);
      }
    }
  }

  private void addMasters(
      TorchArchive archive, @Nullable Object groups, int index, List<Parameter> parameters)
      throws IOException {
    if (!(groups instanceof List<?> all)) {
      return;
    }
    List<?> masters = index < all.size() && all.get(index) instanceof List<?> own ? own : List.of();
    for (int i = 0; i < parameters.size(); i++) {
      put(archive, MASTER, parameters.get(i), i < masters.size() ? masters.get(i) : null);
    }
  }

  private void put(TorchArchive archive, String kind, Parameter parameter, @Nullable Object state)
      throws IOException {
    if (!(state instanceof TorchTensor tensor) || !tensor.sizes().equals(parameter.sizes())) {
      throw new UserException(
          "%s: the %s of %s is missing or not of sizes %s, so the checkpoint is damaged. Copy it again, or add --no-load-optim or --finetune."
              .formatted(source, kind, parameter.name(), parameter.sizes()));
    }
    states
        .computeIfAbsent(kind, unused -> new LinkedHashMap<>())
        .computeIfAbsent(parameter.name(), unused -> new ArrayList<>())
        .add(folder.state(archive, tensor));
  }

  /**
   * Returns the number of updates: the step of the first group, where apex and TransformerEngine
   * keep it, or else the number of iterations.
   *
   * @param saved what was saved of the optimizer; null for nothing
   */
  static long numUpdates(@Nullable Object saved, long iterations) {
    if (!(saved instanceof Map<?, ?> map)) {
      return 0;
    }
    Map<?, ?> adam = map.get("optimizer") instanceof Map<?, ?> inner ? inner : map;
    List<Map<?, ?>> groups = groups(adam.get("param_groups"));
    Object step = groups.isEmpty() ? null : groups.get(0).get("step");
    return step instanceof Number updates && updates.longValue() > 0
        ? updates.longValue()
        : iterations;
  }
}
