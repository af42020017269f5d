package causeway;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The connections to the sidecar: made when there is none to take a call, tried again while none can be made. */
final class Links {
  /** How long a call without a deadline waits for a sidecar. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(5);

  private static final long MAX_PAUSE_MS = 250;

  private final List<Address> addresses;
  private final Loop loop;
  private final int maxCalls;
  private final int maxLinks;
  private final List<Link> links = new ArrayList<>();
  private CompletableFuture<Void> connecting;
  private long until;
  private boolean closed;
  private volatile String failure = "";

  Links(List<Address> addresses, Loop loop, int maxCalls, int maxLinks) {
    this.addresses = addresses;
    this.loop = loop;
    this.maxCalls = maxCalls;
    this.maxLinks = maxLinks;
  }

  /** The connection with the fewest calls, with room kept for one more; null when one has to be made first. */
  synchronized Link reserve() {
    if (closed) throw new RpcException(Code.UNAVAILABLE, "the channel is closed");
    links.removeIf(link -> link.retired);
    Link best = null;
    for (Link link : links) if (best == null || link.load.get() < best.load.get()) best = link;
    if (best == null || best.load.get() >= maxCalls && links.size() < maxLinks) return null;
    best.load.incrementAndGet();
    return best;
  }

  /** Makes one connection for all who ask meanwhile; gives up when the last of their deadlines has passed. */
  synchronized CompletableFuture<Void> connect(long expiresAt) {
    long now = System.nanoTime();
    long patience = expiresAt == Context.NEVER ? PATIENCE_NANOS : expiresAt - now;
    if (connecting == null) {
      connecting = new CompletableFuture<>();
      until = now + patience;
      CompletableFuture<Void> done = connecting;
      Thread thread = new Thread(() -> connectFor(done), "causeway-connect");
      thread.setDaemon(true);
      thread.start();
    } else if (now + patience - until > 0) {
      until = now + patience;
    }
    return connecting;
  }

  private void connectFor(CompletableFuture<Void> done) {
    RpcException problem = null;
    for (long pauseMs = 5; ; pauseMs = Math.min(MAX_PAUSE_MS, 2 * pauseMs)) {
      Link link = tryAll();
      if (link != null || !pause(pauseMs)) {
        problem = end(link);
        break;
      }
    }
    if (problem == null) done.complete(null);
    else done.completeExceptionally(problem);
  }

  private synchronized RpcException end(Link link) {
    connecting = null;
    if (link == null) return nobody();
    if (closed) link.close();
    else links.add(link);
    return null;
  }

  /** False when nobody waits any longer. */
  private boolean pause(long pauseMs) {
    long left;
    synchronized (this) {
      left = closed ? 0 : until - System.nanoTime();
    }
    if (left <= 0) return false;
    try {
      TimeUnit.NANOSECONDS.sleep(Math.min(left, TimeUnit.MILLISECONDS.toNanos(pauseMs)));
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private Link tryAll() {
    List<String> failures = new ArrayList<>();
    for (Address address : addresses) {
      try {
        Link link = open(address);
        failure = "";
        return link;
      } catch (IOException | RuntimeException e) {
        failures.add(address.text() + ": " + (e.getMessage() == null ? e.toString() : e.getMessage()));
      }
    }
    failure = String.join("; ", failures);
    return null;
  }

  private Link open(Address address) throws IOException {
    SocketChannel channel = SocketChannel.open(address.family());
    try {
      channel.connect(address.socketAddress());
      if (!address.isUnix()) channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Connection connection = new Connection(channel, loop);
      Link link = new Link(connection, address);
      connection.start(link);
      return link;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Whether a connection is being waited for, or could not be made. */
  synchronized boolean isDown() {
    return connecting != null || !failure.isEmpty();
  }

  /** What to say when no sidecar could be reached. */
  RpcException nobody() {
    String tried = String.join(", ", addresses.stream().map(Address::text).toList());
    return new RpcException(
        Code.UNAVAILABLE,
        "no sidecar listens on " + tried + (failure.isEmpty() ? "" : " (" + failure + ")")
            + ": start one with \"causeway serve -c causeway.yaml\", or set CAUSEWAY_ADDRESS to where it listens");
  }

  synchronized void close() {
    closed = true;
    links.forEach(Link::close);
  }
}
