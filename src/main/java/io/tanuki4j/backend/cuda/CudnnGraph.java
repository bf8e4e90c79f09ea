package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.cuda.global.cudnn;
import org.bytedeco.javacpp.FloatPointer;
import org.jspecify.annotations.Nullable;

/**
 * Operations between tensors that cuDNN fuses into few kernels. Virtual tensors exist only inside;
 * the others, real ones and scalars, get addresses when the graph runs. All arithmetic is in fp32.
 */
final class CudnnGraph implements AutoCloseable {
  static final int F32 = cudnn.CUDNN_DATA_FLOAT;
  static final int I32 = cudnn.CUDNN_DATA_INT32;
  static final int I64 = cudnn.CUDNN_DATA_INT64;
  private static final int BOOLEAN = cudnn.CUDNN_DATA_BOOLEAN;
  private static final int ALIGNMENT = 16;
  private static final int ROW_AXIS = 2;
  private static final int COLUMN_AXIS = 3;
  private static final int NO_AXIS = -1;
  private static final long[] SCALAR = {1, 1, 1, 1};

  private final List<CudnnDescriptor> descriptors = new ArrayList<>();
  private final List<CudnnDescriptor> operations = new ArrayList<>();
  private final Map<Long, FloatPointer> scalars = new LinkedHashMap<>();
  private long numTensors;

  /** Returns the library's name of a type of sixteen bits. */
  static int type(DType dtype) {
    return dtype == DType.F16 ? cudnn.CUDNN_DATA_HALF : cudnn.CUDNN_DATA_BFLOAT16;
  }

  /** Returns the operations in the order in which they have to run. */
  CudnnDescriptor[] operations() {
    return operations.toArray(CudnnDescriptor[]::new);
  }

  /** Returns the host memory of the scalars by tensor id; alive as long as this graph. */
  Map<Long, FloatPointer> scalars() {
    return scalars;
  }

  /** Creates a descriptor that is closed together with this graph. */
  CudnnDescriptor create(int type) {
    CudnnDescriptor descriptor = new CudnnDescriptor(type);
    descriptors.add(descriptor);
    return descriptor;
  }

  CudnnTensor real(int type, long[] dims, long[] strides) {
    CudnnDescriptor descriptor = describe(type, dims, strides);
    return new CudnnTensor(descriptor.finish(), numTensors, dims, strides);
  }

  /**
   * A real tensor whose batch entries lie anywhere.
   *
   * @param offsets of the entries from the address, in elements, and one more for the end of the
   *     last
   */
  CudnnTensor ragged(int type, long[] dims, long[] strides, CudnnTensor offsets) {
    CudnnDescriptor descriptor = describeRagged(type, dims, strides, offsets);
    return new CudnnTensor(descriptor.finish(), numTensors, dims, strides);
  }

  CudnnTensor virtualRagged(int type, long[] dims, long[] strides, CudnnTensor offsets) {
    CudnnDescriptor descriptor = describeRagged(type, dims, strides, offsets);
    descriptor.setTrue(cudnn.CUDNN_ATTR_TENSOR_IS_VIRTUAL);
    return new CudnnTensor(descriptor.finish(), numTensors, dims, strides);
  }

  private CudnnDescriptor describeRagged(
      int type, long[] dims, long[] strides, CudnnTensor offsets) {
    return describe(type, dims, strides)
        .setDescriptors(cudnn.CUDNN_ATTR_TENSOR_RAGGED_OFFSET_DESC, offsets.descriptor());
  }

  /** Integers, one for each batch entry. */
  CudnnTensor integers(int type, long count) {
    return real(type, new long[] {count, 1, 1, 1}, SCALAR);
  }

  CudnnTensor virtual(int type, long[] dims, long[] strides) {
    CudnnDescriptor descriptor = describe(type, dims, strides);
    descriptor.setTrue(cudnn.CUDNN_ATTR_TENSOR_IS_VIRTUAL);
    return new CudnnTensor(descriptor.finish(), numTensors, dims, strides);
  }

