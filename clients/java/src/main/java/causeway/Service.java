package causeway;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** A service as its server knows it: its full name, and what answers each method. Generated code makes them. */
public final class Service {
  /** Reads the arguments, calls the implementation, and gives what writes the result. */
  @FunctionalInterface
  public interface Handler<I, O> {
    Consumer<O> handle(I in) throws Exception;
  }

  record Served<O extends Output, I extends Input>(Wire<O, I> wire, boolean oneway, Handler<I, O> handler) {}

  final String name;
  final Map<String, Served<?, ?>> methods = new HashMap<>();
  String codec = "";

  public Service(String name) {
    this.name = name;
  }

  public <O extends Output, I extends Input> Service method(Wire<O, I> wire, String method, boolean oneway, Handler<I, O> handler) {
    methods.put(method, new Served<>(wire, oneway, handler));
    codec = wire.codec();
    return this;
  }

  /** Its full name, or that without its package. */
  boolean isNamed(String wanted) {
    return name.equals(wanted) || name.substring(name.lastIndexOf('.') + 1).equals(wanted);
  }
}
