package cross;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.TException;
import org.apache.thrift.protocol.TMultiplexedProtocol;
import org.apache.thrift.protocol.TProtocol;
import org.apache.thrift.transport.THttpClient;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.TTransport;
import org.apache.thrift.transport.layered.TFramedTransport;
import thrift.test.Insanity;
import thrift.test.Numberz;
import thrift.test.SecondService;
import thrift.test.ThriftTest;
import thrift.test.Xception;
import thrift.test.Xception2;
import thrift.test.Xtruct;
import thrift.test.Xtruct2;

/** Runs all cases on each route and prints a line of JSON for each. */
final class Client {
  private static final int TIMEOUT_MS = 10_000;
  private final Map<String, Case> cases = new LinkedHashMap<>();
  private final String text;

  private Client(String text) {
    this.text = text;
  }

  private interface Case {
    void run() throws TException;
  }

  private interface Call<T> {
    T on(T value) throws TException;
  }

  static void run(String[] arguments) throws Exception {
    String text = Files.readString(Path.of(arguments[0]));
    for (int route = 0; route + 1 < arguments.length; route++) {
      String[] parts = arguments[route + 1].split("/");
      TTransport transport = transportTo(parts[0], parts[1]);
      transport.open();
      TProtocol protocol = Main.protocolFactory(parts[2]).getProtocol(transport);
      Client client = new Client(text);
      client.all(protocol, parts[3].equals("multiplexed"), Integer.parseInt(parts[4]));
      for (Map.Entry<String, Case> entry : client.cases.entrySet()) report(route, entry.getKey(), entry.getValue());
      transport.close();
    }
  }

  private static TTransport transportTo(String address, String transport) throws TException {
    if (transport.equals("http")) return new THttpClient("http://" + address + "/");
    String[] parts = address.split(":");
    TSocket socket = new TSocket(parts[0], Integer.parseInt(parts[1]), TIMEOUT_MS);
    return transport.equals("framed") ? new TFramedTransport(socket) : socket;
  }

  private static void report(int route, String name, Case run) {
    String detail = "";
    try {
      run.run();
    } catch (Throwable problem) {
      detail = problem.toString();
    }
    System.out.printf(
        "{\"route\":%d,\"name\":\"%s\",\"ok\":%b,\"detail\":\"%s\"}%n",
        route, name, detail.isEmpty(), detail.replaceAll("[^ !#-\\[\\]-~]", "?"));
  }

  private static void mustEqual(Object want, Object got) {
    if (!Objects.equals(want, got)) throw new AssertionError("want " + want + ", got " + got);
  }

  /** A case of a call that gives back its argument. */
  @SafeVarargs
  private <T> void returns(String name, Call<T> call, T... values) {
    cases.put(
        name,
        () -> {
          for (T value : values) mustEqual(value, call.on(value));
        });
  }

  /** What a call throws. */
  private static TException failureOf(Case call) {
    try {
      call.run();
    } catch (TException got) {
      return got;
    }
    throw new AssertionError("nothing was thrown");
  }

  private void all(TProtocol protocol, boolean isNamed, int number) {
    TProtocol named = isNamed ? new TMultiplexedProtocol(protocol, "ThriftTest") : protocol;
    ThriftTest.Client c = new ThriftTest.Client(protocol, named);
    scalars(c);
    containers(c);
    exceptions(c);
    cases.put("testOneway", () -> c.testOneway(number));
    cases.put("testVoid: after a oneway call", c::testVoid);
    if (!isNamed) return;
    SecondService.Client second =
        new SecondService.Client(protocol, new TMultiplexedProtocol(protocol, "SecondService"));
    returns("secondtestString", second::secondtestString, text);
  }

