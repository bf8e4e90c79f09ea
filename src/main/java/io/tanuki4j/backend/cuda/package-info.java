/**
 * The backend for NVIDIA GPUs, sm_80 and newer. Matrix products are cuBLASLt's and attention is
 * cuDNN's; everything else is kernels of our own ({@code .cu} resources that NVRTC compiles at the
 * first start). Nothing here is loaded unless the backend or its report is asked for.
 *
 * <p>Start reading at {@link io.tanuki4j.backend.cuda.CudaBackend}, then CudaDevice; a kernel's way
 * from Java to the GPU is CudaNorm, CudaModules, CudaFunction.
 */
@NullMarked
package io.tanuki4j.backend.cuda;

import org.jspecify.annotations.NullMarked;
