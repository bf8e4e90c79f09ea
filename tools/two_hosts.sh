#!/usr/bin/env bash
# Trains on two hosts of one machine: network namespaces with addresses, names and home folders of their own, and a cable
# between them. Needs root, ip (iproute2) and a build; no GPU.
#
#   tools/two_hosts.sh                        with scripts/tanuki4j
#   TANUKI4J=DIR/scripts/tanuki4j tools/two_hosts.sh
#
# 1. launch on both hosts: two ranks each, tensor and data parallel; losses equal those of ranks as threads.
# 2. The same by the variables that srun, torchrun and Kubernetes operators set.
# 3. A host without the secret is not admitted.
# 4. The cable is pulled while they train: both hosts end within the limit, with a sentence.
set -euo pipefail
cd "$(dirname "$0")/.."
program="${TANUKI4J:-$PWD/scripts/tanuki4j}"
limit="${LIMIT_MINUTES:-1}" # --distributed-timeout-minutes
work="$(mktemp -d)"
secret="$work/secret"
(umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$secret")
clean() {
  for host in a b; do
    ip netns pids "t4j-$host" 2>/dev/null | xargs -r kill -KILL || true
    ip netns del "t4j-$host" 2>/dev/null || true
    rm -rf "/etc/netns/t4j-$host"
  done
  rm -rf "$work"
}
trap clean EXIT

# Two hosts; 192.0.2.0/24 is for examples.
for host in a b; do
  mkdir -p "/etc/netns/t4j-$host" "$work/home-$host"
  printf '127.0.0.1 localhost\n192.0.2.1 node-a\n192.0.2.2 node-b\n' >"/etc/netns/t4j-$host/hosts"
  ip netns add "t4j-$host"
  ip -n "t4j-$host" link set lo up
done
ip link add t4j-cable netns t4j-a type veth peer name t4j-cable netns t4j-b
ip -n t4j-a addr add 192.0.2.1/24 dev t4j-cable
ip -n t4j-b addr add 192.0.2.2/24 dev t4j-cable
cable() { for host in ${2:-a b}; do ip -n "t4j-$host" link set t4j-cable "$1"; done; }
cable up

model=(--num-layers 2 --hidden-size 64 --ffn-hidden-size 128 --num-attention-heads 4 --seq-length 64 --max-position-embeddings 64
  --position-embedding-type rope --normalization RMSNorm --swiglu --disable-bias-linear --attention-dropout 0 --hidden-dropout 0
  --tokenizer-type NullTokenizer --vocab-size 511 --mock-data --micro-batch-size 1 --global-batch-size 4 --lr 1e-3
  --eval-iters 0 --log-interval 1 --no-progress-line --no-args-dump --backend cpu --tensor-model-parallel-size 2
  --sequence-parallel --use-distributed-optimizer --distributed-timeout-minutes "$limit" --train-iters 8)
on() { # host, variables…, program and words
  local host="$1"
  shift
  ip netns exec "t4j-$host" env HOME="$work/home-$host" TANUKI4J_CACHE_DIR="$work/cache" TANUKI4J_HEAP=512m TANUKI4J_MEMORY=2g \
    TANUKI4J_RUN_SECRET_FILE="$secret" "$@"
}
losses() { sed -nE 's/.*iteration +([0-9]+)\/.*lm loss: ([^ ]+).*grad norm: ([^ ]+).*/\1 \2 \3/p' "$@"; }
say() { printf '\n== %s\n' "$*"; }
die() { echo "two_hosts: $*" >&2 && exit 1; }
same() { # what, files
  losses "${@:2}" >"$work/got"
  cmp "$work/expected" "$work/got" || { cat "${@:2}" && die "$1: other losses than ranks as threads"; }
  echo "$1: $(wc -l <"$work/got") iterations, losses and gradient norms as those of threads, to the last digit"
}

say "ranks as threads of one process"
"$program" pretrain "${model[@]}" --distributed-backend local --local-ranks 4 >"$work/threads" 2>&1 || { cat "$work/threads" && exit 1; }
losses "$work/threads" >"$work/expected"
cat "$work/expected"
[ "$(wc -l <"$work/expected")" = 8 ] || die "no losses"

say "launch on two hosts, two ranks each"
launch() { on "$1" "$program" launch --nnodes 2 --node-rank "$2" --nproc-per-node 2 --master-addr node-a -- pretrain "${model[@]}" --distributed-backend gloo "${@:3}"; }
launch b 1 >"$work/launch-b" 2>&1 &
launch a 0 >"$work/launch-a" 2>&1 || { cat "$work"/launch-? && die "host a failed"; }
wait $! || { cat "$work"/launch-? && die "host b failed"; }
same launch "$work"/launch-?

ranks() { # name, then a function that prints the variables of rank, local rank and host
  local pids=() rank code=0
  for rank in 3 2 1 0; do
    local host=a
    [ "$rank" -lt 2 ] || host=b
    # shellcheck disable=SC2046
    on "$host" $("$2" "$rank" $((rank % 2)) "$host") "$program" pretrain "${model[@]}" --distributed-backend gloo >"$work/$1-$rank" 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || code=$?; done
  [ "$code" = 0 ] || { tail -n 3 "$work/$1"-? && die "$1: exit code $code"; }
  same "$1" "$work/$1"-?
}
# shellcheck disable=SC2317
srun() { echo "SLURM_JOB_ID=77 SLURM_STEP_ID=0 SLURM_PROCID=$1 SLURM_NTASKS=4 SLURM_LOCALID=$2 SLURM_STEP_TASKS_PER_NODE=2(x2) SLURM_STEP_NODELIST=node-[a-b]"; }
# shellcheck disable=SC2317
torchrun() { echo "RANK=$1 WORLD_SIZE=4 LOCAL_RANK=$2 LOCAL_WORLD_SIZE=2 MASTER_ADDR=node-a MASTER_PORT=29501 TORCHELASTIC_RUN_ID=77"; }
# shellcheck disable=SC2317
operator() { echo "RANK=$1 WORLD_SIZE=4 MASTER_ADDR=node-a MASTER_PORT=29502"; }
say "the variables of srun, of torchrun, and of a Kubernetes operator"
ranks srun srun
ranks torchrun torchrun
ranks operator operator

say "a host without the secret"
echo 'another secret of sixteen characters' >"$work/other"
chmod 600 "$work/other"
(on b TANUKI4J_RUN_SECRET_FILE="$work/other" TANUKI4J_JOIN_SECONDS=15 "$program" launch --nnodes 2 --node-rank 1 --nproc-per-node 1 \
  --master-addr node-a -- pretrain "${model[@]}" --distributed-backend gloo >"$work/stranger-b" 2>&1 || true) &
code=0
on a TANUKI4J_JOIN_SECONDS=15 "$program" launch --nnodes 2 --node-rank 0 --nproc-per-node 1 --master-addr node-a \
  -- pretrain "${model[@]}" --distributed-backend gloo >"$work/stranger-a" 2>&1 || code=$?
wait
echo "host a, exit code $code: $(grep -oE 'ranks? .*|.*secret.*' "$work/stranger-a" | tail -n 1)"
echo "host b: $(grep -oE 'rank 1: .*' "$work/stranger-b" | tail -n 1)"
[ "$code" != 0 ] || die "host a trained with a stranger"

: >"$work/cut-a"
: >"$work/cut-b"
say "the cable is pulled at iteration 5 (limit: $limit min)"
(code=0; launch b 1 --train-iters 1000000 >"$work/cut-b" 2>&1 || code=$?; echo "$code $(date +%s)" >"$work/end-b") &
(code=0; launch a 0 --train-iters 1000000 >"$work/cut-a" 2>&1 || code=$?; echo "$code $(date +%s)" >"$work/end-a") &
for ((i = 0; i < 600; i++)); do
  grep -qE 'iteration +5/' "$work"/cut-? && break
  sleep 0.1
done
grep -qE 'iteration +5/' "$work"/cut-? || { tail "$work"/cut-? && die "it does not train"; }
pulled="$(date +%s)"
cable down b
wait
for host in a b; do
  read -r code end <"$work/end-$host"
  echo "host $host: exit code $code, $((end - pulled)) s after the cut"
  grep -E '^\[rank' "$work/cut-$host" | grep -vE 'iteration|^\[rank [0-9]+\] *$' | tail -n 2
  [ "$code" != 0 ] || die "host $host has not noticed"
  [ $((end - pulled)) -le $((limit * 60 + 30)) ] || die "host $host ended late"
done
