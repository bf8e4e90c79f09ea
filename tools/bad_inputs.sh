#!/usr/bin/env bash
# Damages files of every kind, gives them to the commands and prints what the user reads, as a table.
# Fails if a message has a stack trace or the name of a Java class, calls itself a fault of the program or lacks its full
# stop, or the exit code is 0.
# The table for flags is a test: src/test/resources/io/tanuki4j/cli/bad-command-lines.txt.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
t="$PWD/scripts/tanuki4j"
d="$(mktemp -d)"
trap 'rm -rf "$d"' EXIT
golden="$PWD/src/test/resources/golden/llama-tiny"
model="$PWD/tokenizer/ja_en_8k_unigram_identity.model"
failures=0 count=0

show() { # what, command…
  local what="$1" out code
  shift
  (cd "$d" && "$@" >/dev/null 2>"$d/said")
  code=$?
  out="$(grep -vE 'incubator modules|^SentencePieceTokenizer' "$d/said" | sed -E "s#$d/home#/home/me#g; s/[0-9a-f]{32}-/…-/g")"
  count=$((count + 1))
  # shellcheck disable=SC2016 # Markdown's backticks
  printf '| %s | %s | %s |\n' "$what" "$code" "$(tr '\n' ' ' <<<"$out" | sed -E 's/\|/\\|/g; s/(^|[ (])(--[a-z][a-z0-9_-]*)/\1`\2`/g')"
  if [ "$code" = 0 ] || grep -qE '^\s+at |fault of the program|(java|com|io)\.[a-z.]+\.[A-Z][A-Za-z]+' <<<"$out" || ! grep -qE '[.?)]$' <<<"$out"; then
    failures=$((failures + 1))
    echo "^^^ NOT a clear sentence"
  fi
}
copy() { rm -f "$d"/a.*; cp "$golden/a_text_document.bin" "$d/a.bin"; cp "$golden/a_text_document.idx" "$d/a.idx"; }
patch() { printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; } # file, offset, bytes
flags=(--num-layers 1 --hidden-size 16 --ffn-hidden-size 16 --num-attention-heads 2 --seq-length 16
  --max-position-embeddings 16 --position-embedding-type rope --normalization RMSNorm --swiglu --disable-bias-linear
  --attention-dropout 0 --hidden-dropout 0 --tokenizer-type NullTokenizer --vocab-size 511 --data-path a --split 1
  --micro-batch-size 1 --train-iters 3 --lr 1e-3 --eval-iters 0 --log-interval 1 --data-cache-path cache)
train() { "$t" pretrain "${flags[@]}" "$@"; }
launched() { "$t" launch --nproc-per-node 4 -- pretrain "${flags[@]}" --distributed-backend gloo "$@"; }
rank() { RANK=$1 WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=29617 train --distributed-backend gloo "${@:2}"; }
second_of_two() { rank 0 >/dev/null 2>&1 & rank 1 "$@"; local code=$?; wait; return $code; }

echo '| input | exit | what the user reads |'
echo '|---|---|---|'
copy; truncate -s 20 "$d/a.idx"; show '.idx cut in its header' train
copy; truncate -s 200 "$d/a.idx"; show '.idx cut in its tables' train
copy; patch "$d/a.idx" 0 'X'; show '.idx of another format' train
copy; patch "$d/a.idx" 9 '\x02'; show '.idx of version 2' train
copy; patch "$d/a.idx" 17 '\x63'; show '.idx with an unknown token type' train
copy; patch "$d/a.idx" 18 '\xff\xff'; show '.idx with a wrong sequence count' train
copy; patch "$d/a.idx" 34 '\xff\xff\xff\xff'; show '.idx with a negative length' train
copy; : >"$d/a.idx"; show '.idx empty' train
copy; truncate -s 100 "$d/a.bin"; show '.bin shorter than its .idx says' train
copy; rm "$d/a.bin"; show '.bin missing' train
copy; rm "$d/a.idx"; show '.idx missing' train
copy; patch "$d/a.bin" 0 '\xff\xff\xff\x7f'; show 'a token id beyond the vocabulary' train --train-iters 400
copy; rm -rf "$d/cache"; (cd "$d" && train >/dev/null 2>&1); patch "$(ls "$d"/cache/*-train-document_index.npy)" 128 '\x07'; show 'a cache with other numbers than were written' train; rm -rf "$d/cache"
copy; mkdir -p "$d/cache" && : >"$d/file"; show 'a cache folder that is a file' train --data-cache-path file
printf -- '--lr 1\n@a\0b\n' >"$d/a.args"; show 'an argument file with a NUL character' "$t" plan @a.args
few() { (ulimit -n 20; exec "$@"); }
show 'few file descriptors' few "$t" plan
copy; show 'no validation data' train --split 99999,1 --eval-iters 5
copy; show 'a page at a name of no machine' train --web-port 0 --web-host no.such.host.invalid
show 'a page for other machines without a token' train --web-port 0 --web-host 0.0.0.0
show 'a profile that ends before it begins' train --profile --profile-step-start 3 --profile-step-end 2
show 'report of a folder that does not exist' "$t" report none
mkdir -p "$d/empty"; show 'report of a folder without a run' "$t" report empty
show 'launched ranks with a wrong flag' launched --lr fast
show 'ranks with different flags' second_of_two --lr 2e-3 --data-cache-path other

