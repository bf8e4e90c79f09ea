"""Reads the model of a checkpoint with safetensors alone, and compares it with a Hugging Face folder of the same iteration.

    python tools/reference/read_checkpoint.py SAVE/iter_0000004 [SAVE/hf/iter_0000004]
"""
import glob
import re
import sys

import torch
from safetensors.torch import load_file

pieces = {}
for file in sorted(glob.glob(sys.argv[1] + "/model-*.safetensors")):
    pieces.update(load_file(file))

weights = {}
for name in {name.split("[")[0] for name in pieces}:
    parts = []
    for key, part in pieces.items():
        if key.split("[")[0] == name:
            begins = [int(cut.split(":")[0]) for cut in re.findall(r"\d+:\d+", key)] or [0] * part.dim()
            parts.append((begins, part))
    whole = torch.empty([max(b[d] + p.shape[d] for b, p in parts) for d in range(parts[0][1].dim())], dtype=parts[0][1].dtype)
    for begins, part in parts:
        whole[tuple(slice(b, b + n) for b, n in zip(begins, part.shape))] = part
    weights[name] = whole
print(f"{len(pieces)} pieces, {len(weights)} tensors, {sum(w.numel() for w in weights.values())} numbers")

if len(sys.argv) > 2:
    theirs = {}
    for file in glob.glob(sys.argv[2] + "/*.safetensors"):
        theirs.update(load_file(file))
    names = {"embedding.weight": "model.embed_tokens.weight", "output.weight": "lm_head.weight", "final_norm.weight": "model.norm.weight"}
    parts = {"attention.norm": "input_layernorm", "attention.q": "self_attn.q_proj", "attention.k": "self_attn.k_proj",
             "attention.v": "self_attn.v_proj", "attention.proj": "self_attn.o_proj", "mlp.norm": "post_attention_layernorm",
             "mlp.gate": "mlp.gate_proj", "mlp.up": "mlp.up_proj", "mlp.down": "mlp.down_proj"}
    for name, whole in weights.items():
        if name not in names:
            _, layer, rest = name.split(".", 2)
            names[name] = f"model.layers.{layer}.{parts[rest[:-7]]}.weight"
        if not torch.equal(whole[:len(theirs[names[name]])], theirs[names[name]]):
            sys.exit(f"{name} differs")
    print(f"equal to {len(theirs)} tensors of {sys.argv[2]}")