  CudnnTensor scalar(float value) {
    CudnnDescriptor descriptor = describe(F32, SCALAR, SCALAR);
    descriptor.setTrue(cudnn.CUDNN_ATTR_TENSOR_IS_BY_VALUE);
    scalars.put(numTensors, new FloatPointer(value));
    return new CudnnTensor(descriptor.finish(), numTensors, SCALAR, SCALAR);
  }

  private CudnnDescriptor describe(int type, long[] dims, long[] strides) {
    numTensors++;
    return create(cudnn.CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        .setInt(cudnn.CUDNN_ATTR_TENSOR_DATA_TYPE, cudnn.CUDNN_TYPE_DATA_TYPE, type)
        .set(cudnn.CUDNN_ATTR_TENSOR_DIMENSIONS, cudnn.CUDNN_TYPE_INT64, dims)
        .set(cudnn.CUDNN_ATTR_TENSOR_STRIDES, cudnn.CUDNN_TYPE_INT64, strides)
        .set(cudnn.CUDNN_ATTR_TENSOR_UNIQUE_ID, cudnn.CUDNN_TYPE_INT64, numTensors)
        .set(cudnn.CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, cudnn.CUDNN_TYPE_INT64, ALIGNMENT);
  }

  /** Writes {@code a · b} into out, which it returns. */
  CudnnTensor matmul(CudnnTensor a, CudnnTensor b, CudnnTensor out) {
    return matmul(a, b, out, null, 0);
  }

  /**
   * Writes {@code a · b} into out, which it returns.
   *
   * @param lengths how many rows, and how much of another dim, each batch entry has; null for all
   * @param other the attribute of that dim, {@code
   *     CUDNN_ATTR_OPERATION_MATMUL_GEMM_…_OVERRIDE_DESC}
   */
  CudnnTensor matmul(
      CudnnTensor a, CudnnTensor b, CudnnTensor out, @Nullable CudnnTensor lengths, int other) {
    CudnnDescriptor kind =
        create(cudnn.CUDNN_BACKEND_MATMUL_DESCRIPTOR)
            .setInt(cudnn.CUDNN_ATTR_MATMUL_COMP_TYPE, cudnn.CUDNN_TYPE_DATA_TYPE, F32)
            .finish();
    CudnnDescriptor operation =
        create(cudnn.CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_MATMUL_ADESC, a.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_MATMUL_BDESC, b.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_MATMUL_CDESC, out.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_MATMUL_DESC, kind);
    if (lengths != null) {
      int rows = cudnn.CUDNN_ATTR_OPERATION_MATMUL_GEMM_M_OVERRIDE_DESC;
      operation.setDescriptors(rows, lengths.descriptor());
      operation.setDescriptors(other, lengths.descriptor());
    }
    operations.add(operation.finish());
    return out;
  }

  /** Applies a function of one element, into a virtual fp32 tensor. */
  CudnnTensor map(int mode, CudnnTensor x) {
    return map(mode, x, null, virtual(F32, x.dims(), x.strides()));
  }

  /** Applies a function of two elements, into a virtual fp32 tensor; the second is broadcast. */
  CudnnTensor map(int mode, CudnnTensor x, CudnnTensor other) {
    return map(mode, x, other, virtual(F32, x.dims(), x.strides()));
  }

  CudnnTensor map(int mode, CudnnTensor x, @Nullable CudnnTensor other, CudnnTensor out) {
    return pointwise(mode, F32, NO_AXIS, x, other, null, out);
  }

  /** Keeps what is on or below the diagonal; the rest becomes minus infinity. */
  CudnnTensor causal(CudnnTensor scores) {
    CudnnTensor row = index(scores, ROW_AXIS);
    CudnnTensor column = index(scores, COLUMN_AXIS);
    return keep(scores, compare(cudnn.CUDNN_POINTWISE_CMP_GE, row, column));
  }

  /** Keeps the first rows and columns of each batch entry; the rest becomes minus infinity. */
  CudnnTensor within(CudnnTensor scores, CudnnTensor lengths) {
    CudnnTensor row = index(scores, ROW_AXIS);
    CudnnTensor column = index(scores, COLUMN_AXIS);
    CudnnTensor rows = compare(cudnn.CUDNN_POINTWISE_CMP_LT, row, lengths);
    CudnnTensor columns = compare(cudnn.CUDNN_POINTWISE_CMP_LT, column, lengths);
    return keep(scores, compare(cudnn.CUDNN_POINTWISE_LOGICAL_AND, rows, columns));
  }

  private CudnnTensor compare(int mode, CudnnTensor x, CudnnTensor other) {
    CudnnTensor out = virtual(BOOLEAN, x.dims(), x.strides());
    return pointwise(mode, BOOLEAN, NO_AXIS, x, other, null, out);
  }

  private CudnnTensor keep(CudnnTensor scores, CudnnTensor kept) {
    CudnnTensor out = virtual(F32, scores.dims(), scores.strides());
    CudnnTensor never = scalar(Float.NEGATIVE_INFINITY);
    int select = cudnn.CUDNN_POINTWISE_BINARY_SELECT;
    return pointwise(select, F32, NO_AXIS, scores, never, kept, out);
  }

  private CudnnTensor index(CudnnTensor scores, int axis) {
    CudnnTensor out = virtual(I32, scores.dims(), scores.strides());
    return pointwise(cudnn.CUDNN_POINTWISE_GEN_INDEX, F32, axis, scores, null, null, out);
  }

  private CudnnTensor pointwise(
      int mode,
      int computeType,
      int axis,
      CudnnTensor x,
      @Nullable CudnnTensor other,
      @Nullable CudnnTensor condition,
      CudnnTensor out) {
    CudnnDescriptor kind =
        create(cudnn.CUDNN_BACKEND_POINTWISE_DESCRIPTOR)
            .setInt(cudnn.CUDNN_ATTR_POINTWISE_MODE, cudnn.CUDNN_TYPE_POINTWISE_MODE, mode)
            .setInt(cudnn.CUDNN_ATTR_POINTWISE_MATH_PREC, cudnn.CUDNN_TYPE_DATA_TYPE, computeType);
    if (axis != NO_AXIS) {
      kind.set(cudnn.CUDNN_ATTR_POINTWISE_AXIS, cudnn.CUDNN_TYPE_INT64, axis);
    }
    CudnnDescriptor operation =
        create(cudnn.CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, kind.finish())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_YDESC, out.descriptor());
    if (other != null) {
      operation.setDescriptors(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_BDESC, other.descriptor());
    }
    if (condition != null) {
      operation.setDescriptors(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_TDESC, condition.descriptor());
    }
    operations.add(
        operation
            .setFloat(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_ALPHA1, 1)
            .setFloat(cudnn.CUDNN_ATTR_OPERATION_POINTWISE_ALPHA2, 1)
            .finish());
    return out;
  }

