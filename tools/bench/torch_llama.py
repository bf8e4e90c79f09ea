"""The plain PyTorch Llama that the benchmarks run next to Tanuki4J, on a CPU (torch_cpu.py) and a GPU (torch_gpu.py)."""
import torch
import torch.nn.functional as F
from torch import nn


class RmsNorm(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


class Block(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.heads, self.groups, self.dim = a.heads, a.groups, a.hidden // a.heads
        self.norm1, self.norm2 = RmsNorm(a.hidden), RmsNorm(a.hidden)
        self.qkv = nn.Linear(a.hidden, (a.heads + 2 * a.groups) * self.dim, bias=False)
        self.proj = nn.Linear(a.heads * self.dim, a.hidden, bias=False)
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
        self.norm = RmsNorm(a.hidden)
        self.head = nn.Linear(a.hidden, a.vocab, bias=False)
        dim = a.hidden // a.heads
        frequencies = 500000.0 ** (-torch.arange(0, dim, 2).float() / dim)
        angles = torch.outer(torch.arange(a.seq).float(), frequencies).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.008)

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
