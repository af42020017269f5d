package causeway;

/** The status codes of gRPC without OK, as in its specification's {@code statuscodes.md}; {@link #number} is the one on the wire. */
public enum Code {
  CANCELLED,
  UNKNOWN,
  INVALID_ARGUMENT,
  DEADLINE_EXCEEDED,
  NOT_FOUND,
  ALREADY_EXISTS,
  PERMISSION_DENIED,
  RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION,
  ABORTED,
  OUT_OF_RANGE,
  UNIMPLEMENTED,
  INTERNAL,
  UNAVAILABLE,
  DATA_LOSS,
  UNAUTHENTICATED;

  private static final Code[] ALL = values();

  public int number() {
    return ordinal() + 1;
  }

  /** The code of a number; {@link #UNKNOWN} for one that the specification does not name. */
  public static Code of(int number) {
    return number >= 1 && number <= ALL.length ? ALL[number - 1] : UNKNOWN;
  }

  /** The code nearest to a type of Thrift's TApplicationException. */
  static Code ofApplicationException(int type) {
    return switch (type) {
      case 1, 8, 9, 10 -> UNIMPLEMENTED;
      case 2, 3, 4, 5, 6 -> INTERNAL;
      case 7 -> INVALID_ARGUMENT;
      default -> UNKNOWN;
    };
  }

  /** The type of TApplicationException nearest to this code. */
  int applicationException() {
    return switch (this) {
      case UNKNOWN -> 0;
      case UNIMPLEMENTED -> 1;
      case INVALID_ARGUMENT, OUT_OF_RANGE -> 7;
      default -> 6;
    };
  }
}
