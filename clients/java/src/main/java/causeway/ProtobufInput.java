package causeway;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Function;

/** Reads Protobuf's encoding. What does not fit it is a {@link RpcException} INVALID_ARGUMENT with the byte's offset. */
public final class ProtobufInput extends Input {
  /** The zero of every type, as its bytes. */
  private static final byte[] ZEROS = new byte[8];

  /** The tag that ends the group being read; 0 outside one. */
  private int groupEnd;

  public ProtobufInput(byte[] bytes) {
    this(bytes, 0, bytes.length);
  }

  ProtobufInput(byte[] bytes, int at, int end) {
    super(bytes, at, end);
  }

  /** The next field as {@code number << 3 | wire type}; 0 behind the last. */
  public int tag() {
    if (at == end) {
      if (groupEnd != 0) throw malformed("a group without an end");
      return 0;
    }
    long tag = varint();
    int type = (int) tag & 7;
    if (tag >>> 3 == 0 || tag >>> 32 != 0 || type > 5) throw malformed("the tag " + Long.toUnsignedString(tag) + ", which no field has");
    if (tag == groupEnd) return 0;
    if (type == ProtobufOutput.END) throw malformed("the end of a group that did not begin");
    return (int) tag;
  }

  /** Steps over the value of a field that nobody here knows. */
  public void skip(int tag) {
    switch (tag & 7) {
      case ProtobufOutput.VARINT -> varint();
      case ProtobufOutput.I64 -> take(8);
      case ProtobufOutput.LEN -> take(length());
      case ProtobufOutput.I32 -> take(4);
      default -> group(tag, null, (in, nothing) -> {
        for (int inner = in.tag(); inner != 0; inner = in.tag()) in.skip(inner);
        return nothing;
      });
    }
  }

  public boolean bool() { return varint() != 0; }
  public int int32() { return (int) varint(); }
  public long int64() { return varint(); }
  public int fixed32() { return Integer.reverseBytes(getInt()); }
  public long fixed64() { return Long.reverseBytes(getLong()); }
  public float f32() { return Float.intBitsToFloat(fixed32()); }
  public double f64() { return Double.longBitsToDouble(fixed64()); }
  public String string() { return getUtf8(length()); }
  public Bytes bytes() { return getBytes(length()); }

  public int sint32() {
    int value = (int) varint();
    return value >>> 1 ^ -(value & 1);
  }

  public long sint64() {
    long value = varint();
    return value >>> 1 ^ -(value & 1);
  }

  /** Sixteen bytes, the most significant first. */
  public UUID uuid() {
    int length = length();
    if (length != 16) throw malformed("a uuid of " + length + " bytes: expected 16");
    return new UUID(getLong(), getLong());
  }

  /** A message; what came of it before, or null, goes to {@code merge}, because a message may come in pieces. */
  public <T> T message(T before, BiFunction<ProtobufInput, T, T> merge) {
    int length = length();
    int outerEnd = end;
    int outerGroup = groupEnd;
    end = take(length) + length;
    at = end - length;
    groupEnd = 0;
    enter();
    T value = merge.apply(this, before);
    leave();
    end = outerEnd;
    groupEnd = outerGroup;
    return value;
  }

  /** The inside of a group whose start had this tag, and its end. */
  public <T> T group(int tag, T before, BiFunction<ProtobufInput, T, T> merge) {
    int outerGroup = groupEnd;
    groupEnd = tag + ProtobufOutput.END - ProtobufOutput.START;
    enter();
    T value = merge.apply(this, before);
    leave();
    groupEnd = outerGroup;
    return value;
  }

  /** A list and one element more; what came before is not changed unless it was made here. */
  public <T> List<T> add(List<T> before, T value) {
    return added(before instanceof ArrayList<T> mine ? mine : new ArrayList<>(before == null ? List.of() : before), value);
  }

  /** The same for a set. */
  public <T> Set<T> add(Set<T> before, T value) {
    return added(before instanceof LinkedHashSet<T> mine ? mine : new LinkedHashSet<>(before == null ? Set.of() : before), value);
  }

  private <T, C extends Collection<T>> C added(C values, T value) {
    checkElements(values.size() + 1);
    values.add(value);
    return values;
  }

  /** A list and all numbers of one field. */
  public <T> List<T> packed(List<T> before, Function<ProtobufInput, T> element) {
    return message(before, (in, values) -> {
      List<T> all = values;
      while (in.at < in.end) all = in.add(all, element.apply(in));
      return all;
    });
  }

  /** The same for a set. */
  public <T> Set<T> packed(Set<T> before, Function<ProtobufInput, T> element) {
    return message(before, (in, values) -> {
      Set<T> all = values;
      while (in.at < in.end) all = in.add(all, element.apply(in));
      return all;
    });
  }

  /** A map and one entry more. A key or a value that is not there is zero. */
  public <K, V> Map<K, V> entry(Map<K, V> before, int keyType, Function<ProtobufInput, K> key, int valueType, Function<ProtobufInput, V> value) {
    Map<K, V> values = before instanceof LinkedHashMap<K, V> mine ? mine : new LinkedHashMap<>(before == null ? Map.of() : before);
    return message(values, (in, all) -> {
      K k = null;
      V v = null;
      for (int tag = in.tag(); tag != 0; tag = in.tag()) {
        if (tag == (1 << 3 | keyType)) k = key.apply(in);
        else if (tag == (2 << 3 | valueType)) v = value.apply(in);
        else in.skip(tag);
      }
      checkElements(all.size() + 1);
      all.put(k == null ? zero(key) : k, v == null ? zero(value) : v);
      return all;
    });
  }

  /** Reads a field of a message that stands for a container. */
  @FunctionalInterface
  public interface Inside<T> {
    T read(ProtobufInput in, int tag, T before);
  }

  /** A container that stands in a message of its own. */
  public <T> T wrapped(T empty, Inside<T> inside) {
    return message(empty, (in, value) -> {
      T all = value;
      for (int tag = in.tag(); tag != 0; tag = in.tag()) all = inside.read(in, tag, all);
      return all;
    });
  }

  /** Steps over a field and leaves a value as it was. */
  public <T> T skipped(int tag, T before) {
    skip(tag);
    return before;
  }

  /** The number of an enum that has no zero. */
  public int nonZero() {
    int number = int32();
    if (number == 0) throw malformed("the zero of an enum that has none");
    return number;
  }

  /** A uuid as canonical text. */
  public UUID uuidText() {
    String text = string();
    try {
      UUID uuid = UUID.fromString(text);
      if (uuid.toString().equalsIgnoreCase(text)) return uuid;
    } catch (IllegalArgumentException e) {
      // Said below.
    }
    throw malformed("the uuid \"" + text + "\": expected 36 characters such as 123e4567-e89b-12d3-a456-426614174000");
  }

  private <T> T zero(Function<ProtobufInput, T> read) {
    return present(read.apply(new ProtobufInput(ZEROS)));
  }

  private int length() {
    long length = varint();
    if (length < 0 || length > end - at) throw malformed(Long.toUnsignedString(length) + " bytes are announced, and " + (end - at) + " are left");
    return (int) length;
  }

  private long varint() {
    if (at < end && bytes[at] >= 0) return bytes[at++];
    long value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      byte next = getByte();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) return value;
    }
    throw malformed("a varint of more than ten bytes");
  }
}
