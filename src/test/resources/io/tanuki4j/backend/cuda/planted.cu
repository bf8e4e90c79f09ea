// One fault for each tool of compute-sanitizer, in a block of two warps. Each has the same parameters: memory of
// count elements that is written, and as much that nothing has written. The last two are for runs: one ends all work of
// its process, the other never ends.

extern "C" __global__ void planted_memcheck(u32* out, const u32* unwritten, i64 count) {
  if (threadIdx.x == 0) out[count] = 1;
}

extern "C" __global__ void planted_racecheck(u32* out, const u32* unwritten, i64 count) {
  __shared__ volatile u32 shared[64];
  shared[threadIdx.x] = threadIdx.x;
  out[threadIdx.x] = shared[63 - threadIdx.x];
}

extern "C" __global__ void planted_initcheck(u32* out, const u32* unwritten, i64 count) {
  out[threadIdx.x] = unwritten[threadIdx.x] + 1;
}

extern "C" __global__ void planted_synccheck(u32* out, const u32* unwritten, i64 count) {
  out[threadIdx.x] = threadIdx.x;
  if (threadIdx.x % 2 == 0) __syncthreads();
  out[threadIdx.x] += out[threadIdx.x ^ 1];
}

extern "C" __global__ void planted_trap(u32* out, const u32* unwritten, i64 count) {
  asm volatile("trap;");
}

extern "C" __global__ void planted_spin(u32* out, const u32* unwritten, i64 count) {
  for (;;) asm volatile("nanosleep.u32 1000;");
}
