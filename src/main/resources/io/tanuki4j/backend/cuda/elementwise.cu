// Conversion, addition and scaling, of whole tensors or of columns. Options: OUT, IN (element types), VEC.

inline double wide(double x) { return x; }
inline float wide(float x) { return x; }
inline float wide(bf16 x) { return widen(x); }
inline float wide(fp16 x) { return widen(x); }

template <class T> inline T rounded(double x) { return narrow<T>((float)x); }
template <> inline double rounded<double>(double x) { return x; }

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

// Factor and product are rounded to fp32 unless the elements are doubles.
extern "C" __global__ void __launch_bounds__(256) scale(OUT* x, double factor, i64 count) {
  const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
  if (i >= count) return;
  if constexpr (VEC == 1) {
    using Wide = decltype(wide(x[i]));
    x[i] = rounded<OUT>(wide(x[i]) * (Wide)factor);
  } else {
    const Pack<OUT, VEC> values = Pack<OUT, VEC>::load(x + i);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = values[j] * (float)factor;
    Pack<OUT, VEC>::of(y).store(x + i);
  }
}

// Parts lie one after another, count elements each, and are summed in their order.
extern "C" __global__ void __launch_bounds__(256)
    sum_parts(OUT* out, const IN* parts, i64 count, int numParts) {
  const i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC;
  if (i >= count) return;
  if constexpr (VEC == 1) {
    auto sum = wide(parts[i]);
    for (int part = 1; part < numParts; part++) sum += wide(parts[part * count + i]);
    out[i] = rounded<OUT>(sum);
  } else {
    const Pack<IN, VEC> first = Pack<IN, VEC>::load(parts + i);
    float y[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) y[j] = first[j];
    for (int part = 1; part < numParts; part++) {
      const Pack<IN, VEC> more = Pack<IN, VEC>::load(parts + part * count + i);
#pragma unroll
      for (int j = 0; j < VEC; j++) y[j] += more[j];
    }
    Pack<OUT, VEC>::of(y).store(out + i);
  }
}

// Columns of row-major matrices; a block is one row. The pointers are to the first of the columns.
template <bool ADD>
inline void columns(OUT* out, const IN* in, int outWidth, int inWidth, int count) {
  out += (i64)blockIdx.x * outWidth;
  in += (i64)blockIdx.x * inWidth;
  for (int i = threadIdx.x * VEC; i < count; i += blockDim.x * VEC) {
    if constexpr (VEC == 1) {
      out[i] = rounded<OUT>(ADD ? wide(out[i]) + wide(in[i]) : wide(in[i]));
    } else {
      const Pack<IN, VEC> values = Pack<IN, VEC>::load(in + i);
      float y[VEC];
#pragma unroll
      for (int j = 0; j < VEC; j++) y[j] = values[j];
      if constexpr (ADD) {
        const Pack<OUT, VEC> before = Pack<OUT, VEC>::load(out + i);
#pragma unroll
        for (int j = 0; j < VEC; j++) y[j] += before[j];
      }
      Pack<OUT, VEC>::of(y).store(out + i);
    }
  }
}

extern "C" __global__ void __launch_bounds__(256)
    copy_columns(OUT* out, const IN* in, int outWidth, int inWidth, int count) {
  columns<false>(out, in, outWidth, inWidth, count);
}

extern "C" __global__ void __launch_bounds__(256)
    add_columns(OUT* out, const IN* in, int outWidth, int inWidth, int count) {
  columns<true>(out, in, outWidth, inWidth, count);
}
