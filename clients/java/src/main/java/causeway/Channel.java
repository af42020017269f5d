package causeway;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * The way to the local sidecar, for any number of generated clients and threads: one connection carries all calls, but for
 * those above 256 KiB. It connects with the first call. It does not retry: that is the sidecar's.
 */
public final class Channel implements AutoCloseable {
  /** Larger messages go on a connection of their own, where they hold up nothing. */
  private static final int MAX_SHARED_BYTES = 256 * 1024;

  private static final int MAX_CALLS_PER_CONNECTION = 1_000;

  /** A call without a trace of its own carries on that of the call being served. */
  private static final List<String> TRACE = List.of("traceparent", "tracestate", "b3");

  private final Loop loop = new Loop("causeway-channel");
  private final Links shared;
  private final Links large;
  private final Executor executor;

  private Channel(List<Address> addresses, Executor executor) {
    this.shared = new Links(addresses, loop, MAX_CALLS_PER_CONNECTION);
    this.large = new Links(addresses, loop, 1);
    this.executor = executor;
  }

  /** To where CAUSEWAY_ADDRESS says; without it to {@code unix:/run/causeway/causeway.sock}, else {@code 127.0.0.1:7420}. */
  public static Channel open() {
    return new Channel(Address.ofSidecar("CAUSEWAY_ADDRESS", "unix:/run/causeway/causeway.sock", "127.0.0.1:7420"), ForkJoinPool.commonPool());
  }

  /** To {@code unix:PATH} or {@code HOST:PORT}. */
  public static Channel open(String address) {
    return open(address, ForkJoinPool.commonPool());
  }

  /** The same, with an executor on which the futures of asynchronous calls complete. */
  public static Channel open(String address, Executor executor) {
    return new Channel(List.of(Address.parse(address)), executor);
  }

  /** Lets no call begin any more and closes the connections; calls in flight fail. */
  @Override
  public void close() {
    shared.close();
    large.close();
    loop.stop();
  }

  /**
   * Calls a method and waits. It throws the exceptions of {@code method}, too, as its generated client declares. An interrupt
   * cancels the call and stays set; the error is then CANCELLED.
   */
  public <O extends Output, I extends Input, T> T call(Method<O, I, T> method, Consumer<? super O> arguments, CallOptions options) {
    long expiresAt = expiry(options);
    Link.Pending pending = new Link.Pending();
    send(method, arguments, headers(method, options), expiresAt, pending);
    try {
      return read(method, expiresAt == Context.NEVER ? pending.get() : pending.get(expiresAt - System.nanoTime(), TimeUnit.NANOSECONDS), options);
    } catch (InterruptedException e) {
      abandon(pending);
      Thread.currentThread().interrupt();
      throw new RpcException(Code.CANCELLED, "the call of " + nameOf(method) + " was interrupted", true, e);
    } catch (TimeoutException e) {
      throw failure(method, pending, e);
    } catch (ExecutionException e) {
      throw failure(method, pending, e.getCause());
    } catch (DeclaredException e) {
      throw Channel.<RuntimeException>undeclared(e);
    }
  }

  /** Why there is no reply. The stack of who called says more than that of the thread that reads. */
  private RpcException failure(Method<?, ?, ?> method, Link.Pending pending, Throwable cause) {
    if (cause instanceof RpcException e) return new RpcException(e.code(), e.getMessage(), e.sent(), e.trailers(), e.details(), e);
    if (cause instanceof CancellationException) return new RpcException(Code.CANCELLED, "the call was cancelled");
    if (!(cause instanceof TimeoutException)) return new RpcException(Code.INTERNAL, String.valueOf(cause), false, cause);
    abandon(pending);
    return expired(method, pending);
  }

  /** Lets an exception pass that the method here does not declare, and that of the generated client does. */
  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E undeclared(DeclaredException e) throws E {
    throw (E) e;
  }

  /** Calls without waiting. Cancelling the future cancels the call. */
  public <O extends Output, I extends Input, T> CompletableFuture<T> callAsync(Method<O, I, T> method, Consumer<? super O> arguments, CallOptions options) {
    CompletableFuture<T> result = new CompletableFuture<>();
    Link.Pending pending = new Link.Pending();
    long expiresAt = expiry(options);
    if (expiresAt != Context.NEVER) pending.orTimeout(Math.max(0, expiresAt - System.nanoTime()), TimeUnit.NANOSECONDS);
    pending.whenCompleteAsync((frame, failure) -> finish(method, options, pending, result, frame, failure), executor);
    result.whenComplete((value, failure) -> {
      if (result.isCancelled()) abandon(pending);
    });
    Context.current().onCancel(() -> result.cancel(false));
    try {
      send(method, arguments, headers(method, options), expiresAt, pending);
    } catch (RpcException e) {
      pending.completeExceptionally(e);
    }
    return result;
  }

