package io.tanuki4j.flags;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Megatron's attributes that no flag sets: they follow from others. */
final class DerivedAttributes {
  private DerivedAttributes() {}

  /**
   * Adds the attributes to those of the flags.
   *
   * @param options already checked
   */
  static void add(PretrainOptions options, Map<String, @Nullable Object> arguments) {
    int worldSize = options.distributed.worldSize();
    arguments.put("rotary_base", options.model.rotary.wholeBase());
    arguments.put("rope_theta", options.model.rotary.base());
    arguments.put("encoder_seq_length", options.model.seqLength);
    arguments.put("encoder_num_layers", options.model.numLayers);
    arguments.put("start_weight_decay", options.schedule.weightDecay.start());
    arguments.put("end_weight_decay", options.schedule.weightDecay.end());
    arguments.put("params_dtype", options.precision.paramsDtype());
    arguments.put("rank", 0);
    arguments.put("world_size", worldSize);
    arguments.put("data_parallel_size", options.parallel.dataParallelSize(worldSize));
    arguments.put("virtual_pipeline_model_parallel_size", options.parallel.virtualStages());
    arguments.put("consumed_train_samples", 0);
    arguments.put("skipped_train_samples", 0);
    arguments.put("consumed_valid_samples", 0);
  }
}
