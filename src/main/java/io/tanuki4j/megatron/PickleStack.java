package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The stack and the memo of a pickle that is being read. */
final class PickleStack {
  private final String source;
  private final List<@Nullable Object> values = new ArrayList<>();
  private final Deque<Integer> marks = new ArrayDeque<>();
  private final Map<Integer, @Nullable Object> memo = new HashMap<>();

  PickleStack(String source) {
    this.source = source;
  }

  void push(@Nullable Object value) {
    values.add(value);
  }

  @Nullable Object pop() {
    return values.remove(values.size() - 1);
  }

  @Nullable Object top() {
    return values.get(values.size() - 1);
  }

  /** Takes the last values, in their order. */
  List<@Nullable Object> pop(int count) {
    return popFrom(values.size() - count);
  }

  private List<@Nullable Object> popFrom(int begin) {
    List<@Nullable Object> last = values.subList(begin, values.size());
    List<@Nullable Object> taken = new ArrayList<>(last);
    last.clear();
    return taken;
  }

  void mark() {
    marks.push(values.size());
  }

  List<@Nullable Object> popToMark() {
    if (marks.isEmpty()) {
      throw new IndexOutOfBoundsException();
    }
    return popFrom(marks.pop());
  }

  void remember(int place) {
    memo.put(place, top());
  }

  void rememberNext() {
    memo.put(memo.size(), top());
  }

  void recall(int place) {
    if (!memo.containsKey(place)) {
      throw new IndexOutOfBoundsException();
    }
    push(memo.get(place));
  }

  Map<@Nullable Object, @Nullable Object> newMap() {
    return new LinkedHashMap<>();
  }

  /** Puts alternating keys and values into a map, and returns it. */
  Map<@Nullable Object, @Nullable Object> put(
      Map<@Nullable Object, @Nullable Object> map, List<@Nullable Object> pairs) {
    for (int i = 0; i + 1 < pairs.size(); i += 2) {
      map.put(checkedKey(pairs.get(i)), pairs.get(i + 1));
    }
    return map;
  }

  /** Rejects a key nested so deeply that comparing it would overflow the Java stack. */
  private @Nullable Object checkedKey(@Nullable Object key) {
    boolean deep =
        key instanceof Map<?, ?>
            || (key instanceof List<?> list
                && list.stream().anyMatch(each -> each instanceof List<?> || each instanceof Map));
    if (deep) {
      throw new UserException(
          source
              + ": it is no whole pickle of a checkpoint: a key is a list of lists. Copy it again.");
    }
    return key;
  }
}
