// Dropout as a function of an element's place in the run: Philox4x32-10. Options: ELEMENT.

typedef ELEMENT T;

// x and out are [rows, batch, columns]. Four columns share the words of one counter: (column / 4,
// position, the sample's low word, its high word * 2^16). Word i of them is below keptBelow if column i
// is kept.
extern "C" __global__ void __launch_bounds__(256)
    dropout(T* out, const T* x, const i64* samples, const int* positions, u64 key, u64 keptBelow,
            float factor, int batch, int columns, i64 count) {
  const int groups = (columns + 3) / 4;
  const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const int group = (int)(i % groups);
  const i64 token = i / groups;
  const u64 sample = (u64)samples[token % batch];
  const u32 head = (u32)(sample >> 32) << 16;
  const uint4 words =
      philox(make_uint4((u32)group, (u32)positions[token / batch], (u32)sample, head), key);
  const u32 four[4] = {words.x, words.y, words.z, words.w};
  const i64 first = token * columns;
#pragma unroll
  for (int j = 0; j < 4; j++) {
    const int column = group * 4 + j;
    if (column >= columns) continue;
    const float value = four[j] < keptBelow ? widen(x[first + column]) * factor : 0.0f;
    out[first + column] = narrow<T>(value);
  }
}
