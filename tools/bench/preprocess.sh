#!/usr/bin/env bash
# Turns the same lines into token files, here and as Megatron-LM's tools/preprocess_data.py does, with one worker and with two. Prints
# seconds and MB/s, without the start of either program and with it, and compares the files byte by byte.
#
#   tools/bench/preprocess.sh
#
#   TANUKI4J    the command that starts Tanuki4J (scripts/tanuki4j); words are split at blanks
#   PYTHON      a Python with megatron-core, sentencepiece, tokenizers and transformers (python3)
#   FOLDER      where the files go (target/bench-preprocess)
#   COPIES      of the bundled corpus, 2.7 MB each (12)
#   WORKERS     which numbers of workers ("1 2")
#   ROUNDS      of each (3)
# The tokenizers are the bundled unigram model of SentencePiece and a byte-level BPE of 16,000 tokens that is trained here. Documents
# whose ids differ are counted: SentencePiece 0.2.1 and later sums scores otherwise, so one document of the bundled corpus has other ids.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${FOLDER:=target/bench-preprocess}" "${COPIES:=12}" "${WORKERS:=1 2}" "${ROUNDS:=3}"
read -ra tanuki4j <<<"$TANUKI4J"
export TOKENIZERS_PARALLELISM=false
mkdir -p "$FOLDER"
for ((i = 0; i < COPIES; i++)); do cat training_corpus/ja.jsonl training_corpus/en.jsonl; done >"$FOLDER/text.jsonl"
[ -f "$FOLDER/bpe/tokenizer.json" ] || "$PYTHON" tools/bench/preprocess_megatron.py train "$FOLDER/bpe" training_corpus/{ja,en}.jsonl
megabytes="$(wc -c <"$FOLDER/text.jsonl")"

measure() { # name, library, type, model, workers
  local start line
  line="$("$PYTHON" -W ignore tools/bench/preprocess_megatron.py "$2" "$4" "$FOLDER/text.jsonl" "$FOLDER/theirs-$1" "$5" 2>/dev/null | tail -n 1)"
  echo "$1 $5 theirs $line" >>"$FOLDER/times"
  start="$(date +%s%N)"
  "${tanuki4j[@]}" preprocess --input "$FOLDER/text.jsonl" --output-prefix "$FOLDER/ours-$1" --append-eod --tokenizer-type "$3" \
    --tokenizer-model "$4" --workers "$5" >"$FOLDER/log" 2>&1 || { cat "$FOLDER/log" >&2 && exit 1; }
  line="$(tr '\r' '\n' <"$FOLDER/log" | sed -n 's/^Processed .*, \([0-9.]*\) MB\/s.*/\1/p' | tail -n 1)"
  echo "$1 $5 ours $(awk -v bytes="$megabytes" -v rate="$line" -v ns="$(($(date +%s%N) - start))" \
    'BEGIN {printf "%.2f %.2f", bytes / 1048576 / rate, ns / 1e9}')" >>"$FOLDER/times"
}

: >"$FOLDER/times"
for ((round = 0; round < ROUNDS; round++)); do
  for workers in $WORKERS; do
    measure unigram sentencepiece GPTSentencePieceTokenizer tokenizer/ja_en_8k_unigram_identity.model "$workers"
    measure bpe huggingface HuggingFaceTokenizer "$FOLDER/bpe" "$workers"
  done
done
"$PYTHON" tools/bench/preprocess_megatron.py table "$FOLDER" "$megabytes"
