package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.kernel.Replay;
import org.bytedeco.cuda.cudart.CUgraphExec_st;
import org.bytedeco.cuda.cudart.CUgraph_st;
import org.bytedeco.cuda.global.cudart;

/**
 * A CUDA graph: one call launches all of its operations. What only the host can do follows each
 * launch.
 */
final class CudaReplay implements Replay {
  private final CudaStream stream;
  private final CudaWorkspace workspace;
  private final CUgraphExec_st graph = new CUgraphExec_st();
  private final HostPart host;
  private boolean closed;

  /** Records the operations that the work issues on the stream. */
  CudaReplay(CudaStream stream, CudaWorkspace workspace, Runnable work) {
    this.stream = stream;
    this.workspace = workspace;
    host = stream.beginRecording();
    CUgraph_st recorded = record(work);
    try {
      check(cudart.cudaGraphInstantiate(graph, recorded, 0), "cudaGraphInstantiate");
      check(cudart.cudaGraphUpload(graph, stream.handle()), "cudaGraphUpload");
    } finally {
      check(cudart.cudaGraphDestroy(recorded), "cudaGraphDestroy");
    }
    workspace.addReplay();
  }

  private CUgraph_st record(Runnable work) {
    boolean done = false;
    try {
      work.run();
      done = true;
      return stream.endRecording();
    } finally {
      if (!done) {
        stream.abandonRecording();
        host.close();
      }
    }
  }

  @Override
  public void run() {
    stream.requireRunning("run a replay");
    check(cudart.cudaGraphLaunch(graph, stream.handle()), "cudaGraphLaunch");
    host.run();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      stream.synchronize();
      check(cudart.cudaGraphExecDestroy(graph), "cudaGraphExecDestroy");
      host.close();
      workspace.removeReplay();
    }
  }
}
