package io.tanuki4j.parallel.pipeline;

import java.util.ArrayDeque;
import java.util.Queue;

/** Messages from one stage to another in simulated time, in the order they are posted in. */
final class Channel {
  private final Queue<Message> sent = new ArrayDeque<>();
  private final Queue<Message> awaited = new ArrayDeque<>();

  /** A message that one end has posted, and later both. */
  static final class Message {
    private final ChunkPass consumer;
    private double time;
    private boolean passed;

    private Message(ChunkPass consumer, double time) {
      this.consumer = consumer;
      this.time = time;
    }

    boolean hasPassed() {
      return passed;
    }

    double postedBothAt() {
      return time;
    }

    private Message meet(ChunkPass otherConsumer, double otherTime) {
      if (!consumer.equals(otherConsumer)) {
        throw new IllegalStateException(
            "a message for %s meets one for %s".formatted(consumer, otherConsumer));
      }
      time = Math.max(time, otherTime);
      passed = true;
      return this;
    }
  }

  /**
   * @param consumer the receiver's unit that needs the message
   */
  Message send(ChunkPass consumer, double time) {
    return post(sent, awaited, consumer, time);
  }

  Message receive(ChunkPass consumer, double time) {
    return post(awaited, sent, consumer, time);
  }

  private static Message post(
      Queue<Message> own, Queue<Message> others, ChunkPass consumer, double time) {
    Message waiting = others.poll();
    if (waiting != null) {
      return waiting.meet(consumer, time);
    }
    Message message = new Message(consumer, time);
    own.add(message);
    return message;
  }
}
