#!/usr/bin/env bash
# Trains the quickstart's model without and with all sinks, in turn, and prints the time of an iteration of both.
#
#   tools/bench/sinks_cost.sh [PAIRS]     default 5, a minute each; needs the quickstart's corpus and curl
#
# With: metrics.jsonl, TensorBoard, W&B's offline file, and a page that is asked for all its numbers every 2 s.
# The mean of iterations 21 to 80 counts. TANUKI4J: the command (scripts/tanuki4j).
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
port="${PORT:-8799}"

iteration() { # log, flags…
  local log="$1"
  shift
  ${TANUKI4J:-scripts/tanuki4j} pretrain @configs/tiny-cpu.args --backend cpu --train-iters 80 --log-interval 10 \
    --eval-iters 0 --no-args-dump "$@" > "$log" 2>&1
  grep -aE 'iteration +[3-8]0/' "$log" | grep -o 'iteration (ms): [0-9.]*' | awk '{s += $3} END {printf "%.2f", s / NR}'
}

for pair in $(seq "${1:-5}"); do
  without=$(iteration "$work/without")
  folder="$work/$pair"
  while sleep 2; do curl -fs "http://127.0.0.1:$port/data" -o "$work/page" || true; done &
  asking=$!
  with=$(WANDB_MODE=offline iteration "$work/with" --save "$folder" --save-interval 1000 --tensorboard-dir "$folder/tb" \
    --wandb-project cost --wandb-exp-name "pair$pair" --web-port "$port")
  kill "$asking"
  wait "$asking" 2> "$work/null" || true
  rm -rf "$folder"
  echo "pair $pair: without $without ms, with $with ms, $(awk "BEGIN {printf \"%+.1f %%\", 100 * ($with / $without - 1)}")"
done