p() { "$t" preprocess --output-prefix out --workers 1 --tokenizer-type SentencePieceTokenizer --tokenizer-model "$model" "$@"; }
echo '{"text": "a' >"$d/x.jsonl"; show 'JSON line cut off' p --input x.jsonl
echo '{"txt": "a"}' >"$d/x.jsonl"; show 'JSON line without the key' p --input x.jsonl
echo '{"text": 5}' >"$d/x.jsonl"; show 'JSON text that is a number' p --input x.jsonl
echo '[1]' >"$d/x.jsonl"; show 'JSON line that is no object' p --input x.jsonl
printf '{"text": "\xff\xfe"}\n' >"$d/x.jsonl"; show 'text that is not UTF-8' p --input x.jsonl
echo 'hello' >"$d/x.jsonl.gz"; show '.gz that is none' p --input x.jsonl.gz
echo 'hello' >"$d/x.jsonl.zst"; show '.zst that is none' p --input x.jsonl.zst
packed() { for i in 1 2; do echo "{\"text\": \"$i\"}"; done | while read -r line; do echo "$line" | "$1" -c; done; }
packed gzip >"$d/x.jsonl.gz"; patch "$d/x.jsonl.gz" $(($(echo '{"text": "1"}' | gzip -c | wc -c) + 2)) '\x07'; show '.gz with a damaged second header' p --input x.jsonl.gz
packed gzip | head -c 40 >"$d/x.jsonl.gz"; show '.gz cut in its second header' p --input x.jsonl.gz
(packed gzip; echo junk) >"$d/x.jsonl.gz"; show '.gz with junk behind it' p --input x.jsonl.gz
packed zstd | head -c 40 >"$d/x.jsonl.zst"; show '.zst cut in its second frame' p --input x.jsonl.zst
printf 'PAR1\x15\x04\x15' >"$d/x.jsonl"; show 'Parquet for JSON lines' p --input x.jsonl
packed gzip >"$d/x.jsonl"; show 'gzip under a plain name' p --input x.jsonl
(printf '{"text": "'; head -c 40000000 /dev/zero | tr '\0' a; echo '"}') >"$d/x.jsonl"; show 'a line that the heap cannot hold' env TANUKI4J_HEAP=64m "$t" preprocess --output-prefix out --input x.jsonl --tokenizer-type NullTokenizer --vocab-size 9
show 'input missing' p --input none.jsonl
echo '{"text": "a"}' >"$d/x.jsonl"
head -c 5000 "$model" >"$d/cut.model"; show '.model cut off' p --input x.jsonl --tokenizer-model cut.model
echo hello >"$d/text.model"; show '.model that is a text' p --input x.jsonl --tokenizer-model text.model
: >"$d/empty.model"; show '.model empty' p --input x.jsonl --tokenizer-model empty.model
show '.model missing' p --input x.jsonl --tokenizer-model none.model
show 'workers 0' p --input x.jsonl --workers 0
show 'output folder missing' p --input x.jsonl --output-prefix none/out

