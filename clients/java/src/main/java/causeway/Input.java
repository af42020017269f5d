package causeway;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes being read, never beyond their end. What they mean is left to {@link ThriftInput} and {@link ProtobufInput}. */
public abstract class Input {
  private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** Most elements of a container, as the sidecar has it. */
  private static final int MAX_ELEMENTS = 1_000_000;

  final byte[] bytes;
  int at;
  int end;
  private int depth;

  Input(byte[] bytes, int at, int end) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** What is wrong, and at which byte. */
  public final RpcException malformed(String problem) {
    return new RpcException(Code.INVALID_ARGUMENT, "at byte " + at + ": " + problem);
  }

  /** A field that has to be there. */
  public final <T> T required(T value, String name) {
    if (value == null) throw malformed("the required field " + name + " is missing");
    return value;
  }

  /** A value where there is no absence: an element, or the member of a union. Null stands for a union that holds nothing known. */
  public final <T> T present(T value) {
    if (value == null) throw malformed("a union that holds nothing that is known here");
    return value;
  }

  /** Steps over so many bytes and returns where they begin. */
  final int take(int count) {
    int start = at;
    if (count < 0 || count > end - start) throw malformed(Integer.toUnsignedString(count) + " bytes are announced, and " + (end - start) + " are left");
    at = start + count;
    return start;
  }

  final byte getByte() {
    return bytes[take(1)];
  }

  final int getShort() {
    int start = take(2);
    return bytes[start] << 8 | bytes[start + 1] & 0xff;
  }

  final int getInt() {
    return (int) INT.get(bytes, take(4));
  }

  final long getLong() {
    return (long) LONG.get(bytes, take(8));
  }

  final Bytes getBytes(int length) {
    int start = take(length);
    return length == 0 ? Bytes.EMPTY : new Bytes(Arrays.copyOfRange(bytes, start, start + length));
  }

  /** Text of so many bytes, which must be UTF-8. */
  final String getUtf8(int length) {
    int start = take(length);
    String text = new String(bytes, start, length, StandardCharsets.UTF_8);
    // The mark of a replaced byte, unless somebody wrote it.
    if (text.indexOf('\ufffd') < 0) return text;
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, start, length)).toString();
    } catch (CharacterCodingException notUtf8) {
      throw malformed("text that is not UTF-8");
    }
  }

  /** Refuses more elements than a container may have. */
  final void checkElements(int count) {
    if (count > MAX_ELEMENTS) throw malformed("more than " + MAX_ELEMENTS + " elements in one container");
  }

  final void enter() {
    if (++depth > Output.MAX_DEPTH) throw malformed("messages nested deeper than " + Output.MAX_DEPTH);
  }

  final void leave() {
    depth--;
  }

  /** A number for an API that holds fewer. */
  public final int fit(long value, long least, long most, String type) {
    if (value < least || value > most) throw malformed(value + " does not fit in " + type + ": expected " + least + " to " + most);
    return (int) value;
  }

  /** A number of 63 bits, for where one side is signed and the other is not. */
  public final long unsigned(long value) {
    if (value < 0) throw malformed(value + " (unsigned " + Long.toUnsignedString(value) + ") fits only one of int64 and uint64");
    return value;
  }

  /** Rounds; a number beyond all floats is an error. */
  public final float toFloat(double value) {
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) throw malformed(value + " does not fit in float");
    return rounded;
  }
}
