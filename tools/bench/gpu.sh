#!/usr/bin/env bash
# Runs Tanuki4J and PyTorch on this GPU, one after the other for each shape, and prints a table of both in Markdown.
#
#   tools/bench/gpu.sh [ROW…]       default: 8b-8192 8b-2048 8b-8192-bf16 8b-2048-bf16 debug whole-2048 whole-8192; and the
#                                   same with -fp8 at the end, except debug
#
# 8b-*: 8 layers of Llama-3-8B's shape, 4 micro-batches an iteration; main weights, gradients and moments in fp32, or in
# bf16; with -fp8, linear layers in fp8 (delayed scaling), against torchao's tensorwise (a PyTorch with
# torchao). whole-*: all 32 layers, in bf16, without PyTorch. debug: the shape of scripts/one_RTX3090_test.sh, against
# torch.compile as it is and with mode="max-autotune".
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j); words are split at blanks, * stays as it is
#   FLAGS       more flags of tanuki4j bench, for example --recompute-activations
#   PYTHON      python3 of an environment with PyTorch; "none" leaves PyTorch out
#   OUT         folder for the JSON lines, the logs and the profiles (target/bench-gpu)
#   PROFILE     1: a table of kernels for each shape, too
#   ITERATIONS  whose median counts (10)
#   LIMIT       seconds that a program may take for a row (600)
# Exit code 1 if a run failed; the table still has the others.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${OUT:=target/bench-gpu}" "${PROFILE:=0}" "${ITERATIONS:=10}"
: "${LIMIT:=600}"
read -ra tanuki4j <<<"$TANUKI4J"
read -ra more <<<"${FLAGS:-}"
rows=(8b-8192 8b-2048 8b-8192-bf16 8b-2048-bf16 debug whole-2048 whole-8192)
[ $# -gt 0 ] || set -- "${rows[@]}"
for row in "${rows[@]}"; do
  [ "$row" = debug ] || rows+=("$row-fp8")
done
for row in "$@"; do
  if [[ " ${rows[*]} " != *" $row "* ]]; then
    echo "gpu.sh: $row is not a row. Rows: ${rows[*]}" >&2
    exit 2
  fi
done
mkdir -p "$OUT"
failed=0

ours() { # row, flags
  local row="$1"
  shift
  [ "$PROFILE" = 0 ] || set -- "$@" --profile
  rm -f "$OUT/$row.ours.json"
  echo "$row: tanuki4j" >&2
  if timeout "$LIMIT" "${tanuki4j[@]}" bench --backend cuda --bf16 --bench-iterations "$ITERATIONS" \
    --position-embedding-type rope --rope-theta 500000 --normalization RMSNorm --norm-epsilon 1e-5 --swiglu \
    --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0 --hidden-dropout 0 \
    --init-method-std 0.008 --lr 1e-4 --weight-decay 0.1 --adam-beta1 0.9 --adam-beta2 0.95 --adam-eps 1e-5 \
    --clip-grad 1.0 --group-query-attention "$@" "${more[@]}" >"$OUT/$row.ours.out" 2>"$OUT/$row.ours.log"; then
    tail -n 1 "$OUT/$row.ours.out" >"$OUT/$row.ours.json"
    rate "$OUT/$row.ours.json"
    [ "$PROFILE" = 0 ] || { echo "$row"; sed '$d' "$OUT/$row.ours.out"; echo; }
  else
    fail "$OUT/$row.ours.log"
  fi
}

peer() { # row, which of several peers, flags
  local name="$1.$2"
  shift 2
  [ "$PYTHON" != none ] || return 0
  rm -f "$OUT/$name.json"
  echo "${name/./: }" >&2
  timeout "$LIMIT" "$PYTHON" tools/bench/torch_gpu.py --iterations "$ITERATIONS" "$@" >"$OUT/$name.json" 2>"$OUT/$name.log" || {
    rm -f "$OUT/$name.json"
    fail "$OUT/$name.log"
  }
  rate "$OUT/$name.json"
}

rate() { # the JSON line of a program that has ended
  grep -o '"tokens_per_second": *[0-9]*' "$1" >&2 || true
}

fail() { # log
  failed=1
  echo "failed; the end of $1:" >&2
  tail -n 5 "$1" >&2
}

bf16=(--main-grads-dtype bf16 --main-params-dtype bf16 --exp-avg-dtype bf16 --exp-avg-sq-dtype bf16)

fp8=(--fp8-format hybrid --fp8-amax-compute-algo max --fp8-amax-history-len 1024)

llama8b() { # row, layers, sequence, micro-batch, main
  local size=(--seq-length "$3" --max-position-embeddings "$3" --micro-batch-size "$4" --global-batch-size $((4 * $4)))
  local narrow=()
  [ "$5" = fp32 ] || narrow=("${bf16[@]}")
  local recipe=none
  [[ "$1" != *-fp8 ]] || { recipe=tensorwise && narrow+=("${fp8[@]}"); }
  [ "$2" = 32 ] || peer "$1" torch --layers "$2" --seq "$3" --micro-batch "$4" --global-batch $((4 * $4)) --main "$5" \
    --fp8 "$recipe"
  ours "$1" --num-layers "$2" --hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32 \
    --num-query-groups 8 --padded-vocab-size 65536 "${size[@]}" "${narrow[@]}"
}

debug() {
  local shape=(--layers 8 --hidden 256 --ffn 1024 --heads 4 --groups 4 --seq 2048 --vocab 65024 --micro-batch 1
    --global-batch 8)
  peer debug torch "${shape[@]}"
  peer debug torch-max-autotune --mode max-autotune "${shape[@]}"
  ours debug --num-layers 8 --hidden-size 256 --ffn-hidden-size 1024 --num-attention-heads 4 --num-query-groups 4 \
    --seq-length 2048 --max-position-embeddings 2048 --padded-vocab-size 65024 --micro-batch-size 1 --global-batch-size 8
}

for row in "$@"; do
  case "${row%-fp8}" in
    8b-8192) llama8b "$row" 8 8192 1 fp32 ;;
    8b-2048) llama8b "$row" 8 2048 4 fp32 ;;
    8b-8192-bf16) llama8b "$row" 8 8192 1 bf16 ;;
    8b-2048-bf16) llama8b "$row" 8 2048 4 bf16 ;;
    debug) debug ;;
    whole-2048) llama8b "$row" 32 2048 1 bf16 ;;
    whole-8192) llama8b "$row" 32 8192 1 bf16 ;;
  esac
done
interpreter="$PYTHON"
[ "$PYTHON" != none ] || interpreter=python3
"$interpreter" tools/bench/gpu_table.py "$OUT" "$@"
exit $failed
