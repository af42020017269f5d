package causeway;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
    this.shared = new Links(addresses, loop, MAX_CALLS_PER_CONNECTION, 16);
    this.large = new Links(addresses, loop, 1, 16);
    this.executor = executor;
  }

  /** To where CAUSEWAY_ADDRESS says; without it to {@code unix:/run/causeway/causeway.sock}, else {@code 127.0.0.1:7420}. */
  public static Channel open() {
    return new Channel(Address.ofSidecar(), ForkJoinPool.commonPool());
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

  /** Calls a method that declares no exception, and waits. An interrupt cancels the call and stays set; the error is then CANCELLED. */
  public <O extends Output, I extends Input, T> T call(Method<O, I, T> method, Consumer<? super O> arguments, CallOptions options) {
    try {
      return callThrowing(method, arguments, options);
    } catch (DeclaredException e) {
      throw undeclared(e);
    }
  }

  /** An exception that a method answers with and does not declare. */
  public static RpcException undeclared(DeclaredException e) {
    return new RpcException(e.code(), "the exception " + e.wireName() + ", which is not declared: " + e.getMessage(), true, Metadata.EMPTY, e);
  }

  /** The same for a method that declares exceptions. */
  public <O extends Output, I extends Input, T> T callThrowing(Method<O, I, T> method, Consumer<? super O> arguments, CallOptions options) throws DeclaredException {
    long expiresAt = expiry(options);
    Link.Pending pending = new Link.Pending();
    send(method, arguments, options, expiresAt, pending);
    try {
      Frame frame = expiresAt == Context.NEVER ? pending.get() : pending.get(expiresAt - System.nanoTime(), TimeUnit.NANOSECONDS);
      return frame == null ? null : read(method, frame, options);
    } catch (InterruptedException e) {
      abandon(pending);
      Thread.currentThread().interrupt();
      throw new RpcException(Code.CANCELLED, "the call of " + nameOf(method) + " was interrupted", true, Metadata.EMPTY, e);
    } catch (TimeoutException e) {
      abandon(pending);
      throw expired(method, pending);
    } catch (ExecutionException e) {
      // The stack of who called says more than that of the thread that reads.
      if (!(e.getCause() instanceof RpcException cause)) throw RpcException.here(Code.INTERNAL, String.valueOf(e.getCause()), e);
      throw new RpcException(cause.code(), cause.getMessage(), cause.sent(), cause.trailers(), cause.details(), cause);
    }
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
      send(method, arguments, options, expiresAt, pending);
    } catch (RpcException e) {
      pending.completeExceptionally(e);
    }
    return result;
  }

  private <O extends Output, I extends Input, T> void finish(
      Method<O, I, T> method, CallOptions options, Link.Pending pending, CompletableFuture<T> result, Frame frame, Throwable failure) {
    try {
      if (failure instanceof TimeoutException) {
        abandon(pending);
        throw expired(method, pending);
      }
      if (failure != null) throw failure;
      result.complete(frame == null ? null : read(method, frame, options));
    } catch (Throwable e) {
      result.completeExceptionally(e instanceof CancellationException ? new RpcException(Code.CANCELLED, "the call was cancelled") : e);
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

  private <O extends Output> void send(Method<O, ?, ?> method, Consumer<? super O> arguments, CallOptions options, long expiresAt, Link.Pending pending) {
    List<Metadata.Entry> pairs = headers(method, options);
    sendOn(method, arguments, pairs, expiresAt, pending);
  }

  private <O extends Output> void sendOn(Method<O, ?, ?> method, Consumer<? super O> arguments, List<Metadata.Entry> pairs, long expiresAt, Link.Pending pending) {
    while (!pending.isDone()) {
      long timeoutMs = 0;
      if (expiresAt != Context.NEVER) {
        timeoutMs = (expiresAt - System.nanoTime() + 999_999) / 1_000_000;
        if (timeoutMs <= 0) throw expired(method, pending);
      }
      O out = Frame.begin(method.wire(), method.oneway() ? Frame.ONEWAY : Frame.CALL, method.name(), pairs, timeoutMs);
      arguments.accept(out);
      Links links = out.size > MAX_SHARED_BYTES ? large : shared;
      Link link = links.reserve();
      if (link == null) {
        links.connect(expiresAt).whenComplete((none, failure) -> {
          try {
            if (failure != null) throw failure;
            // Written anew: connecting has taken some of the time that the headers speak of.
            sendOn(method, arguments, pairs, expiresAt, pending);
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
    pairs.add(Frame.pair("cw", "1"));
    pairs.add(Frame.pair("isn", method.service()));
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
    if (pending.link == null && (shared.isDown() || large.isDown())) return shared.isDown() ? shared.nobody() : large.nobody();
    return new RpcException(Code.DEADLINE_EXCEEDED, "no answer of " + nameOf(method) + " within its deadline", pending.link != null, Metadata.EMPTY, null);
  }

  private static String nameOf(Method<?, ?, ?> method) {
    return method.service() + "/" + method.name();
  }

  private static <I extends Input, T> T read(Method<?, I, T> method, Frame frame, CallOptions options) throws DeclaredException {
    Metadata beside = beside(frame);
    try {
      frame.message();
      if (frame.type == Frame.EXCEPTION) throw failure(method, frame, beside);
      if (frame.type != Frame.REPLY || !frame.name.equals(method.name())) {
        throw new RpcException(Code.INTERNAL, "a message of type " + frame.type + " for " + frame.name + ": expected the reply to " + method.name());
      }
      T value = method.result().read(frame.body(method.wire()));
      options.onReply().accept(beside);
      return value;
    } catch (RpcException e) {
      // A malformed request is the caller's fault, a malformed reply is not.
      if (e.sent()) throw e;
      throw new RpcException(Code.INTERNAL, "the reply of " + nameOf(method) + " cannot be read: " + e.getMessage(), true, beside, e);
    }
  }

  private static Metadata beside(Frame frame) {
    List<Metadata.Entry> entries = new ArrayList<>();
    for (Metadata.Entry pair : frame.pairs) {
      if (pair.key().startsWith("cw-t-")) entries.add(Frame.pair(pair.key().substring(5), pair.value()));
      else if (!Metadata.isOwn(pair.key())) entries.add(pair);
    }
    return entries.isEmpty() ? Metadata.EMPTY : new Metadata(entries);
  }

  /** The declared exception that stands beside the error, else the error. */
  private static RpcException failure(Method<?, ?, ?> method, Frame frame, Metadata beside) throws DeclaredException {
    List<RpcException.Detail> details = Failure.details(frame.header("cw-details-bin"));
    for (RpcException.Detail detail : details) {
      Method.Thrown thrown = method.thrown().get(detail.typeName());
      if (thrown != null) throw thrown.read(new ProtobufInput(detail.value().bytes));
    }
    Failure said = Failure.read(frame);
    String code = frame.header("cw-code");
    boolean exact = code != null && code.matches("\\d{1,2}");
    String message = Optional.ofNullable(frame.header("cw-message")).filter(text -> exact && !text.isEmpty()).orElse(said.message());
    return new RpcException(exact ? Code.of(Integer.parseInt(code)) : Code.ofApplicationException(said.type()), message, true, beside, details, null);
  }
}
