package io.tanuki4j.flags;

import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.config.Problems;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.data.DataConfig.Reading;
import io.tanuki4j.data.DataConfig.Sources;
import io.tanuki4j.data.DocumentMasks;
import io.tanuki4j.data.SplitRatios;
import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.Samples;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link DataConfig}. */
public final class DataOptions {
  private static final String LEGACY_SPLIT = "969, 30, 1";
  private static final String SINGLE = "single";
  private static final String CYCLIC = "cyclic";
  private static final String MOCK_SPLIT = "1,1,1";

  @Option(
      names = "--data-path",
      paramLabel = "[WEIGHT] PREFIX",
      arity = "0..*",
      description = "Datasets (files PREFIX.bin and PREFIX.idx); --split divides them.")
  @Nullable List<String> dataPath;

  @Option(
      names = "--train-data-path",
      paramLabel = "[WEIGHT] PREFIX",
      arity = "0..*",
      description = "Datasets for training only.")
  @Nullable List<String> trainDataPath;

  @Option(
      names = "--valid-data-path",
      paramLabel = "[WEIGHT] PREFIX",
      arity = "0..*",
      description = "Datasets for validation only.")
  @Nullable List<String> validDataPath;

  @Option(
      names = "--test-data-path",
      paramLabel = "[WEIGHT] PREFIX",
      arity = "0..*",
      description = "Datasets for the test only.")
  @Nullable List<String> testDataPath;

  @Option(
      names = "--data-args-path",
      paramLabel = "FILE",
      description = "A file with the words of --data-path.")
  @Nullable Path dataArgsPath;

  @Option(
      names = "--per-split-data-args-path",
      paramLabel = "FILE",
      description = "A JSON file with lists of such words under train, valid and test.")
  @Nullable Path perSplitDataArgsPath;

  @Option(
      names = "--mock-data",
      description =
          "Invented data instead, as Megatron's: documents that count up, in three equal splits.")
  boolean mockData;

  @Option(
      names = "--split",
      paramLabel = "A,B,C",
      description = "Shares of train, valid and test in --data-path (969, 30, 1).")
  @Nullable String split;

  @Option(
      names = "--data-cache-path",
      paramLabel = "DIR",
      description = "Keeps the sample orders (a folder next to each dataset).")
  @Nullable Path dataCachePath;

  @Option(
      names = "--dataloader-type",
      paramLabel = "single|cyclic",
      description =
          "single: samples come once, in Megatron's order. cyclic: each epoch has a new order, and"
              + " each data-parallel rank a part of the samples.")
  String dataloaderType = SINGLE;

  @Option(
      names = "--no-mmap-bin-files",
      description = "Reads .bin files piece by piece instead of mapping them into memory.")
  boolean mmapBinFiles = true;

  @Option(
      names = "--reset-position-ids",
      description = "Rotary positions restart at 0 in each document of a sample.")
  boolean resetPositionIds;

  @Option(
      names = "--reset-attention-mask",
      description = "Tokens attend to their own document only.")
  boolean resetAttentionMask;

  @Option(
      names = "--eod-mask-loss",
      description = "Leaves tokens that end a document out of the loss.")
  boolean eodMaskLoss;

  @Option(names = "--num-workers", paramLabel = "N", description = "Threads that read ahead.")
  int numWorkers = 2;

  private @Nullable Blend blend;
  private @Nullable Blend train;
  private @Nullable Blend valid;
  private @Nullable Blend test;

  void derive(List<String> notices) {
    boolean perSplit =
        trainDataPath != null
            || validDataPath != null
            || testDataPath != null
            || perSplitDataArgsPath != null;
    if (split != null && perSplit && dataPath == null && dataArgsPath == null) {
      notices.add("--split: no effect, since each split has datasets of its own");
      split = null;
    }
    if (resetAttentionMask) {
      notices.add(
          "--reset-attention-mask: tokens attend to their own document only. Megatron-LM ignores the"
              + " flag with flash attention.");
    }
    if (resetPositionIds) {
      notices.add(
          "--reset-position-ids: rotary positions restart in each document. Megatron-LM ignores the"
              + " flag with rotary positions.");
    }
    if (mockData) {
      split = MOCK_SPLIT;
      notices.add("setting split to " + MOCK_SPLIT + ", for mock data");
    }
    if (split == null && (dataPath != null || dataArgsPath != null)) {
      split = LEGACY_SPLIT;
      notices.add("setting split to " + LEGACY_SPLIT);
    }
  }

