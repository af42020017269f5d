package client;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import kinds.Choice;
import kinds.Choices;
import kinds.Color;
import kinds.Failure;
import kinds.Inner;
import kinds.Keyed;
import kinds.Kinds;
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
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TException;
import org.apache.thrift.TServiceClient;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.layered.TFramedTransport;

/**
 * The official Apache Thrift library for Java as a client of the service Kinds. Arguments: HOST PORT, then framed or
 * buffered, then strict or old.
 */
public final class Client {
  private final Kinds.Client kinds;
  private final TProtocol protocol;
  private final Map<String, Report.Case> cases = new LinkedHashMap<>();

  private Client(TProtocol protocol) {
    this.protocol = protocol;
    this.kinds = new Kinds.Client(protocol);
  }

  public static void main(String[] arguments) throws TException {
    TSocket socket = new TSocket(arguments[0], Integer.parseInt(arguments[1]), 10_000);
    TTransport transport = arguments[2].equals("framed") ? new TFramedTransport(socket) : socket;
    transport.open();
    boolean strict = arguments[3].equals("strict");
    Client client = new Client(new TBinaryProtocol(transport, strict, strict));
    client.scalars();
    client.structs();
    client.containers();
    client.unions();
    client.calls();
    Report.run(client.cases);
    transport.close();
  }

  private interface Call<T> {
    T on(T value) throws TException;
  }

  /** A case of a call that gives back its argument. */
  private <T> void returns(String name, Call<T> call, T value) {
    cases.put(name, () -> mustEqual(value, call.on(value)));
  }

  /** A case of a call that throws what is declared. */
  private void fails(String name, Report.Case call, Exception want) {
    cases.put(
        name,
        () -> {
          try {
            call.run();
          } catch (TApplicationException problem) {
            throw problem;
          } catch (TException got) {
            mustEqual(want, got);
            return;
          }
          throw new AssertionError("nothing was thrown");
        });
  }

  /** A case of a call that fails with a TApplicationException. */
  private void breaks(String name, Report.Case call, int type, String text) {
    cases.put(
        name,
        () -> {
          try {
            call.run();
          } catch (TApplicationException got) {
            mustEqual(type, got.getType());
            if (!got.getMessage().contains(text)) throw new AssertionError("message is " + got.getMessage());
            return;
          }
          throw new AssertionError("nothing was thrown");
        });
  }

  private static void mustEqual(Object want, Object got) {
    if (!want.equals(got)) throw new AssertionError("want " + want + ", got " + got);
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
    // The library writes the one canonical NaN, whatever the payload.
    sameBits("echoDouble: NaN", Double.NaN);
    returns("echoString: empty", kinds::echoString, "");
    returns("echoString: many scripts", kinds::echoString, "Grüße, 世界 🌍");
    returns("echoString: 100000 letters", kinds::echoString, "causeway..".repeat(10_000));
    returns("echoBinary: empty", kinds::echoBinary, ByteBuffer.allocate(0));
    returns("echoBinary: every byte", kinds::echoBinary, ByteBuffer.wrap(everyByte));
    returns("echoColor: named", kinds::echoColor, Color.BLUE);
    returns("echoSize: zero", kinds::echoSize, Size.SMALL);
    returns("echoSize: negative", kinds::echoSize, Size.BELOW);
    returns("echoSize: largest", kinds::echoSize, Size.HUGE);
  }

  private void sameBits(String name, double value) {
    cases.put(
        name,
        () -> mustEqual(Double.doubleToRawLongBits(value), Double.doubleToRawLongBits(kinds.echoDouble(value))));
  }

  private static Scalars someScalars() {
    ByteBuffer data = ByteBuffer.wrap(new byte[] {0, -1});
    return new Scalars(
        true, (byte) -1, (byte) 2, (short) -300, 70_000, -5_000_000_000L, 0.1, "text", data, Color.GREEN, Size.LARGE);
  }

  private static Scalars zeroScalars() {
    ByteBuffer data = ByteBuffer.allocate(0);
    return new Scalars(false, (byte) 0, (byte) 0, (short) 0, 0, 0, 0, "", data, Color.RED, Size.SMALL);
  }

  private void structs() {
    Presence absent = new Presence(0, 0, 7, Color.GREEN, new ArrayList<>());
    Presence set =
        new Presence(1, 3, 4, Color.BLUE, List.of(5))
            .setMay(2)
            .setGreeting("bonjour")
            .setFlag(true)
            .setScalars(someScalars())
            .setMoreNumbers(List.of(6, 7))
            .setMayColor(Color.RED);
    Presence zero =
        new Presence(0, 0, 0, Color.RED, List.of())
            .setMay(0)
            .setGreeting("")
            .setFlag(false)
            .setScalars(zeroScalars());
    Nested nested = new Nested(new Inner(new Point(1, 2), "inner"), new Point(-3, 4));
    nested.setLast(new Inner(new Point(5, -6), ""));
    returns("echoScalars: all set", kinds::echoScalars, someScalars());
    returns("echoScalars: all zero", kinds::echoScalars, zeroScalars());
    returns("echoPresence: optional fields absent", kinds::echoPresence, absent);
    returns("echoPresence: all set", kinds::echoPresence, set);
    returns("echoPresence: optional fields zero", kinds::echoPresence, zero);
    returns("echoNested: three levels", kinds::echoNested, nested);
    returns("echoTree: 20 deep", kinds::echoTree, treeOf(20));
    returns("echoNothing: no field", kinds::echoNothing, new Nothing());
  }

