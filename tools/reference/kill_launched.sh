#!/bin/bash
# Kills launched ranks that save in the background at random moments; each start must load what was acknowledged before.
#   kill_launched.sh FOLDER KILLS COMMAND…      COMMAND runs the program, for example scripts/tanuki4j
set -u
folder=$1 kills=$2
shift 2
rm -rf "$folder"; mkdir -p "$folder"
acknowledged=0
for ((i = 1; i <= kills + 1; i++)); do
  log=$folder/log.$i
  setsid "$@" launch --nproc-per-node 2 -- pretrain --distributed-backend gloo --backend cpu --mock-data \
    --tokenizer-type NullTokenizer --vocab-size 511 --padded-vocab-size 512 --num-layers 2 --hidden-size 64 --ffn-hidden-size 128 \
    --num-attention-heads 4 --seq-length 64 --max-position-embeddings 64 --position-embedding-type rope --normalization RMSNorm --swiglu \
    --disable-bias-linear --untie-embeddings-and-output-weights --micro-batch-size 1 --global-batch-size 2 --lr 1e-3 --train-iters 100000 \
    --lr-decay-iters 100000 --log-interval 1 --eval-iters 0 --tensor-model-parallel-size 2 --async-save --save-interval 1 \
    --most-recent-k 2 --save "$folder/save" --load "$folder/save" >"$log" 2>&1 &
  pid=$!
  while kill -0 $pid 2>/dev/null && ! grep -qs "successfully saved checkpoint" "$log"; do sleep 0.2; done
  sleep "0.$((RANDOM % 10))"
  kill -KILL -- -$pid 2>/dev/null
  wait $pid 2>/dev/null
  loaded=$(grep -o "successfully loaded checkpoint .* at iteration [0-9]*" "$log" | head -1 | grep -o "[0-9]*$")
  [ "${loaded:-0}" -ge "$acknowledged" ] || { echo "kill $i: loaded ${loaded:-nothing}, but $acknowledged was saved"; exit 1; }
  saved=$(grep -o "saved checkpoint from iteration *[0-9]*" "$log" | tail -1 | grep -o "[0-9]*$")
  [ -n "$saved" ] || { echo "start $i saved nothing:"; tail -5 "$log"; exit 1; }
  acknowledged=$saved
  left="${left:-} $(printf '%s\n' "$folder"/save/* | grep -o '\.\(saving\|replaced\|removed\)' | sort -u | tr '\n' ' ')"
done
echo "$kills kills; the last start loaded iteration $loaded; left by kills: $(xargs -n 1 <<<"$left" | sort | uniq -c | tr '\n' ' ')"
