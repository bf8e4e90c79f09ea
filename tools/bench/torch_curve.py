"""The PyTorch half of tools/bench/curve.sh: the same training run, from the same weights, on the same batches.

    torch_curve.py init FOLDER      random weights as a Hugging Face folder; flags give the shape
    torch_curve.py train FOLDER     trains them; prints iteration, loss, learning rate and gradient norm as TSV

The batches come from Megatron's cache of sample orders (--cache), as `tanuki4j pretrain --data-cache-path` writes it.
Mixed precision is Megatron's: weights and activations in bf16, main weights, moments and the sum of the gradients over
micro-batches in fp32, the loss in fp32 of bf16 logits. Needs torch and numpy only; --fp8 needs torchao, too.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

NUMBERS = {"F32": np.float32}
TOKENS = {1: np.uint8, 2: np.int8, 3: np.int16, 4: np.int32, 5: np.int64, 8: np.uint16}


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, tensor in tensors.items():
        header[name] = dict(dtype="F32", shape=list(tensor.shape), data_offsets=[at, at + 4 * tensor.numel()])
        at += 4 * tensor.numel()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for tensor in tensors.values():
            file.write(tensor.numpy().tobytes())


def read_safetensors(path):
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        array = np.frombuffer(data[start + begin : start + end], NUMBERS[entry["dtype"]])
        tensors[name] = torch.from_numpy(array.reshape(entry["shape"]).copy())
    return tensors


def init(a):
    """Values that bf16 holds exactly, so that both programs start from the same numbers in either precision."""
    generator = torch.Generator().manual_seed(a.seed)

    def matrix(rows, columns, std=0.02):
        return (torch.randn(rows, columns, generator=generator) * std).bfloat16().float()

    dim, residual = a.hidden // a.heads, 0.02 / math.sqrt(2 * a.layers)
    w = {"model.embed_tokens.weight": matrix(a.vocab, a.hidden)}
    for i in range(a.layers):
        layer = f"model.layers.{i}."
        w[layer + "input_layernorm.weight"] = torch.ones(a.hidden)
        w[layer + "self_attn.q_proj.weight"] = matrix(a.heads * dim, a.hidden)
        w[layer + "self_attn.k_proj.weight"] = matrix(a.groups * dim, a.hidden)
        w[layer + "self_attn.v_proj.weight"] = matrix(a.groups * dim, a.hidden)
        w[layer + "self_attn.o_proj.weight"] = matrix(a.hidden, a.heads * dim, residual)
        w[layer + "post_attention_layernorm.weight"] = torch.ones(a.hidden)
        w[layer + "mlp.gate_proj.weight"] = matrix(a.ffn, a.hidden)
        w[layer + "mlp.up_proj.weight"] = matrix(a.ffn, a.hidden)
        w[layer + "mlp.down_proj.weight"] = matrix(a.hidden, a.ffn, residual)
    w["model.norm.weight"] = torch.ones(a.hidden)
    w["lm_head.weight"] = matrix(a.vocab, a.hidden)
    a.folder.mkdir(parents=True, exist_ok=True)
    write_safetensors(a.folder / "model.safetensors", w)
    config = dict(
        architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=a.hidden, intermediate_size=a.ffn,
        num_hidden_layers=a.layers, num_attention_heads=a.heads, num_key_value_heads=a.groups, vocab_size=a.vocab,
        max_position_embeddings=a.seq, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
        hidden_act="silu", attention_bias=False, mlp_bias=False, torch_dtype="float32",
    )
    (a.folder / "config.json").write_text(json.dumps(config, indent=1))
    print(f"{sum(t.numel() for t in w.values())} parameters", file=sys.stderr)


class Corpus:
    """The samples of one corpus, in the order of Megatron's three index arrays."""

    def __init__(self, description):
        text = json.loads(description.read_text())
        base = str(description).removesuffix("description.txt")
        self.documents, self.samples, self.shuffle = (
            np.load(base + name + "_index.npy") for name in ("document", "sample", "shuffle")
        )
        self.read(text["dataset_path"])

    def read(self, prefix):
        index = pathlib.Path(prefix + ".idx").read_bytes()
        assert index[:9] == b"MMIDIDX\0\0", prefix
        self.type = np.dtype(TOKENS[index[17]])
        count = int.from_bytes(index[18:26], "little")
        self.lengths = np.frombuffer(index, np.int32, count, 34)
        self.offsets = np.frombuffer(index, np.int64, count, 34 + 4 * count) // self.type.itemsize
        self.tokens = np.fromfile(prefix + ".bin", self.type)

    def sample(self, number):
        row = self.shuffle[number]
        (first, start), (last, end) = self.samples[row], self.samples[row + 1]
        parts = []
        for position in range(first, last + 1):
            document = self.documents[position]
            stop = end + 1 if position == last else self.lengths[document]
            offset = self.offsets[document]
            parts.append(self.tokens[offset + start : offset + stop])
            start = 0
        return np.concatenate(parts).astype(np.int64)