copy; (cd "$d" && train --save run --save-interval 3 >log 2>&1) || cat "$d/log"
it="$d/run/iter_0000003"
(cd "$d" && train --split 1,1,0 --eval-interval 1 --eval-iters 200 --save evaluated --save-interval 2 --exit-interval 2 >log 2>&1) || cat "$d/log"
show 'evaluations that the rest of the data is too short for' train --split 1,1,0 --eval-interval 2 --eval-iters 2 --load evaluated
again() { rm -rf "$d/bad"; cp -r "$d/run" "$d/bad"; it="$d/bad/iter_0000003"; }
load() { train --load bad --train-iters 5 "$@"; }
again; echo x >"$d/bad/latest_checkpointed_iteration.txt"; show 'tracker that is no number' load
again; rm "$d/bad/latest_checkpointed_iteration.txt"; mkfifo "$d/bad/latest_checkpointed_iteration.txt"; show 'tracker that is a pipe' load
again; echo 7 >"$d/bad/latest_checkpointed_iteration.txt"; show 'tracker to a missing iteration' load
again; rm "$it"/model-*; show 'checkpoint without its model file' load
again; rm "$it"/optimizer-*; show 'checkpoint without its optimizer file' load
again; truncate -s -10 "$(ls "$it"/model-*)"; show 'checkpoint file cut off' load
again; patch "$(ls "$it"/model-*)" 4000 '\x55\xaa'; show 'checkpoint file with flipped bits' load
again; echo '{' >"$it/manifest.json"; show 'manifest damaged' load
again; rm "$it/manifest.json"; show 'manifest missing' load
again; sed -i -E 's/"(format_version|version)": *1/"\1": 99/' "$it/manifest.json"; show 'manifest of a newer version' load
again; (cd "$d" && train --save two --save-interval 2 >log 2>&1) && cp -r "$d/two/iter_0000002" "$d/bad/"
patch "$(ls "$it"/model-*)" 4000 '\x55\xaa'; show 'newest of two checkpoints with flipped bits' load
again; sed -i -E 's/"iteration": 3/"iteration": 2/' "$it/manifest.json"; show 'manifest with an edited iteration' load
again; show 'checkpoint of another shape' load --ffn-hidden-size 32
again; show 'checkpoint of more layers' load --num-layers 2
again; sed -i 's/"norm_epsilon": 1.0E-5/"norm_epsilon": 1.0E-6/' "$it/manifest.json"
show 'checkpoint of another epsilon' load
again; show 'schedule that disagrees' load --lr 2e-3
again; show 'schedule of another length' load
show 'save folder that cannot be made' train --save /proc/none --save-interval 3
mkdir -p "$d/torch/iter_0000001/mp_rank_00"; echo 1 >"$d/torch/latest_checkpointed_iteration.txt"
: >"$d/torch/iter_0000001/mp_rank_00/model_optim_rng.pt"; show "Megatron's torch checkpoint" train --load torch
(cd "$d" && exec "$t" pretrain "${flags[@]}" --train-iters 100000 --save locked --save-interval 100000 >log 2>&1) & busy=$!
for _ in $(seq 300); do [ -s "$d/locked/run.lock" ] && break; sleep 0.1; done
show 'save folder of a run that goes on' train --save locked --save-interval 3
kill "$busy"; wait "$busy"
show 'no checkpoint where one must be' train --load none --exit-on-missing-checkpoint

