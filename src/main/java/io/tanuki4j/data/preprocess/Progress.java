package io.tanuki4j.data.preprocess;

/**
 * How far a run is.
 *
 * @param documents written so far
 * @param textBytes bytes of their JSON lines
 * @param bytesRead bytes of the input files read so far, counted as compressed
 * @param bytesTotal bytes to read in all
 * @param nanos time since the first line was read
 */
public record Progress(
    long documents, long textBytes, long bytesRead, long bytesTotal, long nanos) {
  private static final double NANOS_PER_SECOND = 1e9;
  private static final double BYTES_PER_MB = 1024.0 * 1024.0;

  double seconds() {
    return nanos / NANOS_PER_SECOND;
  }

  double documentsPerSecond() {
    return documents / Math.max(seconds(), 1 / NANOS_PER_SECOND);
  }

  double megabytesPerSecond() {
    return textBytes / BYTES_PER_MB / Math.max(seconds(), 1 / NANOS_PER_SECOND);
  }

  /** Returns the fraction of the input that has been read, 0 to 1. */
  double fraction() {
    return bytesTotal == 0 ? 1 : Math.min(1, (double) bytesRead / bytesTotal);
  }
}
