#!/usr/bin/env python3
"""Writes src/test/resources/models: tiny random models in Hugging Face's format, and their losses on a fixed text.

usage: llama_losses.py [FOLDER]

Run it at the root of the repository. The weights are drawn wide, so that rotation and scaling show in the loss: what is
computed in another way changes it by more than 2e-5. A folder without weights has those of "plain". Losses are those of transformers in float32.

needs: pip install torch transformers safetensors
"""
import json
import pathlib
import shutil
import sys

import torch
import transformers

FOLDER = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "src/test/resources/models")
VOCABULARY = 61  # no multiple of anything, so that every padding would show
TEXT = [1 + (i * i * 7 + i // 3 * 5) % (VOCABULARY - 1) for i in range(97)]
SHAPE = dict(
    vocab_size=VOCABULARY, hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=96, rms_norm_eps=1e-5, tie_word_embeddings=False,
    bos_token_id=None, eos_token_id=0, pad_token_id=None)


def llama3(factor, length, low=1.0, high=4.0):
    return dict(rope_type="llama3", factor=factor, low_freq_factor=low, high_freq_factor=high,
                original_max_position_embeddings=length, rope_theta=10000.0)


def linear(factor):
    return dict(rope_type="linear", factor=factor, rope_theta=10000.0)


CASES = {
    "plain": {},
    "llama3-8": dict(rope_parameters=llama3(8.0, 32)),
    "llama3-32": dict(rope_parameters=llama3(32.0, 24)),
    "llama3-low-2-high-16": dict(rope_parameters=llama3(8.0, 64, 2.0, 16.0)),
    "linear-2": dict(rope_parameters=linear(2.0)),
    "linear-4": dict(rope_parameters=linear(4.0)),
    "linear-2.5": dict(rope_parameters=linear(2.5)),
    "eps-1e-6": dict(rms_norm_eps=1e-6),
    "eps-1e-2": dict(rms_norm_eps=1e-2),
    "theta-5e5": dict(rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
    "head-dim-8": dict(head_dim=8),
    "tied": dict(tie_word_embeddings=True),
    "bf16-shards": dict(dtype=torch.bfloat16),
    "mistral": dict(kind="Mistral", sliding_window=None),
    "biases": dict(attention_bias=True, mlp_bias=True),
    "qwen2": dict(kind="Qwen2"),
    "qwen2-tied": dict(kind="Qwen2", tie_word_embeddings=True, rms_norm_eps=1e-2),
    "qwen3": dict(kind="Qwen3", head_dim=8),
    "qwen3-theta-5e5": dict(kind="Qwen3", head_dim=4, rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
}


def build(kind="Llama", dtype=torch.float32, **changes):
    torch.manual_seed(1)
    config = getattr(transformers, kind + "Config")(**{**SHAPE, **changes})
    model = getattr(transformers, kind + "ForCausalLM")(config)
    for name, parameter in model.named_parameters():
        std = 0.35 if parameter.dim() > 1 or name.endswith("bias") else 0.1
        parameter.data.normal_(1.0 if name.endswith("norm.weight") else 0.0, std)
    return model.to(dtype)


def loss(folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    ids = torch.tensor([TEXT])
    with torch.no_grad():
        logits = model.eval()(ids[:, :-1]).logits
    return torch.nn.functional.cross_entropy(logits[0].double(), ids[0, 1:]).item()


def share(folder):
    """Leaves weights out that are those of the plain model."""
    weights = folder / "model.safetensors"
    plain = FOLDER / "plain" / "model.safetensors"
    if weights.exists() and weights != plain and weights.read_bytes() == plain.read_bytes():
        weights.unlink()


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    losses = {}
    for name, changes in CASES.items():
        folder = FOLDER / name
        build(**changes).save_pretrained(folder, max_shard_size="6KB" if "shards" in name else "1GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        losses[name] = loss(folder)
        share(folder)
        print(f"{name:24s} {losses[name]:.7f}")
    expected = dict(transformers=transformers.__version__, text=TEXT, losses=losses)
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
