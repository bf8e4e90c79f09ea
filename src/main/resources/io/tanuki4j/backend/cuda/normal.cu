// Normal numbers as a function of their place in a global matrix: Philox4x32-10 and Box and Muller's
// transform in fp64. Options: ELEMENT.

typedef ELEMENT T;

inline double uniform(u32 high, u32 low) {
  return ((double)high * 1048576.0 + (double)(low >> 12) + 0.5) / 4503599627370496.0;
}

extern "C" __global__ void __launch_bounds__(256)
    fill_normal(T* out, u64 key, i64 firstRow, i64 firstColumn, i64 globalColumns, i64 columns,
                i64 count, double standardDeviation) {
  const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const u64 place = (u64)((firstRow + i / columns) * globalColumns + firstColumn + i % columns);
  const u64 pair = place / 2;
  const uint4 words = philox(make_uint4((u32)pair, (u32)(pair >> 32), 0u, 0u), key);
  const double radius = sqrt(-2.0 * log(uniform(words.x, words.y)));
  const double angle = 2.0 * uniform(words.z, words.w);
  const double unit = place % 2 == 0 ? cospi(angle) : sinpi(angle);
  out[i] = narrow<T>((float)(radius * unit * standardDeviation));
}
