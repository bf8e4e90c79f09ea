package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import io.tanuki4j.tokenizer.TokenizerType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tokenizer's files of the Hugging Face folder that a checkpoint was converted from. They are
 * stored in a folder next to the checkpoints and return unchanged to a Hugging Face folder.
 */
public final class CarriedTokenizer {
  /** Name of the folder. */
  static final String FOLDER = "hf_tokenizer";

  /** The argument of the checkpoints that the files belong to: those written by convert. */
  private static final String ARGUMENT = "tokenizer_files";

  private static final String MODEL = "tokenizer.model";

  private CarriedTokenizer() {}

  /** Returns the files that came with a checkpoint's model; none if a run has trained it since. */
  static HuggingFaceFiles of(Path checkpoints, ConversionSource model) throws IOException {
    return model.arguments().containsKey(ARGUMENT)
        ? HuggingFaceFiles.of(checkpoints.resolve(FOLDER))
        : HuggingFaceFiles.NONE;
  }

  /** Copies files to the folder of a model's checkpoint. */
  public static void copy(HuggingFaceFiles files, Path checkpoints) throws IOException {
    Path saving = checkpoints.resolve(FOLDER + ".saving");
    Folders.delete(saving);
    Files.createDirectories(saving);
    for (Map.Entry<String, byte[]> file : files.contents().entrySet()) {
      NewFile.write(saving.resolve(file.getKey()), file.getValue());
    }
    Folders.delete(checkpoints.resolve(FOLDER));
    Folders.rename(saving, checkpoints.resolve(FOLDER));
  }

  /**
   * Records in a checkpoint's arguments that it has such files. They are its tokenizer unless the
   * flags or the model name another one.
   *
   * @param checkpoints folder that the files were copied to
   */
  static void note(
      HuggingFaceFiles files, Path checkpoints, Map<String, @Nullable Object> arguments) {
    arguments.put(ARGUMENT, FOLDER);
    Object known = arguments.get("tokenizer_model");
    boolean knowsAnother =
        known == null ? arguments.get("tokenizer_type") != null : !isCarried(known.toString());
    if (knowsAnother) {
      return;
    }
    Path folder = checkpoints.toAbsolutePath().normalize().resolve(FOLDER);
    if (files.contents().containsKey("tokenizer.json")) {
      arguments.put("tokenizer_type", TokenizerType.HUGGING_FACE.megatronName());
      arguments.put("tokenizer_model", folder.toString());
    } else if (files.contents().containsKey(MODEL)) {
      arguments.put("tokenizer_type", TokenizerType.LLAMA2.megatronName());
      arguments.put("tokenizer_model", folder.resolve(MODEL).toString());
    }
  }

  private static boolean isCarried(String path) {
    return Path.of(path).endsWith(FOLDER) || Path.of(path).endsWith(Path.of(FOLDER, MODEL));
  }
}
