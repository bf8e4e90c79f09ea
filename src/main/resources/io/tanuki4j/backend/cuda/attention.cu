// Attention for tensors that cuDNN does not take: fp32, or odd sizes. Plain and exact, without
// atomics; about the speed of the vector units. A block of THREADS threads owns one query (forward,
// dQ) or one key (dK, dV); the other side passes in tiles of THREADS. Options: ELEMENT.

typedef ELEMENT T;

constexpr int THREADS = 128;
constexpr int MAX_DIM = 256;
constexpr int DIMS = MAX_DIM / THREADS;  // of a head, per thread

// Sizes, and which keys a query sees. Pointers to queries, keys and values point to those of the first
// token; the next token's are one width later, whatever else is packed between. starts[query, sample] is
// the position where a query's document begins; queryPositions and keyPositions are those of the tokens,
// null where they are their index. samples is null without a dropout of probabilities, see Dropout.
#define FORM                                                                                       \
  int numQueries, int numKeys, int batch, int heads, int groups, int dim, int queryWidth,          \
      int keyWidth, int causal, const int *starts, const int *queryPositions,                      \
      const int *keyPositions, const i64 *samples, u64 dropKey, u64 keptBelow, float keptFactor,   \
      int firstHead
#define LAYOUT                                                                                     \
  Layout {                                                                                         \
    numQueries, numKeys, batch, heads, groups, dim, queryWidth, keyWidth, causal, starts,          \
        queryPositions, keyPositions, samples, dropKey, keptBelow, keptFactor, firstHead           \
  }

struct Layout {
  int queries, keys, batch, heads, groups, dim, queryWidth, keyWidth, causal;
  const int *starts, *queryPositions, *keyPositions;
  const i64* samples;
  u64 dropKey, keptBelow;
  float keptFactor;
  int firstHead;

  i64 token(int position, int sample) const { return (i64)position * batch + sample; }
  i64 query(int position, int sample, int head) const {
    return token(position, sample) * queryWidth + (i64)head * dim;
  }
  i64 key(int position, int sample, int group) const {
    return token(position, sample) * keyWidth + (i64)group * dim;
  }
  i64 out(int position, int sample, int head) const {
    return (token(position, sample) * heads + head) * dim;
  }
  i64 row(int position, int sample, int head) const {
    return ((i64)sample * heads + head) * queries + position;
  }
  // The end of the keys that a query sees, and the first query that sees a key.
  int visible(int query) const { return causal ? query + 1 : keys; }
  int first_query(int key) const { return causal ? key : 0; }
  bool in_document(int key, int query, int sample) const {
    return !starts || (keyPositions ? keyPositions[key] : key) >= starts[token(query, sample)];
  }
  // What a dropout multiplies a probability by.
  float kept(int query, int key, int sample, int head) const {
    if (!samples) return 1.0f;
    const u64 number = (u64)samples[sample];
    const u32 column = keyPositions ? keyPositions[key] : key;
    const u32 row = queryPositions ? queryPositions[query] : query;
    const u32 last = (u32)(number >> 32) << 16 | (u32)(firstHead + head);
    const uint4 words = philox(make_uint4(column / 4, row, (u32)number, last), dropKey);
    const u32 four[4] = {words.x, words.y, words.z, words.w};
    return four[column % 4] < keptBelow ? keptFactor : 0.0f;
  }
  // The first key of the query's document, by bisection.
  int first_key(int query, int sample) const {
    int from = 0, to = starts ? visible(query) : 0;
    while (from < to) {
      const int middle = (from + to) / 2;
      if (in_document(middle, query, sample)) to = middle;
      else from = middle + 1;
    }
    return from;
  }
};

inline float dot(const float* left, const T* right, int dim) {
  float sum = 0.0f;
  for (int i = 0; i < dim; i++) sum += left[i] * widen(right[i]);
  return sum;
}

inline void fetch(float* to, const T* from, int dim) {
  for (int i = threadIdx.x; i < dim; i += THREADS) to[i] = widen(from[i]);
}

// The reductions hand their result to every thread.
inline float block_max(float x) {
  __shared__ float parts[THREADS / 32];
  x = warp_max(x);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  x = parts[0];
  for (int i = 1; i < THREADS / 32; i++) x = fmaxf(x, parts[i]);
  __syncthreads();
  return x;
}

