#!/usr/bin/env bash
# Runs the GPU tests under compute-sanitizer and fails if a kernel of this project has a finding.
#
#   tools/gpu_sanitize.sh [TOOL…]     memcheck racecheck synccheck initcheck (default: all four)
#
#   PACK=DIR        the packed tests of scripts/pack-gpu-tests.sh (default: target/gpu-tests)
#   TESTS="…"       options of JUnit's console launcher instead of a tool's own
#   LIMIT=N         seconds for each tool (default 440); they run at the same time
#   SANITIZER=FILE  compute-sanitizer of CUDA 13 (default: the one on the PATH)
#   OUT=DIR         where the logs go (default: target)
#
# A finding counts if it names a kernel of src/main/resources/io/tanuki4j/backend/cuda. Each tool first has to find a
# fault that is planted for it; a tool that overlooks it has shown nothing.
#
# memcheck and synccheck watch our kernels alone; racecheck watches all, since with a filter it fails at replayed graphs.
# It leaves out attention over long documents, which takes it minutes, and training in 16 and 8 bits, which stands still under it.
# The kernels' contracts, which it watches, run all of our kernels in all types.
# Left out are tests whose ranks are processes, which run the same kernels, and the one that measures memory.
# initcheck has to see every write, so it watches all kernels. Its tests are the kernels' contracts and training in fp32: it
# does not see what cuBLAS writes through the tensor memory accelerator in narrower types, nor the padding of cuDNN.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
pack="$(cd "${PACK:-$here/target/gpu-tests}" && pwd)"
out="${OUT:-$here/target}"
sanitizer="${SANITIZER:-compute-sanitizer}"
tools=("$@")
[ $# -gt 0 ] || tools=(memcheck racecheck synccheck initcheck)
command -v "$sanitizer" > /dev/null || {
  echo "gpu_sanitize: $sanitizer not found. It comes with the CUDA toolkit; put its folder on the PATH." >&2
  exit 2
}
mkdir -p "$out"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
[ -x "$pack/jre/bin/java" ] && java="$pack/jre/bin/java"
names="$(cat "$here"/src/main/resources/io/tanuki4j/backend/cuda/*.cu | tr '\n' ' ' |
  grep -oE '__global__ +void( +__launch_bounds__\([^)]*\))? +[A-Za-z0-9_]+\(' | sed 's/.* //; s/($//' | sort -u)"
any="$(tr '\n' '|' <<< "$names" | sed 's/|$//')"

tests() { # tool
  local cuda=io.tanuki4j.backend.cuda
  if [ "$1" = initcheck ]; then
    echo "-c $cuda.CudaKernelsTest -c $cuda.KernelParityTest -c $cuda.CudaDeviceTest" \
      "--exclude-methodname .*(attention_over_whole_tiles|blocks_of_attention)_agree.*" \
      "-c io.tanuki4j.train.GpuGoldenRunTest --exclude-methodname .*training_in_bf16.*"
  else
    echo "--scan-classpath lib/tanuki4j-tests.jar --include-tag gpu --exclude-tag multi-gpu" \
      "--exclude-classname io[.]tanuki4j[.](run[.]Nccl|comm[.]nccl[.]|plan[.]).*"
    [ "$1" != racecheck ] || echo "--exclude-classname io[.]tanuki4j[.]run[.](Fp8RunTest|OddVocabularyTest)" \
      "--exclude-methodname .*(attention_within_long_documents_agrees|training_in_[bf]+16).*"
  fi
}

sanitize() { # tool, number, command…
  local tool=$1 number=$2 options=()
  shift 2
  [ "$tool" = racecheck ] || [ "$tool" = initcheck ] || options+=(--kernel-name "regex=^($any|planted_[a-z]+)\$")
  timeout -k 5 "${LIMIT:-440}" "$sanitizer" --tool "$tool" --print-limit 0 --show-backtrace device \
    --port $((49152 + 20 * number)) "${options[@]}" "$@"
}

found() { # names, log
  grep -cE "^=========.* (at|in) ($1)(\+0x|\()" "$2" || true
}

check() { # tool, number
  local tool=$1 number=$2 started=$SECONDS log="$out/sanitizer-$1" code findings others passed
  LIMIT=60 sanitize "$tool" "$number" "$java" --add-modules jdk.incubator.vector -Dorg.bytedeco.javacpp.maxphysicalbytes=0 \
    -cp "$pack/lib/*" io.tanuki4j.backend.cuda.PlantedFaults "$tool" > "$log-planted.log" \
    2>&1 || true
  if [ "$(found 'planted_[a-z]+' "$log-planted.log")" = 0 ]; then
    echo "$tool: it does not find the planted fault, see $log-planted.log"
    return 1
  fi
  # shellcheck disable=SC2046,SC2086
  sanitize "$tool" "$number" "$here/scripts/test-gpu.sh" "$pack" ${TESTS:-$(tests "$tool")} > "$log.log" 2>&1 &&
    code=0 || code=$?
  findings="$(found "$any" "$log.log")"
  others="$(grep -cE '^=========.* (at|in) .*\+0x' "$log.log" || true)"
  passed="$(grep -o '[0-9]* tests successful' "$log.log" | tail -n 1 || true)"
  echo "$tool: exit $code, ${passed:-no test ran}, the planted fault and $findings findings in our" \
    "$(wc -w <<< "$names") kernels, $((others - findings)) in others, $((SECONDS - started)) s." \
    "$(grep '^========= .*SUMMARY' "$log.log" | tail -n 1 || true)"
  [ "$code" = 0 ] && [ "$findings" = 0 ] && [ -n "$passed" ]
}

status=0 number=0 jobs=()
for tool in "${tools[@]}"; do
  check "$tool" $((number++)) &
  jobs+=($!)
done
for job in "${jobs[@]}"; do
  wait "$job" || status=1
done
exit $status
