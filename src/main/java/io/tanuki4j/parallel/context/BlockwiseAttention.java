package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The attention of one rank's queries to the keys of all ranks, a block of keys at a time. What is
 * added up from more than two blocks is kept in fp32; a sum of two is rounded only once anyway.
 */
final class BlockwiseAttention {
  private BlockwiseAttention() {}

  /**
   * Who works on a sequence.
   *
   * @param shape sizes of each rank's projection
   * @param rank this one
   */
  record Ranks(AttentionShape shape, int rank, int size) {
    boolean makeManyBlocks() {
      return size > 2;
    }

    VisibleBlock block(int owner) {
      return new VisibleBlock(shape, rank, owner);
    }
  }

  /** The forward: results of blocks are merged by their log-sum-exps, the rank's own keys first. */
  static final class Forward {
    private final Kernels kernels;
    private final Ranks ranks;
    private final AttentionCore.Saved saved;
    private final SequenceMask mask;
    private final Tensor sum;
    private final Tensor part;
    private final Tensor partLogSumExp;

    /**
     * @param saved its out and logSumExp are written
     * @param mask what is left out
     * @param scratch for as long as this is used
     */
    Forward(
        Kernels kernels,
        Ranks ranks,
        AttentionCore.Saved saved,
        SequenceMask mask,
        MemoryScope scratch) {
      this.kernels = kernels;
      this.ranks = ranks;
      this.saved = saved;
      this.mask = mask;
      Tensor out = saved.out();
      DType wide = saved.logSumExp().dtype();
      Tensor more = scratch.allocate(out.shape(), ranks.makeManyBlocks() ? wide : out.dtype());
      this.sum = ranks.makeManyBlocks() ? more : out;
      this.part = ranks.makeManyBlocks() ? out : more;
      this.partLogSumExp = scratch.allocate(Shape.of(saved.logSumExp().numElements()), wide);
    }

    KeyValues keyValues() {
      return new KeyValues(kernels, saved.qkv(), ranks.shape());
    }

    /** Attends to the rank's own keys: the order of its tokens is that of the sequence. */
    void attendToOwnKeys() {
      kernels
          .attention()
          .causalAttentionForward(
              saved.out(),
              saved.logSumExp(),
              saved.qkv(),
              ranks.shape(),
              mask.ofOwnKeys(ranks.rank()));
      if (ranks.makeManyBlocks()) {
        kernels.elementwise().copy(sum, saved.out());
      }
    }

    /**
     * Attends to the keys of another rank.
     *
     * @param keyValues all that the owner has, {@code [s, b, 2g·d]}
     */
    void attendToKeysOf(int owner, Tensor keyValues) {
      VisibleBlock block = ranks.block(owner);
      AttentionBlock sizes = block.sizes();
      Tensor out = block.queries(part);
      Tensor logSumExp = partLogSumExp(sizes.queries());
      kernels
          .attention()
          .blockAttentionForward(
              out,
              logSumExp,
              block.queries(saved.qkv()),
              block.keys(keyValues),
              sizes,
              mask.ofBlock(block));
      kernels.attention().mergeAttention(sum, saved.logSumExp(), out, logSumExp, ranks.shape());
    }

    private Tensor partLogSumExp(AttentionShape queries) {
      Shape size = Shape.of(queries.batchSize(), queries.numHeads(), queries.seqLength());
      return partLogSumExp.rows(0, size.numElements()).reshape(size);
    }

    /** Writes the result. */
    void finish() {
      if (ranks.makeManyBlocks()) {
        kernels.elementwise().copy(saved.out(), sum);
      }
    }
  }

  /**
   * The backward: gradients of the rank's projection, and of other ranks' keys for their owners.
   * Blocks come in any order, but what other ranks have computed for this rank's keys is added
   * after the last block, unless there are many.
   */
  static final class Backward {
    private final Kernels kernels;
    private final Ranks ranks;
    private final Operands operands;
    private final Tensor sum;
    private final Tensor dQueries;
    private final Tensor lastLogSumExp;

    /**
     * @param dQkv the gradient that is written
     * @param saved by the forward
     * @param dOut gradient of the output
     * @param mask that of the forward
     */
    record Operands(Tensor dQkv, AttentionCore.Saved saved, Tensor dOut, SequenceMask mask) {}

    /**
     * @param scratch for as long as this is used
     */
    Backward(Kernels kernels, Ranks ranks, Operands operands, MemoryScope scratch) {
      this.kernels = kernels;
      this.ranks = ranks;
      this.operands = operands;
      Tensor logSumExp = operands.saved().logSumExp();
      Tensor dQkv = operands.dQkv();
      this.sum = ranks.makeManyBlocks() ? scratch.allocate(dQkv.shape(), logSumExp.dtype()) : dQkv;
      if (ranks.makeManyBlocks()) {
        kernels.elementwise().fill(sum, 0);
      }
      this.dQueries = scratch.allocate(operands.dOut().shape(), operands.dOut().dtype());
      this.lastLogSumExp = ofLastQueries(logSumExp, scratch);
    }

    /** Copies the second half of the queries' logarithms. */
    private Tensor ofLastQueries(Tensor logSumExp, MemoryScope scratch) {
      AttentionShape shape = ranks.shape();
      int half = shape.seqLength() / 2;
      Tensor last =
          scratch.allocate(Shape.of(shape.batchSize(), shape.numHeads(), half), logSumExp.dtype());
      kernels.elementwise().copyColumns(last, 0, logSumExp, half, half, Accumulate.OVERWRITE);
      return last;
    }

