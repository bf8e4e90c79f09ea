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
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.heads, self.groups, self.dim = a.heads, a.groups, a.hidden // a.heads
        self.norm1 = nn.RMSNorm(a.hidden, eps=1e-5)
        self.norm2 = nn.RMSNorm(a.hidden, eps=1e-5)
        self.qkv = nn.Linear(a.hidden, (a.heads + 2 * a.groups) * self.dim, bias=False)
        self.proj = nn.Linear(a.hidden, a.hidden, bias=False)
        self.gate_up = nn.Linear(a.hidden, 2 * a.ffn, bias=False)
        self.down = nn.Linear(a.ffn, a.hidden, bias=False)

    def rotate(self, x, cos, sin):
        first, second = x.chunk(2, -1)
        return x * cos + torch.cat((-second, first), -1) * sin

    def forward(self, x, cos, sin):
        b, s, _ = x.shape
        sizes = (self.heads * self.dim, self.groups * self.dim, self.groups * self.dim)
        q, k, v = (
            part.view(b, s, -1, self.dim).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).split(sizes, -1)
        )
        q, k = self.rotate(q, cos, sin), self.rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(
            q, k, v, is_causal=True, enable_gqa=self.groups != self.heads
        )
        x = x + self.proj(y.transpose(1, 2).reshape(b, s, -1))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


class Llama(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.embedding = nn.Embedding(a.vocab, a.hidden)
        self.blocks = nn.ModuleList(Block(a) for _ in range(a.layers))
        self.norm = nn.RMSNorm(a.hidden, eps=1e-5)
        self.head = nn.Linear(a.hidden, a.vocab, bias=False)
        dim = a.hidden // a.heads
        frequencies = 10000.0 ** (-torch.arange(0, dim, 2).float() / dim)
        angles = torch.outer(torch.arange(a.seq).float(), frequencies).repeat(1, 2)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.cross_entropy(self.head(self.norm(x)).flatten(0, 1), targets.flatten())


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
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.02)
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
