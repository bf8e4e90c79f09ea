package io.tanuki4j.optim;

import io.tanuki4j.tensor.DType;

/**
 * The types of an optimizer's state.
 *
 * @param master the weights that are updated: {@link DType#F32}, or the type the model computes in
 *     for updating the model's own weights (in BF16 with stochastic rounding)
 * @param firstMoment F32 or BF16
 * @param secondMoment F32 or BF16 (rounded stochastically)
 */
public record StateTypes(DType master, DType firstMoment, DType secondMoment) {
  /** Returns the types for values of this type, all wide enough for sums: F32, or F64 for F64. */
  public static StateTypes wide(DType values) {
    DType type = values.statisticsType();
    return new StateTypes(type, type, type);
  }
}
