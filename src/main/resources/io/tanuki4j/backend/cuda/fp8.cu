// FP8: tensors are scaled, rounded and written as they are and transposed, in one pass. Options: E5M2
// (0: e4m3, 1: e5m2). fp8norm.cu follows in the same module: the norms. fp8scales.cu makes scales of the
// largest magnitudes.
//
// A block makes a tile of 128 × 128 in two steps: a warp 16 rows of 64 columns, a thread a patch of four
// rows of eight columns. The transposed tile is assembled in shared memory in words of four rows and
// leaves by 16 rows an access. The accesses of a column are exchanged so that neither writing nor
// reading meets a bank twice.

constexpr int TILE = 128;
constexpr int WIDTH = 8;                   // columns of a patch
constexpr int HEIGHT = 4;                  // rows of a patch, the bytes of a word
constexpr int ACCESS = 16;                 // rows that leave at a time
constexpr int THREADS = 256;
constexpr int ACROSS = 8;                  // patches of a warp along a row
constexpr int STEPS = TILE * TILE / (THREADS * WIDTH * HEIGHT);
constexpr int STEP_ROWS = TILE / STEPS;
constexpr int WORDS = TILE / HEIGHT;       // of a column of the tile

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

inline float now(const float* amax) { return *(const volatile float*)amax; }

// Raises amax to the largest of the block. What was known at the start spares most atomics, and the wait for it. Bits of
// positive floats compare like the floats.
inline void raise_amax(float* amax, float known, float most) {
  __shared__ float warps[THREADS / 32];
  most = warp_max(most);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  most = warp_max(threadIdx.x < THREADS / 32 ? warps[threadIdx.x] : 0.0f);
  if (threadIdx.x == 0 && most > known) atomicMax((int*)amax, __float_as_int(most));
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

// The place of a thread's patches: in the tile, and in the whole matrix.
struct Place {
  int across;  // column in the tile
  int down;    // row in the tile, in the first step
  i64 firstRow;
  int firstColumn;

  static Place of_thread(i64 down = blockIdx.y, int across = blockIdx.x) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    constexpr int WARPS = TILE / (ACROSS * WIDTH);  // along a row
    return Place{(warp % WARPS * ACROSS + lane % ACROSS) * WIDTH,
                 warp / WARPS * ACCESS + lane / ACROSS * HEIGHT, down * TILE, across * TILE};
  }

  int column() const { return firstColumn + across; }
  i64 row(int step) const { return firstRow + step * STEP_ROWS + down; }
  bool inside(int step, i64 height, int width) const {
    return row(step) < height && column() < width;
  }
};

// The word of four rows from row on, of a column of the tile.
inline int word_of(int column, int row) {
  const int access = row / ACCESS ^ column / WIDTH % (TILE / ACCESS);
  return column * WORDS + access * (ACCESS / HEIGHT) + row % ACCESS / HEIGHT;
}

// column: in the target.
inline void put(const Target& to, u32* tile, const Patch& patch, const Place& place, int step,
                int column) {
  if (to.rows) {
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      *reinterpret_cast<uint2*>(to.rows + (place.row(step) + i) * to.width + column) =
          make_uint2(patch.word[i][0], patch.word[i][1]);
    }
  }
  if (to.columns) {
#pragma unroll
    for (int j = 0; j < WIDTH; j++) {
      tile[word_of(place.across + j, step * STEP_ROWS + place.down)] = patch.column(j);
    }
  }
}

inline void write_columns(const Target& to, const u32* tile, const Place& place) {
  if (!to.columns) return;
  const int rowInTile = threadIdx.x % (TILE / ACCESS) * ACCESS;
  const i64 row = place.firstRow + rowInTile;
  if (row >= to.height) return;
#pragma unroll
  for (int i = threadIdx.x / (TILE / ACCESS); i < TILE; i += THREADS / (TILE / ACCESS)) {
    if (place.firstColumn + i >= to.width) return;
    *reinterpret_cast<uint4*>(to.columns + (i64)(place.firstColumn + i) * to.height + row) =
        *reinterpret_cast<const uint4*>(tile + word_of(i, rowInTile));
  }
}

// Quantizes make(read(row, column), row, column): eight elements of the compute type. AT_ONCE steps are read
// before the first is made; wait() lies between.
template <int AT_ONCE, class Read, class Wait, class Make>
inline void quantize_tile(const Place& place, const Target& to, const float* scale, float* amax,
                          Read read, Wait wait, Make make) {
  __shared__ __align__(16) u32 tile[TILE * WORDS];
  const float known = now(amax), factor = *scale;
  float most = 0.0f;
#pragma unroll
  for (int first = 0; first < STEPS; first += AT_ONCE) {
    decltype(read(i64(), int())) in[AT_ONCE][HEIGHT];
#pragma unroll
    for (int n = 0; n < AT_ONCE; n++) {
      if (!place.inside(first + n, to.height, to.width)) continue;
#pragma unroll
      for (int i = 0; i < HEIGHT; i++) in[n][i] = read(place.row(first + n) + i, place.column());
    }
    wait();
#pragma unroll
    for (int n = 0; n < AT_ONCE; n++) {
      if (!place.inside(first + n, to.height, to.width)) continue;
      Patch patch;
#pragma unroll
      for (int i = 0; i < HEIGHT; i++) {
        const Elements x = make(in[n][i], place.row(first + n) + i, place.column());
        patch.row(i, x, factor);
#pragma unroll
        for (int j = 0; j < WIDTH; j++) most = raise(most, x[j]);
      }
      put(to, tile, patch, place, first + n, place.column());
    }
  }
  __syncthreads();
  write_columns(to, tile, place);
  raise_amax(amax, known, most);
}

