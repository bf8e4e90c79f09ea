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
#   TOKENS      folder with ja_text_document and en_text_document, which preprocess has made of the corpus on another machine;
#               then this one needs no tokenizer
#   OUT         the picture (src/site/markdown/images/curve-bf16.svg); the losses go next to it, as .tsv
#   DTYPE       bf16 or fp32
#   ITERATIONS WARMUP LAYERS HIDDEN FFN HEADS KV_HEADS SEQ VOCAB MICRO_BATCH GLOBAL_BATCH LR MIN_LR
#
# A rehearsal in seconds, without a GPU:
#   LAYERS=2 HIDDEN=64 FFN=176 HEADS=4 KV_HEADS=2 SEQ=64 MICRO_BATCH=2 GLOBAL_BATCH=4 ITERATIONS=20 WARMUP=2 DTYPE=fp32 \
#     OUT=target/curve/rehearsal.svg tools/bench/curve.sh --backend cpu
# Exit code 1 if the mean difference of the last 100 losses is 0.02 or more, or a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${WORK:=target/curve}" "${DTYPE:=bf16}"
: "${OUT:=src/site/markdown/images/curve-$DTYPE.svg}"
case "$DTYPE" in
  bf16) precision=(--bf16) ;;
  fp32) precision=() ;;
  *)
    echo "curve.sh: DTYPE is $DTYPE (expected: bf16 or fp32)." >&2
    exit 2
    ;;
esac
# shellcheck source=tools/bench/curve_runs.sh
. tools/bench/curve_runs.sh
tokens
weights
ours tanuki4j "${precision[@]}" "$@"
peer torch --dtype "$DTYPE"
"$PYTHON" tools/bench/curve_svg.py "$WORK/tanuki4j.log" "$WORK/torch.tsv" "$OUT" \
  "The same run by Tanuki4J and by PyTorch, $DTYPE: $LAYERS layers, hidden $HIDDEN, sequences of $SEQ"
