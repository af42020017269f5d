package causeway;

import java.util.Collection;
import java.util.Map;
import java.util.UUID;
import java.util.function.BiConsumer;

/** Writes Protobuf's encoding, as in its documentation, "Encoding". */
public final class ProtobufOutput extends Output {
  public static final int VARINT = 0;
  public static final int I64 = 1;
  public static final int LEN = 2;
  public static final int START = 3;
  public static final int END = 4;
  public static final int I32 = 5;

  /** The start of a field, before its value. */
  public ProtobufOutput field(int number, int type) {
    putVarint(Integer.toUnsignedLong(number << 3 | type));
    return this;
  }

  public void bool(boolean value) { putByte(value ? 1 : 0); }
  public void int32(int value) { putVarint(value); }
  public void int64(long value) { putVarint(value); }
  public void uint32(int value) { putVarint(Integer.toUnsignedLong(value)); }
  public void sint32(int value) { putVarint(Integer.toUnsignedLong(value << 1 ^ value >> 31)); }
  public void sint64(long value) { putVarint(value << 1 ^ value >> 63); }
  public void fixed32(int value) { putInt(Integer.reverseBytes(value)); }
  public void fixed64(long value) { putLong(Long.reverseBytes(value)); }
  public void f32(float value) { fixed32(Float.floatToRawIntBits(value)); }
  public void f64(double value) { fixed64(Double.doubleToRawLongBits(value)); }

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
    enter();
    value.write(this);
    leave();
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
  public <T> void wrapped(T value, BiConsumer<ProtobufOutput, ? super T> writer) {
    int start = begin();
    writer.accept(this, value);
    end(start);
  }

  /** All numbers in one field; nothing at all when there are none. */
  public <T> void packed(int number, Collection<T> values, BiConsumer<ProtobufOutput, ? super T> element) {
    if (values.isEmpty()) return;
    field(number, LEN);
    int start = begin();
    for (T value : values) element.accept(this, value);
    end(start);
  }

  /** Each entry a message of a key, which is field 1, and a value, which is field 2. */
  public <K, V> void map(
      int number, Map<K, V> values, int keyType, BiConsumer<ProtobufOutput, ? super K> key, int valueType, BiConsumer<ProtobufOutput, ? super V> value) {
    values.forEach((k, v) -> {
      field(number, LEN);
      int start = begin();
      key.accept(field(1, keyType), k);
      value.accept(field(2, valueType), v);
      end(start);
    });
  }

  /** Leaves one byte for a length, which most need no more than. */
  private int begin() {
    return grow(1) + 1;
  }

  private void end(int start) {
    int length = size - start;
    if (length < 0x80) bytes[start - 1] = (byte) length;
    else endLong(start, length);
  }

  private void endLong(int start, int length) {
    int more = (31 - Integer.numberOfLeadingZeros(length)) / 7;
    grow(more);
    System.arraycopy(bytes, start, bytes, start + more, length);
    size = start - 1;
    putVarint(length);
    size += length;
  }

  private void putVarint(long value) {
    int at = room(10);
    byte[] out = bytes;
    if (value < 0) {
      // As every negative number takes ten bytes, they need not be counted.
      for (int i = 0; i < 9; i++) out[at++] = (byte) (value >>> 7 * i | 0x80);
      value = 1;
    }
    for (; value > 0x7f; value >>>= 7) out[at++] = (byte) (value | 0x80);
    out[at] = (byte) value;
    size = at + 1;
  }
}
