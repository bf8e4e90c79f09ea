package io.tanuki4j.backend.nd4j;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Objects;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.conf.WorkspaceConfiguration;
import org.nd4j.linalg.api.memory.enums.AllocationPolicy;
import org.nd4j.linalg.api.memory.enums.LearningPolicy;
import org.nd4j.linalg.api.memory.enums.SpillPolicy;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs each operation inside a workspace, memory of its thread for the arrays it makes. Outside of
 * one, arrays wait for the garbage collector, which does not know how large they are.
 */
final class InWorkspace {
  private static final String NAME = "tanuki4j";

  /** Kept from operation to operation; what does not fit is freed when its operation ends. */
  private static final long BYTES = 64L << 20;

  private static final WorkspaceConfiguration CONFIGURATION =
      WorkspaceConfiguration.builder()
          .initialSize(BYTES)
          .policyAllocation(AllocationPolicy.STRICT)
          .policyLearning(LearningPolicy.NONE)
          .policySpill(SpillPolicy.EXTERNAL)
          .build();

  private InWorkspace() {}

  /** Returns the same kernels, each call in the workspace. */
  static <T> T wrap(Class<T> family, T kernels) {
    Object wrapped =
        Proxy.newProxyInstance(
            family.getClassLoader(),
            new Class<?>[] {family},
            (proxy, method, arguments) -> {
              try (MemoryWorkspace open =
                  Nd4j.getWorkspaceManager().getAndActivateWorkspace(CONFIGURATION, NAME)) {
                return method.invoke(kernels, arguments);
              } catch (InvocationTargetException e) {
                throw Objects.requireNonNull(e.getCause());
              }
            });
    return family.cast(wrapped);
  }
}
