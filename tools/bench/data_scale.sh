#!/usr/bin/env bash
# Builds the order of samples of 50 million documents, here and with megatron-core from PyPI, several times in turn. Prints the time of each
# part and the most memory, compares the three arrays byte by byte, and prints the ratio of the medians. Here a pretrain with --skip-train
# does it, and the time is that between its lines about the data: the .idx file is opened and checked, the orders are built and written.
#
#   tools/bench/data_scale.sh
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j); words are split at blanks
#   PYTHON      a Python with megatron-core and numpy (python3)
#   FOLDER      where the files go: 1 GB for the index, 0.5 GB for each order; the .bin file is sparse (target/bench-data)
#   DOCUMENTS   number of documents (50000000)
#   TOKENS      of a document in the mean (1000)
#   SEQ         tokens of a sample (2048)
#   SAMPLES     that are asked for (24000000)
#   ROUNDS      of both (3)
# Exit code 1 if an array differs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${FOLDER:=target/bench-data}" "${DOCUMENTS:=50000000}" "${TOKENS:=1000}"
: "${SEQ:=2048}" "${SAMPLES:=24000000}" "${ROUNDS:=3}"
read -ra tanuki4j <<<"$TANUKI4J"
export TANUKI4J_JAVA_OPTS="${TANUKI4J_JAVA_OPTS:-} -Dorg.slf4j.simpleLogger.log.io.tanuki4j.data=debug"
mkdir -p "$FOLDER"
prefix="$FOLDER/corpus-$DOCUMENTS-$TOKENS"
[ -f "$prefix.bin" ] || "$PYTHON" tools/bench/data_scale.py make "$prefix" "$DOCUMENTS" "$TOKENS"
flags=(--num-layers 1 --hidden-size 16 --num-attention-heads 2 --attention-dropout 0 --hidden-dropout 0 --seq-length "$SEQ"
  --max-position-embeddings "$SEQ" --tokenizer-type NullTokenizer --vocab-size 511 --data-path "$prefix" --split '100,0,0'
  --data-cache-path "$FOLDER/ours" --micro-batch-size 1 --global-batch-size 1 --train-iters "$SAMPLES" --eval-iters 0
  --skip-train --lr 1e-3 --no-args-dump)
: >"$FOLDER/times"
for ((round = 1; round <= ROUNDS; round++)); do
  rm -rf "$FOLDER/ours" "$FOLDER/theirs"
  sync
  cat "$prefix.idx" >/dev/null # both find the index in the page cache
  "$PYTHON" -W ignore tools/bench/data_scale.py build "$prefix" "$FOLDER/theirs" "$SEQ" "$SAMPLES" | tee "$FOLDER/theirs.log"
  sync
  cat "$prefix.idx" >/dev/null
  "${tanuki4j[@]}" pretrain "${flags[@]}" 2>&1 | "$PYTHON" tools/bench/data_scale.py watch | tee "$FOLDER/ours.log"
  for array in document sample shuffle; do
    cmp "$FOLDER"/ours/*-"${array}_index.npy" "$FOLDER"/theirs/*-"${array}_index.npy"
  done
  echo "round $round: the three arrays are equal, byte by byte"
  sed -n 's/^all: \(.*\) s$/theirs \1/p' "$FOLDER/theirs.log" >>"$FOLDER/times"
  sed -n 's/^all: \(.*\) s$/ours \1/p' "$FOLDER/ours.log" >>"$FOLDER/times"
done
"$PYTHON" tools/bench/data_scale.py compare "$FOLDER/times"
