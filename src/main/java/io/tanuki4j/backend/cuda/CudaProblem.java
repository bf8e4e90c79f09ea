package io.tanuki4j.backend.cuda;

/**
 * A reason why part of CUDA cannot be used here.
 *
 * @param subject a component or a GPU
 * @param reason what was found, and what was expected
 * @param remedy what to do
 * @param fatal whether no GPU can be used because of it
 */
public record CudaProblem(String subject, String reason, String remedy, boolean fatal) {
  static CudaProblem of(CudaComponent component, String reason) {
    return new CudaProblem(component.title(), reason, component.remedy(), component.required());
  }

  /** Writes one sentence for each part. */
  @Override
  public String toString() {
    return "%s: %s. %s.".formatted(subject, reason, remedy);
  }
}
