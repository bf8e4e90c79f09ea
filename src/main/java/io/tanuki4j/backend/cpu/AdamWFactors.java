package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;

/**
 * The numbers of an AdamW step that are the same for every element, bias corrections folded in:
 * {@code master −= rate · m / (sqrt(v · secondScale) + epsilon) + decay · master}.
 *
 * @param clip what every gradient is multiplied by
 */
record AdamWFactors(
    double clip,
    double beta1,
    double beta2,
    double rate,
    double secondScale,
    double epsilon,
    double decay) {

  static AdamWFactors of(AdamWStep step, double clip) {
    return new AdamWFactors(
        clip,
        step.beta1(),
        step.beta2(),
        step.learningRate() / (1 - Math.pow(step.beta1(), step.iteration())),
        1 / (1 - Math.pow(step.beta2(), step.iteration())),
        step.epsilon(),
        step.learningRate() * step.weightDecay());
  }
}
