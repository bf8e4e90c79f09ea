package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;

/** The connection of a run of one rank. */
public record SoloConnection() implements RankConnection {
  @Override
  public int globalRank() {
    return 0;
  }

  @Override
  public int worldSize() {
    return 1;
  }

  @Override
  public int localRank() {
    return 0;
  }

  @Override
  public int localWorldSize() {
    return 1;
  }

  @Override
  public ProcessGroupFactory processGroups(Device device) {
    return new SoloWorld(device);
  }

  /** Does nothing: there are no other ranks. */
  @Override
  public void failed(Throwable cause, String reason) {}
}
