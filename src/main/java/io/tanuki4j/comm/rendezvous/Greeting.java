package io.tanuki4j.comm.rendezvous;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

/**
 * The first bytes of a connection between ranks, and the caller's part of them. All lengths are
 * fixed. The listener sends its nonce. The caller answers with its call, its own nonce and its
 * proof. The listener then says whether it accepts the proof, and sends its own.
 */
public final class Greeting {
  static final int MAGIC = 0x54344A03;
  static final int NONCE_BYTES = Integer.BYTES + RunKey.NONCE_BYTES;
  static final int CALL_BYTES =
      Integer.BYTES + Call.BYTES + RunKey.NONCE_BYTES + RunKey.PROOF_BYTES;
  static final int ANSWER_BYTES = 1 + RunKey.PROOF_BYTES;
  static final byte BELIEVED = 1;
  static final byte STRANGER = 0;

  private Greeting() {}

  /** The other side answered but is not the rank that was called; calling again may not help. */
  public static final class StrangerException extends IOException {
    private static final long serialVersionUID = 1;

    StrangerException(String message) {
      super(message);
    }
  }

  /**
   * Introduces this rank to the listener at the other end.
   *
   * @param patience for everything that the other side has to send
   * @throws StrangerException if the other side is not a rank of this run
   * @throws SocketTimeoutException if it sends nothing in time
   * @throws IOException if the connection breaks
   */
  public static void call(Socket socket, RunKey key, Call call, Duration patience)
      throws IOException {
    long end = System.nanoTime() + patience.toNanos();
    ByteBuffer hello = read(socket, NONCE_BYTES, end);
    if (hello.getInt() != MAGIC) {
      throw new StrangerException("is held by another program");
    }
    byte[] theirs = rest(hello);
    byte[] own = RunKey.nonce();
    byte[] proof = key.prove(RunKey.Side.CALLER, theirs, own, call);
    ByteBuffer out = ByteBuffer.allocate(CALL_BYTES);
    out.putInt(MAGIC).put(call.encode()).put(own).put(proof);
    socket.getOutputStream().write(out.array());
    ByteBuffer answer = read(socket, ANSWER_BYTES, end);
    byte[] expected = key.prove(RunKey.Side.LISTENER, theirs, own, call);
    if (answer.get() != BELIEVED || !RunKey.isSame(rest(answer), expected)) {
      throw new StrangerException("belongs to another run, or has another secret");
    }
    socket.setSoTimeout(0);
  }

  private static byte[] rest(ByteBuffer bytes) {
    return Arrays.copyOfRange(bytes.array(), bytes.position(), bytes.limit());
  }

  private static ByteBuffer read(Socket socket, int length, long end) throws IOException {
    byte[] bytes = new byte[length];
    InputStream in = socket.getInputStream();
    for (int count = 0; count < length; ) {
      int got = readSome(socket, in, bytes, count, end);
      if (got < 0) {
        throw new EOFException("hangs up");
      }
      count += got;
    }
    return ByteBuffer.wrap(bytes);
  }

  private static int readSome(Socket socket, InputStream in, byte[] bytes, int count, long end)
      throws IOException {
    try {
      long millis = (end - System.nanoTime()) / 1_000_000;
      socket.setSoTimeout((int) Math.max(1, Math.min(millis, Integer.MAX_VALUE)));
      return in.read(bytes, count, bytes.length - count);
    } catch (SocketTimeoutException e) {
      throw new SocketTimeoutException(
          "takes connections but says nothing: it is stopped, or another program holds the port");
    }
  }
}
