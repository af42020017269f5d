package official;

import causeway.RpcException;
import com.google.protobuf.Message;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.thrift.TBase;

/**
 * What the official libraries write is read by stubs and written again, and must be to the libraries what it was. Then bytes
 * are cut and changed, which may make nothing but a RpcException. Prints a line for each type and wire.
 */
public final class Official {
  private static final int ROUNDS = 300;
  private static final List<String> TYPES =
      List.of("Scalars", "Presence", "Point", "Inner", "Nested", "Tree", "Lists", "Sets", "Maps", "Keyed", "Choice", "Choices", "Nothing", "NotFound", "Refused", "Plain");

  private Official() {}

  public static void main(String[] arguments) throws Throwable {
    for (String type : TYPES) {
      thrift(type);
      protobuf(type);
    }
  }

  @SuppressWarnings("rawtypes")
  private static void thrift(String name) throws Throwable {
    Class<? extends TBase> type = Class.forName("kinds." + name).asSubclass(TBase.class);
    Stub stub = Stub.of("thrift", name);
    Random random = new Random(1);
    for (int i = 0; i < ROUNDS; i++) {
      TBase value = new ThriftValues(random).make(type, 0);
      byte[] bytes = ThriftValues.encode(value);
      TBase back = ThriftValues.decode(type.getDeclaredConstructor().newInstance(), stub.encode(stub.decode(bytes)));
      if (!back.equals(value)) throw new AssertionError("thrift " + name + ": want " + value + ", got " + back);
      damage(stub, bytes, random);
    }
    System.out.println("ok thrift " + name);
  }

  private static void protobuf(String name) throws Throwable {
    Class<?> type = Class.forName("kinds.KindsOuterClass$" + name);
    Message empty = (Message) type.getMethod("getDefaultInstance").invoke(null);
    Stub stub = Stub.of("protobuf", name);
    Random random = new Random(1);
    for (int i = 0; i < ROUNDS; i++) {
      Message value = new ProtobufValues(random).make(empty.newBuilderForType(), 0);
      byte[] bytes = value.toByteArray();
      Message back = empty.getParserForType().parseFrom(stub.encode(stub.decode(bytes)));
      if (!back.equals(value)) throw new AssertionError("protobuf " + name + ": want " + value + ", got " + back);
      damage(stub, bytes, random);
    }
    System.out.println("ok protobuf " + name);
  }

  private static void damage(Stub stub, byte[] bytes, Random random) throws Throwable {
    for (int i = 0; i < 20; i++) {
      byte[] changed = Arrays.copyOf(bytes, random.nextBoolean() ? bytes.length : random.nextInt(bytes.length + 1));
      for (int j = random.nextInt(4); j > 0 && changed.length > 0; j--) changed[random.nextInt(changed.length)] = (byte) random.nextInt();
      try {
        stub.decode(changed);
      } catch (RpcException expected) {
        if (!expected.getMessage().startsWith("at byte ")) throw expected;
      }
    }
  }
}
