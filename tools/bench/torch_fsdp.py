"""The peer on several GPUs: the same Llama, sharded by PyTorch's FSDP2. Rank 0 prints one JSON line.

    torchrun --standalone --nproc-per-node 4 tools/bench/torch_fsdp.py --seq 8192 --micro-batch 1 --global-batch 16

Weights, gradients and moments are fp32 shards; layers compute in bf16, gradients are reduced in fp32. Weights are gathered
once an iteration (they stay until its end) and gradients reduced with the last micro-batch, as a data-parallel run with a
sharded optimizer does. The blocks are compiled.
"""

import json
import time

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.nn.attention import SDPBackend, sdpa_kernel

from torch_llama import Llama
from torch_ranks import join, size_options


def build(a, device):
    model = Llama(a).to(device)
    model.cos, model.sin = model.cos.to(torch.bfloat16), model.sin.to(torch.bfloat16)
    precision = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.float32)
    for block in model.blocks:
        if a.compile:
            block.compile()
        fully_shard(block, mp_policy=precision, reshard_after_forward=False)
    return fully_shard(model, mp_policy=precision, reshard_after_forward=False)


def iteration(model, optimizer, batches):
    for i, ids in enumerate(batches):
        last = i == len(batches) - 1
        model.set_requires_gradient_sync(last)
        model.set_reshard_after_backward(last)
        (model(ids[:, :-1], ids[:, 1:]) / len(batches)).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()


def main():
    a = size_options(iterations=10).parse_args()
    device, cuda = join()
    torch.manual_seed(1)
    model = build(a, device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), eps=1e-5, weight_decay=0.1)
    microbatches = a.global_batch // (a.micro_batch * dist.get_world_size())
    batches = list(torch.randint(0, a.vocab, (microbatches, a.micro_batch, a.seq + 1), device=device))
    seconds = []
    with sdpa_kernel([SDPBackend.CUDNN_ATTENTION] if cuda else [SDPBackend.MATH]):
        for i in range(a.warmup + a.iterations):
            dist.barrier()
            start = time.time()
            iteration(model, optimizer, batches)
            if cuda:
                torch.cuda.synchronize()
            seconds.append(time.time() - start)
    seconds = sorted(seconds[a.warmup:])
    median = seconds[len(seconds) // 2]
    if dist.get_rank() == 0:
        memory = torch.cuda.max_memory_allocated() / 2**30 if cuda else 0
        print(json.dumps(dict(
            peer="torch " + torch.__version__ + " FSDP2",
            arguments=vars(a),
            ranks=dist.get_world_size(),
            tokens_per_second=a.global_batch * a.seq / median,
            ms_per_iteration=median * 1e3,
            memory_gib=memory,
        )), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
