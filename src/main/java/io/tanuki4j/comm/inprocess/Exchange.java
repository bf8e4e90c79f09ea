package io.tanuki4j.comm.inprocess;

import io.tanuki4j.comm.ProcessGroup.Members;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostTensor;
import java.util.List;
import java.util.stream.Stream;

/** The sends and receives that one rank posted together. */
final class Exchange {
  private final SharedState world;
  private final Members members;
  private final long number;
  private final List<Message> sent;
  private final List<Message> received;
  private final long bytesSent;

  Exchange(
      SharedState world,
      Members members,
      long number,
      Device device,
      List<Send> sends,
      List<Recv> recvs) {
    this.world = world;
    this.members = members;
    this.number = number;
    this.sent =
        sends.stream()
            .map(send -> new Message(send.to(), HostTensor.readable(device, send.tensor())))
            .toList();
    this.received =
        recvs.stream()
            .map(recv -> new Message(recv.from(), HostTensor.writable(device, recv.tensor())))
            .toList();
    this.bytesSent =
        sends.stream()
            .filter(send -> send.to() != members.rank())
            .mapToLong(send -> send.tensor().numBytes())
            .sum();
  }

  /** Returns the bytes sent to other ranks; those to itself do not count. */
  long bytesSent() {
    return bytesSent;
  }

  void post(Mailboxes mailboxes) {
    mailboxes.post(members.rank(), sent, received);
  }

  void complete() {
    world.await(() -> messages().allMatch(Message::isOver), this::absence);
    received.forEach(message -> message.tensor().writeBack());
  }

  private Stream<Message> messages() {
    return Stream.concat(sent.stream(), received.stream());
  }

  private MissingRanks absence() {
    List<Integer> missing =
        messages()
            .filter(message -> !message.isOver())
            .map(message -> members.globalRanks().get(message.peer()))
            .distinct()
            .sorted()
            .toList();
    return new MissingRanks(
        "exchange #%d on group \"%s\"".formatted(number, members.name()),
        List.of(members.globalRank()),
        missing);
  }
}
