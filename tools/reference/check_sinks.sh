#!/usr/bin/env bash
# Trains a small model with every sink on, kills it, resumes it, and reads what it wrote with the programs it is for.
#
#   pip install tensorboard wandb==0.19.11 prometheus_client
#   tools/reference/check_sinks.sh WORK_DIR          # needs the quickstart's corpus and tokenizer
#
# TANUKI4J: the command (default scripts/tanuki4j). PYTHON: a Python with the packages (default python3). WORK_DIR must not exist.
# Prints a table of what was compared with the losses of the log; exits with 1 at the first difference.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=$1 python=${PYTHON:-python3} port=${PORT:-8765}
mkdir "$dir"
unset WANDB_API_KEY
export WANDB_MODE=offline

run() {
  ${TANUKI4J:-scripts/tanuki4j} pretrain @configs/tiny-cpu.args --backend cpu --no-args-dump \
    --num-layers 2 --hidden-size 64 --ffn-hidden-size 128 --num-attention-heads 4 --num-query-groups 2 \
    --seq-length 64 --max-position-embeddings 64 --train-iters 300 --log-interval 5 --eval-interval 100 --save-interval 50 \
    --save "$dir" --load "$dir" --tensorboard-dir "$dir/tensorboard" --log-timers-to-tensorboard \
    --wandb-project check --wandb-exp-name sinks --web-port "$port" "$@"
}

run > "$dir/first.log" 2>&1 &
first=$!
until grep -q "iteration      12[0-9]/" "$dir/first.log" || ! kill -0 $first 2> "$dir/null"; do sleep 0.1; done
pkill -9 -P $first 2> "$dir/null" || true; kill -9 $first 2> "$dir/null" || true
{ wait $first; } 2> "$dir/null" || true
echo "killed after $(grep -c ' iteration ' "$dir/first.log") log lines"

# The page is read while the resumed run trains.
run --train-iters 300 > "$dir/second.log" 2>&1 &
second=$!
page="http://127.0.0.1:$port"
until grep -q "iteration      29[0-9]/" "$dir/second.log" || ! kill -0 $second 2> "$dir/null"; do
  curl -fs "$page/data" -o "$dir/page.tmp" && mv "$dir/page.tmp" "$dir/page.json"
  curl -fs "$page/metrics" -o "$dir/prometheus.tmp" && mv "$dir/prometheus.tmp" "$dir/prometheus.txt"
  sleep 0.1
done
wait $second
${TANUKI4J:-scripts/tanuki4j} report "$dir" --log "$dir/second.log" > "$dir/report.log" 2>&1

echo "== TensorBoard's EventAccumulator"
"$python" tools/reference/read_tensorboard.py "$dir/tensorboard" "$dir/metrics.jsonl"
echo "== W&B's reader and schema"
# shellcheck disable=SC2012 # the newest folder
"$python" tools/reference/read_wandb.py "$(ls -td "$dir"/wandb/wandb/offline-run-*/ | head -1)"run-*.wandb "$dir/metrics.jsonl"
echo "== metrics.jsonl, page, report and Prometheus text against the log"
"$python" tools/reference/read_page.py "$dir"