  private void scalars(ThriftTest.Client c) {
    byte[] everyByte = new byte[256];
    for (int i = 0; i < 256; i++) everyByte[i] = (byte) i;
    cases.put("testVoid", c::testVoid);
    returns("testString: empty", c::testString, "");
    returns("testString: many scripts", c::testString, text);
    returns("testString: control characters", c::testString, "\b\f\n\r\t\u0001\u007f");
    returns("testBool", c::testBool, true, false);
    returns("testByte", c::testByte, (byte) -128, (byte) -1, (byte) 0, (byte) 1, (byte) 127);
    returns("testI32", c::testI32, Integer.MIN_VALUE, -1, 0, 1, Integer.MAX_VALUE);
    returns(
        "testI64", c::testI64, Long.MIN_VALUE, -34359738368L, -1L, 0L, 1L, 9007199254740993L, Long.MAX_VALUE);
    returns("testDouble", c::testDouble, -5.25, 0.1, 1e300, 5e-324, 4294967296.0, Math.PI);
    returns("testDouble: infinity", c::testDouble, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY);
    returns("testBinary: empty", c::testBinary, ByteBuffer.wrap(new byte[0]));
    returns("testBinary: every byte", c::testBinary, ByteBuffer.wrap(everyByte));
  }

  private static Xtruct xtruct(String text) {
    return new Xtruct(text, (byte) -3, 70000, -5000000000L);
  }

  private void containers(ThriftTest.Client c) {
    Insanity truck =
        new Insanity(
            Map.of(Numberz.FIVE, 5L, Numberz.EIGHT, 8L), List.of(xtruct("Goodbye4"), xtruct("Hello2")));
    Map<String, String> strings = Map.of("a", "2", "b", "with\nnewline", "", "empty", text, text);
    returns("testStruct", c::testStruct, xtruct(text), new Xtruct("", (byte) 0, 0, 0));
    returns("testNest", c::testNest, new Xtruct2((byte) 1, xtruct("Zero"), 5));
    returns("testMap", c::testMap, Map.of(), Map.of(-2, -12, 0, -10, 2, -8));
    returns("testStringMap", c::testStringMap, Map.of(), strings);
    returns("testSet", c::testSet, Set.of(), Set.of(-2, -1, 0, 1, 300));
    returns("testList", c::testList, List.of(), List.of(0, -1, 70000, 0));
    returns("testEnum", c::testEnum, Numberz.ONE, Numberz.FIVE, Numberz.EIGHT);
    returns("testTypedef", c::testTypedef, 309858235082523L);
    cases.put("testMapMap", () -> mustEqual(Server.mapOfMaps(), c.testMapMap(1)));
    cases.put(
        "testInsanity",
        () -> {
          Map<Long, Map<Numberz, Insanity>> got = c.testInsanity(truck);
          Insanity empty = got.get(2L).get(Numberz.SIX);
          // Whether fields without a value are absent or empty is the server's choice.
          if (empty.isSetUserMap() && empty.getUserMap().isEmpty()) empty.unsetUserMap();
          if (empty.isSetXtructs() && empty.getXtructs().isEmpty()) empty.unsetXtructs();
          mustEqual(Server.insane(truck), got);
        });
    cases.put(
        "testMulti",
        () ->
            mustEqual(
                new Xtruct("Hello2", (byte) 42, 4242, 424242),
                c.testMulti(
                    (byte) 42, 4242, 424242, Map.of((short) -1, "blah", (short) 2, text), Numberz.EIGHT, 24)));
  }

  private void exceptions(ThriftTest.Client c) {
    cases.put(
        "testException: Xception",
        () -> mustEqual(new Xception(1001, "Xception"), failureOf(() -> c.testException("Xception"))));
    cases.put(
        "testException: TException",
        () -> {
          TException got = failureOf(() -> c.testException("TException"));
          if (!(got instanceof TApplicationException)) throw got;
        });
    cases.put("testException: none", () -> c.testException("success"));
    cases.put(
        "testMultiException: Xception",
        () ->
            mustEqual(
                new Xception(1001, "This is an Xception"),
                failureOf(() -> c.testMultiException("Xception", "ignored"))));
    cases.put(
        "testMultiException: Xception2",
        () -> {
          TException got = failureOf(() -> c.testMultiException("Xception2", "ignored"));
          if (!(got instanceof Xception2)) throw got;
          mustEqual(2002, ((Xception2) got).errorCode);
          mustEqual("This is an Xception2", ((Xception2) got).struct_thing.string_thing);
        });
    cases.put(
        "testMultiException: none",
        () -> mustEqual("foobar", c.testMultiException("success", "foobar").string_thing));
  }
}
