package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.socket.Courier.Header;
import io.tanuki4j.comm.socket.Courier.Transfer;
import io.tanuki4j.comm.socket.Mesh.Step;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor;
import io.tanuki4j.kernel.HostTensor.View;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/** The sends and receives that one rank posted together. */
final class ExchangeTransfer implements Transfer {
  private final Members members;
  private final long number;
  private final List<Message> sends;
  private final List<Message> receives;

  private record Message(int peer, Header header, HostTensor tensor) {}

  ExchangeTransfer(
      Members members, long number, Device device, List<Send> sends, List<Recv> recvs) {
    this.members = members;
    this.number = number;
    this.sends =
        sends.stream()
            .map(
                send ->
                    new Message(
                        send.to(),
                        header(send.tensor(), members.rank()),
                        HostTensor.readable(device, send.tensor())))
            .toList();
    this.receives =
        recvs.stream()
            .map(
                recv ->
                    new Message(
                        recv.from(),
                        header(recv.tensor(), recv.from()),
                        HostTensor.writable(device, recv.tensor())))
            .toList();
  }

  private static Header header(Tensor tensor, int from) {
    return Header.message(tensor.dtype(), tensor.numElements(), from);
  }

  @Override
  public String what() {
    return "exchange #" + number;
  }

  /** Returns the bytes sent to other ranks; those to itself do not count. */
  long bytesSent() {
    return sends.stream()
        .filter(send -> !isToItself(send))
        .mapToLong(send -> send.header.numBytes())
        .sum();
  }

  private boolean isToItself(Message message) {
    return message.peer == members.rank();
  }

  @Override
  public void run(Mesh mesh) throws Mesh.StepException {
    Step step = new Step();
    Deque<Message> toItself = new ArrayDeque<>();
    for (Message send : sends) {
      if (isToItself(send)) {
        toItself.add(send);
      } else {
        step.send(send.peer, send.header.encode());
        pieces(send, bytes -> step.send(send.peer, bytes));
      }
    }
    for (Message receive : receives) {
      if (isToItself(receive)) {
        copy(toItself.remove(), receive);
      } else {
        step.receive(
            receive.peer,
            ByteBuffer.allocate(Header.BYTES),
            bytes -> requireSame(receive, Header.decode(bytes)));
        pieces(receive, bytes -> step.receive(receive.peer, bytes));
      }
    }
    mesh.run(step);
  }

  private void copy(Message send, Message receive) {
    requireSame(receive, send.header);
    Deque<ByteBuffer> sent = new ArrayDeque<>();
    pieces(send, sent::add);
    pieces(receive, bytes -> bytes.put(sent.remove()));
  }

  private static void pieces(Message message, Consumer<ByteBuffer> piece) {
    HostTensor tensor = message.tensor;
    int most = View.MAX_BYTES / Double.BYTES; // whole elements of every type
    for (long at = 0; at < tensor.numElements(); at += most) {
      piece.accept(tensor.elements(at, (int) Math.min(most, tensor.numElements() - at)));
    }
  }

  private void requireSame(Message receive, Header theirs) {
    if (!theirs.equals(receive.header)) {
      throw new CommunicationException(
          "exchange on group \"%s\": rank %d sends %s, rank %d expects %s. Both sides must agree."
              .formatted(
                  members.name(),
                  members.globalRanks().get(receive.peer),
                  theirs.number() == 0 ? contents(theirs) : theirs,
                  members.globalRank(),
                  contents(receive.header)));
    }
  }

  private static String contents(Header header) {
    return header.call().numElements() + " " + header.call().dtype();
  }

  @Override
  public void writeBack() {
    receives.forEach(message -> message.tensor.writeBack());
  }

  @Override
  public void close() {
    sends.forEach(message -> message.tensor.close());
    receives.forEach(message -> message.tensor.close());
  }
}
