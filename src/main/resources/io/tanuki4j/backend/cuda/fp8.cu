// FP8: tensors are scaled, rounded and written as they are and transposed, in one
// pass; scales follow from the largest magnitudes. Options: E5M2 (0: e4m3, 1: e5m2).
//
// A block makes a tile of 128 × 128: a thread four rows of eight columns at a time. The transposed
// tile is assembled in shared memory in words of four rows, whose places are exchanged so that
// neither writing nor reading meets a bank twice.

constexpr int TILE = 128;
constexpr int WIDTH = 8;                   // columns of a thread
constexpr int HEIGHT = 4;                  // rows of a thread, the bytes of a word
constexpr int WORDS = TILE / HEIGHT;       // of a column of the tile
constexpr int ACROSS = TILE / WIDTH;       // threads along a row
constexpr int THREADS = 256;
constexpr int MAX_THREADS = 512;           // of the norms
constexpr int INVERSE_SIZE = 4;            // floats from one inverse to the next
constexpr int STEP = THREADS / ACROSS;     // words of a column that the block makes at a time

typedef Pack<bf16, WIDTH> Elements;

// The first argument goes into the lower byte; what is too large becomes the largest number.
inline u32 encode_pair(float low, float high) {
  u16 pair;
#if E5M2
  asm("cvt.rn.satfinite.e5m2x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
#else
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(high), "f"(low));
#endif
  return pair;
}

// The larger of most and |x|; x times 0 is NaN, which fmaxf leaves out, unless x is finite.
inline float raise(float most, float x) { return fmaxf(most, fabsf(fmaf(x, 0.0f, x))); }

// What a block adds to the amax of its tensor. What was known at the start spares most of the atomics; it may be
// old, since an amax never falls. Bits of positive floats compare like the floats.
struct BlockAmax {
  float* amax;
  float known;
  float* warps;  // shared, one for each warp

  static BlockAmax begin(float* amax) {
    __shared__ float warps[MAX_THREADS / 32];
    return BlockAmax{amax, *(volatile float*)amax, warps};
  }

  // Before a barrier of the block, which lies between this and raise.
  void put(float most) const {
    most = warp_max(most);
    if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  }

  void raise() const {
    if (threadIdx.x >= 32) return;
    const float most = warp_max(threadIdx.x < blockDim.x / 32 ? warps[threadIdx.x] : 0.0f);
    if (threadIdx.x == 0 && most > known) atomicMax((int*)amax, __float_as_int(most));
  }
};

// Where a tile goes.
struct Target {
  u8* rows;     // or null
  u8* columns;  // or null
  i64 height;   // of the whole matrix
  int width;
};

// The bytes of four rows: word h of row i are its columns 4h to 4h + 3.
struct Patch {
  u32 word[HEIGHT][2];

  void row(int i, const Elements& x, float scale) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const u32 low = encode_pair(x[4 * h] * scale, x[4 * h + 1] * scale);
      const u32 high = encode_pair(x[4 * h + 2] * scale, x[4 * h + 3] * scale);
      word[i][h] = __byte_perm(low, high, 0x5410);
    }
  }

  void store_row(int i, const Target& to, i64 row, int column) const {
    *reinterpret_cast<uint2*>(to.rows + row * to.width + column) = make_uint2(word[i][0], word[i][1]);
  }

  // Column j of the four rows.
  u32 column(int j) const {
    const int h = j / 4, b = j % 4;
    const u32 first = __byte_perm(word[0][h], word[1][h], b | (b + 4) << 4);
    const u32 last = __byte_perm(word[2][h], word[3][h], b | (b + 4) << 4);
    return __byte_perm(first, last, 0x5410);
  }
};

// across, down: the thread's place in the tile, in patches.
inline void put(const Target& to, u32* tile, const Patch& patch, int across, int down, i64 row,
                int column) {
  if (to.rows) {
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) patch.store_row(i, to, row + i, column);
  }
  if (to.columns) {
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      tile[(across * WIDTH + j) * WORDS + (down ^ (2 * across))] = patch.column(j);
    }
  }
}

