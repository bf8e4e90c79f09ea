#!/usr/bin/env bash
# Compares the ids that preprocess writes with those of SentencePiece's own spm_encode, document by document.
# Usage: tools/check_spm_ids.sh [MODEL [FILE.jsonl ...]]   (default: the bundled model and corpora)
# Needs spm_encode, python3 and the built program.
#
# spm_encode reads one text a line, so newlines inside documents must go another way: the model's newline piece is
# renamed to the byte 0x01 in a copy of the model, and so are the newlines in its input. The ids stay the same.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:-tokenizer/ja_en_8k_unigram_identity.model}
shift || true
[ $# -gt 0 ] || set -- training_corpus/ja.jsonl training_corpus/en.jsonl
for program in spm_encode python3; do
  command -v "$program" >/dev/null || { echo "$program is not installed" >&2; exit 2; }
done
[ -f "$model" ] || { echo "$model: no such file" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 - "$model" "$work/model" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
newline_piece = b"\x0a\x01\x0a\x15"  # text of one byte, 0x0A; the score follows
if data.count(newline_piece) != 1:
    sys.exit(sys.argv[1] + ": has no newline piece; this comparison needs one")
open(sys.argv[2], "wb").write(data.replace(newline_piece, b"\x0a\x01\x01\x15"))
PYTHON

for file in "$@"; do
  python3 - "$file" >"$work/texts" <<'PYTHON'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    text = json.loads(line)["text"]
    assert "\x01" not in text and "\r" not in text
    print(text.replace("\n", "\x01"))
PYTHON
  spm_encode --model="$work/model" --output_format=id <"$work/texts" >"$work/expected"
  scripts/tanuki4j preprocess --input "$file" --output-prefix "$work/ids" --workers 2 \
    --tokenizer-type GPTSentencePieceTokenizer --tokenizer-model "$model" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  python3 - "$work/ids_text_document" >"$work/actual" <<'PYTHON'
import array, struct, sys
idx = open(sys.argv[1] + ".idx", "rb").read()
code, count = struct.unpack_from("<BQ", idx, 17)
ids = array.array({8: "H", 4: "i"}[code], open(sys.argv[1] + ".bin", "rb").read())
start = 0
for length in struct.unpack_from("<%di" % count, idx, 34):
    print(*ids[start:start + length])
    start += length
PYTHON
  if cmp "$work/expected" "$work/actual"; then
    echo "$file: equal, $(wc -l <"$work/expected") documents, $(wc -w <"$work/expected") ids," \
      "sha256 $(sha256sum <"$work/expected" | cut -d' ' -f1)"
  else
    echo "$file: ids differ" >&2
    exit 1
  fi
done
