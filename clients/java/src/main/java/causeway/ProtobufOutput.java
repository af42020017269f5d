package causeway;

import java.util.Collection;
import java.util.Map;
import java.util.UUID;

/** Writes Protobuf's encoding, as in its documentation, "Encoding". */
public final class ProtobufOutput extends Output {
  public static final int VARINT = 0;
  public static final int I64 = 1;
  public static final int LEN = 2;
  public static final int START = 3;
  public static final int END = 4;
  public static final int I32 = 5;

  /** Writes one value. */
  @FunctionalInterface
  public interface Writer<T> {
    void write(ProtobufOutput out, T value);
  }

  /** The start of a field, before its value. */
  public ProtobufOutput field(int number, int type) {
    putVarint(Integer.toUnsignedLong(number << 3 | type));
    return this;
  }

  public void bool(boolean value) {
    putByte(value ? 1 : 0);
  }

  public void int32(int value) {
    putVarint(value);
  }

  public void int64(long value) {
    putVarint(value);
  }

  public void uint32(int value) {
    putVarint(Integer.toUnsignedLong(value));
  }

  public void sint32(int value) {
    putVarint(Integer.toUnsignedLong(value << 1 ^ value >> 31));
  }

  public void sint64(long value) {
    putVarint(value << 1 ^ value >> 63);
  }

  public void fixed32(int value) {
    putInt(Integer.reverseBytes(value));
  }

  public void fixed64(long value) {
    putLong(Long.reverseBytes(value));
  }

  public void f32(float value) {
    fixed32(Float.floatToRawIntBits(value));
  }

  public void f64(double value) {
    fixed64(Double.doubleToRawLongBits(value));
  }

  public void string(String value) {
    int start = begin();
    putUtf8(value);
    end(start);
  }

  public void bytes(Bytes value) {
    putVarint(value.bytes.length);
    putBytes(value.bytes);
  }

  /** Sixteen bytes, the most significant first. */
  public void uuid(UUID value) {
    putByte(16);
    putLong(value.getMostSignificantBits());
    putLong(value.getLeastSignificantBits());
  }

  public void message(ProtobufMessage value) {
    int start = begin();
    value.write(this);
    end(start);
  }

  /** The inside of a group, and its end. */
  public void group(int number, ProtobufMessage value) {
    enter();
    value.write(this);
    leave();
    field(number, END);
  }

  /** A message of its own around what {@code writer} writes. */
  public <T> void wrapped(T value, Writer<? super T> writer) {
    int start = begin();
    writer.write(this, value);
    end(start);
  }

  public <T> void repeated(int number, int type, Collection<T> values, Writer<? super T> element) {
    for (T value : values) {
      field(number, type);
      element.write(this, value);
    }
  }

  /** All numbers in one field; nothing at all when there are none. */
  public <T> void packed(int number, Collection<T> values, Writer<? super T> element) {
    if (values.isEmpty()) return;
    field(number, LEN);
    int start = begin();
    for (T value : values) element.write(this, value);
    end(start);
  }

  /** Each entry a message of a key, which is field 1, and a value, which is field 2. */
  public <K, V> void map(int number, Map<K, V> values, int keyType, Writer<? super K> key, int valueType, Writer<? super V> value) {
    for (Map.Entry<K, V> entry : values.entrySet()) {
      field(number, LEN);
      int start = begin();
      field(1, keyType);
      key.write(this, entry.getKey());
      field(2, valueType);
      value.write(this, entry.getValue());
      end(start);
    }
  }

  /** Leaves one byte for a length, which most need no more than. */
  private int begin() {
    enter();
    return grow(1) + 1;
  }

  private void end(int start) {
    leave();
    int length = size - start;
    int more = varintSize(length) - 1;
    if (more > 0) {
      grow(more);
      System.arraycopy(bytes, start, bytes, start + more, length);
    }
    int at = start - 1;
    for (; length > 0x7f; length >>>= 7) bytes[at++] = (byte) (length | 0x80);
    bytes[at] = (byte) length;
  }

  private static int varintSize(int value) {
    return value == 0 ? 1 : (38 - Integer.numberOfLeadingZeros(value)) / 7;
  }

  private void putVarint(long value) {
    int at = grow(10);
    for (; (value & ~0x7fL) != 0; value >>>= 7) bytes[at++] = (byte) (value | 0x80);
    bytes[at++] = (byte) value;
    size = at;
  }
}
