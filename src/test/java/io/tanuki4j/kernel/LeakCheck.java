package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.LongSupplier;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails a test that leaves device memory in use: register it before what closes the memory. */
public final class LeakCheck implements BeforeEachCallback, AfterEachCallback {
  private final LongSupplier bytesInUse;
  private long before;

  public LeakCheck(LongSupplier bytesInUse) {
    this.bytesInUse = bytesInUse;
  }

  @Override
  public void beforeEach(ExtensionContext context) {
    before = bytesInUse.getAsLong();
  }

  @Override
  public void afterEach(ExtensionContext context) {
    assertThat(bytesInUse.getAsLong()).as("bytes of device memory in use").isEqualTo(before);
  }
}