// A warp writes a column of the tile at a time.
inline void write_columns(const Target& to, const u32* tile, i64 firstRow, int firstColumn) {
  if (!to.columns) return;
  const int lane = threadIdx.x % 32;
  const i64 row = firstRow + lane * HEIGHT;
  if (row >= to.height) return;
#pragma unroll 4
  for (int i = threadIdx.x / 32; i < TILE; i += THREADS / 32) {
    if (firstColumn + i >= to.width) return;
    *reinterpret_cast<u32*>(to.columns + (i64)(firstColumn + i) * to.height + row) =
        tile[i * WORDS + (lane ^ (2 * (i / WIDTH)))];
  }
}

// Quantizes what source(row, column) gives: eight elements of the compute type.
template <class Source>
inline void quantize_tile(const Target& to, const float* scale, float* amax, Source source) {
  __shared__ u32 tile[TILE * WORDS];
  const int across = threadIdx.x % ACROSS;
  const i64 firstRow = (i64)blockIdx.y * TILE;
  const int firstColumn = blockIdx.x * TILE;
  const int column = firstColumn + across * WIDTH;
  const float factor = *scale;
  const BlockAmax largest = BlockAmax::begin(amax);
  float most = 0.0f;
#pragma unroll
  for (int down = threadIdx.x / ACROSS; down < WORDS; down += STEP) {
    const i64 row = firstRow + down * HEIGHT;
    if (row >= to.height || column >= to.width) continue;
    Elements x[HEIGHT];
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) x[i] = source(row + i, column);
    Patch patch;
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      patch.row(i, x[i], factor);
#pragma unroll
      for (int j = 0; j < WIDTH; j++) most = raise(most, x[i][j]);
    }
    put(to, tile, patch, across, down, row, column);
  }
  largest.put(most);
  __syncthreads();
  largest.raise();
  write_columns(to, tile, firstRow, firstColumn);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    quantize(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
             const bf16* x) {
  quantize_tile(Target{rows, columns, height, width}, scale, amax, [=](i64 row, int column) {
    return Elements::load(x + row * width + column);
  });
}

// Sums each of N numbers over the warp, N at most 16, in the order of warp_sum: at each step a lane keeps half of its
// numbers and gives the other half away. Returns the sum of number lane / (32 / N).
template <int N> inline float warp_sums(float (&x)[N]) {
  int step = 16;
#pragma unroll
  for (int half = N / 2; half > 0; half /= 2, step /= 2) {
    const bool upper = threadIdx.x & step;
#pragma unroll
    for (int i = 0; i < half; i++) {
      const float given = upper ? x[i] : x[i + half];
      const float kept = upper ? x[i + half] : x[i];
      x[i] = kept + __shfl_xor_sync(ALL_LANES, given, step);
    }
  }
#pragma unroll
  for (; step > 0; step /= 2) x[0] += __shfl_xor_sync(ALL_LANES, x[0], step);
  return x[0];
}

// The bytes of ROWS rows in eight columns, which is what a thread writes of the transpose.
template <int ROWS> struct Stripe {
  u32 word[WIDTH][ROWS / HEIGHT];

  void store(u8* columns, i64 height, i64 row, int column) const {
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      u8* to = columns + (i64)(column + j) * height + row;
      if constexpr (ROWS == 16) {
        *reinterpret_cast<uint4*>(to) = make_uint4(word[j][0], word[j][1], word[j][2], word[j][3]);
      } else if constexpr (ROWS == 8) {
        *reinterpret_cast<uint2*>(to) = make_uint2(word[j][0], word[j][1]);
      } else {
        *reinterpret_cast<u32*>(to) = word[j][0];
      }
    }
  }
};

// Adds delta and stores the sum. All loads come first: the compiler cannot move one over a store that may be to its
// place.
template <int ROWS>
inline void add_rows(Elements* kept, bf16* sum, const bf16* delta, i64 start, int width) {
  Elements other[ROWS];
#pragma unroll
  for (int i = 0; i < ROWS; i++) other[i] = Elements::load(delta + start + (i64)i * width);
#pragma unroll
  for (int i = 0; i < ROWS; i++) {
    float added[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) added[j] = kept[i][j] + other[i][j];
    kept[i] = Elements::of(added);
    kept[i].store(sum + start + (i64)i * width);
  }
}

