#!/usr/bin/env bash
# Trains on the GPUs of this machine, one layout after another, each compared with the same batches on one rank, and
# prints one table in Markdown.
#
#   tools/bench/scaling.sh [ROW…]   default: every row below for which there are enough GPUs, at 8192 and 2048 tokens
#
# A row is a layout and a sequence length: dp4-8192, tp2-8192, cp2-8192, pp4-2048, pp4v2-2048 (two chunks of layers for each
# stage), tp2pp2-8192, tp2dp2-8192, of 8 layers of Llama-3-8B's shape. tp comes with --sequence-parallel and --tp-comm-overlap, dp
# with the distributed optimizer and both overlaps. Letters at the end of the layout: n (tp2n-8192) leaves the overlaps out; b
# (pp2b-8192) counts the head as a layer, so that two stages have 5 and 4 layers and four have 3, 3, 3 and 2; zb (pp2zb-8192) does
# that with --pipeline-schedule zero-bubble. -fp8 at the end of a row: linear layers in fp8 (delayed scaling). whole-LAYOUT-LENGTH: all 32 layers, twice as many micro-batches, and only the run itself,
# since one GPU cannot hold it and its fp32 state: whole-dp2-8192, whole-dp2-8192-fp8.
# The row "script" is scripts/8B-A100_4_pretraining_initial_v2.sh, all 32 layers in 4 stages, for 20 iterations of a global batch
# of 64; the continue script resumes from its checkpoint. Both leave one of 110 GB under OUT.
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j, and always that in the row "script"); words are split at
#               blanks, * stays as it is
#   FLAGS       more flags of pretrain, split at blanks
#   GPUS        how many to use (all of this machine)
#   PYTHON      python3; it makes the table
#   TORCHRUN    torchrun of an environment with PyTorch, for the peers: of dp rows FSDP2, of tp rows the layers cut by hand, with
#               asynchronous products except where a row has n; both with torch.compile; "none" leaves them out (none)
#   OUT         folder for logs, tokens and the table (target/bench-scaling)
#   ITERATIONS  of each run (12); the median from the third on counts
#   REHEARSE    1: a small model, all ranks on one GPU; tests the script; its times and bytes mean nothing
#   BACKEND     nccl, or gloo to rehearse on a CPU
# NVLink multicast stays off. Exit code 1 if a run failed or a loss differs from that of one rank.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export NCCL_NVLS_ENABLE=0
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${TORCHRUN:=none}" "${OUT:=target/bench-scaling}"
: "${ITERATIONS:=12}" "${REHEARSE:=0}" "${BACKEND:=nccl}"
read -ra tanuki4j <<<"$TANUKI4J"
read -ra more <<<"${FLAGS:-}"
if [ "$REHEARSE" = 1 ]; then
  GPUS="${GPUS:-4}"
else
  GPUS="${GPUS:-$(nvidia-smi --list-gpus | wc -l)}"
fi
layouts=(dp1 dp2 dp4 dp8 tp2 tp2n tp4 tp4n cp2 cp4 pp2 pp2v2 pp2b pp2zb pp4 pp4v2 pp4b pp4zb tp2pp2 tp2dp2)
mkdir -p "$OUT"
failed=0

# reads a layout into tp, cp, pp, v, dp, and ranks
parse() {
  local rest="${1%n}" name
  tp=1 cp=1 pp=1 v=1 dp=1 balanced=0 schedule=()
  [[ "$rest" != *b ]] || balanced=1
  [[ "$rest" != *zb ]] || schedule=(--pipeline-schedule zero-bubble)
  rest="${rest%b}"
  rest="${rest%z}"
  while [[ "$rest" =~ ^(tp|cp|pp|dp|v)([0-9]+)(.*)$ ]]; do
    name="${BASH_REMATCH[1]}"
    printf -v "$name" %s "${BASH_REMATCH[2]}"
    rest="${BASH_REMATCH[3]}"
  done
  if [ -n "$rest" ]; then
    echo "scaling.sh: $1 is no layout (expected: for example dp4, tp2pp2 or pp4v2)." >&2
    exit 2
  fi
  ranks=$((tp * cp * pp * dp))
}

