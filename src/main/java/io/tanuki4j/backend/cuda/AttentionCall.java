package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;

/**
 * The operands of a forward, which the backward reads too.
 *
 * @param type of all but logSumExp
 * @param out address of {@code [q, b, n·d]}
 * @param logSumExp address of {@code [b, n, q]}, F32
 */
record AttentionCall(
    AttentionForm form,
    DType type,
    AttentionOperands in,
    long out,
    long logSumExp,
    MaskOperands mask) {}
