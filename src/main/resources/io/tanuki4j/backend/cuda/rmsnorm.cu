// RMSNorm (Zhang and Sennrich, 2019). A row belongs to THREADS threads, each with VPT packs of VEC
// elements in registers, so that every element is read once; a block holds ROWS rows.
// Options: ELEMENT, GRAD (of the weight's gradient), VEC, VPT, THREADS, ROWS.

typedef ELEMENT T;

constexpr int WARPS = THREADS / 32;
constexpr bool PREFETCH = VPT <= 2;  // beyond that, the next row would push registers into memory

typedef Pack<T, VEC> Elements;

// The sum over the threads of a row. Two buffers in turn make one barrier a call enough.
inline float row_sum(float x, int turn) {
  __shared__ float sums[2][ROWS][WARPS];
  x = warp_sum(x);
  if (WARPS == 1) return x;
  float* own = sums[turn & 1][threadIdx.y];
  if (threadIdx.x % 32 == 0) own[threadIdx.x / 32] = x;
  __syncthreads();
  float total = 0.0f;
#pragma unroll
  for (int warp = 0; warp < WARPS; warp++) total += own[warp];
  return total;
}

inline int column_of(int pack) { return (pack * THREADS + (int)threadIdx.x) * VEC; }

template <bool ADD>
inline void forward(T* sum, T* out, float* rstd, const T* x, const T* delta, const T* weight,
                    int columns, i64 rows, float epsilon) {
  const i64 row = (i64)blockIdx.x * ROWS + threadIdx.y;
  const bool active = row < rows;
  const i64 start = row * columns;
  Elements kept[VPT];
  Elements scale[VPT];  // loaded before the barrier, so that nothing waits for it behind
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < VPT; i++) {
    const int column = column_of(i);
    if (!active || column >= columns) continue;
    kept[i] = Elements::load(x + start + column);
    scale[i] = Elements::load(weight + column);
    if constexpr (ADD) {
      const Elements other = Elements::load(delta + start + column);
      float added[VEC];
#pragma unroll
      for (int j = 0; j < VEC; j++) added[j] = kept[i][j] + other[j];
      kept[i] = Elements::of(added);
      kept[i].store(sum + start + column);
    }
#pragma unroll
    for (int j = 0; j < VEC; j++) squares += kept[i][j] * kept[i][j];
  }
  const float r = 1.0f / sqrtf(row_sum(squares, 0) / columns + epsilon);
  if (!active) return;
  if (threadIdx.x == 0) rstd[row] = r;
#pragma unroll
  for (int i = 0; i < VPT; i++) {
    const int column = column_of(i);
    if (column >= columns) continue;
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = kept[i][j] * r * scale[i][j];
    Elements::of(y).store(out + start + column);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS* ROWS)
    rms_norm_forward(T* out, float* rstd, const T* x, const T* weight, int columns, i64 rows,
                     float epsilon) {
  forward<false>(nullptr, out, rstd, x, nullptr, weight, columns, rows, epsilon);
}

// sum = x + delta, rounded, then the norm of it; sum may be x or delta.
extern "C" __global__ void __launch_bounds__(THREADS* ROWS)
    add_rms_norm_forward(T* sum, T* out, float* rstd, const T* x, const T* delta, const T* weight,
                         int columns, i64 rows, float epsilon) {
  forward<true>(sum, out, rstd, x, delta, weight, columns, rows, epsilon);
}

// A row of the inputs of the backward, zero outside of the matrix.
struct Row {
  Elements x[VPT];
  Elements grad[VPT];
  float rstd;

  void load(const T* allX, const T* allGrad, const float* allRstd, int columns, i64 row, i64 rows) {
    rstd = row < rows ? allRstd[row] : 0.0f;
#pragma unroll
    for (int i = 0; i < VPT; i++) {
      const int column = column_of(i);
      const bool inside = row < rows && column < columns;
      x[i] = inside ? Elements::load(allX + row * columns + column) : Elements::zero();
      grad[i] = inside ? Elements::load(allGrad + row * columns + column) : Elements::zero();
    }
  }
};

