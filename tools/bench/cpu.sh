#!/usr/bin/env bash
# Runs Tanuki4J and PyTorch on this CPU, one after the other, on the quickstart's shape and on the debug
# run's, and prints tokens/s and the ratio. Needs `pip install torch` in $PYTHON's environment, the corpus
# preprocessed (scripts/quickstart.sh does it), and a machine that does nothing else.
#   PYTHON=venv/bin/python tools/bench/cpu.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${PYTHON:=python3}" "${THREADS:=$(nproc)}" "${ITERATIONS:=8}"
for language in ja en; do
  [ -f "training_corpus/${language}_text_document.idx" ] || scripts/tanuki4j preprocess --append-eod \
    --input "training_corpus/$language.jsonl" --output-prefix "training_corpus/$language" --workers "$THREADS" \
    --tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model >/dev/null 2>&1
done
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

# Median milliseconds per iteration, the first two left out.
ours() {
  scripts/tanuki4j pretrain "$@" --log-interval 1 --eval-iters 0 --train-iters "$((ITERATIONS + 2))" \
    --lr-warmup-iters 1 --lr-decay-iters 1000 |
    grep -oE 'time per iteration \(ms\): [0-9.]+' | grep -oE '[0-9.]+$' | tail -n +3 | sort -n |
    awk '{a[NR] = $1} END {print a[int((NR + 1) / 2)]}'
}

row() { # name, tokens per iteration, our ms, torch's JSON
  local torch
  torch="$(grep -oE '"ms_per_iteration": [0-9.]+' <<<"$4" | grep -oE '[0-9.]+$')"
  awk -v name="$1" -v tokens="$2" -v ours="$3" -v torch="$torch" 'BEGIN {
    printf "%-12s %10.0f %10.0f %8.2f\n", name, tokens / ours * 1e3, tokens / torch * 1e3, torch / ours }'
}

debug=(--num-layers 8 --hidden-size 256 --ffn-hidden-size 1024 --num-attention-heads 4 --num-query-groups 4
  --seq-length 2048 --max-position-embeddings 2048 --micro-batch-size 1 --global-batch-size 2
  --make-vocab-size-divisible-by 65024)
quick_ours="$(ITERATIONS=$((4 * ITERATIONS)) ours @configs/tiny-cpu.args)"
quick_torch="$("$PYTHON" tools/bench/torch_cpu.py --threads "$THREADS" --micro-batch 4 \
  --global-batch 4 --iterations "$((4 * ITERATIONS))")"
debug_ours="$(ITERATIONS=4 ours @configs/tiny-cpu.args "${debug[@]}")"
debug_torch="$("$PYTHON" tools/bench/torch_cpu.py --threads "$THREADS" --layers 8 --hidden 256 --ffn 1024 --heads 4 \
  --groups 4 --seq 2048 --vocab 65024 --micro-batch 1 --global-batch 2 --iterations 2 --warmup 1)"
printf '%-12s %10s %10s %8s\n' shape tanuki4j torch ratio
row quickstart 1024 "$quick_ours" "$quick_torch"
row debug 4096 "$debug_ours" "$debug_torch"