inline float block_total(float x) {
  __shared__ float parts[THREADS / 32];
  x = warp_sum(x);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  x = 0.0f;
  for (int i = 0; i < THREADS / 32; i++) x += parts[i];
  __syncthreads();
  return x;
}

// Blocks: query, head, sample.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_forward(T* out, float* logSumExp, const T* queries, const T* keys, const T* values, FORM,
                      float scale) {
  __shared__ float query[MAX_DIM], weights[THREADS];
  const Layout at = LAYOUT;
  const int position = blockIdx.x, head = blockIdx.y, sample = blockIdx.z;
  const int group = head / (heads / groups);
  const int visible = at.visible(position);
  fetch(query, queries + at.query(position, sample, head), dim);
  __syncthreads();
  float sums[DIMS] = {};
  float max = -infinity(), total = 0.0f;
  for (int tile = at.first_key(position, sample); tile < visible; tile += THREADS) {
    const int key = tile + threadIdx.x;
    const float score =
        key < visible ? scale * dot(query, keys + at.key(key, sample, group), dim) : -infinity();
    const float larger = fmaxf(max, block_max(score));
    const float shrink = expf(max - larger);
    const float weight = expf(score - larger);
    weights[threadIdx.x] = key < visible ? weight * at.kept(position, key, sample, head) : 0.0f;
    total = total * shrink + block_total(weight);
    const int count = min(THREADS, visible - tile);
    for (int i = 0; i < DIMS; i++) {
      const int column = i * THREADS + threadIdx.x;
      if (column >= dim) continue;
      sums[i] *= shrink;
      for (int k = 0; k < count; k++) {
        sums[i] += weights[k] * widen(values[at.key(tile + k, sample, group) + column]);
      }
    }
    max = larger;
    __syncthreads();
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column < dim) out[at.out(position, sample, head) + column] = narrow<T>(total > 0.0f ? sums[i] / total : 0.0f);
  }
  if (threadIdx.x == 0) logSumExp[at.row(position, sample, head)] = max + logf(total);
}

// delta[b, n, q] = the sum of dOut * out over a head: the softmax's backward subtracts it.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_delta(float* delta, const T* dOut, const T* out, FORM) {
  const Layout at = LAYOUT;
  const i64 start = at.out(blockIdx.x, blockIdx.z, blockIdx.y);
  float sum = 0.0f;
  for (int i = threadIdx.x; i < dim; i += THREADS) sum += widen(dOut[start + i]) * widen(out[start + i]);
  sum = block_total(sum);
  if (threadIdx.x == 0) delta[at.row(blockIdx.x, blockIdx.z, blockIdx.y)] = sum;
}