  /** Reduces the dims in which out has size 1, or fewer heads. */
  CudnnTensor reduce(int operator, CudnnTensor x, CudnnTensor out) {
    CudnnDescriptor kind =
        create(cudnn.CUDNN_BACKEND_REDUCTION_DESCRIPTOR)
            .setInt(cudnn.CUDNN_ATTR_REDUCTION_COMP_TYPE, cudnn.CUDNN_TYPE_DATA_TYPE, F32)
            .setInt(
                cudnn.CUDNN_ATTR_REDUCTION_OPERATOR,
                cudnn.CUDNN_TYPE_REDUCTION_OPERATOR_TYPE,
                operator)
            .finish();
    operations.add(
        create(cudnn.CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_REDUCTION_DESC, kind)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_REDUCTION_YDESC, out.descriptor())
            .finish());
    return out;
  }

  /** Views the same elements under the dims, strides and type of out. */
  CudnnTensor reshape(CudnnTensor x, CudnnTensor out) {
    operations.add(
        create(cudnn.CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR)
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x.descriptor())
            .setDescriptors(cudnn.CUDNN_ATTR_OPERATION_RESHAPE_YDESC, out.descriptor())
            .finish());
    return out;
  }

  @Override
  public void close() {
    descriptors.forEach(CudnnDescriptor::close);
    scalars.values().forEach(FloatPointer::close);
  }
}
