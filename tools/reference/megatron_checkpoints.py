"""Makes the Megatron checkpoints of the tests: a tiny Llama on the CPU, by megatron-core 0.16 and torch from PyPI.

    torchrun --standalone --nproc-per-node $((TP*PP*DP)) tools/reference/megatron_checkpoints.py OUT TP PP VPP [te|adam|SHARDING]

Writes OUT/torch and OUT/torch_dist. Every layout has the same weights, which follow from the names of the parameters. With all ranks in
one process (TP = PP = VPP = 1), the loss of a fixed text goes to OUT/expected.json. "te" gives the parameters of the format torch the
names that TransformerEngine's layers have, in bfloat16, with the states of optimizer and random numbers that a whole checkpoint has.
"adam" adds the state of Megatron's own optimizer, which also follows from the names; with all ranks in one process, the losses of three
more iterations on the text go to OUT/expected.json. SHARDING gives the same state to the distributed optimizer, in several buckets, and
is how OUT/torch_dist stores it: fully_reshardable, dp_reshardable or, with megatron-core 0.12 on PYTHONPATH, fully_sharded_model_space.
OUT/torch then has distrib_optim.pt. BUCKET=N closes a bucket after N elements, and DTYPE=bfloat16 makes weights of that type.
"""
import argparse
import contextlib
import functools
import inspect
import io
import json
import multiprocessing
import os
import sys
import zlib

import numpy
import torch
import torch.distributed as dist

torch.cuda.synchronize = lambda *a, **k: None
torch.cuda.current_device = lambda: "cpu"
torch.cuda.get_rng_state = lambda *a, **k: torch.get_rng_state()


def on_the_cpu(make):
    return lambda *a, **k: make(*a, **({**k, "device": "cpu"} if k.get("device") == "cuda" else k))


torch.tensor, torch.zeros = on_the_cpu(torch.tensor), on_the_cpu(torch.zeros)
numpy.product = numpy.prod  # as megatron-core 0.12 calls it
torch.Tensor.cuda = lambda tensor, *a, **k: tensor

plain_type = torch.Tensor.type


def type_on_the_gpu(tensor, *wanted, **how):
    """Names a tensor's type as the distributed optimizer, which only knows GPUs, expects it."""
    named = plain_type(tensor, *wanted, **how)
    return named.replace("torch.", "torch.cuda.") if isinstance(named, str) else named


from megatron.core import dist_checkpointing, parallel_state as ps
import megatron.core.dist_checkpointing.strategies.filesystem_async as filesystem_async
import megatron.core.tensor_parallel.random as tp_random
from megatron.core.distributed import DistributedDataParallel, DistributedDataParallelConfig
from megatron.core.models.gpt.gpt_layer_specs import get_gpt_layer_local_spec
from megatron.core.models.gpt.gpt_model import GPTModel
from megatron.core.transformer.enums import AttnBackend
from megatron.core.transformer.transformer_config import TransformerConfig

LAYERS, HIDDEN, FFN, HEADS, GROUPS, VOCAB, SEQ, ITERATION = 4, 16, 24, 4, 2, 64, 32, 7

out, tp, pp, vpp = sys.argv[1], *map(int, sys.argv[2:5])
te, adam = sys.argv[5:] == ["te"], sys.argv[5:] not in ([], ["te"])
sharding = sys.argv[5] if adam and sys.argv[5] != "adam" else None
dtype = getattr(torch, os.environ.get("DTYPE", "float32"))
dist.init_process_group("gloo")
rank = dist.get_rank()
ps.initialize_model_parallel(tp, pp, vpp if vpp > 1 else None)
has_stages = "vp_stage" in inspect.signature(GPTModel).parameters
tp_random.CudaRNGStatesTracker.fork = lambda s, *a, **k: contextlib.nullcontext()
config = TransformerConfig(
    num_layers=LAYERS, hidden_size=HIDDEN, ffn_hidden_size=FFN, num_attention_heads=HEADS, num_query_groups=GROUPS,
    use_cpu_initialization=True, add_bias_linear=False, gated_linear_unit=True, activation_func=torch.nn.functional.silu,
    normalization="RMSNorm", layernorm_epsilon=1e-5, hidden_dropout=0.0, attention_dropout=0.0, tensor_model_parallel_size=tp,
    pipeline_model_parallel_size=pp, virtual_pipeline_model_parallel_size=vpp if vpp > 1 else None, pipeline_dtype=torch.float32,
    params_dtype=dtype, bf16=dtype == torch.bfloat16, bias_activation_fusion=False, masked_softmax_fusion=False, persist_layer_norm=False,
    apply_rope_fusion=False)


