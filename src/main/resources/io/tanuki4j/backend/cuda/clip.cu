// The norm of gradients, and the factor that clips them. Options: ELEMENT, VEC.

typedef ELEMENT T;

extern "C" __global__ void __launch_bounds__(512)
    sum_of_squares(double* partial, const T* x, i64 count) {
  double sum = 0;
  const i64 stride = (i64)gridDim.x * blockDim.x * VEC;
  for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * VEC; i < count; i += stride) {
    const Pack<T, VEC> values = Pack<T, VEC>::load(x + i);
#pragma unroll
    for (int j = 0; j < VEC; j++) sum += (double)values[j] * values[j];
  }
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// out += the parts, in an order that does not vary. One block.
extern "C" __global__ void __launch_bounds__(1024)
    add_parts(double* out, const double* partial, int count) {
  double sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += partial[i];
  sum = block_sum(sum);
  if (threadIdx.x == 0) *out += sum;
}

// One thread.
extern "C" __global__ void
    clip_factor(double* norm, double* factor, const double* sumOfSquares, double maxNorm,
                double lossScale) {
  const double value = sqrt(*sumOfSquares) / lossScale;
  *norm = value;
  *factor = isfinite(value) ? fmin(1.0, maxNorm / (value + 1e-6)) / lossScale
                            : __longlong_as_double(0x7ff8000000000000LL);
}
