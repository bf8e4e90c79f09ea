// Cross entropy and z-loss. A block is one token: the logits are read once for the maximum and the
// sum together (online softmax, Milakov and Gimelshein, 2018), and once more for the gradient, which
// replaces them. Options: ELEMENT, VEC.

typedef ELEMENT T;
typedef Pack<T, VEC> Elements;

// The maximum of some logits and the sum of their exponentials relative to it.
struct Softmax {
  float max;
  float sum;

  // A maximum of minus infinity belongs to no logits, or to logits that weigh nothing.
  static float weight(float x, float max) {
    return x == -infinity() ? 0.0f : exponential<T>(x - max);
  }

  void merge(Softmax other) {
    const float larger = fmaxf(max, other.max);
    sum = sum * weight(max, larger) + other.sum * weight(other.max, larger);
    max = larger;
  }

  void add(const Elements& logits) {
    Softmax pack{logits[0], 0.0f};
#pragma unroll
    for (int j = 1; j < VEC; j++) pack.max = fmaxf(pack.max, logits[j]);
#pragma unroll
    for (int j = 0; j < VEC; j++) pack.sum += weight(logits[j], pack.max);
    merge(pack);
  }
};

inline Softmax warp_softmax(Softmax x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    x.merge(Softmax{__shfl_xor_sync(ALL_LANES, x.max, step), __shfl_xor_sync(ALL_LANES, x.sum, step)});
  }
  return x;
}

// The same in every thread of the block.
inline Softmax block_softmax(Softmax x) {
  __shared__ Softmax parts[32];
  x = warp_softmax(x);
  const u32 lane = threadIdx.x % 32;
  if (lane == 0) parts[threadIdx.x / 32] = x;
  __syncthreads();
  return warp_softmax(lane < blockDim.x / 32 ? parts[lane] : Softmax{-infinity(), 0.0f});
}

inline float log_denominator(const T* logits, int vocabulary) {
  Softmax own{-infinity(), 0.0f};
  for (int i = threadIdx.x * VEC; i < vocabulary; i += blockDim.x * VEC) {
    own.add(Elements::load(logits + i));
  }
  const Softmax all = block_softmax(own);
  return all.max + logf(all.sum);
}

// Writes what a token adds to the two sums.
inline void write_row(double* rowSums, double crossEntropy, double zLoss) {
  if (threadIdx.x == 0) {
    rowSums[2 * (i64)blockIdx.x] = crossEntropy;
    rowSums[2 * (i64)blockIdx.x + 1] = zLoss;
  }
}

inline void write_zeros(T* row, int vocabulary) {
  for (int i = threadIdx.x * VEC; i < vocabulary; i += blockDim.x * VEC) {
    Elements::zero().store(row + i);
  }
}

// Replaces the logits. A target outside the row changes nothing.
inline void write_gradient(T* row, int vocabulary, float logZ, float scale, float zLoss,
                           i64 target) {
  const float factor = scale * (1.0f + 2.0f * zLoss * logZ);
  for (int i = threadIdx.x * VEC; i < vocabulary; i += blockDim.x * VEC) {
    const Elements x = Elements::load(row + i);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) {
      y[j] = factor * exponential<T>(x[j] - logZ);
      if (i + j == target) y[j] -= scale;
    }
    Elements::of(y).store(row + i);
  }
}

extern "C" __global__ void __launch_bounds__(1024)
    cross_entropy_forward(double* rowSums, const T* logits, const int* targets,
                          const float* lossMask, int vocabulary, float zLoss) {
  const T* row = logits + (i64)blockIdx.x * vocabulary;
  const float mask = lossMask[blockIdx.x];
  if (mask == 0.0f) {
    write_row(rowSums, 0, 0);
    return;
  }
  const float logZ = log_denominator(row, vocabulary);
  const float target = widen(row[targets[blockIdx.x]]);
  write_row(rowSums, mask * (logZ - target), mask * zLoss * logZ * logZ);
}

