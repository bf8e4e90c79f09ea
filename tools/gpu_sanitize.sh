#!/usr/bin/env bash
# Runs the GPU tests under compute-sanitizer and fails if a kernel of this project has a finding.
#
#   tools/gpu_sanitize.sh [TOOL…]     memcheck racecheck initcheck synccheck (default: all four)
#
#   PACK=DIR      the packed tests of scripts/pack-gpu-tests.sh (default: target/gpu-tests)
#   TESTS="…"     options of JUnit's console launcher (default: every kernel's contract and parity, and training)
#   LIMIT=N       seconds for each tool (default 600)
#
# Findings count if they name a kernel of src/main/resources/io/tanuki4j/backend/cuda. Kernels of cuDNN and cuBLAS are
# excluded: we cannot fix their faults. Only initcheck watches them, to see what they write, and reports the padding that
# they read.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
pack="${PACK:-$here/target/gpu-tests}"
tools=("$@")
[ $# -gt 0 ] || tools=(memcheck racecheck initcheck synccheck)
command -v compute-sanitizer > /dev/null || {
  echo "gpu_sanitize: compute-sanitizer not found. It comes with the CUDA toolkit; put its folder on the PATH." >&2
  exit 2
}
cuda=io.tanuki4j.backend.cuda
tests="${TESTS:--c $cuda.CudaKernelsTest -c $cuda.KernelParityTest -c io.tanuki4j.train.GpuGoldenRunTest}"
kernels="${KERNELS:-$here/src/main/resources/io/tanuki4j/backend/cuda}"
names="$(cat "$kernels"/*.cu | tr '\n' ' ' | grep -oE '__global__ +void( +__launch_bounds__\([^)]*\))? +[A-Za-z0-9_]+\(' |
  sed 's/.* //; s/($//' | sort -u)"
ours="^=========.*( at | in )($(tr '\n' '|' <<< "$names" | sed 's/|$//'))(\+0x|\()"
status=0
for tool in "${tools[@]}"; do
  log="${OUT:-$here/target}/sanitizer-$tool.log"
  started=$SECONDS
  options=(--print-limit 1000000)
  [ "$tool" = initcheck ] || options+=(--kernel-regex "kns=^($(tr '\n' '|' <<< "$names" | sed 's/|$//'))\$")
  # shellcheck disable=SC2086
  timeout "${LIMIT:-600}" compute-sanitizer --tool "$tool" --target-processes all "${options[@]}" \
    "$here/scripts/test-gpu.sh" "$pack" $tests > "$log" 2>&1 && code=0 || code=$?
  findings="$(grep -cE "$ours" "$log" || true)"
  others="$(grep -cE '^=========.* in .*\+0x' "$log" || true)"
  passed="$(grep -o '[0-9]* tests successful' "$log" | tail -n 1 || true)"
  summary="$(grep '^========= .*SUMMARY' "$log" | tail -n 1 || true)"
  echo "$tool: exit $code, ${passed:-no test ran}, $findings findings in our $(wc -w <<< "$names") kernels," \
    "$others in others, $((SECONDS - started)) s. $summary"
  { [ "$code" = 0 ] && [ "$findings" = 0 ] && [ -n "$passed" ]; } || status=1
done
exit $status
