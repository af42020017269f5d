package causeway;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** What stands in a message of type Exception: TApplicationException, with what Causeway's headers say beside it. */
record Failure(String message, int type) {
  static Failure read(Frame frame) {
    String message = "";
    int type = 0;
    if (frame.version == Wire.THRIFT.version) {
      ThriftInput in = frame.body(Wire.THRIFT);
      for (int field = in.field(); field != ThriftType.STOP; field = in.field()) {
        if (field == (ThriftType.STRING | 1)) message = in.string();
        else if (field == (ThriftType.I32 | 2)) type = in.i32();
        else in.skip(field);
      }
    } else {
      ProtobufInput in = frame.body(Wire.PROTOBUF);
      for (int tag = in.tag(); tag != 0; tag = in.tag()) {
        if (tag == 0x08) type = in.int32();
        else if (tag == 0x12) message = in.string();
        else in.skip(tag);
      }
    }
    return new Failure(message, type);
  }

  void write(Output out) {
    if (out instanceof ThriftOutput thrift) {
      thrift.field(ThriftType.STRING, 1).string(message);
      thrift.field(ThriftType.I32, 2).i32(type);
      thrift.stop();
    } else if (out instanceof ProtobufOutput protobuf) {
      protobuf.field(1, ProtobufOutput.VARINT).int32(type);
      protobuf.field(2, ProtobufOutput.LEN).string(message);
    }
  }

  /** The details in {@code cw-details-bin}; none when it is absent or malformed, because the error stands without them. */
  static List<RpcException.Detail> details(String base64) {
    List<RpcException.Detail> details = new ArrayList<>();
    if (base64 == null) return details;
    try {
      ProtobufInput in = new ProtobufInput(Base64.getDecoder().decode(base64));
      for (int tag = in.tag(); tag != 0; tag = in.tag()) {
        if (tag == 0x1a) details.add(in.message(null, Failure::readAny));
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

  /** A declared exception as {@code cw-details-bin}; null when it is larger than metadata may be. */
  static String detailsOf(DeclaredException exception, ProtobufMessage message) {
    ProtobufOutput out = new ProtobufOutput();
    out.field(1, ProtobufOutput.VARINT).int32(exception.code().number());
    out.field(2, ProtobufOutput.LEN).string(exception.getMessage() == null ? "" : exception.getMessage());
    out.field(3, ProtobufOutput.LEN).wrapped(message, (any, value) -> {
      any.field(1, ProtobufOutput.LEN).string("type.googleapis.com/" + exception.wireName());
      any.field(2, ProtobufOutput.LEN).message(value);
    });
    String base64 = Base64.getEncoder().withoutPadding().encodeToString(out.toArray());
    return base64.length() <= 6 * 1024 ? base64 : null;
  }
}
