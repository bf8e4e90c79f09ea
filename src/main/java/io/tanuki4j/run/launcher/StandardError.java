package io.tanuki4j.run.launcher;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Method;

/**
 * The process's standard error, which {@code scripts/tanuki4j} filters until the program runs: Java
 * warns at each start that the vector module is an incubator, and no option prevents it.
 */
public final class StandardError {
  /** Names the descriptor that holds the real standard error; absent where nothing is filtered. */
  public static final String PROPERTY = "tanuki4j.stderr";

  /** What Java writes about the vector module. */
  static final String INCUBATOR_WARNING = "WARNING: Using incubator modules: jdk.incubator.vector";

  private StandardError() {}

  /**
   * Puts the real standard error back, for native libraries too. Where a later Java does not allow
   * it, the filter stays: it drops one line only.
   */
  public static void restore() {
    Integer kept = Integer.getInteger(PROPERTY);
    if (kept == null) {
      return;
    }
    try {
      Constructor<FileDescriptor> descriptor =
          FileDescriptor.class.getDeclaredConstructor(int.class);
      descriptor.setAccessible(true);
      FileDescriptor real = descriptor.newInstance(kept);
      Class<?> dispatcher = Class.forName("sun.nio.ch.FileDispatcherImpl");
      Constructor<?> make = dispatcher.getDeclaredConstructor();
      make.setAccessible(true);
      Method duplicate =
          Class.forName("sun.nio.ch.NativeDispatcher")
              .getDeclaredMethod("dup", FileDescriptor.class, FileDescriptor.class);
      duplicate.setAccessible(true);
      duplicate.invoke(make.newInstance(), real, FileDescriptor.err);
      new FileOutputStream(real).close();
    } catch (ReflectiveOperationException | InaccessibleObjectException | IOException e) {
      return;
    }
  }
}
