// A row that is added to each row of a matrix, and its gradient, the sum over all rows.
// Options: ELEMENT, GRAD (of the sum), VEC.

typedef ELEMENT T;
typedef Pack<T, VEC> Elements;

constexpr int THREADS = 256;
constexpr int TILE = 32;

// Block x is a row, block y walks over its columns.
extern "C" __global__ void __launch_bounds__(THREADS)
    add_to_rows(T* x, const T* row, int columns) {
  const int column = (blockIdx.y * THREADS + threadIdx.x) * VEC;
  if (column >= columns) return;
  T* place = x + (i64)blockIdx.x * columns + column;
  const Elements values = Elements::load(place), added = Elements::load(row + column);
  float y[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) y[j] = values[j] + added[j];
  Elements::of(y).store(place);
}

// partial is [gridDim.y, columns]: block x has TILE columns, block y every gridDim.y-th group of TILE
// rows. Threads: TILE x TILE.
extern "C" __global__ void __launch_bounds__(TILE* TILE)
    partial_sums_of_rows(float* partial, const T* x, int columns, i64 rows) {
  __shared__ float sums[TILE][TILE + 1];
  const int column = blockIdx.x * TILE + threadIdx.x;
  float sum = 0.0f;
  if (column < columns) {
    for (i64 row = (i64)blockIdx.y * TILE + threadIdx.y; row < rows; row += (i64)gridDim.y * TILE) {
      sum += widen(x[row * columns + column]);
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) return;
  float total = 0.0f;
#pragma unroll
  for (int i = 0; i < TILE; i++) total += sums[i][threadIdx.x];
  partial[(i64)blockIdx.y * columns + column] = total;
}

extern "C" __global__ void __launch_bounds__(THREADS)
    add_sum_of_rows(GRAD* sum, const float* partial, int columns, int parts) {
  const int column = blockIdx.x * THREADS + threadIdx.x;
  if (column >= columns) return;
  float total = 0.0f;
  for (int part = 0; part < parts; part++) total += partial[(i64)part * columns + column];
  sum[column] = narrow<GRAD>(widen(sum[column]) + total);
}
