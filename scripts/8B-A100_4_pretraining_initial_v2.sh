#!/usr/bin/env bash
# First training run of a Llama of 8 billion parameters on one machine with four A100s: a pipeline of
# four stages.
#
# Every value can be set by an environment variable, and flags after the script's name go last, so
# they win:   TRAIN_ITERS=100 scripts/8B-A100_4_pretraining_initial_v2.sh --log-interval 10
# Several machines: NNODES, NODE_RANK and MASTER_ADDR on each. Inside torchrun or srun the script is one rank.
# With one GPU:     RANKS_PER_GPU=4, and a smaller model (NUM_LAYERS, HIDDEN_SIZE, …)
# Without GPUs:     BACKEND=cpu, and a smaller model (NUM_LAYERS, HIDDEN_SIZE, …)
# Show what each rank would hold and send, without GPUs or data:   PLAN=1
set -euo pipefail
cd "$(dirname "$0")/.."

# Hardware: cuda or cpu; BF16=0 for fp32.
: "${BACKEND:=cuda}" "${BF16:=1}"
: "${NPROC_PER_NODE:=4}" "${NNODES:=1}" "${NODE_RANK:=0}" "${MASTER_ADDR:=127.0.0.1}" "${MAX_RESTARTS:=0}"
# RANKS_PER_GPU above 1 rehearses with several ranks on one GPU; PLAN=1 starts nothing.
: "${RANKS_PER_GPU:=1}" "${PLAN:=0}"

# Ranks: the data-parallel size follows from the number of ranks.
: "${TENSOR_PARALLEL_SIZE:=1}" "${PIPELINE_PARALLEL_SIZE:=4}" "${CONTEXT_PARALLEL_SIZE:=1}"

# Model
: "${NUM_LAYERS:=32}" "${HIDDEN_SIZE:=4096}" "${FFN_HIDDEN_SIZE:=14336}" "${NUM_HEADS:=32}"
: "${NUM_QUERY_GROUPS:=8}" "${SEQ_LENGTH:=2048}" "${ROPE_THETA:=10000.0}" "${INIT_STD:=0.008}"

# Batch and length
: "${MICRO_BATCH_SIZE:=1}" "${GLOBAL_BATCH_SIZE:=1536}" "${TRAIN_ITERS:=12500}"

# Optimizer
: "${LR:=1e-4}" "${MIN_LR:=1e-6}" "${LR_DECAY_ITERS:=$TRAIN_ITERS}" "${LR_WARMUP_ITERS:=1000}"
: "${WEIGHT_DECAY:=0.1}" "${CLIP_GRAD:=0.8}" "${ADAM_BETA1:=0.9}" "${ADAM_BETA2:=0.95}" "${ADAM_EPS:=1e-5}"

# Data: DATA_PATH is a list of prefixes (with or without weights) separated by blanks.
: "${TOKENIZER_MODEL:=tokenizer/ja_en_8k_unigram_identity.model}"
: "${DATA_PATH:=training_corpus/ja_text_document training_corpus/en_text_document}" "${SPLIT:=998,1,1}"
read -r -d '' -a data <<<"$DATA_PATH" || true

# Log, evaluation, checkpoints. The run resumes from the latest checkpoint, if there is one.
: "${LOG_INTERVAL:=1}" "${EVAL_INTERVAL:=10000}" "${EVAL_ITERS:=10}" "${SAVE_INTERVAL:=500}"
: "${CHECKPOINT_DIR:=checkpoints/8B-A100_4_pretraining_initial_v2}"

precision=() exchange=gloo command=(pretrain)
[ "$BF16" = 0 ] || precision=(--bf16)
if [ "$BACKEND" = cuda ]; then
  exchange=nccl
  if [ "$PLAN" = 0 ] && ! compgen -G '/dev/nvidia[0-9]*' >/dev/null; then
    echo "$(basename "$0"): this machine has no NVIDIA GPU (no /dev/nvidia0). To try it on the CPU, set" >&2
    echo "  BACKEND=cpu NUM_LAYERS=4 HIDDEN_SIZE=64 FFN_HIDDEN_SIZE=128 NUM_HEADS=4 NUM_QUERY_GROUPS=2 \\" >&2
    echo "    SEQ_LENGTH=64 GLOBAL_BATCH_SIZE=8 TRAIN_ITERS=20 LR_WARMUP_ITERS=2 SPLIT=90,5,5" >&2
    echo "in front of the same command." >&2
    exit 1
  fi
fi
if [ "$PLAN" = 1 ]; then
  command=(plan --world-size $((NPROC_PER_NODE * NNODES)))
elif [ -z "${RANK:-}${SLURM_STEP_ID:+${SLURM_PROCID:-}}${OMPI_COMM_WORLD_RANK:-}" ]; then
  command=(launch --nproc-per-node "$NPROC_PER_NODE" --nnodes "$NNODES" --node-rank "$NODE_RANK"
    --master-addr "$MASTER_ADDR" --max-restarts "$MAX_RESTARTS" --ranks-per-gpu "$RANKS_PER_GPU" -- pretrain)
fi

exec scripts/tanuki4j "${command[@]}" --backend "$BACKEND" "${precision[@]}" \
  --distributed-backend "$exchange" \
  --tensor-model-parallel-size "$TENSOR_PARALLEL_SIZE" --sequence-parallel \
  --pipeline-model-parallel-size "$PIPELINE_PARALLEL_SIZE" \
  --context-parallel-size "$CONTEXT_PARALLEL_SIZE" --use-distributed-optimizer \
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
  --lr-decay-iters "$LR_DECAY_ITERS" --lr-warmup-iters "$LR_WARMUP_ITERS" \
  --weight-decay "$WEIGHT_DECAY" --clip-grad "$CLIP_GRAD" \
  --adam-beta1 "$ADAM_BETA1" --adam-beta2 "$ADAM_BETA2" --adam-eps "$ADAM_EPS" \
  --recompute-activations --recompute-granularity selective \
  --tokenizer-type SentencePieceTokenizer --tokenizer-model "$TOKENIZER_MODEL" \
  --data-path "${data[@]}" --split "$SPLIT" \
  --log-interval "$LOG_INTERVAL" --log-throughput --eval-interval "$EVAL_INTERVAL" \
  --eval-iters "$EVAL_ITERS" --save "$CHECKPOINT_DIR" --load "$CHECKPOINT_DIR" \
  --save-interval "$SAVE_INTERVAL" --use-checkpoint-args --use-mcore-models --use-flash-attn \
  --attention-softmax-in-fp32 --transformer-impl transformer_engine \
  "$@"
