package causeway;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * Listens for the local sidecar and serves what generated code makes of implementations. On SIGTERM it takes no further
 * calls, finishes those that run, and lets the process end.
 */
public final class Server implements AutoCloseable, Loop.Attached {
  private static final long DRAIN_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final int MAX_THREADS = 256;

  private final Loop loop = new Loop("causeway-server");
  private final ServerSocketChannel listener;
  private final Address address;
  private final List<Service> services;
  private final Executor executor;
  private final Set<Served> connections = ConcurrentHashMap.newKeySet();
  private final Thread onExit = new Thread(this::close, "causeway-drain");
  private Runnable beforeDrain = () -> {};
  private boolean closing;

  private Server(Address wanted, Executor executor, List<Service> services) throws IOException {
    this.executor = executor;
    this.services = services;
    this.listener = wanted.isUnix() ? ServerSocketChannel.open(StandardProtocolFamily.UNIX) : ServerSocketChannel.open();
    try {
      if (wanted.isUnix()) wanted.removeStaleSocket();
      listener.bind(wanted.socketAddress());
      this.address = wanted.isUnix() ? wanted : bound();
      loop.register(listener, SelectionKey.OP_ACCEPT, this);
    } catch (IOException | RuntimeException e) {
      listener.close();
      loop.stop();
      throw new IOException("cannot listen on " + wanted.text() + ": " + e.getMessage(), e);
    }
    Runtime.getRuntime().addShutdownHook(onExit);
  }

  private Address bound() throws IOException {
    InetSocketAddress local = (InetSocketAddress) listener.getLocalAddress();
    String host = local.getAddress().getHostAddress();
    return Address.parse((host.contains(":") ? "[" + host + "]" : host) + ":" + local.getPort());
  }

  /** On {@code unix:PATH} or {@code HOST:PORT}, where port 0 takes a free one; handlers run on up to 256 threads. */
  public static Server listen(String address, Service... services) throws IOException {
    return listen(
        address, new ThreadPoolExecutor(0, MAX_THREADS, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), work -> Loop.daemon(work, "causeway-handler")), services);
  }

  /** The same on an executor of one's own; a call that it rejects is answered with RESOURCE_EXHAUSTED. */
  public static Server listen(String address, Executor executor, Service... services) throws IOException {
    return new Server(Address.parse(address), executor, List.of(services));
  }

  /** Where it listens, with the port that it got. */
  public String address() {
    return address.text();
  }

  List<Service> services() {
    return services;
  }

  /** Runs something before the server stops taking calls, such as deregistering it. */
  synchronized void beforeDrain(Runnable action) {
    Runnable earlier = beforeDrain;
    beforeDrain = () -> {
      earlier.run();
      action.run();
    };
  }

  /** Waits until the server is closed, by whoever does it. */
  public synchronized void await() throws InterruptedException {
    while (!closing) wait();
  }

  /** Takes no further calls, waits up to ten seconds for those that run, and closes. */
  @Override
  public void close() {
    Runnable before;
    synchronized (this) {
      if (closing) return;
      closing = true;
      notifyAll();
      before = beforeDrain;
    }
    before.run();
    closed(null);
    loop.wakeup();
    connections.forEach(Served::drain);
    waitForCalls();
    loop.stop();
    try {
      if (address.isUnix()) Files.deleteIfExists(Path.of(address.host()));
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IOException | IllegalStateException e) {
      // The process is ending: who comes next removes the socket.
    }
  }

  private synchronized void waitForCalls() {
    long until = System.nanoTime() + DRAIN_NANOS;
    try {
      for (long left = DRAIN_NANOS; left > 0 && !connections.isEmpty(); left = until - System.nanoTime()) TimeUnit.NANOSECONDS.timedWait(this, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void ready(SelectionKey key) throws IOException {
    for (SocketChannel channel = listener.accept(); channel != null; channel = listener.accept()) {
      Served served = new Served(this, channel);
      connections.add(served);
      served.start(loop);
    }
  }

  /** Takes no further connections; one that cannot be taken ends nothing. */
  @Override
  public void closed(Throwable cause) {
    if (cause != null) return;
    try {
      listener.close();
    } catch (IOException e) {
      // Then it is closed.
    }
  }

  synchronized void ended(Served served) {
    connections.remove(served);
    notifyAll();
  }

  void run(Runnable work) {
    try {
      executor.execute(work);
    } catch (RejectedExecutionException full) {
      throw new RpcException(Code.RESOURCE_EXHAUSTED, "the server runs as many calls as it may (" + MAX_THREADS + ")");
    }
  }

  /** The service that a header names, fully or barely; the only one where none is named. */
  Service find(String name) {
    List<Service> found = services.stream().filter(service -> name == null || service.isNamed(name)).toList();
    for (Service service : found) if (found.size() == 1 || service.name.equals(name)) return service;
    String known = services.stream().map(service -> service.name).collect(Collectors.joining(", "));
    throw new RpcException(Code.UNIMPLEMENTED, "the service \"" + name + "\" is " + (found.isEmpty() ? "not served here" : "ambiguous") + ": expected one of " + known);
  }
}
