#!/usr/bin/env bash
# Times all-reduces among 2 and 4 ranks of this machine: threads, processes over TCP, and PyTorch's gloo.
# Needs `mvn -q test-compile`, and `pip install torch` in $PYTHON's environment for the last.
#   PYTHON=venv/bin/python tools/bench/allreduce.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${PYTHON:=python3}"
mvn -B -q dependency:build-classpath -Dmdep.outputFile=target/test-classpath.txt -Dmdep.includeScope=test
java=(java --add-modules jdk.incubator.vector -Xmx1g -cp "target/classes:target/test-classes:$(<target/test-classpath.txt)"
  io.tanuki4j.benchmark.AllReduceBenchmark)
export OMP_NUM_THREADS=1
for ranks in 2 4; do
  "${java[@]}" "$ranks" 2>/dev/null
  for ((rank = 0; rank < ranks; rank++)); do
    RANK=$rank WORLD_SIZE=$ranks MASTER_ADDR=127.0.0.1 MASTER_PORT=29517 "${java[@]}" 2>/dev/null &
  done
  wait
  "$PYTHON" -m torch.distributed.run --nproc-per-node "$ranks" tools/bench/torch_allreduce.py 2>/dev/null
done
