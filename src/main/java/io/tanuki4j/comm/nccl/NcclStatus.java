package io.tanuki4j.comm.nccl;

import org.bytedeco.cuda.global.nccl;
import org.bytedeco.javacpp.BytePointer;

/** Describes the status of NCCL calls. */
final class NcclStatus {
  private NcclStatus() {}

  static boolean failed(int status) {
    return status != nccl.ncclSuccess && status != nccl.ncclInProgress;
  }

  /**
   * Returns a description, for example {@code unhandled system error (status 2; socketStartConnect:
   * …)}.
   */
  static String text(int status) {
    BytePointer last = nccl.ncclGetLastError(null);
    String detail = last == null || last.isNull() ? "" : last.getString().strip();
    return "%s (status %d%s)"
        .formatted(
            nccl.ncclGetErrorString(status).getString(),
            status,
            detail.isEmpty() ? "" : "; " + detail);
  }
}
