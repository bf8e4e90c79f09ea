// Causal attention for tensors that cuDNN does not take: fp32, or odd sizes. Plain and exact, without
// atomics; about the speed of the vector units. A block of THREADS threads owns one query (forward,
// dQ) or one key (dK, dV); the other side passes in tiles of THREADS. Options: ELEMENT.

typedef ELEMENT T;

constexpr int THREADS = 128;
constexpr int MAX_DIM = 256;
constexpr int DIMS = MAX_DIM / THREADS;  // of a head, per thread

// The packed projection [s, b, (n + 2g) * d], and [s, b, n * d] beside it.
struct Layout {
  int seqLength, batch, heads, groups, dim;

  i64 token(int position, int sample) const { return (i64)position * batch + sample; }
  i64 width() const { return (i64)(heads + 2 * groups) * dim; }
  i64 query(int position, int sample, int head) const {
    return token(position, sample) * width() + (i64)head * dim;
  }
  i64 key(int position, int sample, int group) const { return query(position, sample, heads + group); }
  i64 value(int position, int sample, int group) const { return key(position, sample, groups + group); }
  i64 out(int position, int sample, int head) const {
    return (token(position, sample) * heads + head) * dim;
  }
  i64 row(int position, int sample, int head) const {
    return ((i64)sample * heads + head) * seqLength + position;
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
    attention_forward(T* out, float* logSumExp, const T* qkv, int seqLength, int batch, int heads,
                      int groups, int dim, float scale) {
  __shared__ float query[MAX_DIM], weights[THREADS];
  const Layout at{seqLength, batch, heads, groups, dim};
  const int position = blockIdx.x, head = blockIdx.y, sample = blockIdx.z;
  const int group = head / (heads / groups);
  fetch(query, qkv + at.query(position, sample, head), dim);
  __syncthreads();
  float sums[DIMS] = {};
  float max = -infinity(), total = 0.0f;
  for (int tile = 0; tile <= position; tile += THREADS) {
    const int key = tile + threadIdx.x;
    const float score =
        key <= position ? scale * dot(query, qkv + at.key(key, sample, group), dim) : -infinity();
    const float larger = fmaxf(max, block_max(score));
    const float shrink = expf(max - larger);
    const float weight = expf(score - larger);
    weights[threadIdx.x] = weight;
    total = total * shrink + block_total(weight);
    const int count = min(THREADS, position - tile + 1);
    for (int i = 0; i < DIMS; i++) {
      const int column = i * THREADS + threadIdx.x;
      if (column >= dim) continue;
      sums[i] *= shrink;
      for (int k = 0; k < count; k++) {
        sums[i] += weights[k] * widen(qkv[at.value(tile + k, sample, group) + column]);
      }
    }
    max = larger;
    __syncthreads();
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column < dim) out[at.out(position, sample, head) + column] = narrow<T>(sums[i] / total);
  }
  if (threadIdx.x == 0) logSumExp[at.row(position, sample, head)] = max + logf(total);
}

// delta[b, n, s] = the sum of dOut * out over a head: what the softmax's backward subtracts.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_delta(float* delta, const T* dOut, const T* out, int seqLength, int batch, int heads,
                    int groups, int dim) {
  const Layout at{seqLength, batch, heads, groups, dim};
  const i64 start = at.out(blockIdx.x, blockIdx.z, blockIdx.y);
  float sum = 0.0f;
  for (int i = threadIdx.x; i < dim; i += THREADS) sum += widen(dOut[start + i]) * widen(out[start + i]);
  sum = block_total(sum);
  if (threadIdx.x == 0) delta[at.row(blockIdx.x, blockIdx.z, blockIdx.y)] = sum;
}

