package causeway;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

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

  static final int MAX_BYTES = 16_384_000;
  private static final int MAX_HEADER_BYTES = 32 * 1024;
  private static final int MAX_NAME_BYTES = 1024;

  /** TTHeader's integer keys. */
  private static final int TO_METHOD = 9;
  private static final int TIMEOUT = 12;
  private static final int MESSAGE_TYPE = 22;

  /** The flag that says that replies need not keep the order of the calls. */
  private static final int OUT_OF_ORDER = 1;

  final int sequenceId;
  final List<Metadata.Entry> pairs = new ArrayList<>();
  /** Milliseconds; empty when the caller has none. */
  String timeout = "";
  private final byte[] bytes;
  /** Behind the headers. */
  private int at;

  /** The message's, once {@link #readMessage} has read them. */
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

  /** The headers that are the application's; those under the prefix {@code cw-t-} come behind the message. */
  Metadata metadata() {
    List<Metadata.Entry> entries = new ArrayList<>();
    for (Metadata.Entry pair : pairs) {
      if (pair.key().startsWith("cw-t-")) entries.add(new Metadata.Entry(pair.key().substring(5), pair.value()));
      else if (!Metadata.isOwn(pair.key())) entries.add(pair);
    }
    return entries.isEmpty() ? Metadata.EMPTY : new Metadata(entries);
  }

  /** A frame without a message is a signal. */
  boolean isSignal() {
    return at == bytes.length;
  }

  /** Reads the envelope of the message; what is behind it is read by {@link #body}. */
  void readMessage() {
    ThriftInput in = new ThriftInput(bytes, at, bytes.length);
    int first = in.getInt();
    if (first >= 0) {
      if (first != in.end - in.at) throw in.malformed("a frame inside of " + first + " bytes: expected " + (in.end - in.at));
      first = in.getInt();
    }
    version = first >>> 16;
    if (version != Wire.THRIFT.version() && version != Wire.PROTOBUF.version()) {
      throw in.malformed("a message that begins with " + Integer.toHexString(first) + ": expected Thrift's strict binary or Kitex-Protobuf");
    }
    type = first & 0xff;
    int length = in.getInt();
    if (length > MAX_NAME_BYTES) throw in.malformed("a method's name of " + length + " bytes");
    String full = in.getUtf8(length);
    // Of a multiplexed name the method is what follows the service.
    name = full.substring(full.indexOf(':') + 1);
    in.getInt();
    at = in.at;
  }

  <I extends Input> I body(Wire<?, I> wire) {
    if (version != wire.version()) throw new RpcException(Code.INVALID_ARGUMENT, "the payload of " + name + " is not " + wire.codec());
    return wire.input().open(bytes, at, bytes.length);
  }

  /** A frame with its message, of which {@code body} writes the last part. */
  static <O extends Output> O write(
      Wire<O, ?> wire, int type, String name, int sequenceId, List<Metadata.Entry> pairs, long timeoutMs, Consumer<? super O> body) {
    O out = wire.output().get();
    beginHeaders(out, sequenceId, pairs);
    out.putByte(0x10);
    out.putShort(timeoutMs > 0 ? 3 : 2);
    putNumbered(out, TO_METHOD, name);
    putNumbered(out, MESSAGE_TYPE, Integer.toString(type));
    if (timeoutMs > 0) putNumbered(out, TIMEOUT, Long.toString(timeoutMs));
    endHeaders(out);
    int message = out.size;
    if (wire == Wire.PROTOBUF) out.putInt(0);
    out.putInt(wire.version() << 16 | type);
    int at = out.grow(4);
    out.putUtf8(name);
    out.putInt(at, out.size - at - 4);
    out.putInt(sequenceId);
    body.accept(out);
    if (wire == Wire.PROTOBUF) out.putInt(message, out.size - message - 4);
    if (out.size - 4 > MAX_BYTES) {
      throw new RpcException(Code.RESOURCE_EXHAUSTED, "a message of " + out.size + " bytes passes the limit of " + MAX_BYTES + " bytes");
    }
    out.putInt(0, out.size - 4);
    return out;
  }

  /** A frame without a message. */
  static Output signal(int sequenceId, List<Metadata.Entry> pairs) {
    Output out = new ThriftOutput();
    beginHeaders(out, sequenceId, pairs);
    endHeaders(out);
    out.putInt(0, out.size - 4);
    return out;
  }

  private static void beginHeaders(Output out, int sequenceId, List<Metadata.Entry> pairs) {
    out.putInt(0);
    out.putInt(0x1000 << 16 | OUT_OF_ORDER);
    out.putInt(sequenceId);
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
    out.putShort(12, headerBytes / 4);
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
    out.putShort(at, length);
  }
}
