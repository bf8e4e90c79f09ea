#!/usr/bin/env bash
# One training run on the bundled corpus, by Tanuki4J on the GPU and by PyTorch, from the same weights and on the same
# batches: prints how far the losses are apart and draws both curves. Flags of this script go to tanuki4j pretrain.
#
#   tools/bench/curve.sh [FLAG…]
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j); split at blanks, without globbing
#   PYTHON      python3 of an environment with torch and numpy
#   EXTRA       more flags of pretrain, split at blanks
#   WORK        folder for tokens, weights and logs (target/curve); what an earlier run left there is replaced
#   OUT         the picture (src/site/resources/images/curve-bf16.svg); the losses go next to it, as .tsv
#   DTYPE       bf16 or fp32
#   ITERATIONS WARMUP LAYERS HIDDEN FFN HEADS KV_HEADS SEQ VOCAB MICRO_BATCH GLOBAL_BATCH LR MIN_LR
#
# A rehearsal in seconds, without a GPU:
#   LAYERS=2 HIDDEN=64 FFN=176 HEADS=4 KV_HEADS=2 SEQ=64 MICRO_BATCH=2 GLOBAL_BATCH=4 ITERATIONS=20 WARMUP=2 DTYPE=fp32 \
#     OUT=target/curve/rehearsal.svg tools/bench/curve.sh --backend cpu
# Exit code 1 if the mean difference of the last 100 losses is 0.02 or more, or a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${WORK:=target/curve}" "${DTYPE:=bf16}"
: "${OUT:=src/site/resources/images/curve-$DTYPE.svg}" "${ITERATIONS:=300}" "${WARMUP:=30}"
: "${LAYERS:=8}" "${HIDDEN:=512}" "${FFN:=1536}" "${HEADS:=8}" "${KV_HEADS:=4}" "${SEQ:=1024}" "${VOCAB:=8192}"
# At a rate of 1e-3 the training is chaotic: two runs in fp32 that begin alike end 0.007 apart (see the log).
: "${MICRO_BATCH:=4}" "${GLOBAL_BATCH:=16}" "${LR:=3e-4}" "${MIN_LR:=3e-5}"
read -ra tanuki4j <<<"$TANUKI4J"
read -ra extra <<<"${EXTRA:-}"
case "$DTYPE" in
  bf16) precision=(--bf16) ;;
  fp32) precision=() ;;
  *)
    echo "curve.sh: DTYPE is $DTYPE (expected: bf16 or fp32)." >&2
    exit 2
    ;;
esac
mkdir -p "$WORK"
rm -rf "$WORK/cache" "$WORK/hf" "$WORK/start"
tokenizer=(--tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model)

for language in ja en; do
  "${tanuki4j[@]}" preprocess --input "training_corpus/$language.jsonl" --output-prefix "$WORK/$language" \
    --append-eod --workers "$(nproc)" "${tokenizer[@]}" >"$WORK/preprocess.log"
done
"$PYTHON" tools/bench/torch_curve.py init "$WORK/hf" --layers "$LAYERS" --hidden "$HIDDEN" --ffn "$FFN" \
  --heads "$HEADS" --groups "$KV_HEADS" --seq "$SEQ" --vocab "$VOCAB"
"${tanuki4j[@]}" convert --model-type GPT --loader hf --saver tanuki4j --load-dir "$WORK/hf" --save-dir "$WORK/start" \
  >"$WORK/convert.log"

echo "tanuki4j" >&2
"${tanuki4j[@]}" pretrain --backend cuda "${precision[@]}" --load "$WORK/start" --finetune \
  --num-layers "$LAYERS" --hidden-size "$HIDDEN" --ffn-hidden-size "$FFN" --num-attention-heads "$HEADS" \
  --group-query-attention --num-query-groups "$KV_HEADS" --seq-length "$SEQ" --max-position-embeddings "$SEQ" \
  --position-embedding-type rope --rotary-base 10000 --normalization RMSNorm --norm-epsilon 1e-5 --swiglu \
  --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0 --hidden-dropout 0 \
  "${tokenizer[@]}" --padded-vocab-size "$VOCAB" --split 100,0,0 --eval-iters 0 \
  --data-path 0.4 "$WORK/ja_text_document" 0.6 "$WORK/en_text_document" --data-cache-path "$WORK/cache" \
  --micro-batch-size "$MICRO_BATCH" --global-batch-size "$GLOBAL_BATCH" --train-iters "$ITERATIONS" \
  --lr "$LR" --min-lr "$MIN_LR" --lr-decay-style cosine --lr-warmup-iters "$WARMUP" --lr-decay-iters "$ITERATIONS" \
  --weight-decay 0.1 --adam-beta1 0.9 --adam-beta2 0.95 --adam-eps 1e-8 --clip-grad 1.0 --log-interval 1 \
  "${extra[@]}" "$@" >"$WORK/tanuki4j.log"

echo "torch" >&2
"$PYTHON" tools/bench/torch_curve.py train "$WORK/hf" --cache "$WORK/cache" --dtype "$DTYPE" \
  --iterations "$ITERATIONS" --warmup "$WARMUP" --micro-batch "$MICRO_BATCH" --global-batch "$GLOBAL_BATCH" \
  --lr "$LR" --min-lr "$MIN_LR" >"$WORK/torch.tsv"

"$PYTHON" tools/bench/curve_svg.py "$WORK/tanuki4j.log" "$WORK/torch.tsv" "$OUT" \
  "The same run by Tanuki4J and by PyTorch, $DTYPE: $LAYERS layers, hidden $HIDDEN, sequences of $SEQ"
