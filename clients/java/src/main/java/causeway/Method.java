package causeway;

import java.util.Map;

/**
 * A method as its caller knows it. {@code service} is its full name; {@code result} reads what is returned, or throws the
 * exception that came in its place; {@code thrown} reads those that come beside an error instead, by their names on the wire.
 */
public record Method<O extends Output, I extends Input, T>(
    Wire<O, I> wire, String service, String name, boolean oneway, Result<? super I, ? extends T> result, Map<String, Thrown> thrown) {
  /** Reads what a method answers. */
  @FunctionalInterface
  public interface Result<I, T> {
    T read(I in) throws DeclaredException;
  }

  /** Reads a declared exception. */
  @FunctionalInterface
  public interface Thrown {
    DeclaredException read(ProtobufInput in);
  }
}
