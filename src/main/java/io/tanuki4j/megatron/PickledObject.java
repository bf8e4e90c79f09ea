package io.tanuki4j.megatron;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An object of a Python class in a pickle: the data it would be made from. Nothing is made or
 * called. Objects are equal only to themselves.
 */
final class PickledObject {
  private final String type;
  private final List<@Nullable Object> arguments;
  private final Map<@Nullable Object, @Nullable Object> items = new LinkedHashMap<>();
  private @Nullable Object state;

  /**
   * Describes an object.
   *
   * @param type module and name, {@code argparse.Namespace}
   * @param arguments of its constructor
   */
  PickledObject(String type, List<@Nullable Object> arguments) {
    this.type = type;
    this.arguments = arguments;
  }

  String type() {
    return type;
  }

  List<@Nullable Object> arguments() {
    return arguments;
  }

  /** Returns the items of an object that is also a dictionary. */
  Map<@Nullable Object, @Nullable Object> items() {
    return items;
  }

  /** Returns the state that its attributes would be set from; null for none. */
  @Nullable Object state() {
    return state;
  }

  void setState(@Nullable Object state) {
    this.state = state;
  }

  /** Returns its attributes if its state is a dictionary; empty otherwise. */
  Map<?, ?> attributes() {
    return state instanceof Map<?, ?> map ? map : Map.of();
  }
}
