#!/usr/bin/env bash
# Packs the tests that need a GPU, with everything they need except the GPU, its driver and CUDA's libraries.
#
#   scripts/pack-gpu-tests.sh          for a machine that has Java 17 or later
#   scripts/pack-gpu-tests.sh --jre    with a Java runtime made of this JDK
#
# Then:  rsync -a target/gpu-tests MACHINE:  &&  ssh MACHINE gpu-tests/test-gpu.sh
set -euo pipefail
cd "$(dirname "$0")/.."
pack=target/gpu-tests

case "${1:-}" in
  "" | --jre) ;;
  *) echo "pack-gpu-tests: $1 (expected: --jre or nothing)" >&2 && exit 2 ;;
esac
rm -rf "$pack"
mvn -B -q package -DskipTests -Pgpu-tests
cp target/tanuki4j.jar target/tanuki4j-tests.jar "$pack/lib/"
# The tests look for these relative to the folder that they run in.
mkdir -p "$pack/src/test/resources"
cp -r src/test/resources/golden "$pack/src/test/resources/"
cp scripts/test-gpu.sh "$pack/"

if [ "${1:-}" = --jre ]; then
  "${JAVA_HOME:+$JAVA_HOME/bin/}jlink" --output "$pack/jre" --strip-debug --no-man-pages --no-header-files \
    --add-modules java.logging,java.management,java.naming,java.xml,jdk.incubator.vector,jdk.management,jdk.net,jdk.unsupported,jdk.zipfs
fi
echo "Packed $(du -sm "$pack" | cut -f1) MB into $pack. On the GPU machine: gpu-tests/test-gpu.sh"
