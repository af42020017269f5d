package causeway;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;

/** The connections to the sidecar: made when there is none to take a call, tried again while none can be made. */
final class Links {
  /** How long a call without a deadline waits for a sidecar. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long MIN_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long MAX_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);
  private static final int MAX_LINKS = 16;

  private final List<Address> addresses;
  private final Loop loop;
  private final int maxCalls;
  private final List<Link> links = new ArrayList<>();
  private CompletableFuture<Void> connecting;
  private long until;
  private boolean closed;
  private volatile String failure = "";

  /** Each with so many calls at once; with more only when there are as many connections as there may be. */
  Links(List<Address> addresses, Loop loop, int maxCalls) {
    this.addresses = addresses;
    this.loop = loop;
    this.maxCalls = maxCalls;
  }

  /** Puts a call to those of the connection with the fewest; null when one has to be made first. */
  synchronized Link reserve(Link.Pending call) {
    if (closed) throw new RpcException(Code.UNAVAILABLE, "the channel is closed");
    links.removeIf(link -> link.retired);
    Link best = links.stream().min(Comparator.comparingInt(link -> link.calls.size())).orElse(null);
    if (best == null || best.calls.size() >= maxCalls && links.size() < MAX_LINKS) return null;
    best.calls.put(call.id, call);
    return best;
  }

  /** Makes one connection for all who ask meanwhile; gives up when the last of their deadlines has passed. */
  synchronized CompletableFuture<Void> connect(long expiresAt) {
    long latest = expiresAt == Context.NEVER ? System.nanoTime() + PATIENCE_NANOS : expiresAt;
    if (connecting == null || latest - until > 0) until = latest;
    if (connecting == null) {
      connecting = new CompletableFuture<>();
      Loop.daemon(this::connectUntil, "causeway-connect").start();
    }
    return connecting;
  }

  private void connectUntil() {
    for (long pause = MIN_PAUSE_NANOS; ; pause = Math.min(MAX_PAUSE_NANOS, 2 * pause)) {
      Link link = tryAll();
      CompletableFuture<Void> done = end(link);
      if (done != null) {
        if (link == null) done.completeExceptionally(nobody());
        else done.complete(null);
        return;
      }
      LockSupport.parkNanos(pause);
    }
  }

  /** Those who wait, when there is something to tell them. */
  private synchronized CompletableFuture<Void> end(Link link) {
    if (link == null && !closed && until - System.nanoTime() > 0) return null;
    CompletableFuture<Void> done = connecting;
    connecting = null;
    if (link != null && closed) link.retire();
    else if (link != null) links.add(link);
    return done;
  }

  private Link tryAll() {
    List<String> failures = new ArrayList<>();
    for (Address address : addresses) {
      try {
        SocketChannel channel = SocketChannel.open(address.socketAddress());
        Link link = new Link(channel, address);
        link.start(loop);
        failure = "";
        return link;
      } catch (IOException | RuntimeException e) {
        failures.add(address.text() + ": " + (e.getMessage() == null ? e.toString() : e.getMessage()));
      }
    }
    failure = String.join("; ", failures);
    return null;
  }

  /** Whether a connection is being waited for, or could not be made. */
  synchronized boolean isDown() {
    return connecting != null || !failure.isEmpty();
  }

  /** What to say when no sidecar could be reached. */
  RpcException nobody() {
    String tried = addresses.stream().map(Address::text).collect(Collectors.joining(", "));
    return new RpcException(
        Code.UNAVAILABLE,
        "no sidecar listens on " + tried + (failure.isEmpty() ? "" : " (" + failure + ")")
            + ": start one with \"causeway serve -c causeway.yaml\", or set CAUSEWAY_ADDRESS to where it listens");
  }

  synchronized void close() {
    closed = true;
    links.forEach(Link::retire);
  }
}
