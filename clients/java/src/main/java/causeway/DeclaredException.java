package causeway;

/** An exception that an IDL declares: an answer, not a failure. Generated classes extend it. */
public abstract class DeclaredException extends Exception {
  private static final long serialVersionUID = 1L;

  protected DeclaredException(String message) {
    super(message);
  }

  /** The code by which callers know it that cannot see its type. */
  public abstract Code code();

  /** Its full name on the wire. */
  public abstract String wireName();
}