// Each block walks over rows and keeps its part of the weight's gradient in registers. dx may be x or base.
template <bool ADD>
inline void backward(T* dx, float* partial, const T* base, const T* dOut, const T* x,
                     const float* rstd, const T* weight, int columns, i64 rows) {
  const i64 stride = (i64)gridDim.x * ROWS;
  Elements scale[VPT];
  float dWeight[VPT][VEC];
#pragma unroll
  for (int i = 0; i < VPT; i++) {
    scale[i] = column_of(i) < columns ? Elements::load(weight + column_of(i)) : Elements::zero();
#pragma unroll
    for (int j = 0; j < VEC; j++) dWeight[i][j] = 0.0f;
  }
  Row next;
  i64 row = (i64)blockIdx.x * ROWS + threadIdx.y;
  if (PREFETCH) next.load(x, dOut, rstd, columns, row, rows);
  int turn = 0;
  for (i64 first = (i64)blockIdx.x * ROWS; first < rows; first += stride, row += stride, turn++) {
    Row current;
    if (PREFETCH) {
      current = next;
      next.load(x, dOut, rstd, columns, row + stride, rows);
    } else {
      current.load(x, dOut, rstd, columns, row, rows);
    }
    Elements old[VPT];
    float dot = 0.0f;
#pragma unroll
    for (int i = 0; i < VPT; i++) {
      const bool inside = row < rows && column_of(i) < columns;
      if (ADD && inside) old[i] = Elements::load(base + row * columns + column_of(i));
#pragma unroll
      for (int j = 0; j < VEC; j++) {
        const float product = current.grad[i][j] * current.x[i][j];
        dWeight[i][j] += product * current.rstd;
        dot += product * scale[i][j];
      }
    }
    const float pull = current.rstd * current.rstd * row_sum(dot, turn) / columns;
#pragma unroll
    for (int i = 0; i < VPT; i++) {
      if (row >= rows || column_of(i) >= columns) continue;
      float y[VEC];
#pragma unroll
      for (int j = 0; j < VEC; j++) {
        y[j] = current.rstd * (current.grad[i][j] * scale[i][j] - current.x[i][j] * pull);
        if constexpr (ADD) y[j] += old[i][j];
      }
      Elements::of(y).store(dx + row * columns + column_of(i));
    }
  }
  float* own = partial + ((i64)blockIdx.x * ROWS + threadIdx.y) * columns;
#pragma unroll
  for (int i = 0; i < VPT; i++) {
#pragma unroll
    for (int j = 0; j < VEC; j++) {
      if (column_of(i) < columns) own[column_of(i) + j] = dWeight[i][j];
    }
  }
}

extern "C" __global__ void __launch_bounds__(THREADS* ROWS)
    rms_norm_backward(T* dx, float* partial, const T* base, const T* dOut, const T* x,
                      const float* rstd, const T* weight, int columns, i64 rows) {
  backward<false>(dx, partial, base, dOut, x, rstd, weight, columns, rows);
}

extern "C" __global__ void __launch_bounds__(THREADS* ROWS)
    rms_norm_backward_add(T* dx, float* partial, const T* base, const T* dOut, const T* x,
                          const float* rstd, const T* weight, int columns, i64 rows) {
  backward<true>(dx, partial, base, dOut, x, rstd, weight, columns, rows);
}

// dWeight += the sum of the blocks' parts, in the order of the blocks. Threads: 32 x 32.
extern "C" __global__ void __launch_bounds__(1024)
    rms_norm_weight_gradient(GRAD* dWeight, const float* partial, int columns, int count) {
  __shared__ float sums[32][33];
  const int column = blockIdx.x * 32 + threadIdx.x;
  float sum = 0.0f;
  if (column < columns) {
    for (int part = threadIdx.y; part < count; part += 32) sum += partial[(i64)part * columns + column];
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  float total = 0.0f;
#pragma unroll
  for (int i = 0; i < 32; i++) total += sums[i][threadIdx.x];
  dWeight[column] = narrow<GRAD>(widen(dWeight[column]) + total);
}
