// What every kernel builds on: element types, 16-byte packs of elements, sums over threads, Philox.
// NVRTC puts this in front of each family. No header is included, so that a driver and the user-space
// libraries are enough at run time.

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

constexpr u32 ALL_LANES = 0xffffffffu;

inline float infinity() { return __int_as_float(0x7f800000); }

struct bf16 {
  u16 bits;
};

struct fp16 {
  u16 bits;
};

inline float widen(float x) { return x; }
inline float widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }
inline float widen(fp16 x) {
  float wide;
  asm("cvt.f32.f16 %0, %1;" : "=f"(wide) : "h"(x.bits));
  return wide;
}

// The lower (0) or upper (1) number of a pair.
template <class T> float widen_half(u32 pair, int i);
template <> inline float widen_half<bf16>(u32 pair, int i) {
  return __uint_as_float(i == 0 ? pair << 16 : pair & 0xffff0000u);
}
template <> inline float widen_half<fp16>(u32 pair, int i) {
  return widen(fp16{(u16)(i == 0 ? pair : pair >> 16)});
}

// To nearest, ties to even; the first argument goes into the lower half.
template <class T> u32 narrow_pair(float low, float high);
template <> inline u32 narrow_pair<bf16>(float low, float high) {
  u32 pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
template <> inline u32 narrow_pair<fp16>(float low, float high) {
  u32 pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

template <class T> inline T narrow(float x) { return T{(u16)narrow_pair<T>(x, 0.0f)}; }
template <> inline float narrow<float>(float x) { return x; }

// Exponential and quotient: exact to the last place or two for fp32 tensors, the fast unit's for others.
template <class T> inline float exponential(float x) { return __expf(x); }
template <> inline float exponential<float>(float x) { return expf(x); }

template <class T> inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }
template <> inline float sigmoid<float>(float x) { return 1.0f / (1.0f + expf(-x)); }

// N consecutive elements as they lie in memory, moved by 16-byte accesses.
template <class T, int N> struct Pack {
  static constexpr int WORDS = N * (int)sizeof(T) / 4;
  u32 word[WORDS];

  float operator[](int i) const {
    if constexpr (sizeof(T) == 2) {
      return widen_half<T>(word[i / 2], i % 2);
    } else {
      return __uint_as_float(word[i]);
    }
  }

  static Pack of(const float (&x)[N]) {
    Pack pack;
#pragma unroll
    for (int i = 0; i < WORDS; i++) {
      if constexpr (sizeof(T) == 2) {
        pack.word[i] = narrow_pair<T>(x[2 * i], x[2 * i + 1]);
      } else {
        pack.word[i] = __float_as_uint(x[i]);
      }
    }
    return pack;
  }

  static Pack zero() {
    Pack pack;
#pragma unroll
    for (int i = 0; i < WORDS; i++) pack.word[i] = 0;
    return pack;
  }

  static Pack load(const T* from) {
    static_assert(WORDS % 4 == 0, "a pack is a multiple of 16 bytes");
    Pack pack;
#pragma unroll
    for (int i = 0; i < WORDS; i += 4) {
      uint4 words = reinterpret_cast<const uint4*>(from)[i / 4];
      pack.word[i] = words.x;
      pack.word[i + 1] = words.y;
      pack.word[i + 2] = words.z;
      pack.word[i + 3] = words.w;
    }
    return pack;
  }

  void store(T* to) const {
#pragma unroll
    for (int i = 0; i < WORDS; i += 4) {
      reinterpret_cast<uint4*>(to)[i / 4] =
          make_uint4(word[i], word[i + 1], word[i + 2], word[i + 3]);
    }
  }
};

// One element, for rows that are no multiple of 16 bytes.
template <class T> struct Pack<T, 1> {
  T value;

  float operator[](int) const { return widen(value); }
  static Pack of(const float (&x)[1]) { return Pack{narrow<T>(x[0])}; }
  static Pack zero() { return Pack{narrow<T>(0.0f)}; }
  static Pack load(const T* from) { return Pack{*from}; }
  void store(T* to) const { *to = value; }
};

inline float warp_sum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

inline float warp_max(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, step));
  return x;
}

inline double warp_sum(double x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(ALL_LANES, x, step);
  return x;
}

// The sum over a block of one dimension, in an order that does not vary; valid in thread 0.
inline double block_sum(double x) {
  __shared__ double sums[32];
  x = warp_sum(x);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = x;
  __syncthreads();
  double total = 0;
  if (threadIdx.x == 0) {
    for (u32 warp = 0; warp < (blockDim.x + 31) / 32; warp++) total += sums[warp];
  }
  __syncthreads();
  return total;
}

// Philox4x32-10 (Salmon et al., 2011).
inline uint4 philox(uint4 counter, u64 key) {
  u32 key0 = (u32)key;
  u32 key1 = (u32)(key >> 32);
#pragma unroll
  for (int round = 0; round < 10; round++) {
    u32 high0 = __umulhi(0xD2511F53u, counter.x);
    u32 high1 = __umulhi(0xCD9E8D57u, counter.z);
    u32 low0 = 0xD2511F53u * counter.x;
    u32 low1 = 0xCD9E8D57u * counter.z;
    counter = make_uint4(high1 ^ counter.y ^ key0, low1, high0 ^ counter.w ^ key1, low0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}
