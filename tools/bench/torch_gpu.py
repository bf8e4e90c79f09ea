"""The peer on a GPU: the same Llama, trained with PyTorch in bf16. Prints one JSON line.

    python3 tools/bench/torch_gpu.py --layers 8 --hidden 4096 --ffn 14336 --heads 32 --groups 8 --seq 8192 \
        --vocab 65536 --micro-batch 1 --global-batch 4

What it does per iteration is what `tanuki4j bench` does: forward and backward of every micro-batch, gradient norm and
clip, AdamW. The model is compiled as a whole, attention is cuDNN's, AdamW is PyTorch's fused one.
--main fp32: gradients are added up in fp32, AdamW updates fp32 weights, the model computes with their bf16 copy.
--main bf16: weights, gradients and moments are in bf16.
"""

import time

START = time.time()

import argparse
import json

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from torch_llama import Llama

ATTENTION = {"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}


def adamw(parameters):
    return torch.optim.AdamW(
        parameters, lr=1e-4, betas=(0.9, 0.95), eps=1e-5, weight_decay=0.1, fused=True
    )


class Bf16Weights:
    """Weights, gradients and moments in bf16."""

    def __init__(self, model, keep_gradients):
        """keep_gradients: they stay at their addresses, as replayed graphs need it."""
        self.parameters = list(model.parameters())
        self.keep_gradients = keep_gradients
        self.optimizer = adamw(self.parameters)
        if keep_gradients:
            for parameter in self.parameters:
                parameter.grad = torch.zeros_like(parameter)

    def step(self):
        nn.utils.clip_grad_norm_(self.parameters, 1.0, foreach=True)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=not self.keep_gradients)


class Fp32Weights:
    """Main weights, gradients and moments in fp32; the model's weights are a bf16 copy."""

    def __init__(self, model):
        self.parameters = list(model.parameters())
        self.mains = [p.detach().float().clone().requires_grad_() for p in self.parameters]
        for parameter, main in zip(self.parameters, self.mains):
            main.grad = torch.zeros_like(main)
            parameter.register_post_accumulate_grad_hook(self.adder(main))
        self.optimizer = adamw(self.mains)

    @staticmethod
    def adder(main):
        def add(parameter):
            with torch.no_grad():
                main.grad.add_(parameter.grad)
            parameter.grad = None

        return add

    def step(self):
        nn.utils.clip_grad_norm_(self.mains, 1.0, foreach=True)
        self.optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(self.parameters, self.mains)
            torch._foreach_zero_([main.grad for main in self.mains])


def in_fp8(model, recipe):
    """All linear layers but the head, as torchao's README does it."""
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    config = Float8LinearConfig.from_recipe_name(recipe)
    convert_to_float8_training(
        model, config=config, module_filter_fn=lambda module, name: "head" not in name
    )


def build(a, device):
    """The model in bf16, its rotary tables apart, and what updates it."""
    with torch.device(device):
        model = Llama(a)
    cos, sin = model.cos, model.sin
    model = model.to(torch.bfloat16)
    if a.fp8 != "none":
        in_fp8(model, a.fp8)
    model.cos, model.sin = cos.to(torch.bfloat16), sin.to(torch.bfloat16)
    if a.main == "fp32":
        return model, Fp32Weights(model)
    return model, Bf16Weights(model, a.mode != "default")


def iteration(a, forward, weights, batches):
    for ids in batches:
        torch.compiler.cudagraph_mark_step_begin()
        with sdpa_kernel(ATTENTION[a.attention]):
            loss = forward(ids[:, :-1], ids[:, 1:])
            (loss / len(batches)).backward()
    loss = loss.detach().clone()
    weights.step()
    return loss


def flops_per_token(a, attention_share):
    """Megatron-LM's count: products only, 2 for a multiply and add, forward once and backward twice."""
    dim = a.hidden // a.heads
    projections = a.hidden * (2 * a.heads + 2 * a.groups) * dim
    weights = a.layers * (projections + 3 * a.hidden * a.ffn) + a.hidden * a.vocab
    attention = 2 * a.seq * a.heads * dim * a.layers * attention_share
    return 6 * (weights + attention)


def main():
    parser = argparse.ArgumentParser()
    defaults = dict(layers=8, hidden=4096, ffn=14336, heads=32, groups=8, seq=8192, vocab=65536,
                    micro_batch=1, global_batch=4, iterations=10, warmup=3)
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--main", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--fp8", default="none", help="a recipe of torchao: tensorwise, rowwise; none for bf16")
    parser.add_argument("--mode", default="default", help="of torch.compile: default, max-autotune, none, ...")
    parser.add_argument("--attention", default="cudnn", choices=sorted(ATTENTION))
    a = parser.parse_args()

    torch.manual_seed(1)
    torch.set_float32_matmul_precision("high")
    model, weights = build(a, "cuda")
    forward = model if a.mode == "none" else torch.compile(model, mode=a.mode)
    shape = (a.global_batch // a.micro_batch, a.micro_batch, a.seq + 1)
    batches = list(torch.randint(0, a.vocab, shape, device="cuda"))

    for i in range(a.warmup):
        iteration(a, forward, weights, batches)
        if i == 0:
            torch.cuda.synchronize()
            first = time.time() - START
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(a.iterations + 1)]
    marks[0].record()
    for mark in marks[1:]:
        loss = iteration(a, forward, weights, batches)
        mark.record()
    torch.cuda.synchronize()

    millis = sorted(begin.elapsed_time(end) for begin, end in zip(marks, marks[1:]))
    seconds = millis[len(millis) // 2] / 1e3
    rate = a.global_batch * a.seq / seconds
    print(json.dumps(dict(
        peer="torch " + torch.__version__,
        device=torch.cuda.get_device_name(),
        arguments=vars(a),
        tokens_per_second=rate,
        ms_per_iteration=seconds * 1e3,
        ms_per_iteration_min=millis[0],
        ms_per_iteration_max=millis[-1],
        tflops_causal=rate * flops_per_token(a, 0.5) / 1e12,
        tflops_full=rate * flops_per_token(a, 1) / 1e12,
        memory_gib=torch.cuda.max_memory_reserved() / 2**30,
        tensors_gib=torch.cuda.max_memory_allocated() / 2**30,
        seconds_to_first_iteration=first,
        loss=loss.item(),
    )), flush=True)


if __name__ == "__main__":
    main()
