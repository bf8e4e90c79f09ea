package io.tanuki4j.checkpoint;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * All of a run's state that is not a tensor. Values of the maps are strings, booleans, numbers,
 * lists of them or null; after loading, whole numbers are {@link Long} and others {@link Double}.
 *
 * @param iteration iterations done
 * @param consumedTrainSamples samples done, which says where the data continues
 * @param vocabSize ids of the tokenizer; any more rows of the vocabulary's tensors are padding
 * @param optimizer its scalars, for example the number of steps; empty if it is not saved
 * @param schedule the state of the rates' schedule; empty if the optimizer is not saved
 * @param arguments the run's flags under Megatron's attribute names ({@code num_layers})
 */
public record TrainState(
    long iteration,
    long consumedTrainSamples,
    long consumedValidSamples,
    int vocabSize,
    Map<String, Object> optimizer,
    Map<String, Object> schedule,
    Map<String, @Nullable Object> arguments) {}