def chunk(index):
    where = dict(ignore_virtual=False, vp_stage=index) if vpp > 1 and has_stages else {}
    if vpp > 1 and not has_stages:
        ps.set_virtual_pipeline_model_parallel_rank(index)
    return GPTModel(
        config, get_gpt_layer_local_spec(normalization="RMSNorm"), vocab_size=VOCAB, max_sequence_length=SEQ,
        pre_process=ps.is_pipeline_first_stage(**where), post_process=ps.is_pipeline_last_stage(**where),
        share_embeddings_and_output_weights=False, position_embedding_type="rope", rotary_base=10000,
        **(dict(vp_stage=index) if vpp > 1 and has_stages else {}))


def module(model):
    """The model inside Megatron's DistributedDataParallel, if it is in one."""
    return getattr(model, "module", model)


def whole(name, shape):
    """The same tensor of a name at every layout."""
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    values = torch.randn(shape, generator=generator)
    return 1 + 0.2 * values if "norm" in name else 0.3 * values


def whole_moment(kind, name, shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(zlib.crc32(f"{kind}.{name}".encode())))
    return 1e-3 * values if kind == "exp_avg" else 1e-6 * (1 + values.abs())


def local(model, name, parameter, make):
    """This rank's part of what make(name, shape) returns for the whole parameter."""
    t = ps.get_tensor_model_parallel_rank()
    words = name.split(".")
    if "layers" in words:
        words[2] = str(model.decoder.layers[int(words[2])].layer_number - 1)
    shape = list(parameter.shape)
    axis = 1 if "linear_proj" in name or "linear_fc2" in name else None if "norm" in name else 0
    if axis is not None:
        shape[axis] *= tp
    values = make(".".join(words), shape)
    if "linear_fc1.weight" in name:
        return torch.cat([half.chunk(tp)[t] for half in values.chunk(2)])
    return values if axis is None else values.chunk(tp, axis)[t]


def fill(model):
    for name, parameter in model.named_parameters():
        parameter.data.copy_(local(model, name, parameter, whole).to(dtype))


def set_state(one, parameter, values):
    """Gives a parameter's state, or this rank's range of it, the values that follow from its name."""
    part, state = slice(None), one.optimizer.state[parameter] if sharding is None else None
    if sharding:
        if parameter not in one.model_param_gbuf_map:
            return
        where = one._get_model_param_range_map(parameter)["param"]
        part, state = slice(where.start, where.end), one._get_main_param_and_optimizer_states(parameter)
        state["param"].data.copy_(values(whole).flatten()[part])
    for kind in ("exp_avg", "exp_avg_sq"):
        state[kind].view(-1).copy_(values(lambda name, shape: whole_moment(kind, name, shape)).flatten()[part])


