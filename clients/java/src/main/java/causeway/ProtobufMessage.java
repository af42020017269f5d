package causeway;

/** A message on Protobuf's wire. */
public interface ProtobufMessage {
  /** Writes the fields. */
  void write(ProtobufOutput out);
}
