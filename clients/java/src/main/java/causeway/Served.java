package causeway;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One connection of a sidecar: its calls run side by side and are answered as they end. */
final class Served extends Connection {
  private static final List<Metadata.Entry> RESET = List.of(new Metadata.Entry("cw", "1"), new Metadata.Entry("crrst", "1"));
  private final Server server;
  private final Map<Integer, Call> calls = new ConcurrentHashMap<>();
  private volatile boolean draining;
  /** Whether the peer has shown that it is a sidecar, which closes when it is told to go elsewhere and has its answers. */
  private volatile boolean profile;

  Served(Server server, SocketChannel channel) {
    super(channel);
    this.server = server;
  }

  /** One call: who runs it, and for whom. */
  private final class Call implements Runnable {
    final Frame frame;
    final Context context;
    private Thread runner;

    Call(Frame frame) {
      this.frame = frame;
      boolean expires = frame.timeout.matches("(?!0+$)\\d{1,15}");
      long expiresAt = expires ? System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(frame.timeout)) : Context.NEVER;
      this.context = new Context(frame.metadata(), expiresAt);
    }

    @Override
    public void run() {
      setRunner(Thread.currentThread());
      try {
        context.wrap(() -> finish(this, serve(this))).run();
      } finally {
        setRunner(null);
        // The next call of this thread shall not be taken for cancelled.
        Thread.interrupted();
      }
    }

    private synchronized void setRunner(Thread thread) {
      runner = thread;
    }

    void cancel() {
      context.cancel();
      synchronized (this) {
        if (runner != null) runner.interrupt();
      }
    }
  }

  @Override
  void received(byte[] bytes) {
    Frame frame = new Frame(bytes);
    if (frame.says("cw")) profile = true;
    if (frame.isSignal()) {
      Call cancelled = frame.says("cw-cancel") ? calls.get(frame.sequenceId) : null;
      if (cancelled != null) cancelled.cancel();
      return;
    }
    Call call = new Call(frame);
    calls.put(frame.sequenceId, call);
    try {
      frame.readMessage();
      server.run(call);
    } catch (RpcException e) {
      finish(call, failure(call, e));
    }
  }

  /** The reply; null to a call that is not answered. */
  private Output serve(Call call) {
    Frame frame = call.frame;
    try {
      Service service = server.find(frame.header("isn"));
      Service.Served<?, ?> method = service.methods.get(frame.name);
      if (method == null) throw new RpcException(Code.UNIMPLEMENTED, "the service " + service.name + " has no method \"" + frame.name + "\"");
      return answer(call, method);
    } catch (RpcException e) {
      return failure(call, e);
    } catch (DeclaredException e) {
      List<Metadata.Entry> pairs = headers(call);
      Status.write(pairs, e);
      return exception(call, e.code(), pairs);
    } catch (InterruptedException e) {
      return failure(call, new RpcException(Code.CANCELLED, "the call was cancelled"));
    } catch (Exception | StackOverflowError e) {
      System.getLogger("causeway").log(System.Logger.Level.ERROR, "the handler of " + frame.name + " failed", e);
      return failure(call, new RpcException(Code.INTERNAL, e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage())));
    }
  }

  private <O extends Output, I extends Input> Output answer(Call call, Service.Served<O, I> method) throws Exception {
    Frame frame = call.frame;
    Consumer<O> result = method.handler().handle(frame.body(method.wire()));
    if (method.oneway() || frame.type == Frame.ONEWAY) return null;
    return Frame.write(method.wire(), Frame.REPLY, frame.name, frame.sequenceId, headers(call), 0, result);
  }

  private List<Metadata.Entry> headers(Call call) {
    List<Metadata.Entry> pairs = new ArrayList<>();
    pairs.add(new Metadata.Entry("cw", "1"));
    if (draining) pairs.add(new Metadata.Entry("crrst", "1"));
    for (Metadata.Entry entry : call.context.trailers().entries()) pairs.add(new Metadata.Entry("cw-t-" + entry.key(), entry.value()));
    return pairs;
  }

  private Output failure(Call call, RpcException e) {
    List<Metadata.Entry> pairs = headers(call);
    Status.write(pairs, e.code(), e.getMessage());
    return exception(call, e.code(), pairs);
  }

  private Output exception(Call call, Code code, List<Metadata.Entry> pairs) {
    Frame frame = call.frame;
    if (frame.type == Frame.ONEWAY) return null;
    Wire<?, ?> wire = frame.version == Wire.PROTOBUF.version() ? Wire.PROTOBUF : Wire.THRIFT;
    return Frame.write(wire, Frame.EXCEPTION, frame.name, frame.sequenceId, pairs, 0, out -> Status.writeBody(out, code));
  }

  private void finish(Call call, Output reply) {
    if (reply != null && !call.context.isCancelled()) {
      try {
        send(reply);
      } catch (IOException gone) {
        // Nobody is there to hear it.
      }
    }
    calls.remove(call.frame.sequenceId, call);
    if (draining && !profile && calls.isEmpty()) close();
  }

  /** Tells a sidecar that it takes no further calls: one that is on its way is still served. Others are closed behind their last answer. */
  void drain() {
    draining = true;
    try {
      if (profile) send(Frame.signal(0, RESET));
      else if (calls.isEmpty()) close();
    } catch (IOException gone) {
      // Then so are its calls.
    }
  }

  @Override
  void ended(Throwable cause) {
    calls.values().forEach(Call::cancel);
    server.ended(this);
  }
}