    KeyValues keyValues() {
      return new KeyValues(kernels, operands.saved().qkv(), ranks.shape());
    }

    /** Computes the part of the rank's own keys. */
    void attendToOwnKeys() {
      AttentionCore.Saved saved = operands.saved();
      kernels
          .attention()
          .causalAttentionBackward(
              operands.dQkv(),
              operands.dOut(),
              saved.out(),
              saved.logSumExp(),
              saved.qkv(),
              ranks.shape(),
              operands.mask().ofOwnKeys(ranks.rank()));
    }

    /**
     * Computes the part of another rank's keys: adds to the gradients of this rank's queries, and
     * writes what the owner of the keys has to add to theirs.
     *
     * @param keyValues all that the owner has, {@code [s, b, 2g·d]}
     * @param dKeyValues where their gradients go, as large
     * @return the rows of dKeyValues that were written; the others' gradients are zero
     */
    Tensor attendToKeysOf(int owner, Tensor keyValues, Tensor dKeyValues) {
      VisibleBlock block = ranks.block(owner);
      AttentionBlock sizes = block.sizes();
      AttentionCore.Saved saved = operands.saved();
      boolean all = sizes.queries().seqLength() == ranks.shape().seqLength();
      Tensor ofKeys = block.keys(dKeyValues);
      kernels
          .attention()
          .blockAttentionBackward(
              block.queries(dQueries),
              ofKeys,
              block.queries(operands.dOut()),
              block.queries(saved.out()),
              all ? saved.logSumExp() : lastLogSumExp,
              block.queries(saved.qkv()),
              block.keys(keyValues),
              sizes,
              operands.mask().ofBlock(block));
      if (ranks.makeManyBlocks()) {
        addQueries(block);
      }
      return ofKeys;
    }

    private void addQueries(VisibleBlock block) {
      kernels
          .elementwise()
          .copyColumns(
              block.queries(sum),
              0,
              block.queries(dQueries),
              0,
              ranks.shape().outSize(),
              Accumulate.ADD);
    }

    /** Returns the rows of a block for the gradients that a rank has made of this rank's keys. */
    Tensor madeBy(int other, Tensor block) {
      return new VisibleBlock(ranks.shape(), other, ranks.rank()).keys(block);
    }

    /**
     * Adds what another rank has computed for this rank's keys and values.
     *
     * @param dKeyValues gradients of the first of them, or of all
     */
    void add(Tensor dKeyValues) {
      AttentionShape shape = ranks.shape();
      kernels
          .elementwise()
          .copyColumns(
              sum.rows(0, dKeyValues.dim(0)),
              shape.outSize(),
              dKeyValues,
              0,
              shape.keyValueSize(),
              Accumulate.ADD);
    }

    /** Writes the result. */
    void finish() {
      Tensor dQkv = operands.dQkv();
      if (ranks.makeManyBlocks()) {
        int width = ranks.shape().qkvSize();
        kernels.elementwise().copyColumns(sum, 0, dQkv, 0, width, Accumulate.ADD);
        kernels.elementwise().copy(dQkv, sum);
      } else if (ranks.size() == 2) {
        addQueries(ranks.block(1 - ranks.rank()));
      }
    }
  }

  /**
   * Blocks of keys and values apart from queries, {@code [s, b, 2g·d]}, as they are sent.
   *
   * @param qkv the projection of this rank's tokens
   * @param shape its sizes
   */
  record KeyValues(Kernels kernels, Tensor qkv, AttentionShape shape) {
    /** Allocates memory for some blocks, one after another along the sequence. */
    Tensor allocate(int numBlocks, MemoryScope scope) {
      Shape blocks =
          Shape.of((long) numBlocks * shape.seqLength(), shape.batchSize(), shape.keyValueSize());
      return scope.allocate(blocks, qkv.dtype());
    }

    /** Copies this rank's block out of the projection. */
    void pack(Tensor into) {
      kernels
          .elementwise()
          .copyColumns(into, 0, qkv, shape.outSize(), shape.keyValueSize(), Accumulate.OVERWRITE);
    }
  }

  /**
   * The part of another rank's keys that this rank's queries see. A sequence is cut into twice as
   * many pieces as there are ranks, and rank r has pieces r and {@code 2 · size − 1 − r} ({@link
   * SequenceSharding}). An earlier rank's first piece lies before both pieces of the queries, its
   * second piece behind both. A later rank's pieces both lie between those of the queries. So it is
   * attention without a mask: either of all queries to the first half of the keys, or of the second
   * half of the queries to all keys.
   *
   * @param local sizes of each rank's projection
   * @param rank that has the queries
   * @param owner the other, which has the keys
   */
  record VisibleBlock(AttentionShape local, int rank, int owner) {
    AttentionBlock sizes() {
      int half = local.seqLength() / 2;
      return ownerIsEarlier()
          ? new AttentionBlock(local, half)
          : new AttentionBlock(local.withSeqLength(half), local.seqLength());
    }

    /** Returns the rows of those queries that see keys. */
    Tensor queries(Tensor ofRank) {
      return ownerIsEarlier() ? ofRank : ofRank.rows(local.seqLength() / 2, local.seqLength());
    }

    /** Returns the rows of those keys that are seen. */
    Tensor keys(Tensor ofOwner) {
      return ownerIsEarlier() ? ofOwner.rows(0, local.seqLength() / 2) : ofOwner;
    }

    private boolean ownerIsEarlier() {
      return owner < rank;
    }
  }
}
