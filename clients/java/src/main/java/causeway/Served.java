package causeway;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** One connection of a sidecar: its calls run side by side and are answered as they end. */
final class Served implements Connection.Listener {
  private final Server server;
  private final Connection connection;
  private final Map<Integer, Call> calls = new ConcurrentHashMap<>();
  private volatile boolean draining;

  Served(Server server, Connection connection) {
    this.server = server;
    this.connection = connection;
  }

  /** One call: who runs it, and for whom. */
  private final class Call implements Runnable {
    final Frame frame;
    final Context context;
    private Thread runner;

    Call(Frame frame, Context context) {
      this.frame = frame;
      this.context = context;
    }

    @Override
    public void run() {
      synchronized (this) {
        runner = Thread.currentThread();
      }
      Output reply;
      try {
        Output[] written = new Output[1];
        context.run(() -> written[0] = serve(this));
        reply = written[0];
      } finally {
        synchronized (this) {
          runner = null;
          // The next call of this thread shall not be taken for cancelled.
          Thread.interrupted();
        }
      }
      finish(this, reply);
    }

    void cancel() {
      context.cancel();
      synchronized (this) {
        if (runner != null) runner.interrupt();
      }
    }
  }

  @Override
  public void frame(byte[] bytes) {
    Frame frame = new Frame(bytes);
    if (frame.isSignal()) {
      Call call = frame.says("cw-cancel") ? calls.get(frame.sequenceId) : null;
      if (call != null) call.cancel();
      return;
    }
    Context context = new Context(metadataOf(frame), expiryOf(frame));
    Call call = new Call(frame, context);
    calls.put(frame.sequenceId, call);
    try {
      frame.message();
      server.run(call);
    } catch (RpcException e) {
      finish(call, failure(call, e));
    }
  }

  private static Metadata metadataOf(Frame frame) {
    List<Metadata.Entry> entries = new ArrayList<>();
    for (Metadata.Entry pair : frame.pairs) if (!Metadata.isOwn(pair.key())) entries.add(pair);
    return entries.isEmpty() ? Metadata.EMPTY : new Metadata(entries);
  }

  private static long expiryOf(Frame frame) {
    if (!frame.timeout.matches("\\d{1,15}") || frame.timeout.matches("0+")) return Context.NEVER;
    return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(Long.parseLong(frame.timeout));
  }

  /** The reply; null to a call that is not answered. */
  private Output serve(Call call) {
    Frame frame = call.frame;
    try {
      Service service = server.find(frame.header("isn"));
      String name = frame.name.substring(frame.name.indexOf(':') + 1);
      Service.Served<?, ?> method = service.methods.get(name);
      if (method == null) throw new RpcException(Code.UNIMPLEMENTED, "the service " + service.name + " has no method \"" + name + "\"");
      return answer(call, name, method);
    } catch (RpcException e) {
      return failure(call, e);
    } catch (DeclaredException e) {
      return declared(call, e);
    } catch (InterruptedException e) {
      return failure(call, RpcException.here(Code.CANCELLED, "the call was cancelled", e));
    } catch (Exception | StackOverflowError e) {
      System.getLogger("causeway").log(System.Logger.Level.ERROR, "the handler of " + frame.name + " failed", e);
      return failure(call, RpcException.here(Code.INTERNAL, e.getClass().getSimpleName() + (e.getMessage() == null ? "" : ": " + e.getMessage()), e));
    }
  }

  private <O extends Output, I extends Input> Output answer(Call call, String name, Service.Served<O, I> method) throws Exception {
    Consumer<O> result = method.handler().handle(call.frame.body(method.wire()));
    if (method.oneway() || call.frame.type == Frame.ONEWAY) return null;
    O out = Frame.begin(method.wire(), Frame.REPLY, name, headers(call), 0);
    result.accept(out);
    Frame.seal(out, call.frame.sequenceId);
    return out;
  }

  private List<Metadata.Entry> headers(Call call) {
    List<Metadata.Entry> pairs = new ArrayList<>();
    pairs.add(Frame.pair("cw", "1"));
    if (draining) pairs.add(Frame.pair("crrst", "1"));
    for (Metadata.Entry entry : call.context.trailers().entries()) pairs.add(Frame.pair("cw-t-" + entry.key(), entry.value()));
    return pairs;
  }

  /** Protobuf's reply has no room for an exception, which stands beside it. */
  private Output declared(Call call, DeclaredException exception) {
    String details = exception instanceof ProtobufMessage message ? Failure.detailsOf(exception, message) : null;
    String text = "declared exception " + exception.wireName() + (details == null ? " (truncated)" : "");
    return write(call, exception.code(), text, details);
  }

  private Output failure(Call call, RpcException e) {
    return write(call, e.code(), e.getMessage() == null ? "" : e.getMessage(), null);
  }

  private Output write(Call call, Code code, String message, String details) {
    if (call.frame.type == Frame.ONEWAY) return null;
    List<Metadata.Entry> pairs = headers(call);
    String text = Frame.clipped(message.replaceAll("\\p{Cs}", "?"));
    pairs.add(Frame.pair("cw-code", Integer.toString(code.number())));
    pairs.add(Frame.pair("cw-message", text));
    if (details != null) pairs.add(Frame.pair("cw-details-bin", details));
    String name = call.frame.name.substring(call.frame.name.indexOf(':') + 1);
    Wire<?, ?> wire = call.frame.version == Wire.PROTOBUF.version ? Wire.PROTOBUF : Wire.THRIFT;
    Output out = Frame.begin(wire, Frame.EXCEPTION, name, pairs, 0);
    new Failure(text, code.applicationException()).write(out);
    Frame.seal(out, call.frame.sequenceId);
    return out;
  }

  private void finish(Call call, Output reply) {
    call.context.end();
    if (reply != null && !call.context.isCancelled()) {
      try {
        connection.send(reply);
      } catch (IOException gone) {
        // Nobody is there to hear it.
      }
    }
    calls.remove(call.frame.sequenceId, call);
    if (draining && calls.isEmpty()) connection.close();
  }

  void drain() {
    draining = true;
    if (calls.isEmpty()) connection.close();
  }

  @Override
  public void closed(Throwable cause) {
    calls.values().forEach(Call::cancel);
    server.ended(this);
  }
}
