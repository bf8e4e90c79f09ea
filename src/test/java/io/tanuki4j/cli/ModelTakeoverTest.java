package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.model.TestModels.Family;
import io.tanuki4j.nn.RopeScaling;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every component of a model's configuration comes from the checkpoint, or a differing one is
 * refused. The components are found by reflection, so that a new one is not forgotten.
 */
class ModelTakeoverTest {
  /** Changes no number of the model, or belongs to the data or to training. */
  private static final Set<String> NO_SHAPE = Set.of("recompute", "samples", "dropout");

  /** Their flags have to be given, so the user's word counts; the vocabulary is always taken. */
  private static final Set<String> ALWAYS_GIVEN =
      Set.of(
          "numLayers",
          "hiddenSize",
          "numHeads",
          "seqLength",
          "maxPositionEmbeddings",
          "vocabSize",
          "norm",
          "positions");

  /** The model of {@link #FLAGS}. */
  private static final ModelConfig BASE =
      TestModels.llama(
          new Sizes(2, 64, 128, 128, 32, 128),
          new Attention(4, 4, 16),
          true,
          new Training(0.02, 0, Recompute.NONE));

  private static final String TRAINING =
      " --attention-dropout 0 --hidden-dropout 0 --micro-batch-size 2 --train-iters 10"
          + " --lr 1e-3 --tokenizer-type NullTokenizer --vocab-size 99"
          + " --data-path DIR/text_document --split 8,1,1 --load DIR";

  private static final String FLAGS =
      "--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 32"
          + " --max-position-embeddings 128 --position-embedding-type rope"
          + " --normalization RMSNorm --swiglu --disable-bias-linear"
          + TRAINING;

  private static final Map<String, Object> OTHER_CHOICES =
      Map.of(
          "norm", Norm.LAYER_NORM,
          "activation", Activation.SQUARED_RELU,
          "biases", Biases.QKV,
          "positions", Positions.NONE);

  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  /**
   * A model that differs in one component.
   *
   * @param component its name, with that of the component within it
   */
  record Other(String component, ModelConfig model) {
    @Override
    public String toString() {
      return component;
    }
  }

  static Stream<Other> others() throws ReflectiveOperationException {
    List<Other> others = new ArrayList<>();
    RecordComponent[] groups = ModelConfig.class.getRecordComponents();
    for (int i = 0; i < groups.length; i++) {
      Record group = (Record) groups[i].getAccessor().invoke(BASE);
      RecordComponent[] components = group.getClass().getRecordComponents();
      for (int j = 0; j < components.length; j++) {
        for (Object value : otherValues(components[j], group)) {
          others.add(new Other(components[j].getName(), with(BASE, i, with(group, j, value))));
        }
      }
    }
    return others.stream();
  }

  private static List<Object> otherValues(RecordComponent component, Record group)
      throws ReflectiveOperationException {
    return NO_SHAPE.contains(component.getName())
        ? List.of()
        : otherValues(component.getName(), component.getAccessor().invoke(group));
  }

  private static List<Object> otherValues(String name, @Nullable Object value)
      throws ReflectiveOperationException {
    if (name.equals("scaling")) {
      List<Object> scalings = new ArrayList<>(List.of(RopeScaling.LLAMA3));
      RecordComponent[] components = RopeScaling.class.getRecordComponents();
      for (int i = 0; i < components.length; i++) {
        Object part = components[i].getAccessor().invoke(RopeScaling.LLAMA3);
        scalings.add(with(RopeScaling.LLAMA3, i, otherValues("", part).get(0)));
      }
      return scalings;
    }
    if (value instanceof Boolean flag) {
      return List.of(!flag);
    }
    if (value instanceof Integer size) {
      return List.of(name.equals("numQueryGroups") ? size / 2 : size * 2);
    }
    if (value instanceof Double number) {
      return List.of(name.equals("percent") ? 0.5 : number == 0 ? 1e-3 : number * 2.5);
    }
    if (value instanceof Enum<?>) {
      return List.of(OTHER_CHOICES.get(name));
    }
    throw new AssertionError("teach this test other values of " + name);
  }

