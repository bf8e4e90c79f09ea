#!/usr/bin/env bash
# Trains three iterations with each argument file of a folder, and prints a table: the losses, or the sentence that refuses it.
#
#   script_sweep.sh FOLDER [NAME...]     FOLDER/NAME.args, one flag a line; all of them without names
#
# TANUKI4J is the start script (default: scripts/tanuki4j). The model, the batch and the run become tiny, on one rank of the
# CPU, and paths lead to small files; everything else stays as the file has it. The exit code is 1 if a run that starts
# does not end with three finite losses.
set -uo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
program="$(realpath "${TANUKI4J:-$root/scripts/tanuki4j}")"
folder="$(realpath "$1")"
shift
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# Ids below 500, which every tokenizer of the files has.
mkdir tokenizer training_corpus
cp "$root"/tokenizer/*.model "$root"/src/test/resources/tokenizer/bytes/{vocab.json,merges.txt} tokenizer
cp -r "$root/src/test/resources/tokenizer/bytes/hf" tokenizer/hf
for language in ja en; do
  head -n 60 "$root/training_corpus/$language.jsonl" >part.jsonl
  "$program" preprocess --input part.jsonl --output-prefix "training_corpus/$language" --workers 1 --append-eod \
    --tokenizer-type GPT2BPETokenizer --vocab-file tokenizer/vocab.json --merge-file tokenizer/merges.txt >preprocess.log 2>&1 || {
    cat preprocess.log
    exit 1
  }
done

# What is replaced, or belongs to many ranks, long runs and other folders.
replaced='num-layers|hidden-size|ffn-hidden-size|num-attention-heads|num-query-groups|kv-channels|seq-length|max-position-embeddings'
replaced+='|sliding-window|micro-batch-size|global-batch-size|rampup-batch-size|step-batch-size-schedule|train-iters|train-samples|lr-decay-iters|lr-decay-samples'
replaced+='|lr-warmup-iters|lr-warmup-samples|lr-warmup-fraction|lr-wsd-decay-iters|lr-wsd-decay-samples|eval-interval|eval-iters'
replaced+='|tensor-model-parallel-size|pipeline-model-parallel-size|context-parallel-size|sequence-parallel|distributed-backend'
replaced+='|num-layers-per-virtual-pipeline-stage|num-virtual-stages-per-pipeline-rank|decoder-(first|last)-pipeline-num-layers'
replaced+='|recompute-num-layers|num-layers-at-(start|end)-in-bf16|rope-original-max-positional-embeddings'
replaced+='|save|save-interval|load|use-checkpoint-args|exit-on-missing-checkpoint|tensorboard-dir|wandb-[a-z-]+|data-cache-path|log-interval'
tiny=(--num-layers 2 --hidden-size 64 --ffn-hidden-size 128 --num-attention-heads 4 --seq-length 32 --max-position-embeddings 32
  --micro-batch-size 1 --global-batch-size 2 --train-iters 3 --lr-decay-iters 3 --eval-iters 0 --log-interval 1 --backend cpu
  --data-cache-path cache --no-args-dump --no-progress-line)

failed=0 started=0 all=0
echo '| script | losses, or what refuses it |'
echo '|---|---|'
names=("$@")
if [ $# = 0 ]; then
  names=("$folder"/*.args)
  names=("${names[@]##*/}")
  names=("${names[@]%.args}")
fi
for name in "${names[@]}"; do
  all=$((all + 1))
  grep -vE "^--($replaced)( |$)" "$folder/$name.args" >tiny.args
  more=()
  grep -q '^--num-query-groups' "$folder/$name.args" && more=(--num-query-groups 2)
  grep -q '^--patch-tokenizer-type' "$folder/$name.args" && more+=(--tokenizer-model tokenizer/hf)
  grep -q '^--fp16' "$folder/$name.args" && more+=(--initial-loss-scale 1024) # the default overflows for 20 iterations
  grep -q '^--lr-decay-style WSD' "$folder/$name.args" && more+=(--lr-wsd-decay-iters 1)
  grep -q '^--save ' "$folder/$name.args" && more+=(--save "saved/$name")
  "$program" pretrain @tiny.args "${tiny[@]}" "${more[@]}" >run.log 2>&1
  code=$?
  losses="$(grep -oE 'lm loss: [-+.0-9E]+' run.log | cut -d' ' -f3 | tr '\n' ' ')"
  if [ "$code" = 0 ] && [ "$(wc -w <<<"$losses")" = 3 ]; then
    started=$((started + 1))
    echo "| $name | $losses|"
  else
    [ "$code" = 2 ] || failed=1
    echo "| $name | exit code $code: $(grep -m 4 -E '\(expected: |^tanuki4j' run.log | cut -c1-160 | sed 's/^ *//; s/|/\\|/g' | tr '\n' ' ')|"
  fi
done
echo
echo "$started of $all trained"
exit $failed