class Blend:
    """The training samples of a run, mixed as the cache says."""

    def __init__(self, cache):
        (description,) = cache.glob("*-BlendedDataset-train-description.txt")
        base = str(description).removesuffix("description.txt")
        self.dataset, self.number = (np.load(base + n + "_index.npy") for n in ("dataset", "dataset_sample"))
        corpora = {
            json.loads(path.read_text())["dataset_path"]: Corpus(path)
            for path in cache.glob("*-GPTDataset-train-description.txt")
        }
        paths = [d["dataset_path"] for d in json.loads(description.read_text())["datasets"]]
        self.corpora = [corpora[path] for path in paths]

    def batch(self, first, count):
        samples = [
            self.corpora[self.dataset[i]].sample(self.number[i]) for i in range(first, first + count)
        ]
        return torch.from_numpy(np.stack(samples))


def rotary(c, length, device):
    dim = c["hidden_size"] // c["num_attention_heads"]
    frequencies = c["rope_theta"] ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies).repeat(1, 2)
    return angles.cos().float().to(device), angles.sin().float().to(device)


def rotate(x, table):
    cos, sin = table
    first, second = x.float().chunk(2, -1)
    return (x.float() * cos + torch.cat((-second, first), -1) * sin).to(x.dtype)


class Linear:
    """Products with the weights of the layers, by name: PyTorch's, or torchao's in fp8 (emulated where there is no GPU)."""

    def __init__(self, w, recipe):
        self.w = w
        self.modules = {}
        if recipe != "none":
            self.modules = {name: self.in_fp8(weight, recipe) for name, weight in w.items() if "_proj." in name}

    @staticmethod
    def in_fp8(weight, recipe):
        from torchao.float8 import Float8LinearConfig
        from torchao.float8.float8_linear import Float8Linear

        config = Float8LinearConfig.from_recipe_name(recipe)
        module = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
        module.weight = weight
        return Float8Linear.from_float(module, dataclasses.replace(config, emulate=not weight.is_cuda))

    def __call__(self, x, name):
        return self.modules[name](x) if self.modules else F.linear(x, self.w[name])


