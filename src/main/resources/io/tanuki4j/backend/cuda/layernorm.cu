// LayerNorm (Ba, Kiros and Hinton, 2016). Options: ELEMENT, GRAD (of the gradients of weight and bias),
// VEC.

typedef ELEMENT T;
typedef Pack<T, VEC> Elements;

constexpr int THREADS = 256;
constexpr int TILE = 32;

// The sum over a block, in every thread, in an order that does not vary.
inline float sum_of_block(float x) {
  __shared__ float sums[THREADS / 32];
  x = warp_sum(x);
  __syncthreads();
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = x;
  __syncthreads();
  float total = 0.0f;
#pragma unroll
  for (int warp = 0; warp < THREADS / 32; warp++) total += sums[warp];
  return total;
}

// A block has a row. It reads the row three times; the second and the third time it is in the cache.
extern "C" __global__ void __launch_bounds__(THREADS)
    layer_norm_forward(T* out, float* statistics, const T* x, const T* weight, const T* bias,
                       int columns, float epsilon) {
  const i64 start = (i64)blockIdx.x * columns;
  float sum = 0.0f;
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    const Elements values = Elements::load(x + start + column);
#pragma unroll
    for (int j = 0; j < VEC; j++) sum += values[j];
  }
  const float mean = sum_of_block(sum) / columns;
  float squares = 0.0f;
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    const Elements values = Elements::load(x + start + column);
#pragma unroll
    for (int j = 0; j < VEC; j++) squares += (values[j] - mean) * (values[j] - mean);
  }
  const float rstd = 1.0f / sqrtf(sum_of_block(squares) / columns + epsilon);
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    const Elements values = Elements::load(x + start + column);
    const Elements scale = Elements::load(weight + column);
    const Elements shift = Elements::load(bias + column);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = (values[j] - mean) * rstd * scale[j] + shift[j];
    Elements::of(y).store(out + start + column);
  }
  if (threadIdx.x == 0) {
    statistics[2 * (i64)blockIdx.x] = mean;
    statistics[2 * (i64)blockIdx.x + 1] = rstd;
  }
}

// dx may be x or base: a thread writes what only it has read.
template <bool ADD>
inline void backward(T* dx, const T* base, const T* dOut, const T* x, const float* statistics,
                     const T* weight, int columns) {
  const i64 start = (i64)blockIdx.x * columns;
  const float mean = statistics[2 * (i64)blockIdx.x];
  const float rstd = statistics[2 * (i64)blockIdx.x + 1];
  float sum = 0.0f, along = 0.0f;
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    const Elements values = Elements::load(x + start + column);
    const Elements grad = Elements::load(dOut + start + column);
    const Elements scale = Elements::load(weight + column);
#pragma unroll
    for (int j = 0; j < VEC; j++) {
      const float scaled = grad[j] * scale[j];
      sum += scaled;
      along += scaled * (values[j] - mean) * rstd;
    }
  }
  const float meanGrad = sum_of_block(sum) / columns;
  const float meanAlong = sum_of_block(along) / columns;
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    const Elements values = Elements::load(x + start + column);
    const Elements grad = Elements::load(dOut + start + column);
    const Elements scale = Elements::load(weight + column);
    Elements old;
    if constexpr (ADD) old = Elements::load(base + start + column);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) {
      const float normed = (values[j] - mean) * rstd;
      y[j] = rstd * (grad[j] * scale[j] - meanGrad - normed * meanAlong);
      if constexpr (ADD) y[j] += old[j];
    }
    Elements::of(y).store(dx + start + column);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    layer_norm_backward(T* dx, const T* base, const T* dOut, const T* x, const float* statistics,
                        const T* weight, int columns) {
  backward<false>(dx, base, dOut, x, statistics, weight, columns);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    layer_norm_backward_add(T* dx, const T* base, const T* dOut, const T* x,
                            const float* statistics, const T* weight, int columns) {
  backward<true>(dx, base, dOut, x, statistics, weight, columns);
}

// Parts of the sums over rows: block x has TILE columns, block y every gridDim.y-th group of TILE rows.
// partial is [gridDim.y, 2, columns]: of dOut times the normalised x, then of dOut. Threads: TILE x TILE.
extern "C" __global__ void __launch_bounds__(TILE* TILE)
    layer_norm_partial_sums(float* partial, const T* dOut, const T* x, const float* statistics,
                            int columns, i64 rows) {
  __shared__ float weightSums[TILE][TILE + 1], biasSums[TILE][TILE + 1];
  const int column = blockIdx.x * TILE + threadIdx.x;
  float weightSum = 0.0f, biasSum = 0.0f;
  if (column < columns) {
    for (i64 row = (i64)blockIdx.y * TILE + threadIdx.y; row < rows; row += (i64)gridDim.y * TILE) {
      const float grad = widen(dOut[row * columns + column]);
      const float normed =
          (widen(x[row * columns + column]) - statistics[2 * row]) * statistics[2 * row + 1];
      weightSum += grad * normed;
      biasSum += grad;
    }
  }
  weightSums[threadIdx.y][threadIdx.x] = weightSum;
  biasSums[threadIdx.y][threadIdx.x] = biasSum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  float weightTotal = 0.0f, biasTotal = 0.0f;
#pragma unroll
  for (int i = 0; i < TILE; i++) {
    weightTotal += weightSums[i][threadIdx.x];
    biasTotal += biasSums[i][threadIdx.x];
  }
  partial[(2 * (i64)blockIdx.y) * columns + column] = weightTotal;
  partial[(2 * (i64)blockIdx.y + 1) * columns + column] = biasTotal;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    layer_norm_weight_gradients(GRAD* dWeight, GRAD* dBias, const float* partial, int columns,
                                int parts) {
  const int column = blockIdx.x * THREADS + threadIdx.x;
  if (column >= columns) return;
  float weightSum = 0.0f, biasSum = 0.0f;
  for (int part = 0; part < parts; part++) {
    weightSum += partial[(2 * (i64)part) * columns + column];
    biasSum += partial[(2 * (i64)part + 1) * columns + column];
  }
  dWeight[column] = narrow<GRAD>(widen(dWeight[column]) + weightSum);
  dBias[column] = narrow<GRAD>(widen(dBias[column]) + biasSum);
}
