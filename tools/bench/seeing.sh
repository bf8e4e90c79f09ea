#!/usr/bin/env bash
# Trains a small Llama in bf16 on a GPU with --log-energy and --profile, and prints what the log, metrics.jsonl and the trace say.
#
#   tools/bench/seeing.sh [WORK_DIR]        # about half a minute; more flags in FLAGS, the command in TANUKI4J
#
# To compare, nvidia-smi shows the power that --log-energy derives from NVML's counter.
set -euo pipefail
cd "$(dirname "$0")/../.."
dir=${1:-$(mktemp -d)}
# shellcheck disable=SC2086 # FLAGS are several
${TANUKI4J:-scripts/tanuki4j} pretrain --backend cuda --bf16 --mock-data --tokenizer-type NullTokenizer --vocab-size 65023 \
  --num-layers 8 --hidden-size 2048 --ffn-hidden-size 5504 --num-attention-heads 16 --group-query-attention --num-query-groups 8 \
  --seq-length 2048 --max-position-embeddings 2048 --position-embedding-type rope --normalization RMSNorm --swiglu \
  --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0 --hidden-dropout 0 \
  --micro-batch-size 4 --global-batch-size 16 --train-iters 60 --lr 1e-4 --eval-iters 0 --log-interval 10 --log-throughput \
  --save "$dir" --no-save-optim --save-interval 1000 --no-args-dump --log-energy \
  --profile --profile-step-start 40 --profile-step-end 42 --web-port 0 ${FLAGS:-} > "$dir/log" 2>&1 &
run=$!
sleep 15
command -v nvidia-smi > "$dir/smi" && nvidia-smi --query-gpu=name,power.draw --format=csv,noheader || true
wait $run || { tail -5 "$dir/log"; exit 1; }
grep -aE "log-energy|energy per GPU|progress:|profile:|page of" "$dir/log" | cut -c1-330
tail -1 "$dir/metrics.jsonl"
python3 tools/reference/check_trace.py "$dir"/profile/trace-rank0-*.json
