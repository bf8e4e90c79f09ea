package io.tanuki4j.comm.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.UnixOperatingSystemMXBean;
import io.tanuki4j.comm.socket.LoopbackRanks;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers that do not have the run's key can do to a rank: next to nothing. */
@Timeout(30)
class StrangersTest {
  private static final int NUM_STRANGERS = 4 * Door.MOST_WAITING;

  /** Two sockets, the host's and the caller's, and a call. */
  private static final long HEAP_OF_ONE = 8192;

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final RunKey KEY = RunKey.of("a secret of this test", "run");
  private static final Call CALL = new Call(Call.Purpose.COLLECTIVES, 2, 1, 7);

  private final BlockingQueue<Call> admitted = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> opened = new ArrayList<>();
  private InetSocketAddress address;

  private final class Host implements Door.Host {
    @Override
    public String name() {
      return "a test";
    }

    @Override
    public void admit(Call call, SocketChannel channel) {
      opened.add(channel);
      admitted.add(call);
    }

    @Override
    public void broken(Throwable cause) {
      throw new AssertionError(cause);
    }
  }

  @BeforeEach
  void listen() throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), NUM_STRANGERS);
    address = (InetSocketAddress) server.getLocalAddress();
    opened.add(Door.open(server, KEY, new Host()));
  }

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable each : opened) {
      each.close();
    }
  }

  private Socket stranger() throws IOException {
    Socket socket = new Socket(address.getAddress(), address.getPort());
    socket.setSoTimeout(Math.toIntExact(PATIENCE.toMillis()));
    opened.add(socket);
    return socket;
  }

  private static boolean isHungUp(Socket socket) {
    try {
      socket.getInputStream().readAllBytes();
      return true;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true; // reset, since it was not read to its end
    }
  }

  private static long descriptors() {
    return ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getOpenFileDescriptorCount();
  }

  private static boolean comesAbout(BooleanSupplier reached) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!reached.getAsBoolean() && System.nanoTime() < end) {
      Thread.onSpinWait();
    }
    return reached.getAsBoolean();
  }

  @Test
  void a_rank_is_let_in_while_many_strangers_wait_and_they_take_no_threads() throws Exception {
    int threads = Thread.activeCount();
    List<Socket> strangers = new ArrayList<>();
    for (int i = 0; i < NUM_STRANGERS; i++) {
      strangers.add(stranger());
      strangers.get(i).getOutputStream().write(Greeting.MAGIC >>> 24);
    }
    Greeting.call(stranger(), KEY, CALL, PATIENCE);
    assertThat(admitted.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isEqualTo(CALL);
    assertThat(Thread.activeCount()).isEqualTo(threads);
    for (Socket early : strangers.subList(0, NUM_STRANGERS - Door.MOST_WAITING)) {
      assertThat(isHungUp(early)).isTrue();
    }
  }

  /** Each says all but the last byte of a call, and stays; some were hung up on before. */
  @Test
  void strangers_that_wait_take_next_to_no_heap() throws Exception {
    long before = heap();
    for (int i = 0; i < NUM_STRANGERS; i++) {
      try {
        stranger().getOutputStream().write(new byte[Greeting.CALL_BYTES - 1]);
      } catch (IOException e) {
        assertThat(e).isInstanceOf(SocketException.class);
      }
    }
    assertThat(heap() - before).as("bytes of heap").isLessThan(NUM_STRANGERS * HEAP_OF_ONE);
  }

  private static long heap() {
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  @Test
  void connections_that_say_nothing_sensible_leave_no_descriptor() throws Exception {
    long before = descriptors();
    for (int i = 0; i < NUM_STRANGERS; i++) {
      try (Socket socket = stranger()) {
        socket.getOutputStream().write(new byte[i]);
        socket.shutdownOutput();
      } catch (IOException e) {
        assertThat(i).isGreaterThan(Greeting.CALL_BYTES); // told apart before it has said all
      }
    }
    assertThat(comesAbout(() -> descriptors() <= before)).as("open descriptors").isTrue();
  }

  @Test
  void no_more_is_read_of_a_stranger_than_a_call_has() throws Exception {
    Socket socket = stranger();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1000; i++) {
                socket.getOutputStream().write(new byte[1 << 16]);
              }
            })
        .isInstanceOf(IOException.class);
  }

  @Test
  void another_key_is_not_believed_by_either_side() throws Exception {
    RunKey other = RunKey.of("another secret of it", "run");
    assertThatThrownBy(() -> Greeting.call(stranger(), other, CALL, PATIENCE))
        .isInstanceOf(Greeting.StrangerException.class)
        .hasMessage("belongs to another run, or has another secret");
    assertThat(admitted).isEmpty();
  }

  /** Who has no key can only send back what it hears, and the side is a part of it. */
  @Test
  void a_listener_that_reflects_proofs_is_not_believed() throws Exception {
    try (ServerSocket mirror = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      FutureTask<Void> reflecting = new FutureTask<>(() -> reflect(mirror), null);
      new Thread(reflecting).start();
      Socket socket = new Socket(mirror.getInetAddress(), mirror.getLocalPort());
      opened.add(socket);
      assertThatThrownBy(() -> Greeting.call(socket, KEY, CALL, PATIENCE))
          .isInstanceOf(Greeting.StrangerException.class);
      reflecting.get();
    }
  }

  private static void reflect(ServerSocket mirror) {
    try (Socket victim = mirror.accept()) {
      byte[] hello = new byte[Greeting.NONCE_BYTES];
      ByteBuffer.wrap(hello).putInt(Greeting.MAGIC);
      victim.getOutputStream().write(hello);
      byte[] said = victim.getInputStream().readNBytes(Greeting.CALL_BYTES);
      victim.getOutputStream().write(Greeting.BELIEVED);
      victim
          .getOutputStream()
          .write(said, Greeting.CALL_BYTES - RunKey.PROOF_BYTES, RunKey.PROOF_BYTES);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void a_proof_that_was_overheard_is_not_believed_again() throws Exception {
    byte[] overheard = new byte[Greeting.CALL_BYTES];
    try (Socket socket = stranger()) {
      InputStream in = socket.getInputStream();
      ByteBuffer hello = ByteBuffer.wrap(in.readNBytes(Greeting.NONCE_BYTES));
      byte[] nonce = new byte[RunKey.NONCE_BYTES];
      hello.position(Integer.BYTES).get(nonce);
      byte[] own = RunKey.nonce();
      ByteBuffer.wrap(overheard)
          .putInt(Greeting.MAGIC)
          .put(CALL.encode())
          .put(own)
          .put(KEY.prove(RunKey.Side.CALLER, nonce, own, CALL));
      socket.getOutputStream().write(overheard);
      assertThat(in.read()).isEqualTo(Greeting.BELIEVED);
    }
    Socket again = stranger();
    assertThat(again.getInputStream().readNBytes(Greeting.NONCE_BYTES)).isNotEmpty();
    again.getOutputStream().write(overheard);
    assertThat(again.getInputStream().read()).isEqualTo(Greeting.STRANGER);
    assertThat(admitted).hasSize(1);
  }

  @Test
  void nothing_listens_at_the_rendezvous_once_all_ranks_are_there() throws Exception {
    int port = LoopbackRanks.freePort();
    FutureTask<Rendezvous> other = new FutureTask<>(() -> join(1, port));
    new Thread(other).start();
    try (Rendezvous first = join(0, port);
        Rendezvous second = other.get()) {
      assertThat(
              comesAbout(
                  () -> {
                    try (Socket late = new Socket("127.0.0.1", port)) {
                      return !late.isConnected();
                    } catch (ConnectException e) {
                      return true;
                    } catch (IOException e) {
                      return false;
                    }
                  }))
          .isTrue();
      second.set("still", new byte[] {1});
      assertThat(first.await("still", 1)).containsExactly(1);
      second.close();
    }
  }

  private static Rendezvous join(int rank, int port) {
    return Rendezvous.join(LoopbackRanks.environment(rank, 2, port), PATIENCE);
  }
}
