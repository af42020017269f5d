package causeway;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection to the sidecar, with the calls on it by sequence id. */
final class Link extends Connection {
  /** A call that waits for its reply. */
  static final class Pending extends CompletableFuture<Frame> {
    private static final AtomicInteger LAST = new AtomicInteger();

    final int id = LAST.incrementAndGet() & Integer.MAX_VALUE;
    /** Where it was sent; null until then. */
    volatile Link link;
  }

  private static final List<Metadata.Entry> CANCEL = List.of(new Metadata.Entry("cw", "1"), new Metadata.Entry("cw-cancel", "1"));

  private final Address address;
  /** Those that were sent, and those that are about to be. */
  final Map<Integer, Pending> calls = new ConcurrentHashMap<>();
  /** The peer has shown Causeway's profile, and so understands a cancel. */
  private volatile boolean profile;
  /** Takes no further calls. */
  volatile boolean retired;

  Link(SocketChannel channel, Address address) {
    super(channel);
    this.address = address;
  }

  /** Sends a call that is among the calls already; false when the connection turned out to be gone, and nothing of the call has left. */
  boolean send(Pending call, Output out, boolean oneway) {
    call.link = this;
    try {
      send(out);
    } catch (IOException gone) {
      retired = true;
      call.link = null;
      calls.remove(call.id);
      return false;
    }
    if (oneway && calls.remove(call.id) != null) call.complete(null);
    else if (call.isDone()) abandon(call);
    return true;
  }

  /** Nobody waits for the reply any more. A peer that may not understand a cancel loses a connection that is this call's alone. */
  void abandon(Pending call) {
    if (calls.remove(call.id) == null) return;
    try {
      if (profile) send(Frame.signal(call.id, CANCEL));
      else if (calls.isEmpty()) retire();
    } catch (IOException gone) {
      // Then the call is, too.
    }
  }

  @Override
  void received(byte[] bytes) {
    Frame frame = new Frame(bytes);
    if (frame.says("cw")) profile = true;
    if (frame.says("crrst")) retired = true;
    // A signal is no reply, and one to a call that was abandoned meets nobody.
    Pending call = frame.isSignal() ? null : calls.remove(frame.sequenceId);
    if (call != null) call.complete(frame);
    if (retired && calls.isEmpty()) close();
  }

  @Override
  void ended(Throwable cause) {
    retired = true;
    String reason = cause == null ? "it was closed" : cause.getMessage();
    String message = "the connection to the sidecar at " + address.text() + " broke before the reply came: " + reason;
    for (Pending call : calls.values()) {
      // One that was not sent yet will be, on another connection.
      if (call.link != null && calls.remove(call.id) != null) call.completeExceptionally(new RpcException(Code.UNAVAILABLE, message, true, cause));
    }
  }

  void retire() {
    retired = true;
    close();
  }
}
