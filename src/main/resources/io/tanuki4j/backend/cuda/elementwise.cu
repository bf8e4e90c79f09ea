// Conversion and addition. Options: OUT, IN (element types), VEC.

inline double wide(double x) { return x; }
inline float wide(float x) { return x; }
inline float wide(bf16 x) { return widen(x); }

template <class T> T rounded(double x);
template <> inline double rounded<double>(double x) { return x; }
template <> inline float rounded<float>(double x) { return (float)x; }
template <> inline bf16 rounded<bf16>(double x) { return narrow<bf16>((float)x); }

extern "C" __global__ void __launch_bounds__(256) convert(OUT* out, const IN* in, i64 count) {
  const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
  if (i >= count) return;
  if constexpr (VEC == 1) {
    out[i] = rounded<OUT>(wide(in[i]));
  } else {
    const Pack<IN, VEC> values = Pack<IN, VEC>::load(in + i);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = values[j];
    Pack<OUT, VEC>::of(y).store(out + i);
  }
}

// out may be a or b.
extern "C" __global__ void __launch_bounds__(256) add(OUT* out, const IN* a, const IN* b, i64 count) {
  const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
  if (i >= count) return;
  if constexpr (VEC == 1) {
    out[i] = rounded<OUT>(wide(a[i]) + wide(b[i]));
  } else {
    const Pack<IN, VEC> left = Pack<IN, VEC>::load(a + i), right = Pack<IN, VEC>::load(b + i);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = left[j] + right[j];
    Pack<OUT, VEC>::of(y).store(out + i);
  }
}
