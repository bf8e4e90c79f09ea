"""The peer on the CPU: the same Llama, trained with PyTorch in fp32. Prints one JSON line.

    pip install torch
    python tools/bench/torch_cpu.py --layers 4 --hidden 256 --ffn 704 --heads 8 --groups 4 --seq 256 \
        --vocab 8064 --micro-batch 8 --global-batch 16 --threads 2

What it does per iteration is what `tanuki4j pretrain` does: forward and backward of every micro-batch, gradient norm and
clip, AdamW. Attention is scaled_dot_product_attention (flash on the CPU); --compile adds torch.compile.
"""

import argparse
import json
import time

import torch
from torch import nn

from torch_llama import Llama


def main():
    parser = argparse.ArgumentParser()
    defaults = dict(layers=4, hidden=256, ffn=704, heads=8, groups=4, seq=256, vocab=8064,
                    micro_batch=8, global_batch=16, threads=2, iterations=12, warmup=3)
    for name, value in defaults.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    parser.add_argument("--compile", action="store_true")
    a = parser.parse_args()

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    model = Llama(a)
    forward = torch.compile(model) if a.compile else model
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    num_microbatches = a.global_batch // a.micro_batch
    seconds = []
    for _ in range(a.warmup + a.iterations):
        start = time.perf_counter()
        optimizer.zero_grad()
        for _ in range(num_microbatches):
            ids = torch.randint(0, a.vocab, (a.micro_batch, a.seq + 1))
            (forward(ids[:, :-1], ids[:, 1:]) / num_microbatches).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - start)
    median = sorted(seconds[a.warmup:])[a.iterations // 2]
    print(json.dumps(dict(peer="torch " + torch.__version__, compile=a.compile, threads=a.threads,
                          ms_per_iteration=round(median * 1e3, 1),
                          tokens_per_second=round(a.global_batch * a.seq / median, 1))))


if __name__ == "__main__":
    main()
