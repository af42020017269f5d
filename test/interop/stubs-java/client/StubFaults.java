package client;

import static client.StubClient.mustEqual;
import static client.StubClient.mustThrow;

import causeway.Bytes;
import causeway.CallOptions;
import causeway.Channel;
import causeway.Code;
import causeway.Metadata;
import causeway.RpcException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import kinds.KindsClient;

/**
 * What is not about values: deadlines, cancellation, metadata, sizes, and a sidecar that dies. Argument: the address of a
 * sidecar before a {@link StubServer}; with a second one, the sidecar or the server ends when "ready" is
 * written.
 */
public final class StubFaults {
  private final KindsClient kinds;
  private final Map<String, Report.Case> cases = new LinkedHashMap<>();

  private StubFaults(Channel channel) {
    this.kinds = new KindsClient(channel);
  }

  public static void main(String[] arguments) throws Exception {
    try (Channel channel = Channel.open(arguments[0])) {
      StubFaults faults = new StubFaults(channel);
      if (arguments.length > 1 && arguments[1].equals("drain")) faults.drain();
      else if (arguments.length > 1) faults.restart();
      else faults.calls();
      Report.run(faults.cases);
    }
  }

  private KindsClient within(long ms) {
    return kinds.with(CallOptions.DEFAULT.withTimeout(Duration.ofMillis(ms)));
  }

  private void calls() {
    // A cancel is sent only to a peer that has shown, by an answer, that it knows what that is.
    kinds.ping();
    cases.put("a deadline ends the call and cancels it at the server", () -> {
      mustEqual(Code.DEADLINE_EXCEEDED, mustThrow(RpcException.class, () -> within(300).echoString("wait")).code());
      until("waiting,cancelled");
    });
    cases.put("a deadline travels to the server", () -> mustEqual("20 s", within(20_000).echoString("deadline?")));
    cases.put("cancelling a future cancels the call at the server", () -> {
      CompletableFuture<String> call = kinds.async().echoString("wait");
      until("waiting,cancelled,waiting");
      call.cancel(true);
      until("waiting,cancelled,waiting,cancelled");
    });
    cases.put("an interrupt cancels the call and stays set", () -> {
      AtomicReference<Object> seen = new AtomicReference<>();
      Thread thread = new Thread(() -> {
        try {
          kinds.echoString("wait");
        } catch (RpcException e) {
          seen.set(e.code() + " " + Thread.currentThread().isInterrupted());
        }
      });
      thread.start();
      until("waiting,cancelled,waiting,cancelled,waiting");
      thread.interrupt();
      thread.join();
      mustEqual("CANCELLED true", seen.get());
      until("waiting,cancelled,waiting,cancelled,waiting,cancelled");
      mustEqual("still well", kinds.echoString("still well"));
    });
    cases.put("metadata and a trace travel, and come back beside the answer", () -> {
      String trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      AtomicReference<Metadata> reply = new AtomicReference<>();
      CallOptions options = CallOptions.DEFAULT.with("traceparent", trace).with("X-Own", "世界").withOnReply(reply::set);
      String[] got = kinds.with(options).echoString("trace?").split(" ");
      // A sidecar may put a span of its own between.
      mustEqual(trace.substring(0, 35), got[0].substring(0, 35));
      mustEqual("世界", got[1]);
      kinds.with(options).echoString("trailer");
      mustEqual("世界", reply.get().get("x-own").orElse("none"));
    });
    cases.put("five megabytes there and back, while small calls go on", () -> {
      byte[] large = new byte[5_000_000];
      for (int i = 0; i < large.length; i++) large[i] = (byte) (i * 31);
      CompletableFuture<Bytes> echo = kinds.async().echoBinary(Bytes.of(large));
      for (int i = 0; i < 100; i++) mustEqual(i, kinds.echoI32(i));
      mustEqual(Bytes.of(large), echo.get());
    });
    cases.put("a message above the limit is refused before it is sent", () -> {
      RpcException thrown = mustThrow(RpcException.class, () -> kinds.echoBinary(Bytes.of(new byte[17_000_000])));
      mustEqual(Code.RESOURCE_EXHAUSTED, thrown.code());
      mustEqual(false, thrown.sent());
    });
    cases.put("half a surrogate pair is refused before it is sent", () ->
        mustEqual(Code.INVALID_ARGUMENT, mustThrow(RpcException.class, () -> kinds.echoString("a\ud800")).code()));
    cases.put("two thousand calls at once over one connection", () -> {
      List<CompletableFuture<Integer>> calls = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) calls.add(kinds.async().echoI32(i));
      for (int i = 0; i < 2_000; i++) mustEqual(i, calls.get(i).get());
    });
    cases.put("where none listens, the error says where and what to do", () -> {
      try (Channel nowhere = Channel.open("unix:/nonexistent/causeway.sock")) {
        KindsClient lost = new KindsClient(nowhere).with(CallOptions.DEFAULT.withTimeout(Duration.ofMillis(50)));
        for (String text : List.of(mustThrow(RpcException.class, lost::ping).getMessage(), mustThrow(Exception.class, () -> lost.async().ping().get()).getMessage())) {
          for (String part : List.of("unix:/nonexistent/causeway.sock", "causeway serve", "CAUSEWAY_ADDRESS")) mustEqual(true, text.contains(part));
        }
      }
    });
    cases.put("a closed channel takes no further calls", () -> {
      Channel closed = Channel.open("127.0.0.1:1");
      closed.close();
      mustEqual(Code.UNAVAILABLE, mustThrow(RpcException.class, () -> new KindsClient(closed).ping()).code());
    });
  }

  private void until(String notes) throws InterruptedException {
    String got = "";
    for (int attempt = 0; attempt < 500; attempt++) {
      got = kinds.echoString("cancelled?");
      if (got.equals(notes)) return;
      Thread.sleep(10);
    }
    throw new AssertionError("want " + notes + ", got " + got);
  }

  private void drain() {
    cases.put("a call that runs while its server drains is answered", () -> {
      CompletableFuture<String> call = kinds.async().echoString("slow");
      until("slow");
      System.out.println("ready");
      mustEqual("slow", call.get());
    });
  }

  private void restart() {
    cases.put("a call in flight fails when the sidecar dies", () -> {
      CompletableFuture<String> call = kinds.async().echoString("wait");
      until("waiting");
      System.out.println("ready");
      RpcException thrown = (RpcException) mustThrow(java.util.concurrent.ExecutionException.class, call::get).getCause();
      mustEqual(Code.UNAVAILABLE, thrown.code());
      mustEqual(true, thrown.sent());
    });
    cases.put("without a sidecar the error says so", () -> {
      String text = mustThrow(RpcException.class, () -> within(200).ping()).getMessage();
      if (!text.contains("no sidecar listens on")) throw new AssertionError(text);
    });
    cases.put("a call waits for the sidecar to come back, within its deadline", () -> mustEqual(7, within(30_000).echoI32(7)));
  }
}
