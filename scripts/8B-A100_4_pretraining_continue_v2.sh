#!/usr/bin/env bash
# Continued training of a Llama of 8 billion parameters on one machine with four A100s: from its own
# latest checkpoint in CHECKPOINT_DIR if there is one, else from the weights in PRETRAINED_DIR, with a
# new optimizer and at iteration 0.
#
# Everything else is 8B-A100_4_pretraining_initial_v2.sh, with its variables; those below have other defaults.
#   PRETRAINED_DIR=checkpoints/llama3-8b scripts/8B-A100_4_pretraining_continue_v2.sh --log-interval 10
set -euo pipefail
cd "$(dirname "$0")/.."

: "${ROPE_THETA:=500000.0}" "${ADAM_EPS:=1e-8}"
: "${CHECKPOINT_DIR:=checkpoints/8B-A100_4_pretraining_continue_v2}"
: "${PRETRAINED_DIR:=checkpoints/8B-A100_4_pretraining_initial_v2}"

export ROPE_THETA ADAM_EPS CHECKPOINT_DIR
exec scripts/8B-A100_4_pretraining_initial_v2.sh --pretrained-checkpoint "$PRETRAINED_DIR" "$@"