hf() { rm -rf "$d/hf" "$d/new"; cp -r "$golden/hf" "$d/hf"; }
c() { "$t" convert --loader hf --saver tanuki4j --load-dir hf --save-dir new; }
hf; rm "$d/hf/config.json"; show 'HF folder without config.json' c
hf; echo '{' >"$d/hf/config.json"; show 'HF config damaged' c
hf; sed -i 's/"llama"/"mixtral"/; s/LlamaFor/MixtralFor/' "$d/hf/config.json"; show 'HF model of another architecture' c
hf; sed -i 's/"attention_bias": false/"attention_bias": true/' "$d/hf/config.json"; show 'HF model with biases' c
hf; sed -i 's/"num_hidden_layers": 2/"num_hidden_layers": 3/' "$d/hf/config.json"; show 'HF config with more layers than tensors' c
hf; sed -i 's/"hidden_size": 64/"hidden_size": 128/' "$d/hf/config.json"; show 'HF config of another width' c
hf; sed -i 's/"rope_theta": 500000.0/"rope_theta": 1e400/' "$d/hf/config.json"; show 'HF config with an infinite base' c
hf; sed -i 's/"rms_norm_eps": 1e-05/"rms_norm_eps": -1e-05/' "$d/hf/config.json"; show 'HF config with a negative epsilon' c
hf; patch "$d/hf/model.safetensors" $(($(stat -c %s "$d/hf/model.safetensors") - 4)) '\x00\x00\xc0\x7f'; show 'NaN among HF weights' c
hf; truncate -s 1000 "$d/hf/model.safetensors"; show 'safetensors cut off' c
hf; patch "$d/hf/model.safetensors" 0 '\xff\xff\xff\xff\xff\xff\xff\x7f'; show 'safetensors with a huge header' c
hf; patch "$d/hf/model.safetensors" 8 'X'; show 'safetensors with a broken header' c
hf; rm "$d/hf/model.safetensors"; show 'HF folder without weights' c
hf; (cd "$d" && c >log 2>&1) || cat "$d/log"
show 'a tokenizer with more ids than the model has rows' "$t" evaluate --load new --tokenizer-type SentencePieceTokenizer --tokenizer-model "$model" --data-path a
show 'inspect of nothing' "$t" inspect none
m() { rm -rf "$d/m" "$d/new"; cp -r "$golden/../../megatron/$1/torch" "$d/m"; }
convert_megatron() { "$t" convert --loader megatron --saver tanuki4j --load-dir m/iter_0000007 --save-dir new; }
m te; python3 - "$d" <<'END'
import os, pickle, sys, zipfile
class Program:
    def __reduce__(self): return os.system, ("touch " + sys.argv[1] + "/was_run",)
with zipfile.ZipFile(sys.argv[1] + "/m/iter_0000007/mp_rank_00/model_optim_rng.pt", "w") as file:
    file.writestr("model_optim_rng/data.pkl", pickle.dumps({"model": Program()}, 2))
END
show 'a Megatron checkpoint that would run a program' convert_megatron
[ ! -e "$d/was_run" ] || { failures=$((failures + 1)); echo '^^^ it WAS run'; }
m vpp; rm -r "$d/m/iter_0000007/mp_rank_01_001"; show 'a Megatron checkpoint that lacks a rank' convert_megatron
rm -rf "$d/m" "$d/new"; python3 -m zipfile -e "$golden/../../megatron/distributed.zip" "$d/zip"; mv "$d/zip/shifted" "$d/m"
show "a Megatron checkpoint whose optimizer has the state in other places than the weights" convert_megatron

copy
far() { RANK=1 WORLD_SIZE=2 MASTER_ADDR=node7 MASTER_PORT=29500 HOME="$d/home" train --distributed-backend gloo; }
show 'ranks of two machines without a secret' far
echo 0123456789abcdef >"$d/secret"; chmod 644 "$d/secret"
TANUKI4J_RUN_SECRET_FILE=secret show 'a secret that others can read' far
stranger() {
  TANUKI4J_RUN_SECRET=0123456789abcdef rank 0 >/dev/null 2>&1 &
  TANUKI4J_RUN_SECRET=another-9abcdef0 rank 1
  local code=$?
  wait
  return $code
}
export TANUKI4J_JOIN_SECONDS=40
show 'a rank of another run' stranger
export TANUKI4J_JOIN_SECONDS=8
show 'a rank that does not come' rank 0
python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 29617)); time.sleep(600)' & listener=$!
sleep 1; show 'a program that only listens at MASTER_PORT' rank 1
kill "$listener"; wait "$listener" 2>/dev/null
bare() { LC_ALL=C "${JAVA_HOME:+$JAVA_HOME/bin/}java" --add-modules jdk.incubator.vector -jar "${t%/scripts/*}/target/tanuki4j.jar" inspect 吾輩; }
show 'Japanese words in the locale C, without the script' bare
full() { "$@" >/dev/full; }
show 'inspect with its output to a full disk' full "$t" inspect run
without_input() { "$@" </dev/null; }
show 'generate without a checkpoint' "$t" generate --load none --prompt x
show 'generate without a prompt' without_input "$t" generate --load run
show 'generate with an empty stop' "$t" generate --load run --prompt x --stop ''
show 'unknown command' "$t" pretrian
echo
echo "$count inputs, $failures without a clear sentence"
[ "$failures" = 0 ]
