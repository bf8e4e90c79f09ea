#!/usr/bin/env bash
# Trains the same model from the same weights on the same batches in bf16, fp16 and fp8, by Tanuki4J on the GPU and by PyTorch
# with torchao, and prints how far the losses of fp16 and fp8 are from those of bf16 of the same program.
#
#   tools/bench/fp8_losses.sh [SIZE…]   default: 300 1000
#
# 300: the run of curve.sh, 300 iterations. 1000: 1,000 iterations of 111 million parameters, of 8,192 tokens each. That is
# the bundled corpus 13 times, which such a model learns by heart; real_text.py tells how to make a text for TOKENS that is
# read once. Runs: ours in bf16; again, with the sums of attention in another order, for what chance alone changes; fp16,
# whose loss scale begins at 65,536, since Megatron's default begins with overflows; fp8 delayed (hybrid, the largest of
# 1024 amaxes); fp8 tensorwise; torch bf16; torch with torchao's tensorwise.
#
#   TANUKI4J PYTHON TOKENS EXTRA   as in curve.sh; torchao needs a PyTorch with torchao
#   OUT                     folder (target/fp8-losses)
#   LIMIT                   seconds that a run may take (150); one that takes longer is cut, and its line says how far it came
#   RUNS                    a choice of the runs, ours first: bf16 again fp16 delayed tensorwise torch torchao. Without those of
#                           PyTorch the weights are our own, of the same seed, and no PyTorch is needed
#   JOBS                    how many runs share the GPU (1) once the first has ended; a run's line comes when all before it have
#   ITERATIONS LAYERS …     as in curve.sh, for all sizes; EXTRA="--backend cpu" with a small model rehearses it
# Exit code 1 if a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${OUT:=target/fp8-losses}" "${LIMIT:=150}" "${RUNS:=bf16 again fp16 delayed tensorwise torch torchao}" "${PYTHON:=python3}"
: "${JOBS:=1}"
[ $# -gt 0 ] || set -- 300 1000
scaled=(--fp8-format hybrid --fp8-amax-history-len 1024 --fp8-amax-compute-algo max)

table() {
  "$PYTHON" tools/bench/fp8_losses_table.py "$WORK" "$@"
}

run() { # name
  case "$1" in
    bf16) ours bf16 --bf16 ;;
    again) ours again --bf16 --deterministic-mode ;;
    fp16) ours fp16 --fp16 --initial-loss-scale 65536 ;;
    delayed) ours delayed --bf16 "${scaled[@]}" ;;
    tensorwise) ours tensorwise --bf16 --fp8-format hybrid --fp8-recipe tensorwise ;;
    torch) peer torch --dtype bf16 --compile ;;
    torchao) peer torchao --dtype bf16 --compile --fp8 tensorwise ;;
    *)
      echo "fp8_losses.sh: $1 is no run (expected: bf16, again, fp16, delayed, tensorwise, torch or torchao)." >&2
      exit 2
      ;;
  esac
}

# how often the batches of all iterations read a text
readings() { # language, its share in percent
  local tokens=$(($(stat -c %s "$TOKENS/$1_text_document.bin") / 2))
  "$PYTHON" -c "print(f'{$ITERATIONS * $SEQ * $GLOBAL_BATCH * $2 / 100 / $tokens:.2f}')"
}

timed() { # name; leaves its seconds next to its log
  SECONDS=0
  run "$1" || return 1
  echo "$SECONDS" >"$WORK/$1.seconds"
}

# waits for a run and prints its line
finish() { # name:process
  wait "${1#*:}" || status=1
  table "${1%:*}" "$(cat "$WORK/${1%:*}.seconds" 2>/dev/null || echo -)"
}

size() ( # 300 or 1000
  set -e
  WORK="$OUT/$1" status=0
  case "$1" in
    300) ;;
    1000)
      : "${ITERATIONS:=1000}" "${WARMUP:=100}" "${HIDDEN:=1024}" "${FFN:=2816}" "${MICRO_BATCH:=8}" "${GLOBAL_BATCH:=8}"
      ;;
    *)
      echo "fp8_losses.sh: $1 is no size (expected: 300 or 1000)." >&2
      exit 2
      ;;
  esac
  # shellcheck source=tools/bench/curve_runs.sh
  . tools/bench/curve_runs.sh
  rm -f "$WORK"/*.tsv "$WORK"/*.log "$WORK"/*.seconds
  tokens
  case " $RUNS " in *" torch"*) weights ;; esac
  echo "$1: $ITERATIONS iterations of $((SEQ * GLOBAL_BATCH)) tokens, $LAYERS layers, hidden size $HIDDEN;" \
    "readings of the text: ja $(readings ja 40), en $(readings en 60)"
  table --head
  pending=()
  for name in $RUNS; do
    timed "$name" &
    pending+=("$name:$!")
    # the first one leaves the batches for the peers
    [ ${#pending[@]} -ge "$JOBS" ] || [ "$name" = "${RUNS%% *}" ] || continue
    finish "${pending[0]}"
    pending=("${pending[@]:1}")
  done
  for job in "${pending[@]}"; do
    finish "$job"
  done
  exit $status
)

failed=0
set +e
for name in "$@"; do
  size "$name"
  code=$? # not in a condition: set -e inside of size would be off
  [ "$code" = 0 ] || failed=1
done
exit $failed
