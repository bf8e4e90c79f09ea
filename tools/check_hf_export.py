#!/usr/bin/env python3
"""Checks that transformers loads an exported Llama folder, and loads it alike.

usage: check_hf_export.py EXPORTED [ORIGINAL]

Loads EXPORTED with transformers in float32 and computes the logits of fixed pseudo-random ids. With ORIGINAL, the folder
that the model came from, the logits must be equal in every bit. If EXPORTED has a tokenizer, its ids must be those of
SentencePiece's own library on a few lines of text; a difference is told, since transformers rebuilds SentencePiece models.

needs: pip install torch transformers safetensors; for a tokenizer also sentencepiece and protobuf
"""
import os
import sys

import torch
import transformers

NUM_IDS = 48
LINES = [
    "吾輩は猫である。名前はまだ無い。",
    "It was the best of times, it was the worst of times.",
    "  two blanks,\n\nempty lines\tand an emoji \U0001f99d, half-width ｱ and full-width Ａ",
]


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


def check_tokenizer(folder):
    import sentencepiece

    theirs = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    plain = sentencepiece.SentencePieceProcessor(model_file=os.path.join(folder, "tokenizer.model"))
    for line in LINES:
        ids = theirs.encode(line, add_special_tokens=False)
        same = ids == plain.encode(line) and theirs.decode(ids) == line
        print(f"tokenizer: {'same ids and text as' if same else 'OTHER ids or text than'} SentencePiece for {line!r}")
    print(f"tokenizer: eos {theirs.eos_token_id} {theirs.eos_token!r}, {len(theirs)} pieces")


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
    if os.path.exists(os.path.join(sys.argv[1], "tokenizer.model")):
        check_tokenizer(sys.argv[1])


if __name__ == "__main__":
    main()
