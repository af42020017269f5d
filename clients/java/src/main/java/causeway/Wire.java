package causeway;

/** What a payload is written in: one of the two constants. */
public final class Wire<O extends Output, I extends Input> {
  public static final Wire<ThriftOutput, ThriftInput> THRIFT = new Wire<>("thrift-binary", 0x8001, ThriftOutput::new, ThriftInput::new);
  public static final Wire<ProtobufOutput, ProtobufInput> PROTOBUF = new Wire<>("protobuf", 0x9001, ProtobufOutput::new, ProtobufInput::new);

  interface Open<I> {
    I open(byte[] bytes, int at, int end);
  }

  /** The codec, as the sidecar names it. */
  final String codec;
  /** The first two bytes of a message's envelope. */
  final int version;

  final java.util.function.Supplier<O> output;
  final Open<I> input;

  private Wire(String codec, int version, java.util.function.Supplier<O> output, Open<I> input) {
    this.codec = codec;
    this.version = version;
    this.output = output;
    this.input = input;
  }
}
