// RMSNorm with its cast, after fp8.cu: in one launch that reads x from memory once. Blocks begin in the order of their numbers:
// those of statistics some groups of TILE rows before the tiles, which find x in the L2 cache. The tags below serve one
// launch at a time: a device has a module of its own, and one stream for its kernels.
constexpr int MAX_ROWS = 1 << 20;
constexpr int SHARING = 2;                              // warps that share a row
constexpr int ROWS_AT_ONCE = THREADS / (32 * SHARING);  // of a block of statistics
constexpr int PARTS = TILE / ROWS_AT_ONCE;              // blocks of statistics of a group
constexpr int MAX_WARPS = 16;

// 1/rms of a row in the lower half; the launch that it belongs to in the upper half.
__device__ u64 tagged[MAX_ROWS];
__device__ u32 launches;   // that are over
__device__ u32 tilesDone;  // of the launch that runs

inline u64 acquire(const u64* from) {
  u64 value;
  asm volatile("ld.acquire.gpu.u64 %0, [%1];" : "=l"(value) : "l"(from) : "memory");
  return value;
}

struct Normed {
  const bf16* x;
  const bf16* delta;  // with ADD
  bf16* sum;          // with ADD
  float* rstd;
  const bf16* weight;
  i64 height;
  int width;
  int threads;  // of a row in rms_norm_forward, whose order of summing decides the bits
  float epsilon;

  // Sums over each of the warps that rms_norm_forward gives the row.
  template <bool ADD> void warp_sums(float* sums, i64 row) const {
    constexpr int LOADS = ADD ? 4 : 8;  // at a time, of each input
    const int lane = threadIdx.x % 32, warps = threads / 32;
    const i64 start = row * width;
    for (int first = threadIdx.x / 32 % SHARING; first < warps; first += LOADS * SHARING) {
      float squares[LOADS] = {};
      for (int pack = 0; pack < width; pack += threads * WIDTH) {
        const int column = pack + (first * 32 + lane) * WIDTH;
        const auto inside = [&](int n) {
          return row < height && first + n * SHARING < warps && at(column, n) < width;
        };
        Elements in[LOADS], other[LOADS];
#pragma unroll
        for (int n = 0; n < LOADS; n++) {
          in[n] = inside(n) ? Elements::load(x + start + at(column, n)) : Elements::zero();
        }
#pragma unroll
        for (int n = 0; ADD && n < LOADS; n++) {
          other[n] = inside(n) ? Elements::load(delta + start + at(column, n)) : Elements::zero();
        }
#pragma unroll
        for (int n = 0; n < LOADS; n++) {
          if constexpr (ADD) {
            float added[WIDTH];
#pragma unroll
            for (int j = 0; j < WIDTH; j++) added[j] = in[n][j] + other[n][j];
            in[n] = Elements::of(added);
            if (inside(n)) in[n].store(sum + start + at(column, n));
          }
#pragma unroll
          for (int j = 0; j < WIDTH; j++) squares[n] += in[n][j] * in[n][j];
        }
      }
#pragma unroll
      for (int n = 0; n < LOADS; n++) {
        const float total = warp_sum(squares[n]);
        if (lane == 0 && first + n * SHARING < warps) sums[first + n * SHARING] = total;
      }
    }
  }

  static int at(int column, int n) { return column + n * SHARING * 32 * WIDTH; }

  template <bool ADD> void find_statistics(i64 group, int part, u32 launch) const {
    __shared__ float sums[ROWS_AT_ONCE][MAX_WARPS];
    const i64 firstRow = group * TILE + part * ROWS_AT_ONCE;
    const int own = threadIdx.x / (32 * SHARING);
    warp_sums<ADD>(sums[own], firstRow + own);
    __syncthreads();
    const i64 row = firstRow + threadIdx.x;
    if (threadIdx.x >= ROWS_AT_ONCE || row >= height) return;
    float total = 0.0f;
    for (int warp = 0; warp < threads / 32; warp++) total += sums[threadIdx.x][warp];
    const float r = 1.0f / sqrtf(total / width + epsilon);
    rstd[row] = r;
    if constexpr (ADD) __threadfence();  // the sum is there before the tag is
    *(volatile u64*)(tagged + row) = (u64)launch << 32 | __float_as_uint(r);
  }
};

inline void wait_for_statistics(float* rstd, i64 firstRow, i64 height, u32 launch) {
  const i64 row = firstRow + threadIdx.x;
  if (threadIdx.x < TILE && row < height) {
    u64 found;
    do {
      found = acquire(tagged + row);
    } while ((u32)(found >> 32) != launch);
    rstd[threadIdx.x] = __uint_as_float((u32)found);
  }
  __syncthreads();
}

// ahead: groups of rows by which statistics precede tiles.
template <bool ADD>
inline void quantize_normed(const Target& to, const float* scale, float* amax, const Normed& norm,
                            int ahead) {
  __shared__ float rstd[TILE];
  const u32 launch = *(const volatile u32*)&launches + 1;
  const u32 across = (to.width + TILE - 1) / TILE;
  const i64 groups = (to.height + TILE - 1) / TILE;
  const i64 group = blockIdx.x / (PARTS + across);
  const u32 index = blockIdx.x % (PARTS + across);
  if (index < PARTS) {
    if (group < groups) norm.find_statistics<ADD>(group, index, launch);
    return;
  }
  if (group < ahead) return;
  const Place place = Place::of_thread(group - ahead, index - PARTS);
  const auto wait = [&] { wait_for_statistics(rstd, place.firstRow, to.height, launch); };
  if constexpr (ADD) wait();
  const bf16* x = ADD ? norm.sum : norm.x;
  quantize_tile<STEPS>(
      place, to, scale, amax,
      [&](i64 row, int column) { return Elements::load(x + row * to.width + column); },
      [&] {
        if constexpr (!ADD) wait();
      },
      [&](const Elements& in, i64 row, int column) {
        const Elements factors = Elements::load(norm.weight + column);
        const float r = rstd[row - place.firstRow];
        float y[WIDTH];
#pragma unroll
        for (int j = 0; j < WIDTH; j++) y[j] = in[j] * r * factors[j];
        return Elements::of(y);
      });
  if (threadIdx.x != 0 || atomicAdd(&tilesDone, 1) + 1 < groups * across) return;
  tilesDone = 0;
  launches = launch;
}

extern "C" __global__ void __launch_bounds__(THREADS, 3)
    quantize_rms_norm(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
                      float* rstd, const bf16* weight, int threads, float epsilon, int ahead,
                      const bf16* x) {
  quantize_normed<false>(
      Target{rows, columns, height, width}, scale, amax,
      Normed{x, nullptr, nullptr, rstd, weight, height, width, threads, epsilon}, ahead);
}

// sum = x + delta, rounded, then the norm of it; sum may be x or delta.
extern "C" __global__ void __launch_bounds__(THREADS, 3)
    quantize_add_rms_norm(u8* rows, u8* columns, const float* scale, float* amax, i64 height,
                          int width, float* rstd, const bf16* weight, int threads, float epsilon,
                          int ahead, const bf16* x, const bf16* delta, bf16* sum) {
  quantize_normed<true>(Target{rows, columns, height, width}, scale, amax,
                        Normed{x, delta, sum, rstd, weight, height, width, threads, epsilon},
                        ahead);
}
