#!/usr/bin/env bash
# Measures how long training stands still for a checkpoint, on two GPUs with the distributed optimizer, and prints a table in
# Markdown: saved while training waits, and with --async-save; next to dd of the same bytes. Then restarts from the last checkpoint,
# first from the disk, then from the page cache, and prints the time and rate of loading next to those of cat.
#
#   tools/bench/saves.sh
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j); words are split at blanks, * stays as it is
#   FLAGS       more flags of pretrain, split at blanks
#   FOLDER      where checkpoints go: the disk to measure; needs twice a checkpoint's bytes (target/bench-saves)
#   OUT         folder for logs (FOLDER)
#   LAYERS      of Llama-3-8B's shape (8: 33 GB a checkpoint)
#   RANKS       replicas (2)
#   MODES       which runs (waiting async); "once" saves once, after 10 iterations, to measure loading
#   DD          0: without dd's writing (1)
#   REHEARSE    1: a small model and ranks on this machine's CPU; tests the script; its times mean nothing
# Exit code 1 if a run failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export NCCL_NVLS_ENABLE=0
: "${TANUKI4J:=scripts/tanuki4j}" "${FOLDER:=target/bench-saves}" "${LAYERS:=8}" "${RANKS:=2}" "${REHEARSE:=0}"
: "${OUT:=$FOLDER}" "${MODES:=waiting async}" "${DD:=1}"
read -ra tanuki4j <<<"$TANUKI4J"
read -ra more <<<"${FLAGS:-}"
mkdir -p "$FOLDER" "$OUT"
rm -f "$OUT"/{waiting,async,once,load-cold,load-warm}.log*
shape=(--hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32 --num-query-groups 8 --seq-length 2048
  --max-position-embeddings 2048 --padded-vocab-size 65536 --micro-batch-size 4 --bf16)
backend=nccl
if [ "$REHEARSE" = 1 ]; then
  shape=(--hidden-size 128 --ffn-hidden-size 352 --num-attention-heads 4 --num-query-groups 2 --seq-length 64
    --max-position-embeddings 64 --padded-vocab-size 8192 --micro-batch-size 1)
  backend=gloo
fi
flags=("${shape[@]}" --num-layers "$LAYERS" --group-query-attention --position-embedding-type rope --normalization RMSNorm
  --swiglu --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0 --hidden-dropout 0
  --init-method-std 0.008 --mock-data --tokenizer-type NullTokenizer --vocab-size 8000 --split "100,0,0" --eval-iters 0
  --global-batch-size $((RANKS * 16)) --lr 1e-4 --min-lr 1e-5 --lr-decay-style cosine --use-distributed-optimizer
  --overlap-grad-reduce --overlap-param-gather --distributed-backend "$backend" --log-interval 1 --no-args-dump)
failed=0

run() { # log, flags…
  local log="$OUT/$1.log"
  shift
  "${tanuki4j[@]}" launch --nproc-per-node "$RANKS" -- pretrain "${flags[@]}" "${more[@]}" "$@" 2>&1 |
    python3 -uc 'import sys, time
for line in sys.stdin: print("%.3f" % time.time(), line, end="")' >"$log" &
  local pipe=$! most=0 now
  while kill -0 "$pipe" 2>/dev/null; do
    now=$({ cat /proc/[0-9]*/status 2>/dev/null || true; } |
      awk '/^Name:/ {java = $2 == "java"} /^VmRSS:/ && java {s += $2} END {printf "%d", s / 1024}')
    [ "$now" -le "$most" ] || most=$now
    sleep 0.5
  done
  wait "$pipe" || { failed=1 && tail -n 5 "$log" >&2; }
  echo "$most" >"$log.rss"
}

for mode in $MODES; do
  rm -rf "$FOLDER/checkpoints"
  extra=()
  last=60
  [ "$mode" != async ] || extra=(--async-save)
  interval=20
  [ "$mode" != once ] || last=10 interval=10
  run "$mode" --train-iters $last --save "$FOLDER/checkpoints" --save-interval $interval --most-recent-k 1 "${extra[@]}"
done
forget() { # drops files from the page cache, which needs no rights
  sync
  for file in "$@"; do dd if="$file" iflag=nocache count=0 status=none; done
}

timed() { # name, command…: adds the seconds it took to $OUT/times
  local name=$1 started
  shift
  started=$(date +%s.%N)
  "$@" >/dev/null
  python3 -c 'import sys, time; print(sys.argv[1], time.time() - float(sys.argv[2]))' "$name" "$started" >>"$OUT/times"
}

: >"$OUT/times"
megabytes=$(du -sm --apparent-size "$FOLDER/checkpoints" | cut -f1)
files=("$FOLDER"/checkpoints/iter_*/*.safetensors)
if [ "$DD" = 1 ]; then
  timed dd dd if=/dev/zero of="$FOLDER/dd" bs=16M count=$((megabytes / 16 + 1)) conv=fdatasync status=none
  rm -f "$FOLDER/dd"
fi
forget "${files[@]}"
timed cat-cold cat "${files[@]}"
forget "${files[@]}"
for state in cold warm; do
  [ $state = cold ] || timed cat-warm cat "${files[@]}"
  run "load-$state" --train-iters $((last + 1)) --override-opt_param-scheduler --load "$FOLDER/checkpoints"
done
python3 tools/bench/saves_table.py "$OUT" "$megabytes"
echo
echo "$SECONDS s in all."
exit $failed
