package causeway;

import java.util.Collection;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiConsumer;

/** Writes Thrift's binary protocol, as in {@code thrift-binary-protocol.md} of Apache Thrift. Types are those of {@link ThriftType}. */
public final class ThriftOutput extends Output {
  /** The start of a field, before its value. */
  public ThriftOutput field(int type, int id) {
    int at = grow(3);
    bytes[at] = (byte) (type >> 16);
    bytes[at + 1] = (byte) (id >> 8);
    bytes[at + 2] = (byte) id;
    return this;
  }

  /** The end of a struct's fields. */
  public void stop() {
    putByte(0);
  }

  public void bool(boolean value) { putByte(value ? 1 : 0); }
  public void i8(byte value) { putByte(value); }
  public void i16(short value) { putShort(value); }
  public void i32(int value) { putInt(value); }
  public void i64(long value) { putLong(value); }
  public void f64(double value) { putLong(Double.doubleToRawLongBits(value)); }

  public void string(String value) {
    int at = grow(4);
    putUtf8(value);
    putInt(at, size - at - 4);
  }

  public void binary(Bytes value) {
    putInt(value.bytes.length);
    putBytes(value.bytes);
  }

  public void uuid(UUID value) {
    putLong(value.getMostSignificantBits());
    putLong(value.getLeastSignificantBits());
  }

  public void struct(ThriftMessage value) {
    enter();
    value.write(this);
    leave();
  }

  /** A list or a set. */
  public <T> void list(int type, Collection<T> values, BiConsumer<ThriftOutput, ? super T> element) {
    putByte(type >> 16);
    putInt(values.size());
    enter();
    for (T value : values) element.accept(this, value);
    leave();
  }

  public <K, V> void map(int keyType, int valueType, Map<K, V> values, BiConsumer<ThriftOutput, ? super K> key, BiConsumer<ThriftOutput, ? super V> value) {
    putShort(keyType >> 8 | valueType >> 16);
    putInt(values.size());
    enter();
    for (Map.Entry<K, V> entry : values.entrySet()) {
      key.accept(this, entry.getKey());
      value.accept(this, entry.getValue());
    }
    leave();
  }
}
