package official;

import causeway.ProtobufInput;
import causeway.ThriftInput;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

/** A generated type by its name: reads bytes and writes them again. */
record Stub(Method read, Class<?> input) {
  static Stub of(String wire, String name) throws ReflectiveOperationException {
    Class<?> input = wire.equals("thrift") ? ThriftInput.class : ProtobufInput.class;
    return new Stub(Class.forName("stubs." + wire + ".kinds." + name).getMethod("read", input), input);
  }

  /** Throws what reading throws; null for a union that holds nothing. */
  Object decode(byte[] bytes) throws Throwable {
    Object in = input == ThriftInput.class ? new ThriftInput(bytes) : new ProtobufInput(bytes);
    try {
      return read.invoke(null, in);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  byte[] encode(Object value) throws ReflectiveOperationException {
    if (value instanceof causeway.ThriftMessage message) {
      causeway.ThriftOutput out = new causeway.ThriftOutput();
      message.write(out);
      return out.toArray();
    }
    causeway.ProtobufOutput out = new causeway.ProtobufOutput();
    ((causeway.ProtobufMessage) value).write(out);
    return out.toArray();
  }
}
