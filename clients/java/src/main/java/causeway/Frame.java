package causeway;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One frame of TTHeader with its message.
 *
 * <pre>
 *   u32 length | 10 00 | u16 flags | u32 sequence id | u16 size of the headers ÷ 4 | headers | payload
 *   headers: u8 protocol id | u8 transforms (0) | blocks | padding
 *   payload: 80 01 00 type | i32 length | method | u32 sequence id | Thrift
 *            u32 length | 90 01 00 type | i32 length | method | u32 sequence id | Protobuf
 * </pre>
 */
final class Frame {
  static final int CALL = 1;
  static final int REPLY = 2;
  static final int EXCEPTION = 3;
  static final int ONEWAY = 4;

  static final int MAX_FRAME_BYTES = 16_384_000;
  private static final int MAX_HEADER_BYTES = 32 * 1024;
  private static final int MAX_NAME_BYTES = 1024;

  /** TTHeader's integer keys. */
  static final int TO_METHOD = 9;
  static final int TIMEOUT = 12;
  static final int MESSAGE_TYPE = 22;

  private static final int OUT_OF_ORDER = 1;

  final int sequenceId;
  final List<Metadata.Entry> pairs = new ArrayList<>();
  /** Milliseconds; empty when the caller has none. */
  String timeout = "";
  private final byte[] bytes;
  /** Behind the headers. */
  private int at;

  /** The message's, once {@link #message} has read them. */
  int version;
  int type;
  String name = "";

  /** Reads the headers of a frame, which comes without its length. */
  Frame(byte[] bytes) {
    this.bytes = bytes;
    ThriftInput in = new ThriftInput(bytes);
    if ((in.getShort() & 0xffff) != 0x1000) throw in.malformed("a frame that is not TTHeader's");
    in.getShort();
    sequenceId = in.getInt();
    int headerBytes = (in.getShort() & 0xffff) * 4;
    if (headerBytes > MAX_HEADER_BYTES) throw in.malformed(headerBytes + " bytes of headers: expected at most " + MAX_HEADER_BYTES);
    at = in.take(headerBytes) + headerBytes;
    readHeaders(new ThriftInput(bytes, at - headerBytes, at));
  }

  private void readHeaders(ThriftInput in) {
    in.getByte();
    if (in.getByte() != 0) throw in.malformed("a frame with transforms: expected none");
    while (in.at < in.end) {
      int block = in.getByte();
      switch (block) {
        case 0x00 -> {}
        case 0x01 -> {
          for (int count = in.getShort() & 0xffff; count > 0; count--) pairs.add(new Metadata.Entry(text(in), text(in)));
        }
        case 0x10 -> {
          for (int count = in.getShort() & 0xffff; count > 0; count--) {
            int key = in.getShort();
            String value = text(in);
            if (key == TIMEOUT) timeout = value;
          }
        }
        case 0x11 -> text(in);
        default -> throw in.malformed("headers of the unknown kind " + block);
      }
    }
  }

  private static String text(ThriftInput in) {
    return in.getUtf8(in.getShort() & 0xffff);
  }

  /** The value of a header; null when it is not there. */
  String header(String key) {
    for (Metadata.Entry pair : pairs) if (pair.key().equals(key)) return pair.value();
    return null;
  }

  boolean says(String key) {
    return "1".equals(header(key));
  }

  /** A frame without a message is a signal. */
  boolean isSignal() {
    return at == bytes.length;
  }

  /** Reads the envelope of the message; what is behind it is read by {@link #body}. */
  void message() {
    ThriftInput in = new ThriftInput(bytes, at, bytes.length);
    int first = in.getInt();
    if (first >= 0) {
      if (first != in.end - in.at) throw in.malformed("a frame inside of " + first + " bytes: expected " + (in.end - in.at));
      first = in.getInt();
    }
    version = first >>> 16;
    if (version != Wire.THRIFT.version && version != Wire.PROTOBUF.version) {
      throw in.malformed("a message that begins with " + Integer.toHexString(first) + ": expected Thrift's strict binary or Kitex-Protobuf");
    }
    type = first & 0xff;
    int length = in.getInt();
    if (length < 0 || length > MAX_NAME_BYTES) throw in.malformed("a method's name of " + Integer.toUnsignedString(length) + " bytes");
    name = in.getUtf8(length);
    in.getInt();
    at = in.at;
  }

