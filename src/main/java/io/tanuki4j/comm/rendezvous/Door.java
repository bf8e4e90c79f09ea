package io.tanuki4j.comm.rendezvous;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Listens for other ranks and admits callers that prove to be ranks of the run.
 *
 * <p>The cost of strangers is bounded, whatever they send and however often they call: one thread,
 * and {@value #MOST_WAITING} connections of {@value Greeting#CALL_BYTES} bytes each for {@value
 * #PATIENCE_SECONDS} s. When there are more, the oldest are closed. A rank sends all it has to say
 * at once, and calls again if it was closed.
 */
public final class Door implements AutoCloseable {
  static final int MOST_WAITING = 64;

  private static final int PATIENCE_SECONDS = 10;
  private static final long PATIENCE = Duration.ofSeconds(PATIENCE_SECONDS).toNanos();
  private static final int PAUSE_MILLIS = 100;
  private static final int CLOSING_MILLIS = 10_000;

  private final ServerSocketChannel server;
  private final Selector selector;
  private final RunKey key;
  private final Host host;
  private final Thread thread;
  private final Deque<Visitor> visitors = new ArrayDeque<>();

  private Door(ServerSocketChannel server, Selector selector, RunKey key, Host host) {
    this.server = server;
    this.selector = selector;
    this.key = key;
    this.host = host;
    thread = new Thread(this::run, "door of " + host.name());
    thread.setDaemon(true);
  }

  /** The listener behind a door. Its methods run on the door's thread, so they must not wait. */
  public interface Host {
    /** Returns the name for the thread. */
    String name();

    /** Takes over the connection of a rank that has proved its identity. */
    void admit(Call call, SocketChannel channel) throws IOException;

    /** Reports that the door has broken, for any reason but being closed. */
    void broken(Throwable cause);
  }

  /** A connection that has not proved anything yet. */
  private record Visitor(SocketChannel channel, byte[] nonce, ByteBuffer heard, long end) {}

  /**
   * Opens a door.
   *
   * @param server bound; closed with the door
   */
  public static Door open(ServerSocketChannel server, RunKey key, Host host) throws IOException {
    server.configureBlocking(false);
    Selector selector = Selector.open();
    server.register(selector, SelectionKey.OP_ACCEPT);
    Door door = new Door(server, selector, key, host);
    door.thread.start();
    return door;
  }

  private void run() {
    try {
      while (server.isOpen()) {
        turn();
      }
    } catch (ClosedChannelException | ClosedSelectorException e) {
      // closed
    } catch (Throwable e) {
      if (server.isOpen()) {
        host.broken(e);
      }
    } finally {
      visitors.forEach(visitor -> close(visitor.channel));
      close(server);
      close(selector);
    }
  }

  private void turn() throws IOException {
    selector.select(millisOfFirst());
    List<SelectionKey> all = List.copyOf(selector.selectedKeys());
    selector.selectedKeys().clear();
    for (SelectionKey ready : all) {
      if (ready.isValid() && ready.attachment() instanceof Visitor visitor) {
        listen(visitor);
      } else if (ready.isValid()) {
        answerBell();
      }
    }
    while (!visitors.isEmpty() && visitors.element().end <= System.nanoTime()) {
      dismiss(visitors.element());
    }
  }

  /**
   * Returns the time that the first visitor has left; 0, which means no limit, if there is none.
   */
  private long millisOfFirst() {
    Visitor first = visitors.peek();
    return first == null ? 0 : Math.max(1, (first.end - System.nanoTime()) / 1_000_000 + 1);
  }

  private void answerBell() throws IOException {
    SocketChannel channel = accept();
    if (channel == null) {
      return;
    }
    if (visitors.size() == MOST_WAITING) {
      dismiss(visitors.element());
    }
    Visitor visitor =
        new Visitor(
            channel,
            RunKey.nonce(),
            ByteBuffer.allocate(Greeting.CALL_BYTES),
            System.nanoTime() + PATIENCE);
    visitors.add(visitor);
    greet(visitor);
  }

  /**
   * Accepts a caller. Returns null if there is none, or if the system cannot accept one now; it may
   * later.
   */
  private @Nullable SocketChannel accept() throws IOException {
    try {
      return server.accept();
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      while (!visitors.isEmpty()) {
        dismiss(visitors.element()); // which gives their descriptors back
      }
      pause();
      return null;
    }
  }

  private static void pause() {
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void greet(Visitor visitor) {
    try {
      visitor.channel.configureBlocking(false);
      ByteBuffer hello = ByteBuffer.allocate(Greeting.NONCE_BYTES);
      writeWhole(visitor.channel, hello.putInt(Greeting.MAGIC).put(visitor.nonce).flip());
      visitor.channel.register(selector, SelectionKey.OP_READ, visitor);
    } catch (IOException e) {
      dismiss(visitor);
    }
  }

  private void listen(Visitor visitor) {
    try {
      if (visitor.channel.read(visitor.heard) < 0) {
        dismiss(visitor);
      } else if (!visitor.heard.hasRemaining()) {
        judge(visitor, visitor.heard.flip());
      }
    } catch (IOException e) {
      dismiss(visitor);
    }
  }

  private void judge(Visitor visitor, ByteBuffer heard) throws IOException {
    boolean ours = heard.getInt() == Greeting.MAGIC;
    Call call = Call.decode(heard);
    byte[] nonce = new byte[RunKey.NONCE_BYTES];
    byte[] proof = new byte[RunKey.PROOF_BYTES];
    heard.get(nonce).get(proof);
    byte[] expected = key.prove(RunKey.Side.CALLER, visitor.nonce, nonce, call);
    ByteBuffer answer = ByteBuffer.allocate(Greeting.ANSWER_BYTES);
    if (!ours || !RunKey.isSame(proof, expected)) {
      writeWhole(visitor.channel, answer.put(Greeting.STRANGER).clear());
      dismiss(visitor);
      return;
    }
    byte[] own = key.prove(RunKey.Side.LISTENER, visitor.nonce, nonce, call);
    writeWhole(visitor.channel, answer.put(Greeting.BELIEVED).put(own).flip());
    admit(visitor, call);
  }

  private void admit(Visitor visitor, Call call) throws IOException {
    visitors.remove(visitor);
    visitor.channel.keyFor(selector).cancel();
    selector.selectNow(); // forgets the cancelled key
    visitor.channel.configureBlocking(true);
    try {
      host.admit(call, visitor.channel);
    } catch (IOException e) {
      close(visitor.channel);
    }
  }

  /**
   * Writes all bytes at once. They are few enough for the buffer of a new connection, unless it is
   * broken.
   */
  private static void writeWhole(SocketChannel channel, ByteBuffer bytes) throws IOException {
    channel.write(bytes);
    if (bytes.hasRemaining()) {
      throw new IOException("the connection takes no bytes");
    }
  }

  private void dismiss(Visitor visitor) {
    visitors.remove(visitor);
    close(visitor.channel);
  }

  private static void close(AutoCloseable closed) {
    try {
      closed.close();
    } catch (Exception e) {
      // it is not used any more
    }
  }

  /**
   * Stops admitting callers, and returns when the port is free. The ranks' connections stay open.
   */
  @Override
  public void close() {
    close(server);
    selector.wakeup();
    if (Thread.currentThread() == thread) {
      return; // it ends by itself
    }
    try {
      thread.join(CLOSING_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
