"""The peer of tensor-parallel rows: a Llama cut by hand as Megatron-LM cuts it, in PyTorch. Rank 0 prints one JSON line.

    torchrun --standalone --nproc-per-node 2 tools/bench/torch_tp.py --seq 8192 --micro-batch 1 --global-batch 4 [--async-tp]

Linear layers are split by columns and rows, activations between them along the sequence, embedding and loss along the
vocabulary; main weights, gradients and moments are fp32 on each rank. The model is compiled. --async-tp lets inductor
pipeline products with the gathers and sums next to them, through symmetric memory.
"""

import json
import time

import torch
import torch.distributed as dist
import torch.distributed._functional_collectives as collectives
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from torch_ranks import join, size_options


def gather(x):
    return collectives.all_gather_tensor_autograd(x, gather_dim=0, group=dist.group.WORLD)


def scatter_sum(x):
    return collectives.reduce_scatter_tensor_autograd(x, "sum", scatter_dim=0, group=dist.group.WORLD)


class Sum(torch.autograd.Function):
    """Sums over the ranks; the gradient of each part is that of the sum."""

    @staticmethod
    def forward(ctx, x):
        return collectives.wait_tensor(collectives.all_reduce(x, "sum", dist.group.WORLD))

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Block(nn.Module):
    def __init__(self, a, ranks):
        super().__init__()
        self.dim = a.hidden // a.heads
        self.heads, self.groups = a.heads // ranks, a.groups // ranks
        self.norm1 = nn.Parameter(torch.ones(a.hidden))
        self.norm2 = nn.Parameter(torch.ones(a.hidden))
        self.qkv = weight(a, (self.heads + 2 * self.groups) * self.dim, a.hidden)
        self.proj = weight(a, a.hidden, self.heads * self.dim)
        self.gate_up = weight(a, 2 * a.ffn // ranks, a.hidden)
        self.down = weight(a, a.hidden, a.ffn // ranks)

    def forward(self, x, cos, sin):
        y = gather(F.rms_norm(x, self.norm1.shape, self.norm1, 1e-5))
        s, b, _ = y.shape
        sizes = (self.heads * self.dim, self.groups * self.dim, self.groups * self.dim)
        q, k, v = (part.view(s, b, -1, self.dim).permute(1, 2, 0, 3) for part in F.linear(y, self.qkv).split(sizes, -1))
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=self.groups != self.heads)
        x = x + scatter_sum(F.linear(y.permute(2, 0, 1, 3).reshape(s, b, -1), self.proj))
        gate, up = F.linear(gather(F.rms_norm(x, self.norm2.shape, self.norm2, 1e-5)), self.gate_up).chunk(2, -1)
        return x + scatter_sum(F.linear(F.silu(gate) * up, self.down))


def rotate(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


def weight(a, rows, columns):
    parameter = nn.Parameter(torch.empty(rows, columns))
    nn.init.normal_(parameter, std=0.008)
    return parameter


class Llama(nn.Module):
    def __init__(self, a, rank, ranks):
        super().__init__()
        self.ids = a.vocab // ranks
        self.first = rank * self.ids
        self.embedding = weight(a, self.ids, a.hidden)
        self.blocks = nn.ModuleList(Block(a, ranks) for _ in range(a.layers))
        self.norm = nn.Parameter(torch.ones(a.hidden))
        self.head = weight(a, self.ids, a.hidden)
        dim = a.hidden // a.heads
        frequencies = 500000.0 ** (-torch.arange(0, dim, 2).float() / dim)
        angles = torch.outer(torch.arange(a.seq).float(), frequencies).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def of_rank(self, ids):
        """Returns the rows of these ids, and whether this rank has them."""
        rows = ids - self.first
        return rows.clamp(0, self.ids - 1), (rows >= 0) & (rows < self.ids)

    def forward(self, ids, targets):
        rows, known = self.of_rank(ids)
        x = scatter_sum(F.embedding(rows, self.embedding) * known[..., None].to(self.embedding.dtype))
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = F.linear(gather(F.rms_norm(x, self.norm.shape, self.norm, 1e-5)), self.head).float()
        largest = collectives.wait_tensor(collectives.all_reduce(logits.detach().amax(-1), "max", dist.group.WORLD))
        logits = logits - largest[..., None]
        total = Sum.apply(logits.exp().sum(-1))
        rows, known = self.of_rank(targets)
        return (total.log() - Sum.apply(logits.gather(-1, rows[..., None])[..., 0] * known)).mean()


def main_weights(model):
    """Returns fp32 copies of the weights, to whose gradients each backward adds."""
    copies = []
    for parameter in model.parameters():
        copy = parameter.detach().float().clone().requires_grad_()
        copy.grad = torch.zeros_like(copy)

        def add(of, copy=copy):
            with torch.no_grad():
                copy.grad.add_(of.grad)
            of.grad = None

        parameter.register_post_accumulate_grad_hook(add)
        copies.append(copy)
    return copies


def main():
    parser = size_options(iterations=8)
    parser.add_argument("--async-tp", action="store_true")
    a = parser.parse_args()
    device, cuda = join()
    rank, ranks = dist.get_rank(), dist.get_world_size()
    if a.async_tp:
        from torch._inductor import config
        from torch.distributed._symmetric_memory import enable_symm_mem_for_group

        config._micro_pipeline_tp = True
        enable_symm_mem_for_group(dist.group.WORLD.group_name)
    torch.manual_seed(1 + rank)
    model = Llama(a, rank, ranks).to(device, torch.bfloat16 if cuda else torch.float32)
    weights, mains = list(model.parameters()), main_weights(model)
    optimizer = torch.optim.AdamW(mains, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1, fused=cuda)
    compiled = torch.compile(model) if a.compile else model
    torch.manual_seed(7)
    batches = list(torch.randint(0, a.vocab, (a.global_batch // a.micro_batch, a.seq + 1, a.micro_batch), device=device))

    def iteration():
        for ids in batches:
            with sdpa_kernel(SDPBackend.CUDNN_ATTENTION if cuda else SDPBackend.MATH):
                loss = compiled(ids[:-1], ids[1:])
                (loss / len(batches)).backward()
        nn.utils.clip_grad_norm_(mains, 1.0, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_copy_(weights, mains)
            torch._foreach_zero_([main.grad for main in mains])
        return loss

    millis = []
    for _ in range(a.warmup + a.iterations):
        if cuda:
            torch.cuda.synchronize()
        start = time.time()
        loss = iteration()
        if cuda:
            torch.cuda.synchronize()
        millis.append((time.time() - start) * 1e3)
    median = sorted(millis[a.warmup:])[a.iterations // 2]
    if rank == 0:
        tokens = a.global_batch * a.seq
        print(json.dumps(dict(async_tp=a.async_tp, ranks=ranks, seq=a.seq, millis=median,
                              tokens_per_second=tokens / median * 1e3, loss=loss.item())), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
