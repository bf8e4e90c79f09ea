package io.tanuki4j.model;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Norm;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Sequential;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.parallel.tensor.VocabParallelHead;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The layers of a model that one pipeline stage owns: the embedding on the first stage, blocks, and
 * the head with the loss on the last.
 */
public final class GptChunk implements ModelChunk<GptChunk.Saved> {
  private final @Nullable InputEmbedding embedding;
  private final Sequential blocks;
  private final @Nullable Head head;

  /** The head's parameters that the embedding does not use. */
  private final List<Parameter> endParameters;

  /**
   * @param embedding null unless the chunk is the first
   * @param head null unless the chunk is the last
   */
  GptChunk(@Nullable InputEmbedding embedding, Sequential blocks, @Nullable Head head) {
    this.embedding = embedding;
    this.blocks = blocks;
    this.head = head;
    this.endParameters = endParameters(embedding, head);
  }

  private static List<Parameter> endParameters(
      @Nullable InputEmbedding embedding, @Nullable Head head) {
    if (head == null) {
      return List.of();
    }
    boolean tied = embedding != null && embedding.words().weight().equals(head.output().weight());
    return tied ? head.norm().parameters() : head.parameters();
  }

  /** The end of the model. */
  record Head(Norm norm, VocabParallelHead output) {
    /** Normalises hidden states, adds their losses, and returns what the backward starts from. */
    SavedHead forward(Tensor hidden, Microbatch microbatch) {
      microbatch.listener().valuesNeeded(parameters());
      Tensor normed = microbatch.scope().allocate(hidden.shape(), hidden.dtype());
      Norm.Saved saved = norm.forward(normed, hidden, microbatch);
      output.forward(normed, microbatch);
      return new SavedHead(saved, normed);
    }

    Tensor backward(SavedHead saved, Microbatch microbatch) {
      Tensor dNormed = saved.dNormed();
      Tensor dHidden = microbatch.scope().allocate(dNormed.shape(), dNormed.dtype());
      norm.backward(dHidden, saved.norm(), dNormed, microbatch);
      return dHidden;
    }

    List<Parameter> parameters() {
      return Stream.concat(norm.parameters().stream(), Stream.of(output.weight())).toList();
    }
  }

  /**
   * @param dNormed gradient of the normalised hidden states, computed in the forward
   */
  record SavedHead(Norm.Saved norm, Tensor dNormed) {}

  /**
   * What the parts saved.
   *
   * @param head null unless the chunk is the last
   */
  public record Saved(Sequential.Saved blocks, @Nullable SavedHead head) {}

  @Override
  public ChunkForward<Saved> forward(@Nullable Tensor hidden, Microbatch microbatch) {
    Tensor x = input(hidden, microbatch);
    boolean inPlace = !microbatch.training() && embedding != null;
    Tensor out = inPlace ? x : microbatch.scope().allocate(x.shape(), x.dtype());
    Sequential.Saved blocksSaved = blocks.forward(out, x, microbatch);
    if (head == null) {
      return new ChunkForward<>(out, new Saved(blocksSaved, null));
    }
    return new ChunkForward<>(null, new Saved(blocksSaved, head.forward(out, microbatch)));
  }

  /**
   * Overwrites dHidden, and returns it unless the chunk is the first. A split backward leaves it as
   * it is until the second half.
   */
  @Override
  public @Nullable Tensor backward(Saved saved, @Nullable Tensor dHidden, Microbatch microbatch) {
    Tensor dOut =
        head == null
            ? Objects.requireNonNull(dHidden, "only the last stage starts from its own loss")
            : head.backward(Objects.requireNonNull(saved.head()), microbatch);
    microbatch.listener().gradientsDone(endParameters);
    Tensor gradient = microbatch.isSplit() ? separate(saved, dOut, microbatch) : dOut;
    blocks.backward(gradient, saved.blocks(), dOut, microbatch);
    if (embedding == null) {
      return gradient;
    }
    embedding.backward(gradient, microbatch);
    microbatch.listener().gradientsDone(embedding.parameters());
    return null;
  }

  /** Returns a place for the gradient of the input where nothing is received while it is sent. */
  private Tensor separate(Saved saved, Tensor dOut, Microbatch microbatch) {
    return embedding == null
        ? microbatch.scope().allocate(dOut.shape(), dOut.dtype())
        : saved.blocks().x();
  }

  /**
   * Computes the logits after one position of each sequence, for generation. Later tokens do not
   * matter.
   *
   * @param out {@code [b, v]}
   * @param tokens {@code [s, b]}, I32
   * @param position which of the s tokens
   * @param scope for temporaries
   * @throws IllegalStateException if the chunk is not a whole model
   */
  public void logits(Tensor out, Tensor tokens, long position, MemoryScope scope) {
    if (embedding == null || head == null) {
      throw new IllegalStateException("logits need a whole model, this is one stage of several");
    }
    try (MemoryScope scratch = scope.child("logits")) {
      Microbatch microbatch = Microbatch.withoutTargets(tokens, scratch);
      Tensor hidden = embedding.forward(microbatch);
      blocks.forward(hidden, hidden, microbatch);
      Tensor last =
          hidden.rows(position, position + 1).reshape(Shape.of(hidden.dim(1), hidden.dim(2)));
      Tensor normed = scratch.allocate(last.shape(), last.dtype());
      head.norm().forward(normed, last, microbatch);
      head.output().logits(out, normed);
    }
  }

  @Override
  public List<Parameter> parameters() {
    Set<Parameter> parameters = new LinkedHashSet<>();
    if (embedding != null) {
      parameters.addAll(embedding.parameters());
    }
    parameters.addAll(blocks.parameters());
    if (head != null) {
      parameters.addAll(head.parameters());
    }
    return new ArrayList<>(parameters);
  }

  private Tensor input(@Nullable Tensor hidden, Microbatch microbatch) {
    if (embedding == null) {
      return Objects.requireNonNull(hidden, "only the first stage starts from tokens");
    }
    microbatch.listener().valuesNeeded(embedding.parameters());
    return embedding.forward(microbatch);
  }
}
