#!/usr/bin/env bash
# One table of all backends: how each passes the kernel contract, how exact its gradients and the reference runs
# are, and how far it is from the others, operation by operation.
#
#   tools/backends_table.sh [FOLDER…]    runs the tests of cpu and nd4j (about two minutes), and prints the table
#
# FOLDER: what a machine with a GPU has kept. There:
#   JAVA_TOOL_OPTIONS=-Dtanuki4j.outputs=FOLDER scripts/test-gpu.sh target/gpu-tests -c io.tanuki4j.backend.cuda.CudaKernelsTest \
#     -c io.tanuki4j.backend.cuda.KernelParityTest -c io.tanuki4j.model.GpuModelGradientsTest -c io.tanuki4j.train.GpuGoldenRunTest
# Differences of kernels and weights are taken over up to 256 elements of each output; the tests compare all.
set -euo pipefail
cd "$(dirname "$0")/.."
here="$PWD/target/outputs"
rm -rf "$here"
mvn -B -q test -DexcludedTags=gpu,multi-gpu -Dtanuki4j.outputs="$here" \
  -Dtest='CpuKernelsTest*,Nd4jKernelsTest*,Nd4jParityTest,Nd4jModelGradientsTest,Nd4jGoldenRunTest'
python3 tools/backends_table.py "$here" "$@"
