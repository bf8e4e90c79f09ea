// AdamW (Loshchilov and Hutter, 2019) over flat buffers. Options: WEIGHT, MASTER, FIRST, SECOND, GRAD
// (element types), SAME (1: weight and master are one tensor), VEC.

// rest is 1 - beta, inverse is 1 / (1 - beta^iteration).
struct Step {
  float learningRate, beta1, beta2, rest1, rest2, epsilon, decay, inverse1, inverse2;
};

// Adds 16 random bits below the bits that bf16 keeps, so that the mean of the results is x.
template <class T> inline T narrow_random(float x, u32 random);
template <> inline float narrow_random<float>(float x, u32) { return x; }
template <> inline bf16 narrow_random<bf16>(float x, u32 random) {
  if (!isfinite(x)) return narrow<bf16>(x);
  return bf16{(u16)((__float_as_uint(x) + (random & 0xffffu)) >> 16)};
}

template <class T, int N> inline Pack<T, N> round_random(const float (&x)[N], const u32 (&random)[N]) {
  if constexpr (sizeof(T) == 4) {
    return Pack<T, N>::of(x);
  } else if constexpr (N == 1) {
    return Pack<T, N>{narrow_random<T>(x[0], random[0])};
  } else {
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N / 2; i++) {
      const u32 low = narrow_random<T>(x[2 * i], random[2 * i]).bits;
      const u32 high = narrow_random<T>(x[2 * i + 1], random[2 * i + 1]).bits;
      pack.word[i] = low | high << 16;
    }
    return pack;
  }
}

// Words of Philox for elements start to start + N - 1; start is a multiple of 4 unless N is 1.
template <int N> inline void random_words(u32 (&words)[N], i64 start, u64 iteration) {
#pragma unroll
  for (int i = 0; i < N; i += 4) {
    const u64 block = (u64)(start + i) / 4;
    const uint4 four = philox(make_uint4((u32)block, (u32)(block >> 32), 1u, 0u), iteration);
    if constexpr (N == 1) {
      const int word = (int)(start % 4);
      words[0] = word == 0 ? four.x : word == 1 ? four.y : word == 2 ? four.z : four.w;
    } else {
      words[i] = four.x;
      words[i + 1] = four.y;
      words[i + 2] = four.z;
      words[i + 3] = four.w;
    }
  }
}

template <int N>
inline void update(WEIGHT* weight, MASTER* master, FIRST* firstMoment, SECOND* secondMoment,
                   const GRAD* grad, float factor, i64 i, const Step& step, u64 iteration,
                   i64 firstElement) {
  const Pack<GRAD, N> grads = Pack<GRAD, N>::load(grad + i);
  const Pack<MASTER, N> masters = Pack<MASTER, N>::load(master + i);
  const Pack<FIRST, N> firsts = Pack<FIRST, N>::load(firstMoment + i);
  const Pack<SECOND, N> seconds = Pack<SECOND, N>::load(secondMoment + i);
  float w[N], m[N], v[N];
#pragma unroll
  for (int j = 0; j < N; j++) {
    const float g = factor * grads[j];
    m[j] = step.beta1 * firsts[j] + step.rest1 * g;
    v[j] = step.beta2 * seconds[j] + step.rest2 * g * g;
    const float change = m[j] * step.inverse1 / (sqrtf(v[j] * step.inverse2) + step.epsilon);
    w[j] = masters[j] - step.learningRate * (change + step.decay * masters[j]);
  }
  u32 random[N] = {}, upper[N] = {};
  if constexpr (sizeof(MASTER) == 2 || sizeof(SECOND) == 2) {
    random_words<N>(random, firstElement + i, iteration);
#pragma unroll
    for (int j = 0; j < N; j++) upper[j] = random[j] >> 16;
  }
  Pack<FIRST, N>::of(m).store(firstMoment + i);
  round_random<SECOND, N>(v, upper).store(secondMoment + i);
  round_random<MASTER, N>(w, random).store(master + i);
  if (!SAME) Pack<WEIGHT, N>::of(w).store(weight + i);
}

extern "C" __global__ void __launch_bounds__(256)
    adamw(WEIGHT* weight, MASTER* master, FIRST* firstMoment, SECOND* secondMoment, const GRAD* grad,
          const double* clip, i64 count, u64 iteration, i64 firstElement, float learningRate,
          float beta1, float beta2, float rest1, float rest2, float epsilon, float decay,
          float inverse1, float inverse2) {
  const float factor = (float)*clip;
  if (isnan(factor)) return;
  const Step step{learningRate, beta1, beta2, rest1, rest2, epsilon, decay, inverse1, inverse2};
  const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
  if (i + VEC <= count) {
    update<VEC>(weight, master, firstMoment, secondMoment, grad, factor, i, step, iteration,
                firstElement);
    return;
  }
  for (i64 k = i; k < count; k++) {
    update<1>(weight, master, firstMoment, secondMoment, grad, factor, k, step, iteration,
              firstElement);
  }
}
