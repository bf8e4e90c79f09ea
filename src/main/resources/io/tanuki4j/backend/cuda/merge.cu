// Merges attention to other keys into that of the last `part` positions. Blocks: position, sample.
// Options: GRAD (type of the result), ELEMENT (type of the part), VEC.

constexpr int THREADS = 128;

// log(exp(a) + exp(b))
inline float log_of_sum(float a, float b) {
  return fmaxf(a, b) + log1pf(expf(-fabsf(a - b)));
}

extern "C" __global__ void __launch_bounds__(THREADS)
    attention_merge(GRAD* out, float* logSumExp, const ELEMENT* partOut, const float* partLogSumExp,
                    int seqLength, int part, int batch, int heads, int dim) {
  __shared__ float kept[THREADS], added[THREADS];
  const int position = blockIdx.x, sample = blockIdx.y;
  const int skipped = seqLength - part;
  const i64 from = ((i64)position * batch + sample) * heads * dim;
  const i64 to = from + (i64)skipped * batch * heads * dim;
  for (int first = 0; first < heads; first += THREADS) {
    const int count = min(THREADS, heads - first);
    if (threadIdx.x < count) {
      const i64 head = (i64)sample * heads + first + threadIdx.x;
      float* sum = logSumExp + head * seqLength + skipped + position;
      const float before = *sum, more = partLogSumExp[head * part + position];
      const float merged = log_of_sum(before, more);
      kept[threadIdx.x] = expf(before - merged);
      added[threadIdx.x] = expf(more - merged);
      *sum = merged;
    }
    __syncthreads();
    for (int i = threadIdx.x * VEC; i < count * dim; i += THREADS * VEC) {
      const int head = i / dim;
      const i64 at = (i64)first * dim + i;
      if constexpr (VEC == 1) {
        const float sum = widen(out[to + at]) * kept[head] + widen(partOut[from + at]) * added[head];
        out[to + at] = narrow<GRAD>(sum);
      } else {
        const Pack<GRAD, VEC> before = Pack<GRAD, VEC>::load(out + to + at);
        const Pack<ELEMENT, VEC> more = Pack<ELEMENT, VEC>::load(partOut + from + at);
        float y[VEC];
#pragma unroll
        for (int j = 0; j < VEC; j++) y[j] = before[j] * kept[head] + more[j] * added[head];
        Pack<GRAD, VEC>::of(y).store(out + to + at);
      }
    }
    __syncthreads();
  }
}
