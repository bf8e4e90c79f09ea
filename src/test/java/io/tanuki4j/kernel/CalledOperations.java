package io.tanuki4j.kernel;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Which operations of the kernel contract were called. */
final class CalledOperations {
  private final Set<String> called = new TreeSet<>();

  /** Every operation of the contract, as {@code family.operation}. */
  static Set<String> all() {
    return Arrays.stream(Kernels.class.getRecordComponents())
        .flatMap(
            family ->
                Arrays.stream(family.getType().getMethods())
                    .filter(method -> Modifier.isAbstract(method.getModifiers()))
                    .map(method -> name(family, method)))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** Those that were called so far. */
  Set<String> called() {
    return called;
  }

  /** The same kernels, whose calls count. */
  Kernels watch(Kernels kernels) {
    try {
      Object[] families =
          Arrays.stream(Kernels.class.getRecordComponents())
              .map(family -> watch(family, kernels))
              .toArray();
      Constructor<?> constructor = Kernels.class.getDeclaredConstructors()[0];
      return (Kernels) constructor.newInstance(families);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private Object watch(RecordComponent family, Kernels kernels) {
    Object operations;
    try {
      operations = family.getAccessor().invoke(kernels);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    return Proxy.newProxyInstance(
        getClass().getClassLoader(),
        new Class<?>[] {family.getType()},
        (proxy, method, arguments) -> {
          called.add(name(family, method));
          try {
            return method.invoke(operations, arguments);
          } catch (InvocationTargetException e) {
            throw Objects.requireNonNull(e.getCause());
          }
        });
  }

  private static String name(RecordComponent family, Method operation) {
    return family.getName() + "." + operation.getName();
  }
}