extern "C" __global__ void __launch_bounds__(1024)
    cross_entropy_forward_backward(double* rowSums, T* logits, const int* targets,
                                   const float* lossMask, const double* gradScale, int vocabulary,
                                   float zLoss) {
  T* row = logits + (i64)blockIdx.x * vocabulary;
  const float mask = lossMask[blockIdx.x];
  if (mask == 0.0f) {
    write_row(rowSums, 0, 0);
    write_zeros(row, vocabulary);
    return;
  }
  const int targetIndex = targets[blockIdx.x];
  const float target = widen(row[targetIndex]);  // read before the barrier, overwritten after it
  const float logZ = log_denominator(row, vocabulary);
  write_row(rowSums, mask * (logZ - target), mask * zLoss * logZ * logZ);
  write_gradient(row, vocabulary, logZ, (float)(*gradScale * mask), zLoss, targetIndex);
}

// sums += the rows' sums, in an order that does not vary. One block.
extern "C" __global__ void __launch_bounds__(1024)
    add_row_sums(double* sums, const double* rowSums, i64 rows) {
  double crossEntropy = 0, zLoss = 0;
  for (i64 row = threadIdx.x; row < rows; row += blockDim.x) {
    crossEntropy += rowSums[2 * row];
    zLoss += rowSums[2 * row + 1];
  }
  crossEntropy = block_sum(crossEntropy);
  zLoss = block_sum(zLoss);
  if (threadIdx.x == 0) {
    sums[0] += crossEntropy;
    sums[1] += zLoss;
  }
}

// The kernels below are for a vocabulary that is split over ranks. statistics: [parts, 2, tokens],
// of each part the log-sum-exp of a token's logits and, in one of the parts, its target's logit.

inline float part_statistic(const float* statistics, int part, int which, i64 tokens, i64 token) {
  return statistics[(2 * part + which) * tokens + token];
}

inline float whole_log_denominator(const float* statistics, int parts, i64 tokens, i64 token) {
  Softmax all{-infinity(), 0.0f};
  for (int part = 0; part < parts; part++) {
    all.merge(Softmax{part_statistic(statistics, part, 0, tokens, token), 1.0f});
  }
  return all.max + logf(all.sum);
}

extern "C" __global__ void __launch_bounds__(1024)
    vocab_parallel_statistics(float* statistics, const T* logits, const int* targets,
                              int vocabulary, i64 firstId) {
  const T* row = logits + (i64)blockIdx.x * vocabulary;
  const float logSumExp = log_denominator(row, vocabulary);
  if (threadIdx.x == 0) {
    const i64 target = targets[blockIdx.x] - firstId;
    const bool here = target >= 0 && target < vocabulary;
    statistics[blockIdx.x] = logSumExp;
    statistics[gridDim.x + blockIdx.x] = here ? widen(row[target]) : 0.0f;
  }
}

// One block, so that the order of the sum does not vary.
extern "C" __global__ void __launch_bounds__(1024)
    vocab_parallel_loss(double* sums, const float* statistics, const float* lossMask, int parts,
                        i64 tokens, float zLoss) {
  double crossEntropy = 0, zTerms = 0;
  for (i64 token = threadIdx.x; token < tokens; token += blockDim.x) {
    const float mask = lossMask[token];
    if (mask == 0.0f) continue;
    const float logZ = whole_log_denominator(statistics, parts, tokens, token);
    float target = 0.0f;
    for (int part = 0; part < parts; part++) {
      target += part_statistic(statistics, part, 1, tokens, token);
    }
    crossEntropy += mask * (logZ - target);
    zTerms += mask * zLoss * logZ * logZ;
  }
  crossEntropy = block_sum(crossEntropy);
  zTerms = block_sum(zTerms);
  if (threadIdx.x == 0) {
    sums[0] += crossEntropy;
    sums[1] += zTerms;
  }
}

extern "C" __global__ void __launch_bounds__(1024)
    vocab_parallel_loss_backward(T* logits, const float* statistics, const int* targets,
                                 const float* lossMask, const double* gradScale, int parts,
                                 int vocabulary, i64 firstId, float zLoss) {
  T* row = logits + (i64)blockIdx.x * vocabulary;
  const float mask = lossMask[blockIdx.x];
  if (mask == 0.0f) {
    write_zeros(row, vocabulary);
    return;
  }
  const float logZ = whole_log_denominator(statistics, parts, gridDim.x, blockIdx.x);
  write_gradient(row, vocabulary, logZ, (float)(*gradScale * mask), zLoss,
                 targets[blockIdx.x] - firstId);
}