// Blocks: query, head, sample. The next token's gradients are gradWidth later.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_query(T* dQueries, int gradWidth, const T* dOut, const float* delta,
                             const float* logSumExp, const T* queries, const T* keys, const T* values,
                             FORM, float scale) {
  __shared__ float query[MAX_DIM], grad[MAX_DIM], dScores[THREADS];
  const Layout at = LAYOUT;
  const int position = blockIdx.x, head = blockIdx.y, sample = blockIdx.z;
  const int group = head / (heads / groups);
  const i64 row = at.row(position, sample, head);
  const int visible = at.visible(position);
  fetch(query, queries + at.query(position, sample, head), dim);
  fetch(grad, dOut + at.out(position, sample, head), dim);
  __syncthreads();
  float sums[DIMS] = {};
  for (int tile = at.first_key(position, sample); tile < visible; tile += THREADS) {
    const int key = tile + threadIdx.x;
    float dScore = 0.0f;
    if (key < visible) {
      const float score = scale * dot(query, keys + at.key(key, sample, group), dim);
      const float dWeight = at.kept(position, key, sample, head) *
                            dot(grad, values + at.key(key, sample, group), dim);
      dScore = scale * expf(score - logSumExp[row]) * (dWeight - delta[row]);
    }
    dScores[threadIdx.x] = dScore;
    __syncthreads();
    const int count = min(THREADS, visible - tile);
    for (int i = 0; i < DIMS; i++) {
      const int column = i * THREADS + threadIdx.x;
      if (column >= dim) continue;
      for (int k = 0; k < count; k++) {
        sums[i] += dScores[k] * widen(keys[at.key(tile + k, sample, group) + column]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column < dim) {
      dQueries[at.token(position, sample) * gradWidth + head * dim + column] = narrow<T>(sums[i]);
    }
  }
}

// Blocks: key, group, sample.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_key(T* dKeys, T* dValues, const T* dOut, const float* delta,
                           const float* logSumExp, const T* queries, const T* keys, const T* values,
                           FORM, float scale) {
  __shared__ float key[MAX_DIM], value[MAX_DIM], dScores[THREADS], weights[THREADS];
  const Layout at = LAYOUT;
  const int position = blockIdx.x, group = blockIdx.y, sample = blockIdx.z;
  fetch(key, keys + at.key(position, sample, group), dim);
  fetch(value, values + at.key(position, sample, group), dim);
  __syncthreads();
  float dKey[DIMS] = {}, dValue[DIMS] = {};
  const int perGroup = heads / groups;
  for (int head = group * perGroup; head < (group + 1) * perGroup; head++) {
    for (int tile = at.first_query(position); tile < numQueries; tile += THREADS) {
      const int query = tile + threadIdx.x;
      float weight = 0.0f, dScore = 0.0f;
      if (query < numQueries && at.in_document(position, query, sample)) {
        const i64 row = at.row(query, sample, head);
        const float score = scale * dot(key, queries + at.query(query, sample, head), dim);
        const float kept = at.kept(query, position, sample, head);
        const float dWeight = kept * dot(value, dOut + at.out(query, sample, head), dim);
        weight = expf(score - logSumExp[row]);
        dScore = scale * weight * (dWeight - delta[row]);
        weight *= kept;
      }
      weights[threadIdx.x] = weight;
      dScores[threadIdx.x] = dScore;
      __syncthreads();
      const int count = min(THREADS, numQueries - tile);
      for (int i = 0; i < DIMS; i++) {
        const int column = i * THREADS + threadIdx.x;
        if (column >= dim) continue;
        for (int k = 0; k < count; k++) {
          dKey[i] += dScores[k] * widen(queries[at.query(tile + k, sample, head) + column]);
          dValue[i] += weights[k] * widen(dOut[at.out(tile + k, sample, head) + column]);
        }
      }
      __syncthreads();
    }
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column >= dim) continue;
    dKeys[at.key(position, sample, group) + column] = narrow<T>(dKey[i]);
    dValues[at.key(position, sample, group) + column] = narrow<T>(dValue[i]);
  }
}

constexpr int SCAN_THREADS = 1024;

// Where the documents of each sample lie: their lengths, and their offsets in elements into packed
// projections, outputs and rows of a head. A sample has room for `capacity` documents and one offset more;
// documents that it lacks are empty and lie at its end. A width is that of one position. Blocks: sample.
extern "C" __global__ void __launch_bounds__(SCAN_THREADS)
    attention_documents(int* lengths, i64* tokens, i64* outs, i64* rows, const int* starts, int seqLength,
                        int batch, int capacity, i64 tokenWidth, i64 outWidth) {
  __shared__ int counts[SCAN_THREADS / 32];
  const int sample = blockIdx.x, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  lengths += sample * (capacity + 1);
  tokens += sample * (capacity + 1);
  outs += sample * (capacity + 1);
  rows += sample * (capacity + 1);
  int found = 0;
  for (int tile = 0; tile < seqLength; tile += SCAN_THREADS) {
    const int position = tile + threadIdx.x;
    const bool begins = position < seqLength && starts[(i64)position * batch + sample] == position;
    const u32 votes = __ballot_sync(ALL_LANES, begins);
    if (lane == 0) counts[warp] = __popc(votes);
    __syncthreads();
    int index = found + __popc(votes & ((1u << lane) - 1));
    for (int i = 0; i < SCAN_THREADS / 32; i++) {
      if (i < warp) index += counts[i];
      found += counts[i];
    }
    if (begins && index < capacity) rows[index] = position;
    __syncthreads();
  }
  found = min(found, capacity);
  for (int i = threadIdx.x; i <= capacity; i += SCAN_THREADS) {
    const i64 from = i < found ? rows[i] : seqLength;
    const i64 to = i + 1 < found ? rows[i + 1] : seqLength;
    lengths[i] = (int)(to - from);
    tokens[i] = from * tokenWidth;
    outs[i] = from * outWidth;
  }
  __syncthreads();
  for (int i = threadIdx.x; i <= capacity; i += SCAN_THREADS) {
    if (i >= found) rows[i] = seqLength;
  }
}
