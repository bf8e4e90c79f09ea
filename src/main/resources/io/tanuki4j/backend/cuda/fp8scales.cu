// FP8: scales follow from the largest magnitudes, of now or of a history.

constexpr int THREADS = 256;
constexpr int INVERSE_SIZE = 4;  // floats from one inverse to the next

inline void set_scale(float* scale, float* inverse, float amax, float limit) {
  const float made = amax == 0.0f ? 1.0f : fminf(__fdiv_rn(limit, amax), 3.402823466e38f);
  *scale = made;
  *inverse = __fdiv_rn(1.0f, made);
}

extern "C" __global__ void scales(float* scale, float* inverse, const float* amax,
                                  const float* limit, int count) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) set_scale(scale + i, inverse + i * INVERSE_SIZE, amax[i], limit[i]);
}

// A block is one tensor.
extern "C" __global__ void __launch_bounds__(THREADS)
    delayed_scales(float* scale, float* inverse, float* history, float* amax, const float* limit,
                   int length, int newestOnly) {
  __shared__ float warps[THREADS / 32];
  const int tensor = blockIdx.x;
  const float newest = amax[tensor];
  if (newest == 0.0f) return;
  float* own = history + (i64)tensor * length;
  float most = newest;
  for (int first = 0; first < length - 1; first += THREADS) {
    const int i = first + threadIdx.x;
    const float entry = i < length - 1 ? own[i + 1] : 0.0f;
    __syncthreads();
    if (i < length - 1) own[i] = entry;
    most = fmaxf(most, entry);
  }
  most = warp_max(most);
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = most;
  __syncthreads();
  if (threadIdx.x != 0) return;
  for (int i = 1; i < THREADS / 32; i++) most = fmaxf(most, warps[i]);
  own[length - 1] = newest;
  amax[tensor] = 0.0f;
  set_scale(scale + tensor, inverse + tensor * INVERSE_SIZE, newestOnly ? newest : most,
            limit[tensor]);
}