// Blocks: query, head, sample. Writes the queries' part of dQkv.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_query(T* dQkv, const T* dOut, const float* delta, const float* logSumExp,
                             const T* qkv, int seqLength, int batch, int heads, int groups, int dim,
                             float scale) {
  __shared__ float query[MAX_DIM], grad[MAX_DIM], dScores[THREADS];
  const Layout at{seqLength, batch, heads, groups, dim};
  const int position = blockIdx.x, head = blockIdx.y, sample = blockIdx.z;
  const int group = head / (heads / groups);
  const i64 row = at.row(position, sample, head);
  fetch(query, qkv + at.query(position, sample, head), dim);
  fetch(grad, dOut + at.out(position, sample, head), dim);
  __syncthreads();
  float sums[DIMS] = {};
  for (int tile = 0; tile <= position; tile += THREADS) {
    const int key = tile + threadIdx.x;
    float dScore = 0.0f;
    if (key <= position) {
      const float score = scale * dot(query, qkv + at.key(key, sample, group), dim);
      const float dWeight = dot(grad, qkv + at.value(key, sample, group), dim);
      dScore = scale * expf(score - logSumExp[row]) * (dWeight - delta[row]);
    }
    dScores[threadIdx.x] = dScore;
    __syncthreads();
    const int count = min(THREADS, position - tile + 1);
    for (int i = 0; i < DIMS; i++) {
      const int column = i * THREADS + threadIdx.x;
      if (column >= dim) continue;
      for (int k = 0; k < count; k++) {
        sums[i] += dScores[k] * widen(qkv[at.key(tile + k, sample, group) + column]);
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column < dim) dQkv[at.query(position, sample, head) + column] = narrow<T>(sums[i]);
  }
}

// Blocks: key, group, sample. Writes the keys' and the values' part of dQkv.
extern "C" __global__ void __launch_bounds__(THREADS)
    attention_backward_key(T* dQkv, const T* dOut, const float* delta, const float* logSumExp,
                           const T* qkv, int seqLength, int batch, int heads, int groups, int dim,
                           float scale) {
  __shared__ float key[MAX_DIM], value[MAX_DIM], dScores[THREADS], weights[THREADS];
  const Layout at{seqLength, batch, heads, groups, dim};
  const int position = blockIdx.x, group = blockIdx.y, sample = blockIdx.z;
  fetch(key, qkv + at.key(position, sample, group), dim);
  fetch(value, qkv + at.value(position, sample, group), dim);
  __syncthreads();
  float dKey[DIMS] = {}, dValue[DIMS] = {};
  const int perGroup = heads / groups;
  for (int head = group * perGroup; head < (group + 1) * perGroup; head++) {
    for (int tile = position; tile < seqLength; tile += THREADS) {
      const int query = tile + threadIdx.x;
      float weight = 0.0f, dScore = 0.0f;
      if (query < seqLength) {
        const i64 row = at.row(query, sample, head);
        const float score = scale * dot(key, qkv + at.query(query, sample, head), dim);
        const float dWeight = dot(value, dOut + at.out(query, sample, head), dim);
        weight = expf(score - logSumExp[row]);
        dScore = scale * weight * (dWeight - delta[row]);
      }
      weights[threadIdx.x] = weight;
      dScores[threadIdx.x] = dScore;
      __syncthreads();
      const int count = min(THREADS, seqLength - tile);
      for (int i = 0; i < DIMS; i++) {
        const int column = i * THREADS + threadIdx.x;
        if (column >= dim) continue;
        for (int k = 0; k < count; k++) {
          dKey[i] += dScores[k] * widen(qkv[at.query(tile + k, sample, head) + column]);
          dValue[i] += weights[k] * widen(dOut[at.out(tile + k, sample, head) + column]);
        }
      }
      __syncthreads();
    }
  }
  for (int i = 0; i < DIMS; i++) {
    const int column = i * THREADS + threadIdx.x;
    if (column >= dim) continue;
    dQkv[at.key(position, sample, group) + column] = narrow<T>(dKey[i]);
    dQkv[at.value(position, sample, group) + column] = narrow<T>(dValue[i]);
  }
}
