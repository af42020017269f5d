package causeway;

/**
 * What generated code refers to, so that it does not compile against a runtime that is too old for it. A runtime keeps the
 * constants of all versions before it whose generated code it still serves.
 */
public final class Version {
  public static final boolean IS_AT_LEAST_0_1 = true;

  private Version() {}
}
