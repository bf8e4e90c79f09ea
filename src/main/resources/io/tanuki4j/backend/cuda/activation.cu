// SwiGLU (Shazeer, 2020). Blocks: x is the row, y walks over its columns. Options: ELEMENT, VEC.

typedef ELEMENT T;
typedef Pack<T, VEC> Elements;

extern "C" __global__ void __launch_bounds__(256)
    swiglu_forward(T* out, const T* gateUp, int columns) {
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * VEC;
  if (column >= columns) return;
  const T* gates = gateUp + (i64)blockIdx.x * 2 * columns + column;
  const Elements gate = Elements::load(gates);
  const Elements up = Elements::load(gates + columns);
  float y[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) y[j] = gate[j] * sigmoid<T>(gate[j]) * up[j];
  Elements::of(y).store(out + (i64)blockIdx.x * columns + column);
}

// dGateUp may be gateUp.
extern "C" __global__ void __launch_bounds__(256)
    swiglu_backward(T* dGateUp, const T* dOut, const T* gateUp, int columns) {
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * VEC;
  if (column >= columns) return;
  const i64 start = (i64)blockIdx.x * 2 * columns + column;
  const Elements gate = Elements::load(gateUp + start);
  const Elements up = Elements::load(gateUp + start + columns);
  const Elements grad = Elements::load(dOut + (i64)blockIdx.x * columns + column);
  float dGate[VEC], dUp[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) {
    const float s = sigmoid<T>(gate[j]);
    dUp[j] = grad[j] * gate[j] * s;
    dGate[j] = grad[j] * up[j] * s * (1.0f + gate[j] * (1.0f - s));
  }
  Elements::of(dGate).store(dGateUp + start);
  Elements::of(dUp).store(dGateUp + start + columns);
}
