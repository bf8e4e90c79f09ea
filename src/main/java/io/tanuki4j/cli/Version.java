package io.tanuki4j.cli;

import picocli.CommandLine.IVersionProvider;

/** Provides the version that the build wrote into the jar. */
final class Version implements IVersionProvider {
  @Override
  public String[] getVersion() {
    String version = Main.class.getPackage().getImplementationVersion();
    return new String[] {"tanuki4j " + (version == null ? "(not from a jar)" : version)};
  }
}
