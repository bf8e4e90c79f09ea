"""Loads checkpoints that "convert --saver megatron --saver-transformer-impl local" wrote into megatron-core 0.16 on the CPU, strictly.

    torchrun --standalone --nproc-per-node $((TP*PP)) tools/reference/check_megatron_export.py DIR TP PP [EXPECTED.json]

DIR holds latest_checkpointed_iteration.txt. With one process and expected.json (ids and a loss), the loss of the text is compared. That
torch.load takes the file with weights_only, argparse.Namespace alone allowed, is checked on the way.
"""
import argparse
import contextlib
import functools
import json
import sys

import torch
import torch.distributed as dist

torch.cuda.synchronize = lambda *a, **k: None
torch.cuda.current_device = lambda: "cpu"
torch.cuda.get_rng_state = lambda *a, **k: torch.get_rng_state()

from megatron.core import parallel_state as ps
import megatron.core.tensor_parallel.random as tp_random
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.models.gpt.gpt_model import GPTModel
from megatron.core.transformer.transformer_config import TransformerConfig

TOLERANCE = 2e-5  # fp32 sums in another order

folder, tp, pp = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dist.init_process_group("gloo")
ps.initialize_model_parallel(tp, pp)
tp_random.CudaRNGStatesTracker.fork = lambda s, *a, **k: contextlib.nullcontext()
stage = ps.get_pipeline_model_parallel_rank()
name = f"mp_rank_{ps.get_tensor_model_parallel_rank():02d}" + (f"_{stage:03d}" if pp > 1 else "")
iteration = int(open(folder + "/latest_checkpointed_iteration.txt").read())
with torch.serialization.safe_globals([argparse.Namespace]):
    content = torch.load(f"{folder}/iter_{iteration:07d}/{name}/model_optim_rng.pt", weights_only=True, mmap=True)
args = content["args"]
assert content["checkpoint_version"] == 3.0 and content["iteration"] == iteration
assert (args.tensor_model_parallel_size, args.pipeline_model_parallel_size) == (tp, pp)
for name, default in dict(bias_gelu_fusion=True, add_qkv_bias=False, qk_layernorm=False, squared_relu=False).items():
    setattr(args, name, getattr(args, name, default))  # an export keeps what its source says, which may be less than Megatron does
# As Megatron's arguments make a configuration; its fused GELU, which needs biases, is the one by tanh.
gelu = functools.partial(torch.nn.functional.gelu, approximate="tanh" if args.bias_gelu_fusion and args.add_bias_linear else "none")
squared_relu = lambda x: torch.nn.functional.relu(x) ** 2
activation = torch.nn.functional.silu if args.swiglu else squared_relu if args.squared_relu else gelu
config = TransformerConfig(
    num_layers=args.num_layers, hidden_size=args.hidden_size, ffn_hidden_size=args.ffn_hidden_size, kv_channels=args.kv_channels,
    num_attention_heads=args.num_attention_heads, num_query_groups=args.num_query_groups, use_cpu_initialization=True,
    add_bias_linear=args.add_bias_linear, add_qkv_bias=args.add_qkv_bias, gated_linear_unit=args.swiglu, activation_func=activation,
    normalization=args.normalization, qk_layernorm=args.qk_layernorm, layernorm_epsilon=args.norm_epsilon, hidden_dropout=0.0,
    attention_dropout=0.0, tensor_model_parallel_size=tp, pipeline_model_parallel_size=pp, pipeline_dtype=torch.float32,
    params_dtype=torch.float32, bias_activation_fusion=False, masked_softmax_fusion=False, persist_layer_norm=False,
    apply_rope_fusion=False, rotary_interleaved=args.rotary_interleaved)
model = GPTModel(
    config, get_gpt_layer_local_spec(qk_layernorm=args.qk_layernorm, normalization=args.normalization),
    vocab_size=args.padded_vocab_size, max_sequence_length=args.max_position_embeddings,
    pre_process=ps.is_pipeline_first_stage(), post_process=ps.is_pipeline_last_stage(),
    share_embeddings_and_output_weights=not args.untie_embeddings_and_output_weights,
    position_embedding_type=args.position_embedding_type, rotary_base=args.rotary_base)
model.load_state_dict(content["model"], strict=True)
print(f"rank {dist.get_rank()}: {len(content['model'])} entries loaded strictly")
if tp * pp == 1 and len(sys.argv) > 4:
    expected = json.load(open(sys.argv[4]))
    ids = torch.tensor([expected["ids"]])
    length = ids.shape[1] - 1
    with torch.no_grad():
        mask = torch.tril(torch.ones(1, 1, length, length)) < 0.5
        logits = model(ids[:, :-1], torch.arange(length)[None], mask)
    loss = torch.nn.functional.cross_entropy(logits[0].double(), ids[0, 1:]).item()
    print(f"loss {loss:.7f}, expected {expected['loss']}")
    assert abs(loss - expected["loss"]) < TOLERANCE
dist.destroy_process_group()
