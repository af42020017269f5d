package causeway;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** An error in the headers of its reply: {@code cw-code}, {@code cw-message}, and google.rpc.Status in {@code cw-details-bin}. */
final class Status {
  private static final int MAX_MESSAGE_LENGTH = 1024;
  private static final int MAX_DETAILS_LENGTH = 6 * 1024;

  private Status() {}

  /** The error that a reply tells. */
  static RpcException read(Frame frame) {
    String code = frame.header("cw-code");
    String message = frame.header("cw-message");
    boolean isNumber = code != null && code.matches("\\d{1,2}");
    boolean sent = !"0".equals(frame.header("cw-sent"));
    return new RpcException(
        isNumber ? Code.of(Integer.parseInt(code)) : Code.UNKNOWN, message == null ? "" : message, sent, frame.metadata(), details(frame.header("cw-details-bin")), null);
  }

  /** None when they are absent or malformed, because the error stands without them. */
  private static List<RpcException.Detail> details(String base64) {
    List<RpcException.Detail> details = new ArrayList<>();
    if (base64 == null) return details;
    try {
      ProtobufInput in = new ProtobufInput(Base64.getDecoder().decode(base64));
      for (int tag = in.tag(); tag != 0; tag = in.tag()) {
        if (tag == 0x1a) details.add(in.message(null, Status::readAny));
        else in.skip(tag);
      }
    } catch (RpcException | IllegalArgumentException malformed) {
      details.clear();
    }
    return details;
  }

  private static RpcException.Detail readAny(ProtobufInput in, RpcException.Detail none) {
    String url = "";
    Bytes value = Bytes.EMPTY;
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      if (tag == 0x0a) url = in.string();
      else if (tag == 0x12) value = in.bytes();
      else in.skip(tag);
    }
    return new RpcException.Detail(url, value);
  }

  /** Adds what tells an error. */
  static void write(List<Metadata.Entry> pairs, Code code, String message) {
    String text = message == null ? "" : message.substring(0, Math.min(message.length(), MAX_MESSAGE_LENGTH));
    pairs.add(new Metadata.Entry("cw-code", Integer.toString(code.number())));
    // Half a surrogate pair, which may be what was cut, has no form in UTF-8.
    pairs.add(new Metadata.Entry("cw-message", text.replaceAll("\\p{Cs}", "?")));
  }

  /** The same of a declared exception, which Protobuf's replies have no other place for; without it where it is too large. */
  static void write(List<Metadata.Entry> pairs, DeclaredException exception) {
    ProtobufOutput out = new ProtobufOutput();
    out.field(1, ProtobufOutput.VARINT).int32(exception.code().number());
    out.field(2, ProtobufOutput.LEN).string(exception.getMessage() == null ? "" : exception.getMessage());
    out.field(3, ProtobufOutput.LEN).wrapped((ProtobufMessage) exception, (any, value) -> {
      any.field(1, ProtobufOutput.LEN).string("type.googleapis.com/" + exception.wireName());
      any.field(2, ProtobufOutput.LEN).message(value);
    });
    String base64 = Base64.getEncoder().withoutPadding().encodeToString(out.toArray());
    boolean fits = base64.length() <= MAX_DETAILS_LENGTH;
    write(pairs, exception.code(), "declared exception " + exception.wireName() + (fits ? "" : " (truncated)"));
    if (fits) pairs.add(new Metadata.Entry("cw-details-bin", base64));
  }

  /** The body of such a reply, a TApplicationException: of it the type is passed on to callers without headers. */
  static void writeBody(Output out, Code code) {
    int type = switch (code) {
      case UNKNOWN -> 0;
      case UNIMPLEMENTED -> 1;
      case INVALID_ARGUMENT, OUT_OF_RANGE -> 7;
      default -> 6;
    };
    if (out instanceof ProtobufOutput protobuf) protobuf.field(1, ProtobufOutput.VARINT).int32(type);
    if (!(out instanceof ThriftOutput thrift)) return;
    thrift.field(ThriftType.I32, 2).i32(type);
    thrift.stop();
  }
}
