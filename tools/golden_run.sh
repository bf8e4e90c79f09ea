#!/usr/bin/env bash
# The reference runs of the tests, through the command line: converts the Hugging Face weights, trains 12
# iterations on Megatron's sample order, and prints loss and gradient norm next to the reference's.
#   tools/golden_run.sh [NAME] [FLAG…]     needs jq
# NAME is a folder of src/test/resources/golden. With documents the evaluations differ by 3e-5: the reference's is the mean of
# its global batches' means, Megatron's and ours are over all tokens.
# Further flags go to pretrain: --backend cuda, or --bf16, which needs TOLERANCE=0.02 for the losses.
set -euo pipefail
cd "$(dirname "$0")/.."
name="${1:-llama-tiny}"
shift || true
golden="src/test/resources/golden/$name"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
config() { jq -r ".config.$1" "$golden/expected.json"; }

scripts/tanuki4j convert --model-type GPT --loader hf --saver tanuki4j --load-dir "$golden/hf" --save-dir "$work/hf" >/dev/null
mapfile -t data < <(config 'data_path[]' | sed "s|^@|$golden/|")
extra=()
[ "$(config zloss)" = true ] && extra+=(--use-z-loss)
[ "$(config bias)" = true ] && extra+=(--add-qkv-bias)
[ "$(config qknorm)" = true ] && extra+=(--qk-layernorm)
[ "$(config docs)" = true ] && extra+=(--reset-position-ids --reset-attention-mask --eod-mask-loss)
[ "$(config per_token)" = true ] && extra+=(--calculate-per-token-loss)
[ "$(config tied)" = true ] || extra+=(--untie-embeddings-and-output-weights)

flags=(--num-layers "$(config layers)" --hidden-size "$(config hidden)" --ffn-hidden-size "$(config ffn)"
  --num-attention-heads "$(config heads)" --group-query-attention --num-query-groups "$(config kv)"
  --seq-length "$(config seq)" --max-position-embeddings "$(config seq)" --position-embedding-type rope
  --rope-theta "$(config theta)" --normalization RMSNorm --norm-epsilon "$(config eps)" --swiglu --disable-bias-linear
  --attention-dropout 0 --hidden-dropout 0 "${extra[@]}" --data-cache-path "$work/cache"
  --tokenizer-type NullTokenizer --vocab-size "$(($(config vocab) - 1))" --data-path "${data[@]}" --split "$(config split)"
  --micro-batch-size 1 --global-batch-size "$(config gbs)" --train-iters "$(config iters)" --seed "$(config seed)"
  --eval-interval "$(config eval_interval)" --eval-iters "$(config eval_iters)" --log-interval 1
  --lr "$(config lr)" --min-lr "$(config min_lr)" --lr-warmup-iters "$(config warmup)" --lr-decay-iters "$(config decay)"
  --lr-decay-style cosine --weight-decay "$(config wd)" --clip-grad "$(config clip)" --adam-beta2 0.95
  --adam-eps "$(config adam_eps)" "$@")
scripts/tanuki4j pretrain "${flags[@]}" --load "$work/hf" --finetune --save "$work/run" --save-interval 100 >"$work/log"
scripts/tanuki4j evaluate "${flags[@]}" --load "$work/run" >"$work/evaluation"

printf '%9s %12s %12s %10s %10s\n' iteration 'lm loss' reference norm reference
paste <(sed -nE 's/.*iteration +([0-9]+)\/.*lm loss: ([0-9.E+-]+).*grad norm: ([0-9.]+).*/\1 \2 \3/p' "$work/log") \
  <(jq -r '.iterations[] | "\(.lm_loss) \(.grad_norm)"' "$golden/expected.json") |
  awk -v tolerance="${TOLERANCE:-1e-4}" '{ printf "%9d %12.6f %12.6f %10.3f %10.3f\n", $1, $2, $4, $3, $5
         d = $2 - $4; if (d < 0) d = -d; if (d > worst) worst = d }
       END { printf "largest difference of the loss: %.2e\n", worst; exit !(NR == 12 && worst < tolerance) }'
for set in valid test; do
  printf '%-5s loss %s  reference %s\n' $set \
    "$(sed -nE "s/.*on $set.*value: ([0-9.E+-]+).*/\1/p" "$work/evaluation")" \
    "$(jq ".${set}_loss_at_end" "$golden/expected.json")"
done
