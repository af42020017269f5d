package causeway;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.SelectionKey;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Listens for the local sidecar and serves what generated code makes of implementations. On SIGTERM it takes no further
 * calls, finishes those that run, and lets the process end.
 */
public final class Server implements AutoCloseable, Loop.Attached {
  private static final Duration DRAIN = Duration.ofSeconds(10);
  private static final int MAX_THREADS = 256;

  private final Loop loop = new Loop("causeway-server");
  private final ServerSocketChannel listener;
  private final Address address;
  private final List<Service> services;
  private final Executor executor;
  private final Set<Served> connections = ConcurrentHashMap.newKeySet();
  private final Thread onExit = new Thread(this::close, "causeway-drain");
  private final List<Runnable> beforeDrain = new ArrayList<>();
  private boolean closing;

  private Server(Address address, Executor executor, List<Service> services) throws IOException {
    this.executor = executor;
    this.services = List.copyOf(services);
    this.listener = ServerSocketChannel.open(address.family());
    try {
      if (address.isUnix()) address.removeStaleSocket();
      listener.bind(address.socketAddress());
      this.address = address.isUnix() ? address : bound(listener);
      loop.register(listener, SelectionKey.OP_ACCEPT, this);
    } catch (IOException | RuntimeException e) {
      listener.close();
      loop.stop();
      throw new IOException("cannot listen on " + address.text() + ": " + e.getMessage(), e);
    }
    Runtime.getRuntime().addShutdownHook(onExit);
  }

  private static Address bound(ServerSocketChannel listener) throws IOException {
    InetSocketAddress local = (InetSocketAddress) listener.getLocalAddress();
    String host = local.getAddress().getHostAddress();
    return Address.parse((host.contains(":") ? "[" + host + "]" : host) + ":" + local.getPort());
  }

  /** On {@code unix:PATH} or {@code HOST:PORT}, where port 0 takes a free one; handlers run on up to 256 threads. */
  public static Server listen(String address, Service... services) throws IOException {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(0, MAX_THREADS, 30, TimeUnit.SECONDS, new SynchronousQueue<>(), work -> daemon(work, "causeway-handler"));
    return listen(address, threads, services);
  }

  /** The same on an executor of one's own; a call that it rejects is answered with RESOURCE_EXHAUSTED. */
  public static Server listen(String address, Executor executor, Service... services) throws IOException {
    return new Server(Address.parse(address), executor, Arrays.asList(services));
  }

  private static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Where it listens, with the port that it got. */
  public String address() {
    return address.text();
  }

  /** Full names of what it serves. */
  List<String> serviceNames() {
    return services.stream().map(service -> service.name).toList();
  }

  String codec() {
    return services.isEmpty() ? "" : services.get(0).codec;
  }

  /** Runs something before the server stops taking calls, such as deregistering it. */
  synchronized void beforeDrain(Runnable action) {
    beforeDrain.add(action);
  }

  /** Waits until the server is closed, by whoever does it. */
  public synchronized void await() throws InterruptedException {
    while (!closing) wait();
  }

  /** Takes no further calls, waits up to ten seconds for those that run, and closes. */
  @Override
  public void close() {
    List<Runnable> actions;
    synchronized (this) {
      if (closing) return;
      closing = true;
      notifyAll();
      actions = List.copyOf(beforeDrain);
    }
    actions.forEach(Runnable::run);
    closeListener();
    connections.forEach(Served::drain);
    waitForCalls();
    loop.stop();
    try {
      address.removeSocket();
      Runtime.getRuntime().removeShutdownHook(onExit);
    } catch (IOException | IllegalStateException e) {
      // The process is ending: who comes next removes the socket.
    }
  }

  private synchronized void waitForCalls() {
    long until = System.nanoTime() + DRAIN.toNanos();
    try {
      for (long left = DRAIN.toMillis(); left > 0 && !connections.isEmpty(); left = (until - System.nanoTime()) / 1_000_000) wait(left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void closeListener() {
    try {
      listener.close();
    } catch (IOException e) {
      // Then it is closed.
    }
    loop.wakeup();
  }

  @Override
  public void ready(SelectionKey key) throws IOException {
    for (SocketChannel channel = accept(); channel != null; channel = accept()) {
      if (!address.isUnix()) channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Connection connection = new Connection(channel, loop);
      Served served = new Served(this, connection);
      connections.add(served);
      connection.start(served);
    }
  }

  private SocketChannel accept() throws IOException {
    return listener.isOpen() ? listener.accept() : null;
  }

  @Override
  public void closed(Throwable cause) {
    if (cause == null) closeListener();
  }

  void ended(Served served) {
    connections.remove(served);
    synchronized (this) {
      notifyAll();
    }
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
    if (name == null && services.size() == 1) return services.get(0);
    List<Service> found = services.stream().filter(service -> service.name.equals(name)).toList();
    if (found.isEmpty()) found = services.stream().filter(service -> service.name.substring(service.name.lastIndexOf('.') + 1).equals(name)).toList();
    if (found.size() == 1) return found.get(0);
    throw new RpcException(Code.UNIMPLEMENTED, "the service \"" + name + "\" is " + (found.isEmpty() ? "not served here" : "ambiguous") + ": expected one of " + String.join(", ", serviceNames()));
  }
}