def adam_of(models):
    """Megatron's optimizer after seven updates, as its state says."""
    from megatron.core.optimizer import OptimizerConfig, get_megatron_optimizer
    for model in models if sharding is None else []:
        model.ddp_config = DistributedDataParallelConfig()
    optimizer = get_megatron_optimizer(OptimizerConfig(
        optimizer="adam", lr=1e-3, min_lr=1e-3, weight_decay=0.1, adam_beta1=0.9, adam_beta2=0.95, adam_eps=1e-8, clip_grad=0.0,
        bf16=dtype == torch.bfloat16, params_dtype=dtype, use_distributed_optimizer=sharding is not None), models)
    one = optimizer.chained_optimizers[0]
    one.init_state_fn(one.optimizer, one.config)
    for model in map(module, models):
        for name, parameter in model.named_parameters():
            set_state(one, parameter, lambda make: local(model, name, parameter, make))
    for state in one.optimizer.state.values():
        state["step"] = torch.tensor(float(ITERATION))
    for group in one.optimizer.param_groups:  # as Megatron's scheduler does
        group["weight_decay"] = 0.1 * group["wd_mult"]
    return optimizer


models = [chunk(i) for i in range(vpp)]
for model in models:
    fill(model)
if sharding:
    torch.Tensor.type = type_on_the_gpu
    bucket = int(os.environ.get("BUCKET", 0)) or None
    ddp = DistributedDataParallelConfig(use_distributed_optimizer=True, overlap_grad_reduce=bucket is not None, bucket_size=bucket, grad_reduce_in_fp32=True)
    models = [DistributedDataParallel(config, ddp, model, disable_bucketing=i > 0) for i, model in enumerate(models)]
ids = torch.randint(0, VOCAB, (1, SEQ + 1), generator=torch.Generator().manual_seed(77))
if rank == 0:
    os.makedirs(out, exist_ok=True)
dist.barrier()
if tp * pp * vpp == 1:
    with torch.no_grad():
        if te:
            for parameter in models[0].parameters():
                parameter.data.copy_(parameter.data.bfloat16().float())
        mask = torch.tril(torch.ones(1, 1, SEQ, SEQ)) < 0.5
        logits = models[0](ids[:, :-1], torch.arange(SEQ)[None], mask)
        loss = torch.nn.functional.cross_entropy(logits[0].double(), ids[0, 1:]).item()
        expected = {"loss": round(loss, 7), "ids": ids[0].tolist()}
        json.dump(expected, open(out + "/expected.json", "w"))

args = argparse.Namespace(
    num_layers=LAYERS, hidden_size=HIDDEN, ffn_hidden_size=FFN, num_attention_heads=HEADS, num_query_groups=GROUPS,
    group_query_attention=True, kv_channels=HIDDEN // HEADS, seq_length=SEQ, max_position_embeddings=SEQ, tensor_model_parallel_size=tp,
    pipeline_model_parallel_size=pp, swiglu=True, normalization="RMSNorm", norm_epsilon=1e-5, add_bias_linear=False,
    untie_embeddings_and_output_weights=True, position_embedding_type="rope", rotary_base=10000, padded_vocab_size=VOCAB,
    tokenizer_type="NullTokenizer", vocab_size=VOCAB - 1, consumed_train_samples=28, consumed_valid_samples=0, iteration=ITERATION,
    attention_backend=AttnBackend.auto, params_dtype=dtype, bf16=dtype == torch.bfloat16, data_path=["0.5", "a"], lr=1e-3, num_experts=None, use_distributed_optimizer=sharding is not None, transformer_impl="local", virtual_pipeline_model_parallel_size=vpp if vpp > 1 else None,
    data_parallel_size=dist.get_world_size() // (tp * pp), overlap_grad_reduce="BUCKET" in os.environ, ddp_bucket_size=int(os.environ.get("BUCKET", 0)) or None,
    ddp_pad_buckets_for_high_nccl_busbw=False)

TE_NAMES = {
    "input_layernorm.weight": "self_attention.linear_qkv.layer_norm_weight",
    "pre_mlp_layernorm.weight": "mlp.linear_fc1.layer_norm_weight"}


def saved(model):
    state = module(model).state_dict_for_save_checkpoint()
    if not te:
        return state
    renamed = type(state)()
    for name, value in state.items():
        for local, fused in TE_NAMES.items():
            name = name.replace(local, fused)
        renamed[name] = value.bfloat16() if isinstance(value, torch.Tensor) else io.BytesIO(b"fp8")
    return renamed