  /** Reports what is wrong without a look at files. */
  void checkGiven(Problems problems) {
    problems.notNegative("--num-workers", numWorkers, "Write 1 or more to read ahead.");
    problems.oneOf("--dataloader-type", dataloaderType, List.of(SINGLE, CYCLIC));
    checkSources(sources(), problems);
    checkSplit(problems);
  }

  /**
   * Reports positions that cannot restart.
   *
   * @param rotary whether positions are rotations
   */
  void checkPositions(boolean rotary, Problems problems) {
    if (resetPositionIds && !rotary) {
      problems.add(
          "--reset-position-ids",
          "given",
          "with --position-embedding-type rope",
          "Leave it out: only rotary positions can restart.");
    }
  }

  /** Reports data that is missing; after {@link #checkGiven}. */
  void check(Problems problems) {
    if (sources().isEmpty()) {
      problems.required(
          "--data-path",
          null,
          "prefixes of datasets",
          "Add it with the path of a .bin file without .bin; tanuki4j preprocess makes them.");
    }
    blend = blend(problems);
    if (perSplitDataArgsPath != null) {
      readPerSplit(perSplitDataArgsPath, problems);
    } else {
      train = new Blends("--train-data-path", problems).parse(trainDataPath);
      valid = new Blends("--valid-data-path", problems).parse(validDataPath);
      test = new Blends("--test-data-path", problems).parse(testDataPath);
    }
  }

  private @Nullable Blend blend(Problems problems) {
    if (mockData) {
      return Blend.MOCK;
    }
    if (dataArgsPath == null) {
      return new Blends("--data-path", problems).parse(dataPath);
    }
    String flag = "--data-args-path";
    return new Blends(flag, problems).parse(DataFiles.words(flag, dataArgsPath, problems));
  }

  private void readPerSplit(Path file, Problems problems) {
    String flag = "--per-split-data-args-path";
    Map<String, List<String>> lists = DataFiles.perSplit(flag, file, problems);
    if (lists != null) {
      Blends parser = new Blends(flag, problems);
      train = parser.parse(lists.get("train"));
      valid = parser.parse(lists.get("valid"));
      test = parser.parse(lists.get("test"));
    }
  }

  private List<String> sources() {
    List<String> sources = new ArrayList<>();
    addIfGiven(sources, "--mock-data", mockData ? mockData : null);
    addIfGiven(sources, "--data-path", dataPath);
    addIfGiven(sources, "--data-args-path", dataArgsPath);
    addIfGiven(sources, "--per-split-data-args-path", perSplitDataArgsPath);
    boolean perSplit = trainDataPath != null || validDataPath != null || testDataPath != null;
    addIfGiven(
        sources,
        "--train-data-path, --valid-data-path, --test-data-path",
        perSplit ? perSplit : null);
    return sources;
  }

  private void checkSources(List<String> sources, Problems problems) {
    if (sources.size() > 1) {
      String others = String.join(", ", sources.subList(1, sources.size()));
      problems.add(
          sources.get(0),
          "given",
          "one source of data, not also " + others,
          "Leave out the others.");
    }
  }

  private static void addIfGiven(List<String> sources, String flag, @Nullable Object value) {
    if (value != null) {
      sources.add(flag);
    }
  }

  private void checkSplit(Problems problems) {
    try {
      if (split != null) {
        SplitRatios.parse(split);
      }
    } catch (UserException e) {
      problems.add("--split", e);
    }
  }

  DataConfig toConfig(int seqLength, int seed) {
    return new DataConfig(
        new Sources(blend, train, valid, test, requireNonNullElse(split, LEGACY_SPLIT)),
        new Reading(dataCachePath, mmapBinFiles, dataloaderType.equals(CYCLIC), numWorkers),
        seqLength,
        seed,
        documents());
  }

  /**
   * Returns what the model's layers need to know of samples.
   *
   * @param drops whether they drop elements at random
   */
  Samples.Kinds samples(boolean drops) {
    return new Samples.Kinds(resetPositionIds, resetAttentionMask, drops);
  }

  private DocumentMasks documents() {
    return new DocumentMasks(resetPositionIds, resetAttentionMask, eodMaskLoss);
  }
}
