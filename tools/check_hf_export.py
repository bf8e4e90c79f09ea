#!/usr/bin/env python3
"""Checks that transformers loads an exported Llama folder, and loads it alike.

usage: check_hf_export.py EXPORTED [ORIGINAL]

Loads EXPORTED with transformers in float32 and computes the logits of fixed pseudo-random ids. With ORIGINAL, the folder
that the model came from, the logits must be equal in every bit. tools/reference/tokenizer_exports.py compares tokenizers.

needs: pip install torch transformers safetensors
"""
import sys

import torch
import transformers

NUM_IDS = 48


def logits(folder):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True, local_files_only=True
    )
    problems = {kind: names for kind, names in info.items() if names}
    if problems:
        sys.exit(f"{folder}: transformers reports {problems}")
    vocab = model.config.vocab_size
    ids = torch.tensor([[(i * 2654435761 + 12345) % vocab for i in range(min(NUM_IDS, model.config.max_position_embeddings))]])
    with torch.no_grad():
        return model.eval()(ids).logits


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    exported = logits(sys.argv[1])
    print(f"transformers {transformers.__version__}: loaded {sys.argv[1]}, logits {tuple(exported.shape)}, mean {exported.mean().item():.6f}")
    if len(sys.argv) == 3:
        difference = (exported - logits(sys.argv[2])).abs().max().item()
        print(f"largest difference from {sys.argv[2]}: {difference}")
        if difference != 0:
            sys.exit("the logits differ")


if __name__ == "__main__":
    main()
