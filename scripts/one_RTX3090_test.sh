#!/usr/bin/env bash
# A small Llama for debugging a whole pretraining set-up on one RTX 3090 (24 GiB).
#
# Every value can be set by an environment variable, and flags after the script's name go last, so
# they win:   TRAIN_ITERS=20 scripts/one_RTX3090_test.sh --log-interval 1
# Without a GPU:   BACKEND=cpu scripts/one_RTX3090_test.sh
set -euo pipefail
cd "$(dirname "$0")/.."

# Hardware: cuda or cpu; BF16=0 for fp32.
: "${BACKEND:=cuda}" "${BF16:=1}"

# Model
: "${NUM_LAYERS:=8}" "${HIDDEN_SIZE:=256}" "${FFN_HIDDEN_SIZE:=1024}" "${NUM_HEADS:=4}"
: "${NUM_QUERY_GROUPS:=4}" "${SEQ_LENGTH:=2048}" "${ROPE_THETA:=500000.0}" "${INIT_STD:=0.008}"

# Batch and length
: "${MICRO_BATCH_SIZE:=1}" "${GLOBAL_BATCH_SIZE:=8}" "${TRAIN_ITERS:=500}"

# Optimizer
: "${LR:=1e-5}" "${MIN_LR:=1e-6}" "${LR_WARMUP_ITERS:=10}" "${WEIGHT_DECAY:=0.1}" "${CLIP_GRAD:=0.8}"
: "${ADAM_BETA1:=0.9}" "${ADAM_BETA2:=0.95}" "${ADAM_EPS:=1e-5}"

# Data: DATA_PATH is a list of prefixes (with or without weights) separated by blanks.
: "${TOKENIZER_MODEL:=tokenizer/ja_en_8k_unigram_identity.model}"
: "${DATA_PATH:=training_corpus/ja_text_document training_corpus/en_text_document}" "${SPLIT:=95,4,1}"
read -r -d '' -a data <<<"$DATA_PATH" || true

# Log, evaluation, checkpoints
: "${LOG_INTERVAL:=1}" "${EVAL_INTERVAL:=100}" "${EVAL_ITERS:=2}" "${SAVE_INTERVAL:=100}"
: "${CHECKPOINT_DIR:=checkpoints/one_RTX3090_test}"

if [ "$BACKEND" = cuda ] && ! compgen -G '/dev/nvidia[0-9]*' >/dev/null; then
  echo "one_RTX3090_test.sh: this machine has no NVIDIA GPU (no /dev/nvidia0). To run it on the CPU:" >&2
  echo "  BACKEND=cpu $0 $*" >&2
  exit 1
fi
precision=()
[ "$BF16" = 0 ] || precision=(--bf16)

exec scripts/tanuki4j pretrain --backend "$BACKEND" "${precision[@]}" \
  --tensor-model-parallel-size 1 --pipeline-model-parallel-size 1 --context-parallel-size 1 \
  --num-layers "$NUM_LAYERS" --hidden-size "$HIDDEN_SIZE" --ffn-hidden-size "$FFN_HIDDEN_SIZE" \
  --num-attention-heads "$NUM_HEADS" --group-query-attention --num-query-groups "$NUM_QUERY_GROUPS" \
  --seq-length "$SEQ_LENGTH" --max-position-embeddings "$SEQ_LENGTH" \
  --position-embedding-type rope --no-position-embedding --rope-theta "$ROPE_THETA" \
  --normalization RMSNorm --norm-epsilon 1e-5 --swiglu --disable-bias-linear \
  --untie-embeddings-and-output-weights --init-method-std "$INIT_STD" \
  --attention-dropout 0 --hidden-dropout 0 --use-z-loss \
  --micro-batch-size "$MICRO_BATCH_SIZE" --global-batch-size "$GLOBAL_BATCH_SIZE" \
  --train-iters "$TRAIN_ITERS" \
  --optimizer adam --lr "$LR" --min-lr "$MIN_LR" --lr-decay-style cosine \
  --lr-warmup-iters "$LR_WARMUP_ITERS" --weight-decay "$WEIGHT_DECAY" --clip-grad "$CLIP_GRAD" \
  --adam-beta1 "$ADAM_BETA1" --adam-beta2 "$ADAM_BETA2" --adam-eps "$ADAM_EPS" \
  --tokenizer-type SentencePieceTokenizer --tokenizer-model "$TOKENIZER_MODEL" \
  --data-path "${data[@]}" --split "$SPLIT" --distributed-backend nccl \
  --log-interval "$LOG_INTERVAL" --log-throughput --eval-interval "$EVAL_INTERVAL" \
  --eval-iters "$EVAL_ITERS" --save "$CHECKPOINT_DIR" --load "$CHECKPOINT_DIR" \
  --save-interval "$SAVE_INTERVAL" --use-mcore-models --use-flash-attn \
  --attention-softmax-in-fp32 --transformer-impl transformer_engine --use-distributed-optimizer \
  "$@"
