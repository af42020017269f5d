package causeway;

/** A struct, union or exception on Thrift's wire. */
public interface ThriftMessage {
  /** Writes the fields and their end. */
  void write(ThriftOutput out);
}