content = dict(args=args, checkpoint_version=3.0, iteration=ITERATION)
content.update({"model": saved(models[0])} if vpp == 1 else {f"model{i}": saved(m) for i, m in enumerate(models)})
optimizer = adam_of(models) if adam else None
scheduler = dict(
    max_lr=1e-3, lr_warmup_steps=0, num_steps=28, lr_decay_style="constant", lr_decay_steps=400, min_lr=1e-3, start_wd=0.1, end_wd=0.1,
    wd_incr_style="constant", wd_incr_steps=400)
if adam:
    content.update(optimizer=optimizer.state_dict(), opt_param_scheduler=scheduler)
if te:
    content["optimizer"] = {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.95)}]}
    content["opt_param_scheduler"] = {"max_lr": 1e-3, "num_steps": 28}
    content["rng_state"] = [{"random_rng_state": (3, (1, 2**31), None), "np_rng_state": numpy.random.RandomState(1).get_state(), "torch_rng_state": torch.get_rng_state()[:64].clone()}]
stage = ps.get_pipeline_model_parallel_rank()
name = f"mp_rank_{ps.get_tensor_model_parallel_rank():02d}" + (f"_{stage:03d}" if pp > 1 else "")
folder = f"{out}/torch/iter_{ITERATION:07d}/{name}"
os.makedirs(folder, exist_ok=True)
if ps.get_data_parallel_rank() == 0:
    torch.save(content, folder + "/model_optim_rng.pt")
if sharding:
    optimizer.save_parameter_state(folder + "/distrib_optim.pt")

folder = f"{out}/torch_dist/iter_{ITERATION:07d}"
if rank == 0:
    os.makedirs(folder, exist_ok=True)
dist.barrier()
if not has_stages:  # megatron-core 0.12 precedes an argument of torch's
    filesystem_async._write_item = functools.partial(
        filesystem_async._write_item, serialization_format=torch.distributed.checkpoint.filesystem.SerializationFormat.TORCH_SAVE)
filesystem_async._results_queue = multiprocessing.get_context("fork").Manager().Queue()
content = dict(args=args, checkpoint_version=3.0, iteration=ITERATION)
metadata = dict(distrib_optim_sharding_type=sharding) if sharding else {}
with_metadata = dict(metadata=metadata) if has_stages and sharding else {}
content.update({"model": module(models[0]).sharded_state_dict(**with_metadata)} if vpp == 1 else
               {f"model{i}": module(m).sharded_state_dict(**with_metadata) for i, m in enumerate(models)})
if adam:
    sharded = {k: v for k, v in content.items() if k.startswith("model")}
    how = with_metadata if has_stages else dict(sharding_type=sharding) if sharding else {}
    content.update(optimizer=optimizer.sharded_state_dict(sharded if vpp > 1 else sharded["model"], **how), opt_param_scheduler=scheduler)
dist_checkpointing.save(content, folder)
if rank == 0:
    for kind in ("torch", "torch_dist"):
        with open(f"{out}/{kind}/latest_checkpointed_iteration.txt", "w") as tracker:
            tracker.write(str(ITERATION))
if adam and not sharding and tp * pp * vpp == 1:
    losses = []
    for _ in range(3):
        logits = models[0](ids[:, :-1], torch.arange(SEQ)[None], torch.tril(torch.ones(1, 1, SEQ, SEQ)) < 0.5)
        loss = torch.nn.functional.cross_entropy(logits[0], ids[0, 1:])
        for parameter in models[0].parameters():
            parameter.main_grad = torch.autograd.grad(loss, parameter, retain_graph=True)[0]
        losses.append(round(loss.item(), 7))
        done, norm, _ = optimizer.step()
        print(done, norm, losses)
    json.dump(dict(expected, losses=losses), open(out + "/expected.json", "w"))
dist.barrier()
dist.destroy_process_group()
