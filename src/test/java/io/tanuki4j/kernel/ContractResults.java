package io.tanuki4j.kernel;

import java.util.Locale;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

/** Keeps which tests of the contract a backend passes. */
final class ContractResults implements TestWatcher {
  private static final String SUFFIX = "KernelsTest";

  @Override
  public void testSuccessful(ExtensionContext context) {
    keep(context, "passed");
  }

  @Override
  public void testAborted(ExtensionContext context, Throwable cause) {
    keep(context, "does not apply");
  }

  @Override
  public void testFailed(ExtensionContext context, Throwable cause) {
    keep(context, "failed");
  }

  /**
   * Keeps a result under the name of the class around the family's, which begins with the
   * backend's.
   */
  private static void keep(ExtensionContext context, String result) {
    Class<?> family = context.getRequiredTestClass();
    String backend = family.getEnclosingClass().getSimpleName().replace(SUFFIX, "");
    String test = context.getRequiredTestMethod().getName() + " " + context.getDisplayName();
    Outputs.keep(
        backend.toLowerCase(Locale.ROOT),
        "contract/%s/%s/%s".formatted(result, family.getSimpleName(), test),
        new double[0]);
  }
}
