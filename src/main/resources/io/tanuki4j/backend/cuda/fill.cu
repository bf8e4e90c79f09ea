// Values that depend on their place alone. Option: ELEMENT, an unsigned integer of the element's size.

typedef ELEMENT T;

extern "C" __global__ void __launch_bounds__(256) fill(T* out, u64 bits, i64 count) {
  const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) out[i] = (T)bits;
}
