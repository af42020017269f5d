package causeway;

import java.util.function.Supplier;

/**
 * What a payload is written in: one of the two constants. {@code codec} is as the sidecar names it; {@code version} are the
 * first two bytes of a message's envelope.
 */
public record Wire<O extends Output, I extends Input>(String codec, int version, Supplier<O> output, Open<I> input) {
  public static final Wire<ThriftOutput, ThriftInput> THRIFT = new Wire<>("thrift-binary", 0x8001, ThriftOutput::new, ThriftInput::new);
  public static final Wire<ProtobufOutput, ProtobufInput> PROTOBUF = new Wire<>("protobuf", 0x9001, ProtobufOutput::new, ProtobufInput::new);

  /** Reads a part of an array. */
  @FunctionalInterface
  public interface Open<I> {
    I open(byte[] bytes, int at, int end);
  }
}
