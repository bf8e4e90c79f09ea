// Rows of a table by token id, and their gradient without atomics. The table is that of the ids from
// firstRow on; an id outside it belongs to another rank. Options: ELEMENT, GRAD, VEC.

typedef ELEMENT T;

constexpr int THREADS = 256;

extern "C" __global__ void __launch_bounds__(THREADS)
    embedding_forward(T* out, const int* tokens, const T* weight, int columns, i64 firstRow,
                      i64 rows) {
  const i64 row = tokens[blockIdx.x] - firstRow;
  const bool here = row >= 0 && row < rows;
  const T* from = weight + row * columns;
  T* to = out + (i64)blockIdx.x * columns;
  for (int column = threadIdx.x * VEC; column < columns; column += THREADS * VEC) {
    (here ? Pack<T, VEC>::load(from + column) : Pack<T, VEC>::zero()).store(to + column);
  }
}

// Writes, in order, those positions of a tile that hold the token; returns how many.
inline int gather_matches(int* matches, const int* tokens, int token, int position, int count) {
  __shared__ int warpCounts[THREADS / 32];
  const bool match = position < count && tokens[position] == token;
  const u32 lanes = __ballot_sync(ALL_LANES, match);
  const u32 lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  if (lane == 0) warpCounts[warp] = __popc(lanes);
  __syncthreads();
  int before = 0, total = 0;
#pragma unroll
  for (u32 i = 0; i < THREADS / 32; i++) {
    if (i < warp) before += warpCounts[i];
    total += warpCounts[i];
  }
  if (match) matches[before + __popc(lanes & ((1u << lane) - 1u))] = position;
  __syncthreads();
  return total;
}

// A block belongs to one position (x) and a range of columns (y). The block of a token's first
// position adds up the gradients of all its positions, in their order, and adds them to the row.
extern "C" __global__ void __launch_bounds__(THREADS)
    embedding_backward(GRAD* dWeight, const T* dOut, const int* tokens, int count, int columns,
                       i64 firstRow, i64 rows) {
  __shared__ int matches[THREADS];
  const int first = blockIdx.x;
  const int token = tokens[first];
  if (token < firstRow || token >= firstRow + rows) return;
  bool earlier = false;
  for (int i = threadIdx.x; i < first; i += THREADS) earlier |= tokens[i] == token;
  if (__syncthreads_or(earlier)) return;

  const int column = (blockIdx.y * THREADS + threadIdx.x) * VEC;
  float sum[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) sum[j] = 0.0f;
  for (int tile = first; tile < count; tile += THREADS) {
    const int found = gather_matches(matches, tokens, token, tile + threadIdx.x, count);
    if (column < columns) {
#pragma unroll 4
      for (int i = 0; i < found; i++) {
        const Pack<T, VEC> grad = Pack<T, VEC>::load(dOut + (i64)matches[i] * columns + column);
#pragma unroll
        for (int j = 0; j < VEC; j++) sum[j] += grad[j];
      }
    }
    __syncthreads();
  }
  if (column >= columns) return;
  GRAD* row = dWeight + (token - firstRow) * columns + column;
  const Pack<GRAD, VEC> old = Pack<GRAD, VEC>::load(row);
#pragma unroll
  for (int j = 0; j < VEC; j++) sum[j] += old[j];
  Pack<GRAD, VEC>::of(sum).store(row);
}