  @SuppressWarnings("unchecked")
  private static <R extends Record> R with(R record, int index, Object value)
      throws ReflectiveOperationException {
    RecordComponent[] components = record.getClass().getRecordComponents();
    Class<?>[] types =
        Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new);
    Object[] values = new Object[components.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = i == index ? value : components[i].getAccessor().invoke(record);
    }
    return (R) record.getClass().getConstructor(types).newInstance(values);
  }

  /** As a checkpoint keeps it. */
  private static Map<String, @Nullable Object> arguments(ModelConfig model) {
    return new HashMap<>(MegatronArguments.of(model));
  }

  @Test
  void the_flags_give_the_base() {
    ModelConfig model = lines.resolve(FLAGS).config().model();
    assertThat(model.withVocabSize(BASE.sizes().vocabSize())).isEqualTo(BASE);
  }

  @ParameterizedTest
  @MethodSource("others")
  void a_component_survives_as_arguments(Other other) {
    MegatronArguments kept = new MegatronArguments("here", MegatronArguments.of(other.model()));
    assertThat(kept.model()).isEqualTo(other.model()).isNotEqualTo(BASE);
  }

  @ParameterizedTest
  @MethodSource("others")
  void a_component_is_taken_from_the_checkpoint(Other other) {
    Resolved resolved =
        lines.withCheckpoint(arguments(other.model())).resolve(TRAINING + " --use-checkpoint-args");
    assertThat(resolved.config().model()).isEqualTo(other.model());
  }

  @ParameterizedTest
  @MethodSource("others")
  void a_component_that_differs_is_refused(Other other) {
    List<String> problems = lines.withCheckpoint(arguments(other.model())).problems(FLAGS);
    if (ALWAYS_GIVEN.contains(other.component())) {
      assertThat(problems).noneMatch(line -> line.contains("--use-checkpoint-args"));
      return;
    }
    assertThat(problems)
        .isNotEmpty()
        .allSatisfy(
            line ->
                assertThat(line)
                    .matches(
                        "--[a-z-]+: \\S+ \\(expected: \\S+, as the checkpoint in DIR has it\\)\\."
                            + " Add --use-checkpoint-args to take it over, or write --.* to change"
                            + " it\\."));
  }

  @ParameterizedTest
  @MethodSource("others")
  void what_the_user_writes_wins_with_a_line(Other other) {
    Map<String, Object> theirs = MegatronArguments.of(other.model());
    List<String> words = new ArrayList<>();
    List<String> flags = new ArrayList<>();
    MegatronArguments.of(BASE)
        .forEach(
            (name, value) -> {
              if (value instanceof Number number && !value.equals(theirs.get(name))) {
                String flag = "--" + name.replace('_', '-');
                flags.add(flag);
                boolean whole = number.doubleValue() == number.intValue();
                words.add(flag + " " + (whole ? String.valueOf(number.intValue()) : number));
              }
            });
    CommandLines checkpoint = lines.withCheckpoint(arguments(other.model()));
    Resolved resolved =
        checkpoint.resolve(TRAINING + " --use-checkpoint-args " + String.join(" ", words));
    for (String flag : flags) {
      assertThat(resolved.notices()).anyMatch(line -> line.startsWith("Keeping " + flag + " "));
    }
    Map<String, Object> found = MegatronArguments.of(resolved.config().model());
    Map<String, Object> base = MegatronArguments.of(BASE);
    base.remove("group_query_attention"); // follows from the number of groups
    base.forEach(
        (name, value) ->
            assertThat(found.get(name))
                .as(name)
                .isEqualTo(value instanceof Number ? value : theirs.get(name)));
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void what_layers_are_made_of_is_taken_from_the_checkpoint(Family family) {
    ModelConfig model =
        new ModelConfig(
            BASE.sizes(),
            BASE.attention(),
            BASE.rotary(),
            family.layers(),
            family.embeddings(true),
            BASE.training());
    assertThat(new MegatronArguments("here", MegatronArguments.of(model)).model()).isEqualTo(model);
    Resolved resolved =
        lines.withCheckpoint(arguments(model)).resolve(TRAINING + " --use-checkpoint-args");
    assertThat(resolved.config().model()).isEqualTo(model);
  }

  @Test
  void a_difference_is_one_sentence() throws ReflectiveOperationException {
    ModelConfig other =
        others().filter(one -> one.component().equals("normEpsilon")).findFirst().get().model();
    assertThat(lines.withCheckpoint(arguments(other)).problems(FLAGS))
        .containsExactly(
            "--norm-epsilon: 1e-05 (expected: 2.5e-05, as the checkpoint in DIR has it). Add"
                + " --use-checkpoint-args to take it over, or write --norm-epsilon 1e-05 to change"
                + " it.");
  }
}
