package client;

import causeway.Bytes;
import causeway.CallOptions;
import causeway.Channel;
import causeway.Code;
import causeway.Method;
import causeway.RpcException;
import causeway.Wire;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import kinds.Choice;
import kinds.Choices;
import kinds.Color;
import kinds.Failure;
import kinds.Inner;
import kinds.Keyed;
import kinds.KindsClient;
import kinds.Lists;
import kinds.Maps;
import kinds.Nested;
import kinds.NotFound;
import kinds.Nothing;
import kinds.Plain;
import kinds.Point;
import kinds.Presence;
import kinds.Refused;
import kinds.Scalars;
import kinds.Sets;
import kinds.Size;
import kinds.Tree;

/** The stub of Kinds as a client; the same program for either wire. Arguments: the address of a sidecar, and the language of a server of stubs behind it. */
public final class StubClient {
  private final KindsClient kinds;
  private final Channel channel;
  private final Map<String, Report.Case> cases = new LinkedHashMap<>();

  private StubClient(Channel channel) {
    this.channel = channel;
    this.kinds = new KindsClient(channel).with(CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(10)));
  }

  public static void main(String[] arguments) {
    try (Channel channel = Channel.open(arguments[0])) {
      StubClient client = new StubClient(channel);
      client.scalars();
      client.structs();
      client.containers();
      client.unions();
      client.calls();
      if (arguments.length > 1) client.stubCases(arguments[1]);
      Report.run(client.cases);
    }
  }

  private <T> void returns(String name, UnaryOperator<T> call, T value) {
    cases.put(name, () -> mustEqual(value, call.apply(value)));
  }

  static void mustEqual(Object want, Object got) {
    if (!want.equals(got)) throw new AssertionError("want " + want + ", got " + got);
  }

  static <E extends Throwable> E mustThrow(Class<E> type, Report.Case call) throws Exception {
    try {
      call.run();
    } catch (Throwable got) {
      if (type.isInstance(got)) return type.cast(got);
      throw new AssertionError("want " + type + ", got " + got, got);
    }
    throw new AssertionError("nothing was thrown");
  }

  private void scalars() {
    byte[] everyByte = new byte[256];
    for (int i = 0; i < everyByte.length; i++) everyByte[i] = (byte) i;
    returns("echoBool: true", kinds::echoBool, true);
    returns("echoBool: false", kinds::echoBool, false);
    returns("echoByte: least", kinds::echoByte, Byte.MIN_VALUE);
    returns("echoByte: most", kinds::echoByte, Byte.MAX_VALUE);
    returns("echoI16: least", kinds::echoI16, Short.MIN_VALUE);
    returns("echoI16: most", kinds::echoI16, Short.MAX_VALUE);
    returns("echoI32: least", kinds::echoI32, Integer.MIN_VALUE);
    returns("echoI32: most", kinds::echoI32, Integer.MAX_VALUE);
    returns("echoI32: zero", kinds::echoI32, 0);
    returns("echoI64: least", kinds::echoI64, Long.MIN_VALUE);
    returns("echoI64: most", kinds::echoI64, Long.MAX_VALUE);
    returns("echoI64: beyond 2^53", kinds::echoI64, 9007199254740993L);
    sameBits("echoDouble: pi", Math.PI);
    sameBits("echoDouble: negative zero", -0.0);
    sameBits("echoDouble: least above zero", Double.MIN_VALUE);
    sameBits("echoDouble: infinity", Double.NEGATIVE_INFINITY);
    sameBits("echoDouble: NaN with a payload", Double.longBitsToDouble(0x7ff8000000000abcL));
    returns("echoString: empty", kinds::echoString, "");
    returns("echoString: many scripts", kinds::echoString, "Grüße, 世界 🌍");
    returns("echoString: 100000 letters", kinds::echoString, "causeway..".repeat(10_000));
    returns("echoBinary: empty", kinds::echoBinary, Bytes.EMPTY);
    returns("echoBinary: every byte", kinds::echoBinary, Bytes.of(everyByte));
    returns("echoColor: named", kinds::echoColor, Color.BLUE);
    returns("echoColor: unnamed", kinds::echoColor, Color.of(7));
    returns("echoSize: zero", kinds::echoSize, Size.SMALL);
    returns("echoSize: negative", kinds::echoSize, Size.BELOW);
    returns("echoSize: largest", kinds::echoSize, Size.HUGE);
  }

  private void sameBits(String name, double value) {
    cases.put(name, () -> mustEqual(Double.doubleToRawLongBits(value), Double.doubleToRawLongBits(kinds.echoDouble(value))));
  }

  private static Scalars someScalars() {
    Bytes data = Bytes.of(new byte[] {0, -1});
    return new Scalars(true, (byte) -1, (byte) 2, (short) -300, 70_000, -5_000_000_000L, 0.1, "text", data, Color.GREEN, Size.LARGE);
  }

  private void structs() {
    Scalars zeroScalars = Scalars.builder().color(Color.RED).build();
    Presence absent = Presence.builder().must(0).build();
    Presence set = new Presence(1, 2, 3, 4, "bonjour", Color.BLUE, true, someScalars(), List.of(5), List.of(6, 7), Color.RED);
    Presence zero = new Presence(0, 0, 0, 0, "", Color.RED, false, zeroScalars, List.of(), null, null);
    Nested nested = new Nested(new Inner(new Point(1, 2), "inner"), new Point(-3, 4), new Inner(new Point(5, -6), ""));
    returns("echoScalars: all set", kinds::echoScalars, someScalars());
    returns("echoScalars: all zero", kinds::echoScalars, zeroScalars);
    returns("echoPresence: optional fields absent", kinds::echoPresence, absent);
    returns("echoPresence: all set", kinds::echoPresence, set);
    returns("echoPresence: optional fields zero", kinds::echoPresence, zero);
    returns("echoNested: three levels", kinds::echoNested, nested);
    returns("echoTree: 20 deep", kinds::echoTree, treeOf(20));
    returns("echoNothing: no field", kinds::echoNothing, new Nothing());
  }

  private static Tree treeOf(long depth) {
    if (depth == 1) return new Tree(1, List.of(), null);
    Tree leaf = new Tree(-depth, List.of(), null);
    return new Tree(depth, List.of(leaf, treeOf(depth - 1)), leaf);
  }

  private void containers() {
    Lists lists =
        new Lists(
            List.of(true, false, true),
            List.of((byte) -128, (byte) 127),
            List.of((short) -32768, (short) 32767),
            List.of(0, -1, 2147483647),
            List.of(-1L, 9007199254740993L),
            List.of(0.0, -0.5, 1e300),
            List.of("", "a", "世界"),
            List.of(Bytes.EMPTY, Bytes.of(new byte[] {0, 1})),
            List.of(Color.RED, Color.BLUE, Color.GREEN),
            List.of(new Point(1, 2), new Point(0, 0)),
            List.of(List.of(1, 2), List.of(), List.of(3)),
            List.of(Map.of("one", 1), Map.of()),
            List.of(List.of(List.of("a"), List.of()), List.of(), List.of(List.of("b", "c"))));
    Sets sets = new Sets(setOf(1, -2, 300), setOf("a", ""), setOf(Color.GREEN, Color.RED), setOf(9007199254740993L));
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) numbers.add(i * i * i - 1000);
    returns("echoLists: of every type", kinds::echoLists, lists);
    returns("echoLists: empty", kinds::echoLists, Lists.builder().build());
    returns("echoSets: of every type", kinds::echoSets, sets);
    returns("echoSets: empty", kinds::echoSets, Sets.builder().build());
    returns("echoMaps: one entry each", kinds::echoMaps, oneEntryMaps());
    returns("echoMaps: several entries", kinds::echoMaps, manyEntryMaps());
    returns("echoMaps: empty", kinds::echoMaps, Maps.builder().build());
    Keyed keyed = new Keyed(Map.of(new Point(1, 2), "a", new Point(3, 4), "b"));
    returns("echoKeyed: structs as keys", kinds::echoKeyed, keyed);
    returns("echoList: 1000 numbers", kinds::echoList, numbers);
    returns("echoSet: two strings", kinds::echoSet, setOf("b", "a"));
    returns("echoMap: structs", kinds::echoMap, Map.of("here", new Point(1, 2)));
    returns("echoGrid: an empty row", kinds::echoGrid, List.of(List.of("a", "b"), List.of(), List.of("")));
  }

  /** A set that keeps the order it was written in, so that the bytes are those of other languages. */
  @SafeVarargs
  private static <T> Set<T> setOf(T... elements) {
    Set<T> set = new LinkedHashSet<>();
    for (T element : elements) set.add(element);
    return set;
  }

  private static Maps oneEntryMaps() {
    return new Maps(
        Map.of("key", "value"),
        Map.of(-1, ""),
        Map.of(9007199254740993L, -1L),
        Map.of(false, "no"),
        Map.of(Color.BLUE, Size.LARGE),
        Map.of("", new Point(0, 9)),
        Map.of("list", List.of(1, 2, 3)),
        Map.of("outer", Map.of("inner", 0)),
        Map.of((short) -5, 2.5),
        Map.of("words", Set.of("only")));
  }

  private static Maps manyEntryMaps() {
    return new Maps(
        Map.of("key", "value", "世界", "world", "", "nothing"),
        Map.of(-1, "", 0, "zero"),
        Map.of(9007199254740993L, -1L, 0L, 0L),
        Map.of(false, "no", true, "yes"),
        Map.of(Color.BLUE, Size.LARGE, Color.RED, Size.BELOW),
        Map.of("", new Point(0, 9), "there", new Point(3, 4)),
        Map.of("list", List.of(1, 2, 3), "empty", List.of()),
        Map.of("outer", Map.of("inner", 0), "empty", Map.of(), "two", Map.of("a", 1, "b", 2)),
        Map.of((short) -5, 2.5, (short) 0, 0.0),
        Map.of("words", Set.of("only"), "none", Set.of()));
  }

  private void unions() {
    Choice number = new Choice.Number(9007199254740993L);
    Choice text = new Choice.Text("");
    Choice words = new Choice.Words(List.of("a", "b"));
    returns("echoChoice: bool", kinds::echoChoice, new Choice.Truth(false));
    returns("echoChoice: i64", kinds::echoChoice, number);
    returns("echoChoice: string", kinds::echoChoice, text);
    returns("echoChoice: enum", kinds::echoChoice, new Choice.Color(Color.RED));
    returns("echoChoice: struct", kinds::echoChoice, new Choice.Point(new Point(1, 0)));
    returns("echoChoice: list", kinds::echoChoice, words);
    returns("echoChoice: itself", kinds::echoChoice, new Choice.Choice_(new Choice.Choice_(text)));
    returns("echoChoices: several", kinds::echoChoices, new Choices(number, words, List.of(text, number, words)));
  }

  private void calls() {
    cases.put("ping: inherited and void", kinds::ping);
    cases.put("who: inherited", () -> mustEqual(false, kinds.who().isEmpty()));
    cases.put("nothing: void", kinds::nothing);
    cases.put("sum: several arguments", () -> mustEqual(9007199254740993L, kinds.sum(1, 9007199254740990L, List.of(1, 1))));
    cases.put("fail: not at all", () -> mustEqual(Failure.NONE, kinds.fail(Failure.NONE)));
    cases.put("fail: NotFound", () -> {
      NotFound thrown = mustThrow(NotFound.class, () -> kinds.fail(Failure.NOT_FOUND));
      mustEqual("shelf 9007199254740993", thrown.what() + " " + thrown.id());
      mustEqual(Code.NOT_FOUND, thrown.code());
    });
    cases.put("fail: Refused", () -> mustBeRefused(mustThrow(Refused.class, () -> kinds.fail(Failure.REFUSED))));
    cases.put("fail: Plain", () -> mustEqual("plainly wrong", mustThrow(Plain.class, () -> kinds.fail(Failure.PLAIN)).getMessage()));
    cases.put("fail: undeclared", () -> {
      RpcException thrown = mustThrow(RpcException.class, () -> kinds.fail(Failure.UNEXPECTED));
      if (!thrown.getMessage().contains("the shelf fell over")) throw thrown;
    });
    cases.put("check: void that returns", () -> kinds.check(true));
    cases.put("check: void that throws", () -> mustBeRefused(mustThrow(Refused.class, () -> kinds.check(false))));
    cases.put("note: oneway", this::noteArrives);
    cases.put("absent: unknown method", () -> {
      Method<causeway.ThriftOutput, causeway.ThriftInput, Void> absent =
          new Method<>(Wire.THRIFT, "kinds.Kinds", "absent", false, in -> null, Map.of());
      RpcException thrown = mustThrow(RpcException.class, () -> channel.call(absent, out -> out.stop(), CallOptions.DEFAULT));
      mustEqual(Code.UNIMPLEMENTED, thrown.code());
    });
  }

  private static void mustBeRefused(Refused thrown) {
    mustEqual("closed", thrown.reason());
    mustEqual(Color.BLUE, thrown.color());
    mustEqual(List.of(new Point(1, -1), new Point(2, -2)), thrown.where());
  }

  /** Asks until the note is there: a oneway call has no answer that says when it was done. */
  private void noteArrives() throws InterruptedException {
    String text = "note of the Java stub, " + System.nanoTime();
    kinds.note(text);
    eventually(text);
  }

  /** Those of stub-cases.ts. */
  private void stubCases(String server) {
    String unique = ProcessHandle.current().pid() + "-" + System.nanoTime();
    byte[] large = "causeway..".repeat(500_000).getBytes(StandardCharsets.US_ASCII);
    returns("echoBinary: 5 MB", kinds::echoBinary, Bytes.of(large));
    cases.put("echoString: a deadline ends the call", () -> {
      KindsClient brief = kinds.with(CallOptions.DEFAULT.withTimeout(Duration.ofMillis(300)));
      mustEqual(Code.DEADLINE_EXCEEDED, mustThrow(RpcException.class, () -> brief.echoString("wait " + unique + "-d")).code());
    });
    cases.put("echoString: a deadline travels", () -> {
      KindsClient patient = kinds.with(CallOptions.DEFAULT.withTimeout(Duration.ofSeconds(20)));
      mustEqual("20 s", patient.echoString("deadline?"));
    });
    cases.put("echoString: metadata travels", () -> mustEqual("kept", kinds.with(CallOptions.DEFAULT.with("x-own", "kept")).echoString("metadata?")));
    if (server.equals("php")) return;
    cases.put("echoString: cancellation travels", () -> {
      CompletableFuture<String> call = kinds.async().echoString("wait " + unique + "-c");
      CompletableFuture.delayedExecutor(200, TimeUnit.MILLISECONDS).execute(() -> call.cancel(true));
      mustThrow(CancellationException.class, call::get);
      eventually("ended wait " + unique + "-c");
    });
  }

  private void eventually(String text) throws InterruptedException {
    for (int attempt = 0; attempt < 500; attempt++) {
      if (kinds.notes().contains(text)) return;
      Thread.sleep(10);
    }
    throw new AssertionError("the server has not noted " + text + " within 5 seconds");
  }
}
