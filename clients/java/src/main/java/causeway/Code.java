package causeway;

/** The status codes of gRPC without OK, as in its specification's {@code statuscodes.md}; {@link #number} is the one on the wire. */
public enum Code {
  CANCELLED, UNKNOWN, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED,
  FAILED_PRECONDITION, ABORTED, OUT_OF_RANGE, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, UNAUTHENTICATED;

  private static final Code[] ALL = values();

  public int number() {
    return ordinal() + 1;
  }

  /** The code of a number; {@link #UNKNOWN} for one that the specification does not name. */
  public static Code of(int number) {
    return number >= 1 && number <= ALL.length ? ALL[number - 1] : UNKNOWN;
  }
}
