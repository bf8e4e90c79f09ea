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

// Raises amax to the largest of the block. Bits of positive floats compare like the floats.
inline void raise_amax(float* amax, float most) {
  __shared__ float warps[THREADS / 32];
  most = warp_max(most);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  most = warp_max(threadIdx.x < THREADS / 32 ? warps[threadIdx.x] : 0.0f);
  if (threadIdx.x == 0 && most > *(volatile float*)amax) atomicMax((int*)amax, __float_as_int(most));
}

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
    for (int i = 0; i < HEIGHT; i++) {
      *reinterpret_cast<uint2*>(to.rows + (row + i) * to.width + column) =
          make_uint2(patch.word[i][0], patch.word[i][1]);
    }
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
  __syncthreads();
  write_columns(to, tile, firstRow, firstColumn);
  raise_amax(amax, most);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    quantize(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
             const bf16* x) {
  quantize_tile(Target{rows, columns, height, width}, scale, amax, [=](i64 row, int column) {
    return Elements::load(x + row * width + column);
  });
}

// x · rstd · weight, with what rms_norm_statistics found.
extern "C" __global__ void __launch_bounds__(THREADS)
    quantize_rms_norm(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
                      const bf16* x, const float* rstd, const bf16* weight) {
  quantize_tile(Target{rows, columns, height, width}, scale, amax, [=](i64 row, int column) {
    const Elements in = Elements::load(x + row * width + column);
    const Elements factors = Elements::load(weight + column);
    const float r = rstd[row];
    float y[WIDTH];
#pragma unroll
    for (int j = 0; j < WIDTH; j++) y[j] = in[j] * r * factors[j];
    return Elements::of(y);
  });
}

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
  __syncthreads();
  Target gates = to;
  gates.width = width;  // the last tile of the gate ends where up begins
  write_columns(gates, gateTile, firstRow, firstColumn);
  if (columns) {
    gates.columns = columns + (i64)width * height;
    write_columns(gates, upTile, firstRow, firstColumn);
  }
  raise_amax(amax, most);
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
  float most = 0.0f;
  const i64 stride = (i64)gridDim.x * THREADS * WIDTH;
  for (i64 i = ((i64)blockIdx.x * THREADS + threadIdx.x) * WIDTH; i < count; i += stride) {
    const Elements pack = Elements::load(x + i);
#pragma unroll
    for (int j = 0; j < WIDTH; j++) most = raise(most, pack[j]);
  }
  raise_amax(amax, most);
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
