package causeway;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Bytes that grow while they are written. What they mean is left to {@link ThriftOutput} and {@link ProtobufOutput}. */
public abstract class Output {
  private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** Deepest nesting of messages, as the sidecar has it. */
  static final int MAX_DEPTH = 64;

  /** What the last output of a thread wrote to, which the next one need not make again. */
  private static final ThreadLocal<byte[]> SPARE = new ThreadLocal<>();

  private static final int MAX_SPARE_BYTES = 1 << 16;

  byte[] bytes;
  int size;
  private int depth;

  Output() {
    byte[] spare = SPARE.get();
    bytes = spare == null ? new byte[512] : spare;
    if (spare != null) SPARE.set(null);
  }

  /** What was written so far. */
  public final byte[] toArray() {
    byte[] written = Arrays.copyOf(bytes, size);
    if (bytes.length <= MAX_SPARE_BYTES) SPARE.set(bytes);
    bytes = written;
    return written;
  }

  /** Makes room for so many bytes and returns where they go. */
  final int room(int count) {
    if (count > bytes.length - size) enlarge(Math.addExact(size, count));
    return size;
  }

  /** The same, and steps over them. */
  final int grow(int count) {
    int at = room(count);
    size = at + count;
    return at;
  }

  private void enlarge(int wanted) {
    long roomy = bytes.length < 1 << 16 ? 4L * bytes.length : 2L * bytes.length;
    bytes = Arrays.copyOf(bytes, Math.max(wanted, (int) Math.min(Integer.MAX_VALUE - 8, roomy)));
  }

  final void putByte(int value) {
    int at = room(1);
    bytes[at] = (byte) value;
    size = at + 1;
  }

  final void putShort(int value) {
    putShort(grow(2), value);
  }

  final void putShort(int at, int value) {
    bytes[at] = (byte) (value >> 8);
    bytes[at + 1] = (byte) value;
  }

  final void putInt(int value) {
    putInt(grow(4), value);
  }

  final void putInt(int at, int value) {
    INT.set(bytes, at, value);
  }

  final void putLong(long value) {
    int at = grow(8);
    LONG.set(bytes, at, value);
  }

  final void putBytes(byte[] value) {
    int at = grow(value.length);
    System.arraycopy(value, 0, bytes, at, value.length);
  }

  /** Writes text as UTF-8. Half a surrogate pair is an error, because it has no form there. */
  final void putUtf8(String text) {
    int length = text.length();
    int at = room(length);
    byte[] out = bytes;
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        putBytes(beyondAscii(text));
        return;
      }
      out[at + i] = (byte) c;
    }
    size = at + length;
  }

  private static byte[] beyondAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i)) && text.codePointAt(i++) < 0x10000) {
        throw malformed("text with half a surrogate pair at index " + (i - 1) + " cannot be written as UTF-8");
      }
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  final void enter() {
    if (++depth > MAX_DEPTH) throw malformed("messages nested deeper than " + MAX_DEPTH);
  }

  final void leave() {
    depth--;
  }

  /** A number for a coding that holds fewer. */
  public static int fit(long value, long least, long most, String type) {
    if (value < least || value > most) throw malformed(value + " does not fit in " + type + ": expected " + least + " to " + most);
    return (int) value;
  }

  /** A number of 63 bits, for where one side is signed and the other is not. */
  public static long unsigned(long value) {
    if (value < 0) throw malformed(value + " (unsigned " + Long.toUnsignedString(value) + ") fits only one of int64 and uint64");
    return value;
  }

  /** Rounds; a number beyond all floats is an error. */
  public static float toFloat(double value) {
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) throw malformed(value + " does not fit in float");
    return rounded;
  }

  private static RpcException malformed(String problem) {
    return new RpcException(Code.INVALID_ARGUMENT, problem);
  }
}
