package causeway;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

/** Reads Thrift's binary protocol. What does not fit it is a {@link RpcException} INVALID_ARGUMENT with the byte's offset. */
public final class ThriftInput extends Input {
  public ThriftInput(byte[] bytes) {
    this(bytes, 0, bytes.length);
  }

  ThriftInput(byte[] bytes, int at, int end) {
    super(bytes, at, end);
  }

  /** The next field as {@code type | id}; {@link ThriftType#STOP} behind the last. */
  public int field() {
    int type = bytes[take(1)];
    return type == 0 ? ThriftType.STOP : type << 16 | getShort() & 0xffff;
  }

  /** Steps over the value of a field that nobody here knows. */
  public void skip(int field) {
    skipType(field >> 16);
  }

  private void skipType(int type) {
    switch (type) {
      case 11 -> take(getInt());
      case 12 -> {
        enter();
        for (int field = field(); field != ThriftType.STOP; field = field()) skip(field);
        leave();
      }
      case 13 -> {
        int types = getShort();
        skipAll(getInt(), types >> 8, types & 0xff);
      }
      case 14, 15 -> {
        int element = getByte();
        skipAll(getInt(), element, 0);
      }
      default -> take(leastBytes(type));
    }
  }

  private void skipAll(int count, int first, int second) {
    checkCount(count, count == 0 ? 0 : (long) leastBytes(first) + (second == 0 ? 0 : leastBytes(second)));
    enter();
    for (int i = 0; i < count; i++) {
      skipType(first);
      if (second != 0) skipType(second);
    }
    leave();
  }

  public boolean bool() { return getByte() != 0; }
  public byte i8() { return getByte(); }
  public short i16() { return (short) getShort(); }
  public int i32() { return getInt(); }
  public long i64() { return getLong(); }
  public double f64() { return Double.longBitsToDouble(getLong()); }
  public String string() { return getUtf8(getInt()); }
  public Bytes binary() { return getBytes(getInt()); }
  public UUID uuid() { return new UUID(getLong(), getLong()); }

  public <T> T struct(Function<ThriftInput, T> read) {
    enter();
    T value = read.apply(this);
    leave();
    return value;
  }

  @SuppressWarnings("unchecked") // The array holds what the elements are read as.
  public <T> List<T> list(int type, Function<ThriftInput, T> element) {
    int count = count(type);
    enter();
    Object[] values = new Object[count];
    for (int i = 0; i < count; i++) values[i] = present(element.apply(this));
    leave();
    return (List<T>) List.of(values);
  }

  public <T> Set<T> set(int type, Function<ThriftInput, T> element) {
    int count = count(type);
    enter();
    LinkedHashSet<T> values = new LinkedHashSet<>();
    for (int i = 0; i < count; i++) values.add(present(element.apply(this)));
    leave();
    return Frozen.own(values);
  }

  public <K, V> Map<K, V> map(int keyType, int valueType, Function<ThriftInput, K> key, Function<ThriftInput, V> value) {
    int types = getShort();
    int count = getInt();
    if (count != 0 && types != (keyType >> 8 | valueType >> 16)) {
      throw malformed("a map of types " + (types >> 8) + " and " + (types & 0xff) + ": expected " + (keyType >> 16) + " and " + (valueType >> 16));
    }
    checkCount(count, (long) leastBytes(keyType >> 16) + leastBytes(valueType >> 16));
    enter();
    LinkedHashMap<K, V> values = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) values.put(present(key.apply(this)), present(value.apply(this)));
    leave();
    return Frozen.own(values);
  }

  /** The one member of a union: a second is an error. */
  public <T> T only(T before, T value) {
    if (before != null) throw malformed("a union with two members");
    return value;
  }

  private int count(int type) {
    int found = getByte();
    int count = getInt();
    if (count != 0 && found != type >> 16) throw malformed("elements of type " + found + ": expected " + (type >> 16));
    checkCount(count, leastBytes(type >> 16));
    return count;
  }

  private void checkCount(int count, long bytesEach) {
    checkElements(count);
    if (count < 0 || count * bytesEach > end - at) throw malformed(Integer.toUnsignedString(count) + " elements are announced in " + (end - at) + " bytes");
  }

  /** Fewest bytes of a value, which are all where the type has one size. */
  private int leastBytes(int type) {
    return switch (type) {
      case 2, 3, 12 -> 1;
      case 6 -> 2;
      case 8, 11 -> 4;
      case 14, 15 -> 5;
      case 13 -> 6;
      case 4, 10 -> 8;
      case 16 -> 16;
      default -> throw malformed("a value of the unknown type " + type);
    };
  }
}