template <int AT_ONCE, class Read, class Make>
inline void quantize_tile(const Target& to, const float* scale, float* amax, Read read, Make make) {
  quantize_tile<AT_ONCE>(Place::of_thread(), to, scale, amax, read, [] {}, make);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    quantize(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
             const bf16* x) {
  quantize_tile<STEPS>(
      Target{rows, columns, height, width}, scale, amax,
      [=](i64 row, int column) { return Elements::load(x + row * width + column); },
      [=](const Elements& in, i64, int) { return in; });
}

struct GateUp {
  Elements gate;
  Elements up;

  static GateUp load(const bf16* gateUp, i64 row, int column, int width) {
    const bf16* gates = gateUp + row * 2 * width + column;
    return GateUp{Elements::load(gates), Elements::load(gates + width)};
  }
};

extern "C" __global__ void __launch_bounds__(THREADS)
    quantize_swiglu(u8* rows, u8* columns, const float* scale, float* amax, i64 height, int width,
                    const bf16* gateUp) {
  quantize_tile<1>(
      Target{rows, columns, height, width}, scale, amax,
      [=](i64 row, int column) { return GateUp::load(gateUp, row, column, width); },
      [=](const GateUp& in, i64, int) {
        float y[WIDTH];
#pragma unroll
        for (int j = 0; j < WIDTH; j++) y[j] = in.gate[j] * sigmoid<bf16>(in.gate[j]) * in.up[j];
        return Elements::of(y);
      });
}

// width is that of dOut; the target has twice as many columns: those of the gate, then of up.
extern "C" __global__ void __launch_bounds__(THREADS)
    quantize_swiglu_backward(u8* rows, u8* columns, const float* scale, float* amax, i64 height,
                             int width, const bf16* dOut, const bf16* gateUp) {
  __shared__ __align__(16) u32 gateTile[TILE * WORDS];
  __shared__ __align__(16) u32 upTile[TILE * WORDS];
  const Place place = Place::of_thread();
  const float known = now(amax), factor = *scale;
  const Target to{rows, columns, height, 2 * width};
  float most = 0.0f;
#pragma unroll
  for (int step = 0; step < STEPS; step++) {
    if (!place.inside(step, height, width)) continue;
    const int column = place.column();
    Patch gatePatch, upPatch;
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      const i64 row = place.row(step) + i;
      const GateUp in = GateUp::load(gateUp, row, column, width);
      const Elements grad = Elements::load(dOut + row * width + column);
      float dGate[WIDTH], dUp[WIDTH];
#pragma unroll
      for (int j = 0; j < WIDTH; j++) {
        const float gate = in.gate[j], s = sigmoid<bf16>(gate);
        dUp[j] = grad[j] * gate * s;
        dGate[j] = grad[j] * in.up[j] * s * (1.0f + gate * (1.0f - s));
      }
      const Elements roundGate = Elements::of(dGate), roundUp = Elements::of(dUp);
      gatePatch.row(i, roundGate, factor);
      upPatch.row(i, roundUp, factor);
#pragma unroll
      for (int j = 0; j < WIDTH; j++) most = raise(raise(most, roundGate[j]), roundUp[j]);
    }
    put(to, gateTile, gatePatch, place, step, column);
    put(to, upTile, upPatch, place, step, column + width);
  }
  __syncthreads();
  Target gates = to;
  gates.width = width;  // the last tile of the gate ends where up begins
  write_columns(gates, gateTile, place);
  if (columns) {
    gates.columns = columns + (i64)width * height;
    write_columns(gates, upTile, place);
  }
  raise_amax(amax, known, most);
}

extern "C" __global__ void __launch_bounds__(THREADS)
    transpose(u8* columns, const u8* in, i64 height, int width) {
  __shared__ __align__(16) u32 tile[TILE * WORDS];
  const Target to{nullptr, columns, height, width};
  const Place place = Place::of_thread();
#pragma unroll
  for (int step = 0; step < STEPS; step++) {
    if (!place.inside(step, height, width)) continue;
    Patch patch;
#pragma unroll
    for (int i = 0; i < HEIGHT; i++) {
      const uint2 bytes =
          *reinterpret_cast<const uint2*>(in + (place.row(step) + i) * width + place.column());
      patch.word[i][0] = bytes.x;
      patch.word[i][1] = bytes.y;
    }
    put(to, tile, patch, place, step, place.column());
  }
  __syncthreads();
  write_columns(to, tile, place);
}

// count is a multiple of WIDTH.
extern "C" __global__ void __launch_bounds__(THREADS) amax(float* amax, const bf16* x, i64 count) {
  const float known = now(amax);
  float most = 0.0f;
  const i64 stride = (i64)gridDim.x * THREADS * WIDTH;
  for (i64 i = ((i64)blockIdx.x * THREADS + threadIdx.x) * WIDTH; i < count; i += stride) {
    const Elements pack = Elements::load(x + i);
#pragma unroll
    for (int j = 0; j < WIDTH; j++) most = raise(most, pack[j]);
  }
  raise_amax(amax, known, most);
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
