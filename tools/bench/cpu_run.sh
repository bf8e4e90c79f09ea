#!/usr/bin/env bash
# Measures what a run of the quickstart's shape costs apart from arithmetic: time from the start of the JVM to the first iteration
# line, memory outside the Java heap after 50 and 300 iterations, garbage per iteration, young collections. Needs the
# corpus preprocessed, jps and jstat (both in the JDK), and a machine that does nothing else.
set -euo pipefail
cd "$(dirname "$0")/../.."
log="$(mktemp)"
trap 'rm -f "$log"' EXIT
heap_mib=512

# With the whole heap touched at the start, only memory outside it can change.
start="$(date +%s%N)"
TANUKI4J_HEAP=${heap_mib}m TANUKI4J_JAVA_OPTS="-Xms${heap_mib}m -XX:+AlwaysPreTouch" scripts/tanuki4j pretrain \
  @configs/tiny-cpu.args --train-iters 360 --eval-iters 0 --log-interval 1 >"$log" 2>&1 &
pid=$!
reach() {
  until grep -q "iteration  *$1/" "$log"; do
    kill -0 $pid 2>/dev/null || { cat "$log"; exit 1; }
    sleep 0.01
  done
}
outside() { awk -v heap=$heap_mib '/^VmRSS/ {printf "%.0f MiB", $2 / 1024 - heap}' /proc/$pid/status; }
# Kilobytes of eden in use, and the number of young collections.
eden() { jstat -gc $pid | awk 'NR == 1 {for (i = 1; i <= NF; i++) c[$i] = i} NR == 2 {print $c["EU"], $c["YGC"]}'; }

reach 1
echo "start of the JVM to the first iteration line: $((($(date +%s%N) - start) / 1000000)) ms"
reach 50
echo "outside the heap after 50 iterations: $(outside)"
reach 200
read -r eden200 young200 < <(eden)
reach 300
read -r eden300 young300 < <(eden)
echo "outside the heap after 300 iterations: $(outside)"
echo "young collections up to iteration 200: $young200, from 200 to 300: $((young300 - young200))"
awk -v a="$eden200" -v b="$eden300" 'BEGIN {printf "garbage per iteration, 200 to 300: %.0f kB (meaningless if there was a collection)\n", (b - a) / 100}'
kill $pid
wait $pid 2>/dev/null || true
