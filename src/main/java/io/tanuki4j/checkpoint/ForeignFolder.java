package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Recognises folders of other programs, so that the message can say what to do with them. */
final class ForeignFolder {
  private ForeignFolder() {}

  /**
   * Rejects a folder of another program.
   *
   * @throws UserException if the folder is known to belong to another program
   */
  static void refuse(Path folder) throws IOException {
    if (Files.exists(folder) && !Files.isDirectory(folder)) {
      throw new UserException(
          folder + ": it is a file (expected: a folder of checkpoints). Name the folder.");
    }
    List<String> names =
        Folders.list(folder).stream().map(path -> path.getFileName().toString()).toList();
    if (names.contains(Manifest.NAME)) {
      throw new UserException(
          folder
              + ": it is one checkpoint (expected: the folder above it). Choose the iteration with"
              + " --ckpt-step.");
    }
    if (names.contains("config.json")) {
      throw new UserException(
          folder
              + ": it is a Hugging Face folder. Convert it first: convert --loader hf --saver"
              + " tanuki4j --load-dir "
              + folder
              + " --save-dir DIR.");
    }
    if (names.stream().anyMatch(name -> name.startsWith("mp_rank_"))) {
      throw new UserException(
          "%s: it is a Megatron checkpoint in torch format. %s".formatted(folder, hint(folder)));
    }
    if (names.contains(".metadata") || names.contains("metadata.json")) {
      throw new UserException(
          "%s: it is a Megatron checkpoint in torch_dist format. %s"
              .formatted(folder, hint(folder)));
    }
  }

  private static String hint(Path folder) {
    return "Convert it first: convert --loader megatron --saver tanuki4j --load-dir %s --save-dir DIR."
        .formatted(folder);
  }
}