  <I extends Input> I body(Wire<?, I> wire) {
    if (version != wire.version) throw new RpcException(Code.INVALID_ARGUMENT, "the payload of " + name + " is not " + wire.codec);
    return wire.input.open(bytes, at, bytes.length);
  }

  /** Begins a frame with its message; the caller writes the body and then calls {@link #seal}. */
  static <O extends Output> O begin(Wire<O, ?> wire, int type, String name, List<Metadata.Entry> pairs, long timeoutMs) {
    O out = wire.output.get();
    beginHeaders(out, pairs);
    out.putByte(0x10);
    out.putShort(timeoutMs > 0 ? 3 : 2);
    putNumbered(out, TO_METHOD, name);
    putNumbered(out, MESSAGE_TYPE, Integer.toString(type));
    if (timeoutMs > 0) putNumbered(out, TIMEOUT, Long.toString(timeoutMs));
    endHeaders(out);
    if (wire.version == Wire.PROTOBUF.version) out.putInt(0);
    out.putInt(wire.version << 16 | type);
    int at = out.grow(4);
    out.putUtf8(name);
    out.putInt(at, out.size - at - 4);
    out.putInt(0);
    return out;
  }

  /** A frame without a message. */
  static Output signal(List<Metadata.Entry> pairs) {
    Output out = new ThriftOutput();
    beginHeaders(out, pairs);
    endHeaders(out);
    return out;
  }

  private static void beginHeaders(Output out, List<Metadata.Entry> pairs) {
    out.putInt(0);
    out.putInt(0x1000 << 16 | OUT_OF_ORDER);
    out.putInt(0);
    out.putShort(0);
    out.putShort(0);
    out.putByte(0x01);
    out.putShort(pairs.size());
    for (Metadata.Entry pair : pairs) {
      putText(out, pair.key());
      putText(out, pair.value());
    }
  }

  private static void endHeaders(Output out) {
    while ((out.size - 14 & 3) != 0) out.putByte(0);
    int headerBytes = out.size - 14;
    if (headerBytes > MAX_HEADER_BYTES) {
      throw new RpcException(Code.RESOURCE_EXHAUSTED, "the metadata of " + headerBytes + " bytes passes the limit of " + MAX_HEADER_BYTES + " bytes");
    }
    out.bytes[12] = (byte) (headerBytes / 4 >> 8);
    out.bytes[13] = (byte) (headerBytes / 4);
  }

  private static void putNumbered(Output out, int key, String value) {
    out.putShort(key);
    putText(out, value);
  }

  private static void putText(Output out, String text) {
    int at = out.grow(2);
    out.putUtf8(text);
    int length = out.size - at - 2;
    if (length > 0xffff) throw new RpcException(Code.RESOURCE_EXHAUSTED, "metadata of " + length + " bytes: expected at most 65535");
    out.bytes[at] = (byte) (length >> 8);
    out.bytes[at + 1] = (byte) length;
  }

  /** Fills in what is known only at the end: the lengths and the sequence id. */
  static void seal(Output out, int sequenceId) {
    if (out.size - 4 > MAX_FRAME_BYTES) {
      throw new RpcException(Code.RESOURCE_EXHAUSTED, "a message of " + out.size + " bytes passes the limit of " + MAX_FRAME_BYTES + " bytes");
    }
    out.putInt(0, out.size - 4);
    out.putInt(8, sequenceId);
    ThriftInput in = new ThriftInput(out.bytes, 12, out.size);
    int message = 14 + in.getShort() * 4;
    if (message == out.size) return;
    if (out.bytes[message] >= 0) {
      out.putInt(message, out.size - message - 4);
      message += 4;
    }
    in.at = message + 4;
    out.putInt(message + 8 + in.getInt(), sequenceId);
  }

  static Metadata.Entry pair(String key, String value) {
    return new Metadata.Entry(key, value);
  }

  /** A value for a header, cut between characters to at most 4 KiB. */
  static String clipped(String text) {
    if (text.length() <= 1024) return text;
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int end = Math.min(utf8.length, 4096);
    while (end < utf8.length && (utf8[end] & 0xc0) == 0x80) end--;
    return new String(utf8, 0, end, StandardCharsets.UTF_8);
  }
}
