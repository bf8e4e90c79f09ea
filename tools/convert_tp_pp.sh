#!/usr/bin/env bash
# TP, PP conversion: rewrites a checkpoint, with its optimizer state, in the shards that another number of ranks would
# write. pretrain loads any checkpoint at any layout; use this to convert beforehand.
#
#   TP=2 PP=4 tools/convert_tp_pp.sh checkpoints/mine checkpoints/mine-tp2-pp4 [more flags of convert]
#
# Megatron's tools/checkpoint/convert.py takes the same flags: --loader, --saver, --load-dir, --save-dir,
# --target-tensor-parallel-size, --target-pipeline-parallel-size. See scripts/tanuki4j convert --help.
set -euo pipefail

: "${TP:=1}" "${PP:=1}"

if [ $# -lt 2 ]; then
  echo "convert_tp_pp.sh: usage: TP=2 PP=4 $0 LOAD_DIR SAVE_DIR [flags of convert]" >&2
  exit 2
fi
load="$1"
save="$2"
shift 2

exec "$(dirname "${BASH_SOURCE[0]}")/../scripts/tanuki4j" convert --model-type GPT --loader tanuki4j --saver tanuki4j \
  --load-dir "$load" --save-dir "$save" \
  --target-tensor-parallel-size "$TP" --target-pipeline-parallel-size "$PP" "$@"
