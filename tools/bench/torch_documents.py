"""The peers of attention within documents: PyTorch's flex_attention with a document mask, compiled, its attention over
packed sequences (varlen), and its plain causal attention. Prints a line for each: documents, peer, milliseconds of the
forward and of the backward, with tabs between them.

    python3 tools/bench/torch_documents.py --seq 8192 --heads 32 --groups 8 --dim 128

Documents are those of io.tanuki4j.benchmark.DocumentOperations. flex_attention's block mask is made once, outside of what
is timed.
"""

import argparse
import inspect
import sys

import torch
import torch._functorch.config
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

MIXED = [3000, 40, 700, 1500, 220, 90, 1800, 330, 512]


def lengths_of(pattern, seq):
    lengths, left = [], seq
    while left > 0:
        length = min(left, pattern[len(lengths) % len(pattern)])
        lengths.append(length)
        left -= length
    return lengths


def milliseconds(run, repeats):
    for _ in range(3):
        run()
    times = []
    for _ in range(repeats):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        end.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


class Attention:
    """Times a function of queries, keys and values, and its gradients."""

    def __init__(self, args):
        self.args = args
        torch.manual_seed(1)

    def inputs(self, packed):
        a = self.args
        shapes = [(a.heads,), (a.groups,), (a.groups,)]
        tensors = []
        for (heads,) in shapes:
            shape = (a.seq, heads, a.dim) if packed else (1, heads, a.seq, a.dim)
            tensors.append(torch.randn(shape, device="cuda", dtype=torch.bfloat16, requires_grad=True))
        return tensors

    def time(self, documents, peer, function, packed=False):
        try:
            q, k, v = self.inputs(packed)
            with torch.no_grad():
                forward = milliseconds(lambda: function(q, k, v), self.args.repeats)
            out = function(q, k, v)
            grad = torch.randn_like(out)
            backward = milliseconds(
                lambda: torch.autograd.grad(out, (q, k, v), grad, retain_graph=True), self.args.repeats
            )
            print(f"{documents}\t{peer}\t{forward:.4f}\t{backward:.4f}", flush=True)
        except Exception as error:  # the others still have their turn
            print(f"{documents}, {peer}: {str(error).splitlines()[0]}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seq", type=int, default=8192)
    parser.add_argument("--heads", type=int, default=32)
    parser.add_argument("--groups", type=int, default=8)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=20)
    args = parser.parse_args()
    print(torch.cuda.get_device_name(0), "torch", torch.__version__, file=sys.stderr)
    torch._functorch.config.donated_buffer = False  # a backward runs again and again
    attention = Attention(args)

    def causal(q, k, v):
        with sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    attention.time("plain causal", "cudnn", causal)
    flex = torch.compile(flex_attention)
    for pattern in [[500], [1000], [2000], [4000], [8192], MIXED]:
        lengths = lengths_of(pattern, args.seq)
        name = "mixed documents" if len(pattern) > 1 else f"documents of {pattern[0]}"
        document = torch.repeat_interleave(
            torch.arange(len(lengths), device="cuda"), torch.tensor(lengths, device="cuda")
        )

        def mask(b, h, q, k):
            return (q >= k) & (document[q] == document[k])

        blocks = create_block_mask(mask, None, None, args.seq, args.seq, device="cuda")
        attention.time(name, "flex_attention", lambda q, k, v: flex(q, k, v, block_mask=blocks, enable_gqa=True))
        try:
            from torch.nn.attention.varlen import varlen_attn
        except ImportError:
            continue
        ends = torch.tensor([0] + lengths, device="cuda").cumsum(0).to(torch.int32)
        longest = max(lengths)

        known = inspect.signature(varlen_attn).parameters
        options = {"is_causal": True} if "is_causal" in known else {"window_size": (-1, 0)}
        if "enable_gqa" in known:
            options["enable_gqa"] = True

        def varlen(q, k, v):
            if "enable_gqa" not in known:
                repeat = args.heads // args.groups
                k, v = k.repeat_interleave(repeat, 1), v.repeat_interleave(repeat, 1)
            return varlen_attn(q, k, v, ends, ends, longest, longest, **options)

        attention.time(name, "varlen_attn", varlen, packed=True)


main()
