package io.tanuki4j.parallel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterListener;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RepeatedListenerTest {
  private final List<String> heard = new ArrayList<>();
  private final List<Runnable> apart = new ArrayList<>();

  /** A device in a recording, which keeps what is to be issued at each replay. */
  private final Device device =
      (Device)
          Proxy.newProxyInstance(
              Device.class.getClassLoader(),
              new Class<?>[] {Device.class},
              (proxy, method, arguments) -> {
                assertThat(method.getName()).isEqualTo("issueApart");
                apart.add((Runnable) arguments[0]);
                return null;
              });

  private final ParameterListener listener =
      new ParameterListener() {
        @Override
        public void valuesNeeded(List<Parameter> parameters) {
          heard.add("values");
        }

        @Override
        public void gradientsDone(List<Parameter> parameters) {
          heard.add("gradients");
        }
      };

  @Test
  void values_are_awaited_in_the_recording_and_gradients_sent_at_each_replay() {
    ParameterListener repeated = RepeatedListener.of(device, listener);
    repeated.valuesNeeded(List.of());
    repeated.gradientsDone(List.of());
    assertThat(heard).containsExactly("values");
    apart.forEach(Runnable::run);
    apart.forEach(Runnable::run);
    assertThat(heard).containsExactly("values", "gradients", "gradients");
  }

  @Test
  void micro_batches_without_a_listener_mark_nothing() {
    assertThat(RepeatedListener.of(device, ParameterListener.NONE))
        .isSameAs(ParameterListener.NONE);
  }
}
