// SwiGLU (Shazeer, 2020), and functions of single numbers. Blocks: x is the row, y walks over its
// columns. Options: ELEMENT, VEC.

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

struct Gelu {
  static inline float value(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }
  static inline float slope(float x) {
    return 0.5f * (1.0f + erff(x * 0.70710678f)) + x * 0.39894228f * expf(-0.5f * x * x);
  }
};

struct GeluTanh {
  static inline float tanh_of(float x) {
    return tanhf(0.79788456f * x * (1.0f + 0.044715f * x * x));
  }
  static inline float value(float x) { return 0.5f * x * (1.0f + tanh_of(x)); }
  static inline float slope(float x) {
    const float t = tanh_of(x);
    const float inner = 0.79788456f * (1.0f + 0.134145f * x * x);
    return 0.5f * (1.0f + t + x * (1.0f - t * t) * inner);
  }
};

struct SquaredRelu {
  static inline float value(float x) { return x > 0.0f ? x * x : x * 0.0f; }
  static inline float slope(float x) { return x > 0.0f ? 2.0f * x : x * 0.0f; }
};

template <class F> inline void apply(T* out, const T* x, int columns) {
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * VEC;
  if (column >= columns) return;
  const i64 at = (i64)blockIdx.x * columns + column;
  const Elements values = Elements::load(x + at);
  float y[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) y[j] = F::value(values[j]);
  Elements::of(y).store(out + at);
}

// dx may be x.
template <class F> inline void apply_backward(T* dx, const T* dOut, const T* x, int columns) {
  const int column = (blockIdx.y * blockDim.x + threadIdx.x) * VEC;
  if (column >= columns) return;
  const i64 at = (i64)blockIdx.x * columns + column;
  const Elements values = Elements::load(x + at), grad = Elements::load(dOut + at);
  float y[VEC];
#pragma unroll
  for (int j = 0; j < VEC; j++) y[j] = grad[j] * F::slope(values[j]);
  Elements::of(y).store(dx + at);
}

extern "C" __global__ void __launch_bounds__(256) gelu_forward(T* out, const T* x, int columns) {
  apply<Gelu>(out, x, columns);
}
extern "C" __global__ void __launch_bounds__(256)
    gelu_backward(T* dx, const T* dOut, const T* x, int columns) {
  apply_backward<Gelu>(dx, dOut, x, columns);
}
extern "C" __global__ void __launch_bounds__(256)
    gelu_tanh_forward(T* out, const T* x, int columns) {
  apply<GeluTanh>(out, x, columns);
}
extern "C" __global__ void __launch_bounds__(256)
    gelu_tanh_backward(T* dx, const T* dOut, const T* x, int columns) {
  apply_backward<GeluTanh>(dx, dOut, x, columns);
}
extern "C" __global__ void __launch_bounds__(256)
    squared_relu_forward(T* out, const T* x, int columns) {
  apply<SquaredRelu>(out, x, columns);
}
extern "C" __global__ void __launch_bounds__(256)
    squared_relu_backward(T* dx, const T* dOut, const T* x, int columns) {
  apply_backward<SquaredRelu>(dx, dOut, x, columns);
}