  private <I extends Input, T> void finish(
      Method<?, I, T> method, CallOptions options, Link.Pending pending, CompletableFuture<T> result, Frame frame, Throwable failure) {
    try {
      if (failure != null) throw failure(method, pending, failure);
      result.complete(read(method, frame, options));
    } catch (Throwable e) {
      result.completeExceptionally(e);
    }
  }

  private static long expiry(CallOptions options) {
    Context context = Context.current();
    if (context.isCancelled()) throw new RpcException(Code.CANCELLED, "the call that is being served was cancelled");
    Duration timeout = options.timeout();
    if (timeout == null) return context.expiresAt;
    long own = System.nanoTime() + Math.max(0, timeout.toNanos());
    return context.expiresAt == Context.NEVER || own - context.expiresAt < 0 ? own : context.expiresAt;
  }

  private <O extends Output> void send(Method<O, ?, ?> method, Consumer<? super O> arguments, List<Metadata.Entry> pairs, long expiresAt, Link.Pending pending) {
    while (!pending.isDone()) {
      long timeoutMs = 0;
      if (expiresAt != Context.NEVER) {
        timeoutMs = (expiresAt - System.nanoTime() + 999_999) / 1_000_000;
        if (timeoutMs <= 0) throw expired(method, pending);
      }
      O out = Frame.write(method.wire(), method.oneway() ? Frame.ONEWAY : Frame.CALL, method.name(), pending.id, pairs, timeoutMs, arguments);
      Links links = out.size > MAX_SHARED_BYTES ? large : shared;
      Link link = links.reserve(pending);
      if (link == null) {
        links.connect(expiresAt).whenComplete((none, failure) -> {
          try {
            if (failure != null) throw failure;
            // Written anew: connecting has taken some of the time that the headers speak of.
            send(method, arguments, pairs, expiresAt, pending);
          } catch (Throwable e) {
            pending.completeExceptionally(e);
          }
        });
        return;
      }
      if (link.send(pending, out, method.oneway())) return;
    }
  }

  private static List<Metadata.Entry> headers(Method<?, ?, ?> method, CallOptions options) {
    List<Metadata.Entry> pairs = new ArrayList<>(4);
    pairs.add(new Metadata.Entry("cw", "1"));
    pairs.add(new Metadata.Entry("isn", method.service()));
    pairs.addAll(options.metadata().entries());
    Metadata served = Context.current().metadata();
    if (served != Metadata.EMPTY && TRACE.stream().noneMatch(key -> options.metadata().get(key).isPresent())) {
      for (Metadata.Entry entry : served.entries()) if (TRACE.contains(entry.key())) pairs.add(entry);
    }
    return pairs;
  }

  private static void abandon(Link.Pending pending) {
    pending.cancel(false);
    Link link = pending.link;
    if (link != null) link.abandon(pending);
  }

  private RpcException expired(Method<?, ?, ?> method, Link.Pending pending) {
    boolean sent = pending.link != null;
    for (Links links : List.of(shared, large)) if (!sent && links.isDown()) return links.nobody();
    return new RpcException(Code.DEADLINE_EXCEEDED, "no answer of " + nameOf(method) + " within its deadline", sent, null);
  }

  private static String nameOf(Method<?, ?, ?> method) {
    return method.service() + "/" + method.name();
  }

  /** What a reply holds; null for the one that does not come. */
  private static <I extends Input, T> T read(Method<?, I, T> method, Frame frame, CallOptions options) throws DeclaredException {
    if (frame == null) return null;
    Metadata beside = frame.metadata();
    RpcException error = null;
    T value = null;
    try {
      frame.readMessage();
      if (frame.type == Frame.EXCEPTION) {
        error = Status.read(frame);
        throwDeclared(method, error);
      } else if (frame.type == Frame.REPLY && frame.name.equals(method.name())) {
        value = method.result().read(frame.body(method.wire()));
      } else {
        throw new RpcException(Code.INTERNAL, "a message of type " + frame.type + " for " + frame.name + ": expected the reply to " + method.name());
      }
    } catch (RpcException e) {
      // A malformed request is the caller's fault, a malformed reply is not.
      throw new RpcException(Code.INTERNAL, "the reply of " + nameOf(method) + " cannot be read: " + e.getMessage(), true, beside, List.of(), e);
    }
    if (error != null) throw error;
    options.onReply().accept(beside);
    return value;
  }

  /** Throws the declared exception that stands beside an error, if there is one. */
  private static void throwDeclared(Method<?, ?, ?> method, RpcException error) throws DeclaredException {
    for (RpcException.Detail detail : error.details()) {
      Method.Thrown thrown = method.thrown().get(detail.typeName());
      if (thrown != null) throw thrown.read(new ProtobufInput(detail.value().bytes));
    }
  }
}
