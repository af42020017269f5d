package bench;

import causeway.Bytes;
import causeway.Channel;
import causeway.ProtobufInput;
import causeway.ProtobufOutput;
import causeway.ThriftInput;
import causeway.ThriftOutput;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import org.apache.thrift.TDeserializer;
import org.apache.thrift.TSerializer;
import org.apache.thrift.protocol.TBinaryProtocol;
import org.apache.thrift.transport.TSocket;
import org.apache.thrift.transport.layered.TFramedTransport;

/**
 * Java's stubs beside Apache Thrift's library and Google's: {@code calls stub|official ADDRESS CALLERS SECONDS} calls
 * echoScalars and prints what came of it, {@code codec SECONDS} encodes and decodes. Lines of JSON.
 */
public final class Bench {
  private Bench() {}

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("codec")) codec(nanoseconds(arguments[1]));
    else calls(arguments[1].equals("stub"), arguments[2], Integer.parseInt(arguments[3]), nanoseconds(arguments[4]));
  }

  private static long nanoseconds(String seconds) {
    return (long) (1e9 * Double.parseDouble(seconds));
  }

  private static void calls(boolean isStub, String address, int callers, long length) throws Exception {
    try (Channel channel = Channel.open(isStub ? address : "127.0.0.1:1")) {
      List<Callable<Object>> calls = new ArrayList<>();
      for (int i = 0; i < callers; i++) {
        if (isStub) {
          stubs.thrift.kinds.KindsClient client = new stubs.thrift.kinds.KindsClient(channel);
          calls.add(() -> client.echoScalars(stubScalars()));
        } else {
          kinds.Kinds.Client client = official(address);
          calls.add(() -> client.echoScalars(officialScalars()));
        }
      }
      // What the JIT compiles, it compiles in a first run.
      run(calls, length / 2);
      System.out.println(run(calls, length));
    }
  }

  private static String run(List<Callable<Object>> calls, long length) throws InterruptedException {
    List<long[]> times = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    long begin = System.nanoTime();
    for (Callable<Object> call : calls) {
      Thread thread = new Thread(() -> {
        long[] own = new long[1 << 20];
        int count = 0;
        for (long start = begin; start - begin < length && count < own.length; count++) {
          start = System.nanoTime();
          try {
            call.call();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          own[count] = System.nanoTime() - start;
        }
        synchronized (times) {
          times.add(Arrays.copyOf(own, count));
        }
      });
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) thread.join();
    double seconds = (System.nanoTime() - begin) / 1e9;
    long[] all = times.stream().flatMapToLong(Arrays::stream).sorted().toArray();
    return String.format(
        "{\"callsPerSecond\":%.1f,\"p50Us\":%.1f,\"p99Us\":%.1f}",
        all.length / seconds, all[all.length / 2] / 1e3, all[(int) (0.99 * (all.length - 1))] / 1e3);
  }

  private static kinds.Kinds.Client official(String address) throws Exception {
    String[] parts = address.split(":");
    TSocket socket = new TSocket(parts[0], Integer.parseInt(parts[1]));
    TFramedTransport transport = new TFramedTransport(socket);
    transport.open();
    return new kinds.Kinds.Client(new TBinaryProtocol(transport, true, true));
  }

  private static stubs.thrift.kinds.Scalars stubScalars() {
    Bytes data = Bytes.of(new byte[] {0, -1});
    return new stubs.thrift.kinds.Scalars(
        true, (byte) -1, (byte) 2, (short) -300, 70_000, -5_000_000_000L, 0.1, "text of a usual length", data,
        stubs.thrift.kinds.Color.GREEN, stubs.thrift.kinds.Size.LARGE);
  }

  private static kinds.Scalars officialScalars() {
    return new kinds.Scalars(
        true, (byte) -1, (byte) 2, (short) -300, 70_000, -5_000_000_000L, 0.1, "text of a usual length",
        ByteBuffer.wrap(new byte[] {0, -1}), kinds.Color.GREEN, kinds.Size.LARGE);
  }

  private static kinds.Lists officialLists() {
    kinds.Lists lists = new kinds.Lists();
    for (int i = 0; i < 200; i++) {
      lists.addToRegulars(1000 * i);
      lists.addToTexts("text " + i);
      lists.addToPoints(new kinds.Point(i, -1));
    }
    return lists;
  }

  private static void codec(long length) throws Exception {
    TSerializer serializer = new TSerializer();
    TDeserializer deserializer = new TDeserializer();
    byte[] scalars = serializer.serialize(officialScalars());
    kinds.Scalars scalarsThere = officialScalars();
    stubs.thrift.kinds.Scalars scalarsHere = stubs.thrift.kinds.Scalars.read(new ThriftInput(scalars));
    compare("Scalars", "thrift", "encode", length, () -> serializer.serialize(scalarsThere), () -> encode(scalarsHere));
    compare("Scalars", "thrift", "decode", length, () -> {
      kinds.Scalars value = new kinds.Scalars();
      deserializer.deserialize(value, scalars);
      return value;
    }, () -> stubs.thrift.kinds.Scalars.read(new ThriftInput(scalars)));
    kinds.Lists listsThere = officialLists();
    byte[] lists = serializer.serialize(listsThere);
    stubs.thrift.kinds.Lists listsHere = stubs.thrift.kinds.Lists.read(new ThriftInput(lists));
    compare("Lists", "thrift", "encode", length, () -> serializer.serialize(listsThere), () -> encode(listsHere));
    compare("Lists", "thrift", "decode", length, () -> {
      kinds.Lists value = new kinds.Lists();
      deserializer.deserialize(value, lists);
      return value;
    }, () -> stubs.thrift.kinds.Lists.read(new ThriftInput(lists)));
    protobuf(length);
  }

  private static void protobuf(long length) throws Exception {
    stubs.protobuf.kinds.Scalars scalarsHere = new stubs.protobuf.kinds.Scalars(
        true, (byte) -1, (byte) 2, (short) -300, 70_000, -5_000_000_000L, 0.1, "text of a usual length",
        Bytes.of(new byte[] {0, -1}), stubs.protobuf.kinds.Color.GREEN, stubs.protobuf.kinds.Size.LARGE);
    byte[] scalars = encode(scalarsHere);
    kinds.KindsOuterClass.Scalars scalarsThere = kinds.KindsOuterClass.Scalars.parseFrom(scalars);
    compare("Scalars", "protobuf", "encode", length, () -> scalarsThere.toByteArray(), () -> encode(scalarsHere));
    compare("Scalars", "protobuf", "decode", length, () -> kinds.KindsOuterClass.Scalars.parseFrom(scalars), () -> stubs.protobuf.kinds.Scalars.read(new ProtobufInput(scalars)));
    List<Integer> numbers = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    List<stubs.protobuf.kinds.Point> points = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      numbers.add(1000 * i);
      texts.add("text " + i);
      points.add(new stubs.protobuf.kinds.Point(i, -1));
    }
    stubs.protobuf.kinds.Lists listsHere =
        stubs.protobuf.kinds.Lists.builder().regulars(numbers).texts(texts).points(points).build();
    byte[] lists = encode(listsHere);
    kinds.KindsOuterClass.Lists listsThere = kinds.KindsOuterClass.Lists.parseFrom(lists);
    compare("Lists", "protobuf", "encode", length, () -> listsThere.toByteArray(), () -> encode(listsHere));
    compare("Lists", "protobuf", "decode", length, () -> kinds.KindsOuterClass.Lists.parseFrom(lists), () -> stubs.protobuf.kinds.Lists.read(new ProtobufInput(lists)));
  }

  private static byte[] encode(causeway.ThriftMessage message) {
    ThriftOutput out = new ThriftOutput();
    message.write(out);
    return out.toArray();
  }

  private static byte[] encode(causeway.ProtobufMessage message) {
    ProtobufOutput out = new ProtobufOutput();
    message.write(out);
    return out.toArray();
  }

  /** Takes turns, warms both in the first, and counts the best of each, which other programs on the machine disturb least. */
  private static void compare(String name, String wire, String direction, long length, Callable<Object> official, Callable<Object> stub)
      throws Exception {
    double[] best = {Double.MAX_VALUE, Double.MAX_VALUE};
    for (int round = 0; round < 8; round++) {
      double[] now = {nsOf(official, length / 8), nsOf(stub, length / 8)};
      if (round == 0) continue;
      for (int i = 0; i < 2; i++) best[i] = Math.min(best[i], now[i]);
    }
    System.out.printf(
        "{\"message\":\"%s\",\"wire\":\"%s\",\"direction\":\"%s\",\"officialNs\":%.1f,\"stubNs\":%.1f}%n",
        name, wire, direction, best[0], best[1]);
  }

  private static volatile Object kept;

  private static double nsOf(Callable<Object> run, long length) throws Exception {
    long begin = System.nanoTime();
    long count = 0;
    long took;
    do {
      for (int i = 0; i < 100; i++) kept = run.call();
      count += 100;
      took = System.nanoTime() - begin;
    } while (took < length);
    return (double) took / count;
  }
}