def loss_of(w, linear, c, table, ids):
    """Mean cross-entropy of a micro-batch [b, s + 1]."""
    inputs, targets = ids[:, :-1], ids[:, 1:]
    batch, seq = inputs.shape
    dim = c["hidden_size"] // c["num_attention_heads"]

    def norm(x, name):
        return F.rms_norm(x, (x.shape[-1],), w[name + "layernorm.weight"], c["rms_norm_eps"])

    x = F.embedding(inputs, w["model.embed_tokens.weight"])
    for i in range(c["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        y = norm(x, layer + "input_")
        q, k, v = (
            linear(y, f"{layer}self_attn.{n}_proj.weight").view(batch, seq, -1, dim).transpose(1, 2)
            for n in "qkv"
        )
        y = F.scaled_dot_product_attention(
            rotate(q, table), rotate(k, table), v, is_causal=True, enable_gqa=q.shape[1] != k.shape[1]
        )
        x = x + linear(y.transpose(1, 2).reshape(batch, seq, -1), layer + "self_attn.o_proj.weight")
        y = norm(x, layer + "post_attention_")
        gate = F.silu(linear(y, layer + "mlp.gate_proj.weight"))
        up = linear(y, layer + "mlp.up_proj.weight")
        x = x + linear(gate * up, layer + "mlp.down_proj.weight")
    x = F.rms_norm(x, (x.shape[-1],), w["model.norm.weight"], c["rms_norm_eps"])
    logits = F.linear(x, w["lm_head.weight"])
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


def learning_rate(a, iteration):
    """Megatron's: linear warm-up from 0, then half a cosine; iterations count from 0."""
    if iteration <= a.warmup:
        return a.lr * iteration / a.warmup if a.warmup else a.lr
    done = (iteration - a.warmup) / (a.iterations - a.warmup)
    return a.min_lr + (a.lr - a.min_lr) * 0.5 * (math.cos(math.pi * done) + 1)


def train(a):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    print(f"PyTorch {torch.__version__} on {name}, {a.dtype}, fp8: {a.fp8}", file=sys.stderr)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    c = json.loads((a.folder / "config.json").read_text())
    mains = {name: t.to(device) for name, t in read_safetensors(a.folder / "model.safetensors").items()}
    dtype = torch.bfloat16 if a.dtype == "bf16" else torch.float32
    w = {name: nn.Parameter(main.to(dtype, copy=True)) for name, main in mains.items()}
    linear = Linear(w, a.fp8)
    forward = torch.compile(loss_of) if a.compile else loss_of
    for main in mains.values():
        main.requires_grad_().grad = torch.zeros_like(main)
    optimizer = torch.optim.AdamW(
        [
            dict(params=[m for m in mains.values() if m.dim() > 1], weight_decay=a.weight_decay),
            dict(params=[m for m in mains.values() if m.dim() == 1], weight_decay=0.0),
        ],
        lr=a.lr, betas=(0.9, 0.95), eps=1e-8,
    )
    blend, table = Blend(a.cache), rotary(c, c["max_position_embeddings"], device)
    print("iteration\tloss\tlearning rate\tgrad norm")
    for iteration in range(a.iterations):
        batch = blend.batch(iteration * a.global_batch, a.global_batch).to(device).split(a.micro_batch)
        total = 0.0
        for ids in batch:
            loss = forward(w, linear, c, table, ids)
            (loss / len(batch)).backward()
            total = total + loss.detach() / len(batch)
            with torch.no_grad():
                for name, main in mains.items():
                    main.grad += w[name].grad
                    w[name].grad = None
        norm = torch.nn.utils.clip_grad_norm_(mains.values(), 1.0)
        rate = learning_rate(a, iteration)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        with torch.no_grad():
            for name, main in mains.items():
                w[name].copy_(main)
                main.grad.zero_()
        print(f"{iteration + 1}\t{total.item():.6f}\t{rate:.6e}\t{norm.item():.4f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["init", "train"])
    parser.add_argument("folder", type=pathlib.Path)
    for name, value in dict(layers=8, hidden=512, ffn=1536, heads=8, groups=4, seq=1024, vocab=8192, seed=1,
                            iterations=300, warmup=30, micro_batch=4, global_batch=16, lr=1e-3, min_lr=1e-4,
                            weight_decay=0.1).items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    parser.add_argument("--dtype", default="bf16", choices=["bf16", "fp32"])
    parser.add_argument("--fp8", default="none", help="a recipe of torchao: tensorwise, rowwise; none for bf16")
    parser.add_argument("--compile", action="store_true", help="compile the forward and its backward: faster, other roundings")
    parser.add_argument("--cache", type=pathlib.Path, help="the folder of --data-cache-path")
    a = parser.parse_args()
    init(a) if a.what == "init" else train(a)


if __name__ == "__main__":
    main()