// Norms of ROWS rows, which a block keeps in registers, so that they are read once: a thread has PACKS packs of each, as
// in rmsnorm.cu, whose sums it repeats to the bit. With ADD, sum = x + delta, rounded, is what is normalized.
template <int ROWS, int PACKS, bool ADD>
inline void quantize_rows(const Target& to, const float* scale, float* amax, bf16* sum, float* rstd,
                          const bf16* x, const bf16* delta, const bf16* weight, float epsilon) {
  constexpr int AT_ONCE = ROWS < 8 ? ROWS : 8;
  __shared__ float sums[ROWS][MAX_THREADS / 32];
  __shared__ float factors[ROWS];
  const i64 firstRow = (i64)blockIdx.x * ROWS;
  const int step = blockDim.x * WIDTH, firstColumn = threadIdx.x * WIDTH;
  const float factor = *scale;
  const BlockAmax largest = BlockAmax::begin(amax);
  Elements kept[PACKS][ROWS], weights[PACKS];
  float squares[ROWS];
#pragma unroll
  for (int i = 0; i < ROWS; i++) squares[i] = 0.0f;
#pragma unroll
  for (int p = 0; p < PACKS; p++) {
    const int column = firstColumn + p * step;
    if (column >= to.width) continue;
    weights[p] = Elements::load(weight + column);
#pragma unroll
    for (int first = 0; first < ROWS; first += AT_ONCE) {
      const i64 start = (firstRow + first) * to.width + column;
#pragma unroll
      for (int i = 0; i < AT_ONCE; i++) kept[p][first + i] = Elements::load(x + start + (i64)i * to.width);
      if constexpr (ADD) add_rows<AT_ONCE>(&kept[p][first], sum, delta, start, to.width);
    }
#pragma unroll
    for (int i = 0; i < ROWS; i++) {
#pragma unroll
      for (int j = 0; j < WIDTH; j++) squares[i] += kept[p][i][j] * kept[p][i][j];
    }
  }
  const float own = warp_sums<ROWS>(squares);
  const int lane = threadIdx.x % 32;
  if (lane % (32 / ROWS) == 0) sums[lane / (32 / ROWS)][threadIdx.x / 32] = own;
  __syncthreads();
  if (threadIdx.x < ROWS) {
    float total = 0.0f;
    for (int warp = 0; warp < blockDim.x / 32; warp++) total += sums[threadIdx.x][warp];
    const float r = 1.0f / sqrtf(total / to.width + epsilon);
    factors[threadIdx.x] = r;
    rstd[firstRow + threadIdx.x] = r;
  }
  __syncthreads();
  float most = 0.0f;
#pragma unroll
  for (int p = 0; p < PACKS; p++) {
    const int column = firstColumn + p * step;
    if (column >= to.width) continue;
    Stripe<ROWS> stripe;
#pragma unroll
    for (int four = 0; four < ROWS / HEIGHT; four++) {
      Patch patch;
#pragma unroll
      for (int i = 0; i < HEIGHT; i++) {
        const int row = four * HEIGHT + i;
        const float r = factors[row];
        float y[WIDTH];
#pragma unroll
        for (int j = 0; j < WIDTH; j++) y[j] = kept[p][row][j] * r * weights[p][j];
        const Elements rounded = Elements::of(y);
        patch.row(i, rounded, factor);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) most = raise(most, rounded[j]);
        if (to.rows) patch.store_row(i, to, firstRow + row, column);
      }
#pragma unroll
      for (int j = 0; j < WIDTH; j++) stripe.word[j][four] = patch.column(j);
    }
    if (to.columns) stripe.store(to.columns, to.height, firstRow, column);
  }
  largest.put(most);
  __syncthreads();
  largest.raise();
}

#define NORM_OF_ROWS(ROWS, PACKS, BLOCKS)                                                          \
  extern "C" __global__ void __launch_bounds__(MAX_THREADS, BLOCKS)                                \
      quantize_rms_norm_##ROWS##x##PACKS(u8* rows, u8* columns, const float* scale, float* amax,   \
                                         i64 height, int width, float* rstd, const bf16* x,        \
                                         const bf16* weight, float epsilon) {                      \
    quantize_rows<ROWS, PACKS, false>(Target{rows, columns, height, width}, scale, amax, nullptr,  \
                                      rstd, x, nullptr, weight, epsilon);                          \
  }                                                                                                \
  extern "C" __global__ void __launch_bounds__(MAX_THREADS, BLOCKS)                                \
      quantize_add_rms_norm_##ROWS##x##PACKS(u8* rows, u8* columns, const float* scale,            \
                                             float* amax, i64 height, int width, bf16* sum,        \
                                             float* rstd, const bf16* x, const bf16* delta,        \
                                             const bf16* weight, float epsilon) {                  \
    quantize_rows<ROWS, PACKS, true>(Target{rows, columns, height, width}, scale, amax, sum, rstd, \
                                     x, delta, weight, epsilon);                                   \
  }
