package causeway;

import java.util.Arrays;
import java.util.HexFormat;

/** Bytes that never change, and are equal by what they hold. */
public final class Bytes {
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  final byte[] bytes;

  /** Takes the array as it is: nobody else may hold it. */
  Bytes(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A copy of an array. */
  public static Bytes of(byte... bytes) {
    return bytes.length == 0 ? EMPTY : new Bytes(bytes.clone());
  }

  /** A copy, for whoever wants an array. */
  public byte[] toArray() {
    return bytes.clone();
  }

  public int size() {
    return bytes.length;
  }

  public boolean isEmpty() {
    return bytes.length == 0;
  }

  public byte get(int index) {
    return bytes[index];
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Hexadecimal, cut after 32 bytes. */
  @Override
  public String toString() {
    String start = HexFormat.of().formatHex(bytes, 0, Math.min(bytes.length, 32));
    return bytes.length <= 32 ? start : start + "… (" + bytes.length + " bytes)";
  }
}
