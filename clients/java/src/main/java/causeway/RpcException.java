package causeway;

/** A call that failed other than by an exception that its IDL declares; a handler may throw one to answer with its code. */
public final class RpcException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Code code;
  private final boolean sent;
  private final transient Metadata trailers;

  public RpcException(Code code, String message) {
    this(code, message, false, Metadata.EMPTY, null);
  }

  RpcException(Code code, String message, boolean sent, Metadata trailers, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.sent = sent;
    this.trailers = trailers;
  }

  /** Something that has gone wrong here, before any byte was sent. */
  static RpcException here(Code code, String message, Throwable cause) {
    return new RpcException(code, message, false, Metadata.EMPTY, cause);
  }

  public Code code() {
    return code;
  }

  /** Whether the call may have reached the other side, so that calling again could run it twice. */
  public boolean sent() {
    return sent;
  }

  /** What came with the error. */
  public Metadata trailers() {
    return trailers == null ? Metadata.EMPTY : trailers;
  }

  @Override
  public String toString() {
    return "RpcException: " + code + ": " + getMessage();
  }
}
