package causeway;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** One connection to the sidecar, with the calls on it by sequence id. */
final class Link implements Connection.Listener {
  /** A call that waits for its reply. */
  static final class Pending extends CompletableFuture<Frame> {
    /** Null until it was sent. */
    volatile Link link;
    volatile int id;
  }

  private static final List<Metadata.Entry> CANCEL = List.of(Frame.pair("cw", "1"), Frame.pair("cw-cancel", "1"));

  private final Connection connection;
  private final Address address;
  private final Map<Integer, Pending> calls = new ConcurrentHashMap<>();
  private final AtomicInteger lastId = new AtomicInteger();
  /** Calls on it, and those that are about to be. */
  final AtomicInteger load = new AtomicInteger();

  /** The peer has shown Causeway's profile, and so understands a cancel. */
  private volatile boolean profile;
  /** Takes no further calls. */
  volatile boolean retired;
  private volatile boolean closed;

  Link(Connection connection, Address address) {
    this.connection = connection;
    this.address = address;
  }

  /** Sends a call; false when the connection turned out to be gone, and nothing of the call has left. */
  boolean send(Pending call, Output out, boolean oneway) {
    int id = lastId.incrementAndGet() & Integer.MAX_VALUE;
    try {
      Frame.seal(out, id);
    } catch (RpcException tooLarge) {
      load.decrementAndGet();
      throw tooLarge;
    }
    call.id = id;
    call.link = this;
    if (!oneway) calls.put(id, call);
    try {
      connection.send(out);
    } catch (IOException gone) {
      retired = true;
      call.link = null;
      release(id, oneway);
      return false;
    }
    if (oneway) {
      load.decrementAndGet();
      call.complete(null);
    } else if (call.isDone()) {
      abandon(call);
    } else if (closed && release(id, false)) {
      call.completeExceptionally(broken(null));
    }
    return true;
  }

  private boolean release(int id, boolean oneway) {
    if (!oneway && calls.remove(id) == null) return false;
    load.decrementAndGet();
    return true;
  }

  /** Nobody waits for the reply any more. A peer that may not understand a cancel loses a connection that is this call's alone. */
  void abandon(Pending call) {
    if (!release(call.id, false)) return;
    if (!profile) {
      if (load.get() == 0) close();
      return;
    }
    Output cancel = Frame.signal(CANCEL);
    Frame.seal(cancel, call.id);
    try {
      connection.send(cancel);
    } catch (IOException gone) {
      // Then the call is, too.
    }
  }

  @Override
  public void frame(byte[] bytes) {
    Frame frame = new Frame(bytes);
    if (frame.isSignal()) return;
    if (frame.says("cw")) profile = true;
    if (frame.says("crrst")) retired = true;
    // A reply to a call that was abandoned meets nobody.
    Pending call = calls.remove(frame.sequenceId);
    if (call != null) {
      load.decrementAndGet();
      call.complete(frame);
    }
    if (retired && load.get() == 0) connection.close();
  }

  @Override
  public void closed(Throwable cause) {
    retired = true;
    closed = true;
    for (Integer id : calls.keySet()) {
      Pending call = calls.remove(id);
      if (call == null) continue;
      load.decrementAndGet();
      call.completeExceptionally(broken(cause));
    }
  }

  private RpcException broken(Throwable cause) {
    String reason = cause == null ? "it was closed" : cause.getMessage();
    return new RpcException(Code.UNAVAILABLE, "the connection to the sidecar at " + address.text() + " broke before the reply came: " + reason, true, Metadata.EMPTY, cause);
  }

  void close() {
    retired = true;
    connection.close();
  }
}
