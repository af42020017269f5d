package causeway;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Bytes that grow while they are written. What they mean is left to {@link ThriftOutput} and {@link ProtobufOutput}. */
public abstract class Output {
  private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  /** Deepest nesting of messages, as the sidecar has it. */
  static final int MAX_DEPTH = 64;

  byte[] bytes = new byte[512];
  int size;
  private int depth;

  /** What was written so far. */
  public final byte[] toArray() {
    return Arrays.copyOf(bytes, size);
  }

  /** Makes room for so many bytes and returns where they go. */
  final int grow(int count) {
    int at = size;
    int wanted = Math.addExact(at, count);
    if (wanted > bytes.length) bytes = Arrays.copyOf(bytes, Math.max(wanted, (int) Math.min(Integer.MAX_VALUE - 8, 2L * bytes.length)));
    size = wanted;
    return at;
  }

  final void putByte(int value) {
    int at = grow(1);
    bytes[at] = (byte) value;
  }

  final void putShort(int value) {
    int at = grow(2);
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
    int at = grow(length);
    byte[] out = bytes;
    int i = 0;
    for (; i < length; i++) {
      char c = text.charAt(i);
      if (c >= 0x80) break;
      out[at + i] = (byte) c;
    }
    if (i == length) return;
    size = at + i;
    putBeyondAscii(text, i);
  }

  /** The rest of a text, of which a character takes three bytes at most, and a pair of them four. */
  private void putBeyondAscii(String text, int from) {
    int length = text.length();
    int at = grow(Math.multiplyExact(3, length - from));
    byte[] out = bytes;
    for (int i = from; i < length; i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        out[at++] = (byte) c;
      } else if (c < 0x800) {
        out[at++] = (byte) (0xc0 | c >> 6);
        out[at++] = (byte) (0x80 | c & 0x3f);
      } else if (!Character.isSurrogate(c)) {
        out[at++] = (byte) (0xe0 | c >> 12);
        out[at++] = (byte) (0x80 | c >> 6 & 0x3f);
        out[at++] = (byte) (0x80 | c & 0x3f);
      } else {
        int point = text.codePointAt(i);
        if (point < 0x10000) {
          throw new RpcException(Code.INVALID_ARGUMENT, "text with half a surrogate pair at index " + i + " cannot be written as UTF-8");
        }
        i++;
        out[at++] = (byte) (0xf0 | point >> 18);
        out[at++] = (byte) (0x80 | point >> 12 & 0x3f);
        out[at++] = (byte) (0x80 | point >> 6 & 0x3f);
        out[at++] = (byte) (0x80 | point & 0x3f);
      }
    }
    size = at;
  }

  final void enter() {
    if (++depth > MAX_DEPTH) throw new RpcException(Code.INVALID_ARGUMENT, "messages nested deeper than " + MAX_DEPTH);
  }

  final void leave() {
    depth--;
  }

  /** A number for a coding that holds fewer. */
  public static int fit(long value, long least, long most, String type) {
    if (value < least || value > most) throw new RpcException(Code.INVALID_ARGUMENT, value + " does not fit in " + type + ": expected " + least + " to " + most);
    return (int) value;
  }

  /** A number of 63 bits, for where one side is signed and the other is not. */
  public static long unsigned(long value) {
    if (value < 0) throw new RpcException(Code.INVALID_ARGUMENT, value + " (unsigned " + Long.toUnsignedString(value) + ") fits only one of int64 and uint64");
    return value;
  }

  /** Rounds; a number beyond all floats is an error. */
  public static float toFloat(double value) {
    float rounded = (float) value;
    if (Float.isInfinite(rounded) && !Double.isInfinite(value)) throw new RpcException(Code.INVALID_ARGUMENT, value + " does not fit in float");
    return rounded;
  }
}
