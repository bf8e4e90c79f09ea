// Rotary position embedding, half-split, in place on a packed projection. A block is one token; its
// query heads and key heads lie one after the other. Options: ELEMENT, VEC.

typedef ELEMENT T;

// rows[token] is the token's row of cos and sin; without rows it is the token's place in its sequence.
// sign is 1 for the forward, -1 for the backward (the opposite angle).
extern "C" __global__ void __launch_bounds__(256)
    rope(T* qkv, const float* cos, const float* sin, const int* rows, int batch, int width, int heads,
         int headDim, int half, float sign) {
  T* token = qkv + (i64)blockIdx.x * width;
  const i64 angles = (i64)(rows ? rows[blockIdx.x] : blockIdx.x / batch) * half;
  const int packs = half / VEC;
  for (int k = threadIdx.x; k < heads * packs; k += blockDim.x) {
    const int column = k % packs * VEC;
    T* first = token + k / packs * headDim + column;
    const Pack<T, VEC> a = Pack<T, VEC>::load(first);
    const Pack<T, VEC> b = Pack<T, VEC>::load(first + half);
    const Pack<float, VEC> c = Pack<float, VEC>::load(cos + angles + column);
    const Pack<float, VEC> s = Pack<float, VEC>::load(sin + angles + column);
    float rotatedA[VEC], rotatedB[VEC];
#pragma unroll
    for (int j = 0; j < VEC; j++) {
      const float signedSin = sign * s[j];
      rotatedA[j] = a[j] * c[j] - b[j] * signedSin;
      rotatedB[j] = b[j] * c[j] + a[j] * signedSin;
    }
    Pack<T, VEC>::of(rotatedA).store(first);
    Pack<T, VEC>::of(rotatedB).store(first + half);
  }
}