if [ $# -eq 0 ]; then
  rows=()
  for length in 8192 2048; do
    for layout in "${layouts[@]}"; do
      parse "$layout"
      [ "$ranks" -gt "$GPUS" ] || rows+=("$layout-$length")
    done
  done
  [ "$GPUS" -lt 4 ] || rows+=(script)
  set -- "${rows[@]}"
fi

tokens() {
  for language in ja en; do
    [ -f "$OUT/${language}_text_document.bin" ] || "${tanuki4j[@]}" preprocess \
      --input "training_corpus/$language.jsonl" --output-prefix "$OUT/$language" --append-eod --workers "$(nproc)" \
      --tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model \
      >"$OUT/preprocess.log"
  done
}

# sets size, length, micro: the model's flags, tokens of a sequence, sequences of a micro-batch
model() { # sequence, layers
  length="$1"
  micro=$((8192 / length))
  if [ "$REHEARSE" = 1 ]; then
    length=$((length / 32)) micro=1
    size=(--num-layers "$2" --hidden-size 128 --ffn-hidden-size 352 --num-attention-heads 8 --num-query-groups 4
      --padded-vocab-size 8192 --init-method-std 0.02)
  else
    size=(--num-layers "$2" --hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32
      --num-query-groups 8 --padded-vocab-size 65536 --init-method-std 0.008)
  fi
}

# sets flags to what pretrain and plan have in common
all_flags() { # global batch, flags…
  local batch="$1"
  shift
  flags=("$@" "${size[@]}" --group-query-attention --seq-length "$length"
    --max-position-embeddings "$length" --position-embedding-type rope --rope-theta 500000 --normalization RMSNorm
    --norm-epsilon 1e-5 --swiglu --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0
    --hidden-dropout 0 --tokenizer-type SentencePieceTokenizer
    --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model --split "100,0,0" --eval-iters 0
    --data-path 0.4 "$OUT/ja_text_document" 0.6 "$OUT/en_text_document" --data-cache-path "$OUT/cache"
    --bf16 --micro-batch-size "$micro" --global-batch-size "$batch" --train-iters "$ITERATIONS" --lr 1e-4
    --min-lr 1e-5 --lr-decay-style cosine --lr-warmup-iters 2 --weight-decay 0.1 --adam-beta1 0.9 --adam-beta2 0.95
    --adam-eps 1e-8 --clip-grad 1.0 --log-interval 1 --log-throughput "${more[@]}")
}

run() { # log, command…
  local log="$1"
  shift
  echo "${log##*/}" >&2
  "$@" >"$log" 2>&1 || {
    failed=1
    echo "failed; the end of $log:" >&2
    tail -n 5 "$log" >&2
  }
}

# runs the peer of a layout along one axis
peer() { # row, layout, global batch
  local program=()
  case "$2" in
    dp[0-9]) program=(torch_fsdp.py) ;;
    tp[0-9]) program=(torch_tp.py --async-tp) ;;
    tp[0-9]n) program=(torch_tp.py) ;;
  esac
  [ "$TORCHRUN" != none ] && [ ${#program[@]} != 0 ] || return 0
  echo "$1: torch" >&2
  TORCH_SYMM_MEM_DISABLE_MULTICAST=1 "$TORCHRUN" --standalone --nproc-per-node "$ranks" "tools/bench/${program[0]}" \
    "${program[@]:1}" --seq "$length" --micro-batch "$micro" --global-batch "$3" >"$OUT/$1.torch.json" \
    2>"$OUT/$1.torch.log" || failed=1
}

layout_row() {
  local row="$1" layers=8 scale=1 precision=()
  local shape="${row%-fp8}"
  [ "$shape" = "$row" ] || precision=(--fp8-format hybrid --fp8-amax-compute-algo max --fp8-amax-history-len 1024)
  [[ "$shape" != whole-* ]] || layers=32 scale=2
  shape="${shape#whole-}"
  local layout="${shape%-*}"
  parse "$layout"
  [ "$balanced" = 0 ] || layers=$((pp == 2 ? 9 : 3 * pp - 1))
  model "${shape##*-}" "$layers"
  # 4 micro-batches for each rank of dp; pipelines get 16
  local batch=$((scale * micro * dp * (pp > 1 ? 16 : 4)))
  local axes=(--tensor-model-parallel-size "$tp" --context-parallel-size "$cp" --pipeline-model-parallel-size "$pp")
  [ "$tp" = 1 ] || axes+=(--sequence-parallel)
  [[ "$tp" = 1 || "$layout" == *n ]] || axes+=(--tp-comm-overlap)
  [ "$balanced" = 0 ] || axes+=(--account-for-loss-in-pipeline-split "${schedule[@]}")
  [ "$v" = 1 ] || axes+=(--num-virtual-stages-per-pipeline-rank "$v")
  [ $((dp * cp)) = 1 ] || axes+=(--use-distributed-optimizer)
  [[ $((dp * cp)) = 1 || "$layout" == *n ]] || axes+=(--overlap-grad-reduce --overlap-param-gather)
  local launch=(launch --nproc-per-node "$ranks")
  [ "$REHEARSE" = 0 ] || [ "$BACKEND" != nccl ] || launch+=(--ranks-per-gpu "$ranks")
  all_flags "$batch" "${precision[@]}" --distributed-backend "$BACKEND" "${axes[@]}"
  run "$OUT/$row.plan" "${tanuki4j[@]}" plan --world-size "$ranks" "${flags[@]}"
  run "$OUT/$row.log" "${tanuki4j[@]}" "${launch[@]}" -- pretrain "${flags[@]}" --timing-log-level 1
  if [[ "$row" == whole-* ]]; then
    echo "$ranks $pp $length $batch none" >"$OUT/$row.row"
    return
  fi
  local one="one-$layers-$length-$batch${precision:+-fp8}"
  if ! grep -q "iteration *$ITERATIONS/" "$OUT/$one.log" 2>/dev/null; then
    all_flags "$batch" "${precision[@]}"
    run "$OUT/$one.log" "${tanuki4j[@]}" pretrain "${flags[@]}"
  fi
  [ ${#precision[@]} != 0 ] || peer "$row" "$layout" "$batch"
  echo "$ranks $pp $length $batch $one" >"$OUT/$row.row"
}

# the script for four A100s, as a plan and as a run, and the one that continues it
script_row() (
  export GLOBAL_BATCH_SIZE=64 TRAIN_ITERS=20 LR_WARMUP_ITERS=2 SPLIT=100,0,0 EVAL_ITERS=0
  export DATA_PATH="0.4 $OUT/ja_text_document 0.6 $OUT/en_text_document"
  padded=65536
  if [ "$REHEARSE" = 1 ]; then
    export NUM_LAYERS=8 HIDDEN_SIZE=128 FFN_HIDDEN_SIZE=352 NUM_HEADS=8 NUM_QUERY_GROUPS=4 SEQ_LENGTH=256 RANKS_PER_GPU=4
    padded=8192
    [ "$BACKEND" = nccl ] || export BACKEND=cpu RANKS_PER_GPU=1
  else
    unset BACKEND
  fi
  rm -rf "$OUT/initial" "$OUT/continued"
  initial=scripts/8B-A100_4_pretraining_initial_v2.sh
  PLAN=1 run "$OUT/script.plan" "$initial" --padded-vocab-size "$padded" "${more[@]}"
  CHECKPOINT_DIR="$OUT/initial" run "$OUT/script.log" "$initial" --padded-vocab-size "$padded" "${more[@]}"
  CHECKPOINT_DIR="$OUT/continued" PRETRAINED_DIR="$OUT/initial" TRAIN_ITERS=3 \
    run "$OUT/script.continued.log" scripts/8B-A100_4_pretraining_continue_v2.sh --padded-vocab-size "$padded" "${more[@]}"
  echo "4 4 ${SEQ_LENGTH:-2048} 64 none" >"$OUT/script.row"
  exit $failed
)

tokens
for row in "$@"; do
  if [ "$row" = script ]; then
    script_row || failed=1
  else
    layout_row "$row"
  fi
done
"$PYTHON" tools/bench/scaling_table.py "$OUT" "$@" || failed=1
exit $failed
