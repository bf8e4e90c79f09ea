#!/usr/bin/env bash
# Runs the tests that need a GPU, as scripts/pack-gpu-tests.sh has packed them; needs neither Maven nor a JDK.
#
#   test-gpu.sh [FOLDER [OPTION…]]    FOLDER: the pack (default: next to this script, else target/gpu-tests)
#                                     OPTION: for JUnit's console launcher, instead of "all tests with the tag gpu",
#                                     for example: -c io.tanuki4j.backend.cuda.KernelParityTest
#
# CUDA's libraries are found as at run time: TANUKI4J_CUDA_LIB_DIR, a toolkit, pip's packages, the linker's path.
# Exit code: 0 all passed; 1 a test failed, or there is no GPU; 2 nothing ran.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
pack="$here/../target/gpu-tests"
[ -d "$here/lib" ] && pack="$here"
if [ $# -gt 0 ]; then
  pack="$1"
  shift
fi
if [ ! -f "$pack/lib/tanuki4j-tests.jar" ]; then
  echo "test-gpu: $pack holds no packed tests. Make them on a machine with Maven: scripts/pack-gpu-tests.sh" >&2
  exit 2
fi
cd "$pack"
java="${JAVA_HOME:+$JAVA_HOME/bin/}java"
[ -x jre/bin/java ] && java=jre/bin/java
if ! command -v "$java" > /dev/null; then
  echo "test-gpu: $java not found. Install Java 17 or later, or pack one with the tests: scripts/pack-gpu-tests.sh --jre" >&2
  exit 2
fi
[ $# -gt 0 ] || set -- --scan-classpath lib/tanuki4j-tests.jar --include-tag gpu --exclude-tag multi-gpu

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
exec "$java" --add-modules jdk.incubator.vector -Xmx4g \
  -Dorg.bytedeco.javacpp.maxbytes=0 -Dorg.bytedeco.javacpp.maxphysicalbytes=0 \
  -cp 'lib/*' org.junit.platform.console.ConsoleLauncher execute \
  --disable-banner --disable-ansi-colors --details=testfeed --fail-if-no-tests --include-classname '.*' "$@"