NORM_OF_ROWS(16, 1, 1)
NORM_OF_ROWS(8, 1, 2)
NORM_OF_ROWS(8, 2, 1)
NORM_OF_ROWS(4, 4, 1)
NORM_OF_ROWS(4, 16, 1)  // more than registers hold

extern "C" __global__ void __launch_bounds__(THREADS)
    quantize_swiglu(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
                    const bf16* gateUp) {
  quantize_tile(Target{rows, columns, height, width}, scale, amax, [=](i64 row, int column) {
    const bf16* gates = gateUp + row * 2 * width + column;
    const Elements gate = Elements::load(gates);
    const Elements up = Elements::load(gates + width);
    float y[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) y[j] = gate[j] * sigmoid<bf16>(gate[j]) * up[j];
    return Elements::of(y);
  });
}

// width is that of dOut; the target has twice as many columns: those of the gate, then of up.
extern "C" __global__ void __launch_bounds__(THREADS)
    quantize_swiglu_backward(u8* rows, u8* columns, const float* scale, float* amax, i64 height,
                             int width, const bf16* dOut, const bf16* gateUp) {
  __shared__ u32 gateTile[TILE * WORDS];
  __shared__ u32 upTile[TILE * WORDS];
  const int across = threadIdx.x % ACROSS;
  const i64 firstRow = (i64)blockIdx.y * TILE;
  const int firstColumn = blockIdx.x * TILE;
  const int column = firstColumn + across * WIDTH;
  const float factor = *scale;
  const Target to{rows, columns, height, 2 * width};
  const BlockAmax largest = BlockAmax::begin(amax);
  float most = 0.0f;
#pragma unroll
  for (int down = threadIdx.x / ACROSS; down < WORDS; down += STEP) {
    const i64 row = firstRow + down * HEIGHT;
    if (row >= height || column >= width) continue;
    Patch gatePatch, upPatch;
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      const bf16* gates = gateUp + (row + i) * 2 * width + column;
      const Elements gate = Elements::load(gates);
      const Elements up = Elements::load(gates + width);
      const Elements grad = Elements::load(dOut + (row + i) * width + column);
      float dGate[WIDTH], dUp[WIDTH];
#pragma unroll
      for (int j = 0; j < WIDTH; j++) {
        const float s = sigmoid<bf16>(gate[j]);
        dUp[j] = grad[j] * gate[j] * s;
        dGate[j] = grad[j] * up[j] * s * (1.0f + gate[j] * (1.0f - s));
      }
      const Elements roundGate = Elements::of(dGate), roundUp = Elements::of(dUp);
      gatePatch.row(i, roundGate, factor);
      upPatch.row(i, roundUp, factor);
#pragma unroll
      for (int j = 0; j < WIDTH; j++) most = raise(raise(most, roundGate[j]), roundUp[j]);
    }
    put(to, gateTile, gatePatch, across, down, row, column);
    put(to, upTile, upPatch, across, down, row, column + width);
  }
  largest.put(most);
  __syncthreads();
  largest.raise();
  Target gates = to;
  gates.width = width;  // the last tile of the gate ends where up begins
  write_columns(gates, gateTile, firstRow, firstColumn);
  if (columns) {
    gates.columns = columns + (i64)width * height;
    write_columns(gates, upTile, firstRow, firstColumn);
  }
}

