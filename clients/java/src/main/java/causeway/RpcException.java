package causeway;

import java.util.List;

/** A call that failed other than by an exception that its IDL declares; a handler may throw one to answer with its code. */
public final class RpcException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final Code code;
  private final boolean sent;
  private final transient Metadata trailers;
  private final transient List<Detail> details;

  /** One detail of google.rpc.Status: an Any, not decoded. */
  public record Detail(String typeUrl, Bytes value) {
    /** The full name of its type: what follows the last slash. */
    public String typeName() {
      return typeUrl.substring(typeUrl.lastIndexOf('/') + 1);
    }
  }

  public RpcException(Code code, String message) {
    this(code, message, false, null);
  }

  RpcException(Code code, String message, boolean sent, Throwable cause) {
    this(code, message, sent, Metadata.EMPTY, List.of(), cause);
  }

  RpcException(Code code, String message, boolean sent, Metadata trailers, List<Detail> details, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.sent = sent;
    this.trailers = trailers;
    this.details = List.copyOf(details);
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

  /** What stands beside the code and the message; none where nothing does. */
  public List<Detail> details() {
    return details == null ? List.of() : details;
  }

  @Override
  public String toString() {
    return "RpcException: " + code + ": " + getMessage();
  }
}
