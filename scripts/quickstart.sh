#!/usr/bin/env bash
# From nothing to text: builds the program (a release is built), preprocesses the bundled corpus, trains a tiny Llama
# on the CPU, evaluates it and generates text. Further flags go to the training:
#   scripts/quickstart.sh --train-iters 300
set -euo pipefail
cd "$(dirname "$0")/.."
out=checkpoints/quickstart
say() { printf '\n== %s\n' "$*"; }

if [ ! -f target/tanuki4j.jar ] && [ ! -f tanuki4j.jar ]; then
  say "Building (once; Maven downloads the libraries)"
  mvn -B -q package -DskipTests
fi

for language in ja en; do
  if [ ! -f "training_corpus/${language}_text_document.idx" ]; then
    say "Preprocessing training_corpus/$language.jsonl"
    scripts/tanuki4j preprocess --input "training_corpus/$language.jsonl" \
      --output-prefix "training_corpus/$language" --append-eod --workers "$(nproc)" \
      --tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model
  fi
done

say "Training (checkpoints go to $out)"
rm -rf "$out"
scripts/tanuki4j pretrain @configs/quickstart.args --save "$out" "$@"

say "Evaluating"
scripts/tanuki4j evaluate @configs/quickstart.args --load "$out"

say "Writing"
scripts/tanuki4j generate --load "$out" --prompt "吾輩は" --prompt "It was" --max-new-tokens 60 --temperature 0.7 --top-p 0.9 --seed 1