  private static Tree treeOf(long depth) {
    if (depth == 1) return new Tree(1, List.of());
    Tree leaf = new Tree(-depth, List.of());
    return new Tree(depth, List.of(leaf, treeOf(depth - 1))).setTwin(leaf);
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
            List.of(ByteBuffer.allocate(0), ByteBuffer.wrap(new byte[] {0, 1})),
            List.of(Color.RED, Color.BLUE, Color.GREEN),
            List.of(new Point(1, 2), new Point(0, 0)),
            List.of(List.of(1, 2), List.of(), List.of(3)),
            List.of(Map.of("one", 1), Map.of()),
            List.of(List.of(List.of("a"), List.of()), List.of(), List.of(List.of("b", "c"))));
    Lists noLists =
        new Lists(
            List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(),
            List.of(), List.of(), List.of(), List.of());
    Sets sets =
        new Sets(setOf(1, -2, 300), setOf("a", ""), setOf(Color.GREEN, Color.RED), setOf(9007199254740993L));
    List<Integer> numbers = new ArrayList<>();
    for (int i = 0; i < 1000; i++) numbers.add(i * i * i - 1000);
    returns("echoLists: of every type", kinds::echoLists, lists);
    returns("echoLists: empty", kinds::echoLists, noLists);
    returns("echoSets: of every type", kinds::echoSets, sets);
    returns("echoSets: empty", kinds::echoSets, new Sets(Set.of(), Set.of(), Set.of(), Set.of()));
    returns("echoMaps: one entry each", kinds::echoMaps, oneEntryMaps());
    returns("echoMaps: several entries", kinds::echoMaps, manyEntryMaps());
    returns("echoMaps: empty", kinds::echoMaps, emptyMaps());
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
    return new LinkedHashSet<>(List.of(elements));
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

  private static Maps emptyMaps() {
    return new Maps(
        Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of(), Map.of());
  }

  private void unions() {
    Choice number = Choice.number(9007199254740993L);
    Choice text = Choice.text("");
    Choice words = Choice.words(List.of("a", "b"));
    returns("echoChoice: bool", kinds::echoChoice, Choice.truth(false));
    returns("echoChoice: i64", kinds::echoChoice, number);
    returns("echoChoice: string", kinds::echoChoice, text);
    returns("echoChoice: enum", kinds::echoChoice, Choice.color(Color.RED));
    returns("echoChoice: struct", kinds::echoChoice, Choice.point(new Point(1, 0)));
    returns("echoChoice: list", kinds::echoChoice, words);
    returns("echoChoice: itself", kinds::echoChoice, Choice.choice(Choice.choice(text)));
    Choices choices = new Choices(number, List.of(text, number, words)).setSecond(words);
    returns("echoChoices: several", kinds::echoChoices, choices);
  }

  private void calls() {
    Refused refused = new Refused("closed", List.of(new Point(1, -1), new Point(2, -2))).setColor(Color.BLUE);
    cases.put("ping: inherited and void", kinds::ping);
    cases.put("who: inherited", () -> mustEqual(false, kinds.who().isEmpty()));
    cases.put("nothing: void", kinds::nothing);
    cases.put(
        "sum: several arguments",
        () -> mustEqual(9007199254740993L, kinds.sum(1, 9007199254740990L, List.of(1, 1))));
    returns("fail: not at all", kinds::fail, Failure.NONE);
    fails("fail: NotFound", () -> kinds.fail(Failure.NOT_FOUND), new NotFound("shelf", 9007199254740993L));
    fails("fail: Refused", () -> kinds.fail(Failure.REFUSED), refused);
    fails("fail: Plain", () -> kinds.fail(Failure.PLAIN), new Plain("plainly wrong"));
    breaks(
        "fail: undeclared",
        () -> kinds.fail(Failure.UNEXPECTED),
        TApplicationException.INTERNAL_ERROR,
        "the shelf fell over");
    cases.put("check: void that returns", () -> kinds.check(true));
    fails("check: void that throws", () -> kinds.check(false), refused);
    cases.put("note: oneway", this::noteArrives);
    breaks("absent: unknown method", () -> new Absent(protocol).call(), TApplicationException.UNKNOWN_METHOD, "absent");
  }

  /** Asks until the note is there: a oneway call has no answer that says when it was done. */
  private void noteArrives() throws Exception {
    String text = "note of the Java Thrift client, " + System.nanoTime();
    kinds.note(text);
    for (int attempt = 0; attempt < 500; attempt++) {
      if (kinds.notes().contains(text)) return;
      Thread.sleep(10);
    }
    throw new AssertionError("the note did not arrive within 5 seconds");
  }

  /** Calls a method that the service does not have, which no generated client can. */
  private static final class Absent extends TServiceClient {
    Absent(TProtocol protocol) {
      super(protocol);
    }

    void call() throws TException {
      sendBase("absent", new Nothing());
      receiveBase(new Nothing(), "absent");
    }
  }
}
