#!/usr/bin/env bash
# Times attention within documents on this GPU, ours and PyTorch's, one after the other, and prints a table in Markdown:
# milliseconds forward + backward of one layer of Llama-3-8B's shape over 8192 tokens, in BF16.
#
#   tools/bench/documents.sh
#
#   BENCHMARK   the command that starts io.tanuki4j.benchmark.KernelBenchmark; words are split at blanks
#               (java of the pack that scripts/pack-gpu-tests.sh makes)
#   PYTHON      python3 of an environment with PyTorch; "none" leaves PyTorch out
#   OUT         folder for what the programs print (target/bench-documents)
# Exit code 1 if a program failed; the table still has what the others printed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
: "${PYTHON:=python3}" "${OUT:=target/bench-documents}"
: "${BENCHMARK:=java --add-modules jdk.incubator.vector -cp target/gpu-tests/lib/* io.tanuki4j.benchmark.KernelBenchmark}"
mkdir -p "$OUT"
failed=0
set -f # the class path has a star
for filter in "s 8192 b 1" documents; do
  $BENCHMARK cuda 8b "$filter"
done >"$OUT/ours.txt" 2>"$OUT/ours.log" || failed=1
set +f
: >"$OUT/torch.txt"
if [ "$PYTHON" != none ]; then
  # PyTorch brings a cuDNN of its own
  env -u LD_LIBRARY_PATH "$PYTHON" tools/bench/torch_documents.py >"$OUT/torch.txt" 2>"$OUT/torch.log" || failed=1
fi
awk -F'\t' '
  function add(row, column, direction, millis) {
    if (!(row in seen)) { seen[row] = 1; rows[++count] = row }
    ms[row, column, direction] = millis
  }
  FILENAME ~ /ours/ && /^causalAttention/ {
    split(substr($0, 57), values, " ")
    add("plain causal", "ours", /Forward/ ? "forward" : "backward", values[1])
  }
  FILENAME ~ /ours/ && /documents.*, (forward|backward)/ && !/samples/ {
    name = $0; sub(/, .*/, "", name)
    split(substr($0, 57), values, " ")
    add(name, "ours", /forward/ ? "forward" : "backward", values[1])
  }
  FILENAME ~ /torch/ && NF == 4 { add($1, $2, "forward", $3); add($1, $2, "backward", $4) }
  END {
    number = split("ours,cudnn,flex_attention,varlen_attn", columns, ",")
    printf "| |"; for (c = 1; c <= number; c++) printf " %s |", columns[c]
    printf "\n|---|"; for (c = 1; c <= number; c++) printf "---|"
    print ""
    for (r = 1; r <= count; r++) {
      printf "| %s |", rows[r]
      for (c = 1; c <= number; c++) {
        if ((rows[r], columns[c], "forward") in ms)
          printf " %.3f + %.3f |", ms[rows[r], columns[c], "forward"], ms[rows[r], columns[c], "backward"]
        else printf " |"
      }
      print ""
    }
  }' "$OUT/ours.txt" "$OUT/torch.txt"
exit $failed