extern "C" __global__ void __launch_bounds__(THREADS)
    transpose(u8* columns, const u8* in, i64 height, int width) {
  __shared__ u32 tile[TILE * WORDS];
  const Target to{nullptr, columns, height, width};
  const int across = threadIdx.x % ACROSS;
  const i64 firstRow = (i64)blockIdx.y * TILE;
  const int column = blockIdx.x * TILE + across * WIDTH;
#pragma unroll
  for (int down = threadIdx.x / ACROSS; down < WORDS; down += STEP) {
    const i64 row = firstRow + down * HEIGHT;
    if (row >= height || column >= width) continue;
    Patch patch;
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      const uint2 bytes = *reinterpret_cast<const uint2*>(in + (row + i) * width + column);
      patch.word[i][0] = bytes.x;
      patch.word[i][1] = bytes.y;
    }
    put(to, tile, patch, across, down, row, column);
  }
  __syncthreads();
  write_columns(to, tile, firstRow, blockIdx.x * TILE);
}

// count is a multiple of WIDTH.
extern "C" __global__ void __launch_bounds__(THREADS) amax(float* amax, const bf16* x, i64 count) {
  const BlockAmax largest = BlockAmax::begin(amax);
  float most = 0.0f;
  const i64 stride = (i64)gridDim.x * THREADS * WIDTH;
  for (i64 i = ((i64)blockIdx.x * THREADS + threadIdx.x) * WIDTH; i < count; i += stride) {
    const Elements pack = Elements::load(x + i);
#pragma unroll
    for (int j = 0; j < WIDTH; j++) most = raise(most, pack[j]);
  }
  largest.put(most);
  __syncthreads();
  largest.raise();
}

inline int bytes_equal(u32 word, u32 other) { return __popc(__vcmpeq4(word, other)) / 8; }

// count is a multiple of 16. Counts are whole numbers, so that the order of the blocks changes no bit.
extern "C" __global__ void __launch_bounds__(THREADS)
    tally(double* tally, const u8* x, const float* scale, i64 count) {
  constexpr u32 LARGEST = E5M2 ? 0x7b7b7b7bu : 0x7e7e7e7eu;
  int largest = 0, zeros = 0;
  const i64 stride = (i64)gridDim.x * THREADS * 16;
  for (i64 i = ((i64)blockIdx.x * THREADS + threadIdx.x) * 16; i < count; i += stride) {
    const uint4 pack = *reinterpret_cast<const uint4*>(x + i);
    const u32 words[4] = {pack.x, pack.y, pack.z, pack.w};
#pragma unroll
    for (int w = 0; w < 4; w++) {
      const u32 magnitudes = words[w] & 0x7f7f7f7fu;
      largest += bytes_equal(magnitudes, LARGEST);
      zeros += bytes_equal(magnitudes, 0);
    }
  }
  const double allLargest = block_sum((double)largest);
  const double allZeros = block_sum((double)zeros);
  if (threadIdx.x != 0) return;
  atomicAdd(tally + 1, allLargest);
  atomicAdd(tally + 2, allZeros);
  if (blockIdx.x != 0) return;
  tally[0] += (double)count;
  tally[3] = *scale;
}

inline void set_scale(float* scale, float* inverse, float amax, float limit) {
  const float made = amax == 0.0f ? 1.0f : fminf(__fdiv_rn(limit, amax), 3.402823466e38f);
  *scale = made;
  *inverse = __fdiv_rn(1.0f, made);
}

extern "C" __global__ void scales(float* scale, float* inverse, const float* amax,
                                  const float* limit, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) set_scale(scale + i, inverse + i * INVERSE_SIZE, amax[i], limit[i]);
}

// A block is one tensor.
extern "C" __global__ void __launch_bounds__(THREADS)
    delayed_scales(float* scale, float* inverse, float* history, float* amax, const float* limit,
                   int length, int newestOnly) {
  __shared__ float warps[THREADS / 32];
  const int tensor = blockIdx.x;
  const float newest = amax[tensor];
  if (newest == 0.0f) return;
  float* own = history + (i64)tensor * length;
  float most = newest;
  for (int first = 0; first < length - 1; first += THREADS) {
    const int i = first + threadIdx.x;
    const float entry = i < length - 1 ? own[i + 1] : 0.0f;
    __syncthreads();
    if (i < length - 1) own[i] = entry;
    most = fmaxf(most, entry);
  }
  most = warp_max(most);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < THREADS / 32; i++) most = fmaxf(most, warps[i]);
  own[length - 1] = newest;
  amax[tensor] = 0.0f;
  set_scale(scale + tensor, inverse + tensor * INVERSE_SIZE, newestOnly ? newest : most,
            limit[tensor]);
}
