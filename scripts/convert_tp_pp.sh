#!/usr/bin/env bash
# The script is now tools/convert_tp_pp.sh, where Megatron-LM has its conversions.
exec "$(dirname "${BASH_SOURCE[0]}")/../tools/convert_tp_pp.sh" "$@"
