package io.tanuki4j.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/** What the host does behind each launch of a recording, and the marks that it refers to. */
final class HostPart implements AutoCloseable {
  private final List<Runnable> actions = new ArrayList<>();
  private final List<CudaMark> marks = new ArrayList<>();

  void add(Runnable action) {
    actions.add(action);
  }

  /** Opens a mark that is closed with the recording. */
  CudaMark openMark() {
    CudaMark mark = new CudaMark();
    marks.add(mark);
    return mark;
  }

  void run() {
    actions.forEach(Runnable::run);
  }

  @Override
  public void close() {
    marks.forEach(CudaMark::close);
  }
}
