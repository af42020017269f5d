package cross;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.Executors;
import org.apache.thrift.TException;
import org.apache.thrift.TMultiplexedProcessor;
import org.apache.thrift.TProcessor;
import org.apache.thrift.protocol.TProtocolFactory;
import org.apache.thrift.server.TThreadPoolServer;
import org.apache.thrift.transport.TIOStreamTransport;
import org.apache.thrift.transport.TServerSocket;
import org.apache.thrift.transport.TTransportFactory;
import org.apache.thrift.transport.layered.TFramedTransport;
import thrift.test.Insanity;
import thrift.test.Numberz;
import thrift.test.SecondService;
import thrift.test.ThriftTest;
import thrift.test.Xception;
import thrift.test.Xception2;
import thrift.test.Xtruct;
import thrift.test.Xtruct2;

/** Serves each wire on a free port of its own, prints the addresses, and ends when the standard input does. */
final class Server {
  private Server() {}

  static void run(String[] wires) throws Exception {
    StringJoiner addresses = new StringJoiner(" ", "ready ", "");
    for (String wire : wires) addresses.add("127.0.0.1:" + serve(wire.split("/")));
    System.out.println(addresses);
    while (System.in.read() >= 0) continue;
    System.exit(0);
  }

  private static int serve(String[] wire) throws Exception {
    TProtocolFactory protocol = Main.protocolFactory(wire[1]);
    TProcessor processor = processorOf(wire[2]);
    if (wire[0].equals("http")) return serveHttp(processor, protocol);
    ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    TThreadPoolServer.Args options = new TThreadPoolServer.Args(new TServerSocket(socket));
    options.processor(processor).protocolFactory(protocol);
    options.transportFactory(wire[0].equals("framed") ? new TFramedTransport.Factory() : new TTransportFactory());
    TThreadPoolServer server = new TThreadPoolServer(options);
    Thread thread = new Thread(server::serve);
    thread.setDaemon(true);
    thread.start();
    return socket.getLocalPort();
  }

  /** What TServlet does, without the servlets. */
  private static int serveHttp(TProcessor processor, TProtocolFactory protocols) throws IOException {
    // It writes the head apart from the body.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext(
        "/",
        exchange -> {
          byte[] request = exchange.getRequestBody().readAllBytes();
          ByteArrayOutputStream response = new ByteArrayOutputStream();
          try {
            TIOStreamTransport both = new TIOStreamTransport(new ByteArrayInputStream(request), response);
            processor.process(protocols.getProtocol(both), protocols.getProtocol(both));
          } catch (TException problem) {
            exchange.sendResponseHeaders(500, -1);
            exchange.close();
            return;
          }
          exchange.getResponseHeaders().set("Content-Type", "application/x-thrift");
          exchange.sendResponseHeaders(200, response.size() == 0 ? -1 : response.size());
          response.writeTo(exchange.getResponseBody());
          exchange.close();
        });
    server.start();
    return server.getAddress().getPort();
  }

  private static TProcessor processorOf(String naming) {
    Handler handler = new Handler();
    TProcessor main = new ThriftTest.Processor<>(handler);
    if (naming.equals("plain")) return main;
    TMultiplexedProcessor both = new TMultiplexedProcessor();
    both.registerProcessor("ThriftTest", main);
    both.registerProcessor("SecondService", new SecondService.Processor<>(handler));
    return both;
  }

  static Map<Integer, Map<Integer, Integer>> mapOfMaps() {
    return Map.of(-4, Map.of(-4, -4, -3, -3, -2, -2, -1, -1), 4, Map.of(1, 1, 2, 2, 3, 3, 4, 4));
  }

  static Map<Long, Map<Numberz, Insanity>> insane(Insanity argument) {
    return Map.of(
        1L, Map.of(Numberz.TWO, argument, Numberz.THREE, argument), 2L, Map.of(Numberz.SIX, new Insanity()));
  }

  /** Does what the comments of the service's IDL say. */
  private static final class Handler implements ThriftTest.Iface, SecondService.Iface {
    @Override
    public void testVoid() {}

    @Override
    public String testString(String thing) {
      return thing;
    }

    @Override
    public boolean testBool(boolean thing) {
      return thing;
    }

    @Override
    public byte testByte(byte thing) {
      return thing;
    }

    @Override
    public int testI32(int thing) {
      return thing;
    }

    @Override
    public long testI64(long thing) {
      return thing;
    }

    @Override
    public double testDouble(double thing) {
      return thing;
    }

    @Override
    public ByteBuffer testBinary(ByteBuffer thing) {
      return thing;
    }

    @Override
    public Xtruct testStruct(Xtruct thing) {
      return thing;
    }

    @Override
    public Xtruct2 testNest(Xtruct2 thing) {
      return thing;
    }

    @Override
    public Map<Integer, Integer> testMap(Map<Integer, Integer> thing) {
      return thing;
    }

    @Override
    public Map<String, String> testStringMap(Map<String, String> thing) {
      return thing;
    }

    @Override
    public Set<Integer> testSet(Set<Integer> thing) {
      return thing;
    }

    @Override
    public List<Integer> testList(List<Integer> thing) {
      return thing;
    }

    @Override
    public Numberz testEnum(Numberz thing) {
      return thing;
    }

    @Override
    public long testTypedef(long thing) {
      return thing;
    }

    @Override
    public String secondtestString(String thing) {
      return thing;
    }

    @Override
    public Map<Integer, Map<Integer, Integer>> testMapMap(int hello) {
      return mapOfMaps();
    }

    @Override
    public Map<Long, Map<Numberz, Insanity>> testInsanity(Insanity argument) {
      return insane(argument);
    }

    @Override
    public Xtruct testMulti(
        byte arg0, int arg1, long arg2, Map<Short, String> arg3, Numberz arg4, long arg5) {
      return new Xtruct("Hello2", arg0, arg1, arg2);
    }

    @Override
    public void testException(String arg) throws TException {
      if (arg.equals("Xception")) throw new Xception(1001, arg);
      if (arg.equals("TException")) throw new TException("undeclared");
    }

    @Override
    public Xtruct testMultiException(String arg0, String arg1) throws TException {
      if (arg0.equals("Xception")) throw new Xception(1001, "This is an Xception");
      Xtruct thing = new Xtruct();
      if (arg0.equals("Xception2")) throw new Xception2(2002, thing.setString_thing("This is an Xception2"));
      return thing.setString_thing(arg1);
    }

    @Override
    public void testOneway(int secondsToSleep) {
      System.out.println("oneway " + secondsToSleep);
    }
  }
}
