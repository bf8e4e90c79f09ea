# What curve.sh and fp8_losses.sh share: a run on the bundled corpus, by Tanuki4J on the GPU and by PyTorch, from the same
# weights and on the same batches. To be sourced from the repository's root; the header of curve.sh names the variables.
: "${TANUKI4J:=scripts/tanuki4j}" "${PYTHON:=python3}" "${WORK:=target/curve}" "${ITERATIONS:=300}" "${WARMUP:=30}"
: "${LAYERS:=8}" "${HIDDEN:=512}" "${FFN:=1536}" "${HEADS:=8}" "${KV_HEADS:=4}" "${SEQ:=1024}" "${VOCAB:=8192}"
# At a rate of 1e-3 the training is chaotic: two runs in fp32 that begin alike end 0.007 apart (see the log).
: "${MICRO_BATCH:=4}" "${GLOBAL_BATCH:=16}" "${LR:=3e-4}" "${MIN_LR:=3e-5}"
read -ra tanuki4j <<<"$TANUKI4J"
read -ra extra <<<"${EXTRA:-}"
read -ra limited <<<"${LIMIT:+timeout $LIMIT}"
if [ -n "${TOKENS:-}" ]; then
  tokenizer=(--tokenizer-type NullTokenizer --vocab-size $((VOCAB - 1)))
else
  TOKENS="$WORK"
  tokenizer=(--tokenizer-type SentencePieceTokenizer --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model)
fi

# makes the tokens
tokens() {
  mkdir -p "$WORK"
  rm -rf "$WORK/cache" "$WORK/hf" "$WORK/start"
  for language in ja en; do
    [ "$TOKENS" = "$WORK" ] || break
    "${tanuki4j[@]}" preprocess --input "training_corpus/$language.jsonl" --output-prefix "$WORK/$language" \
      --append-eod --workers "$(nproc)" "${tokenizer[@]}" >"$WORK/preprocess.log"
  done
}

# makes random weights in both formats; without them a run of ours starts from those of its seed
weights() {
  "$PYTHON" tools/bench/torch_curve.py init "$WORK/hf" --layers "$LAYERS" --hidden "$HIDDEN" --ffn "$FFN" \
    --heads "$HEADS" --groups "$KV_HEADS" --seq "$SEQ" --vocab "$VOCAB"
  "${tanuki4j[@]}" convert --model-type GPT --loader hf --saver tanuki4j --load-dir "$WORK/hf" --save-dir "$WORK/start" \
    >"$WORK/convert.log"
}

ours() { # name of the log, flags
  local name="$1"
  shift
  echo "$name" >&2
  local start=()
  [ ! -d "$WORK/start" ] || start=(--load "$WORK/start" --finetune)
  "${limited[@]}" "${tanuki4j[@]}" pretrain --backend cuda "${start[@]}" \
    --num-layers "$LAYERS" --hidden-size "$HIDDEN" --ffn-hidden-size "$FFN" --num-attention-heads "$HEADS" \
    --group-query-attention --num-query-groups "$KV_HEADS" --seq-length "$SEQ" --max-position-embeddings "$SEQ" \
    --position-embedding-type rope --rotary-base 10000 --normalization RMSNorm --norm-epsilon 1e-5 --swiglu \
    --disable-bias-linear --untie-embeddings-and-output-weights --attention-dropout 0 --hidden-dropout 0 \
    "${tokenizer[@]}" --padded-vocab-size "$VOCAB" --split 100,0,0 --eval-iters 0 \
    --data-path 0.4 "$TOKENS/ja_text_document" 0.6 "$TOKENS/en_text_document" --data-cache-path "$WORK/cache" \
    --micro-batch-size "$MICRO_BATCH" --global-batch-size "$GLOBAL_BATCH" --train-iters "$ITERATIONS" \
    --lr "$LR" --min-lr "$MIN_LR" --lr-decay-style cosine --lr-warmup-iters "$WARMUP" --lr-decay-iters "$ITERATIONS" \
    --weight-decay 0.1 --adam-beta1 0.9 --adam-beta2 0.95 --adam-eps 1e-8 --clip-grad 1.0 --log-interval 1 \
    "${extra[@]}" "$@" >"$WORK/$name.log"
}

# reads the batches in the order that a run of ours has left in the cache
peer() { # name of the table, flags
  local name="$1"
  shift
  echo "$name" >&2
  "${limited[@]}" "$PYTHON" tools/bench/torch_curve.py train "$WORK/hf" --cache "$WORK/cache" \
    --iterations "$ITERATIONS" --warmup "$WARMUP" --micro-batch "$MICRO_BATCH" --global-batch "$GLOBAL_BATCH" \
    --lr "$LR" --min-lr "$MIN_LR" "$@" >"$WORK/$name.tsv"
}
