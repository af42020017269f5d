package causeway;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where something listens: {@code unix:PATH} or {@code HOST:PORT}, with brackets around an IPv6 address. */
record Address(String text, String host, int port) {
  private static final Pattern HOST_AND_PORT = Pattern.compile("(\\[[^]]+]|[^:\\[\\]]+):(\\d{1,5})");

  static Address parse(String text) {
    if (text.startsWith("unix:") && text.length() > 5) return new Address(text, text.substring(5), -1);
    Matcher match = HOST_AND_PORT.matcher(text);
    if (match.matches() && Integer.parseInt(match.group(2)) <= 0xffff) return new Address(text, match.group(1), Integer.parseInt(match.group(2)));
    throw new IllegalArgumentException("the address \"" + text + "\": expected unix:PATH or HOST:PORT");
  }

  /** Where the sidecar may be, the first first: what a variable of the environment says, else its defaults. */
  static List<Address> ofSidecar(String variable, String... defaults) {
    String given = System.getenv(variable);
    List<String> texts = given == null || given.isEmpty() ? List.of(defaults) : List.of(given);
    return texts.stream().map(Address::parse).toList();
  }

  boolean isUnix() {
    return port < 0;
  }

  SocketAddress socketAddress() {
    return isUnix() ? UnixDomainSocketAddress.of(host) : new InetSocketAddress(host, port);
  }

  /** Removes the socket of a server that is no more: one that nobody answers on, and nothing but a socket. */
  void removeStaleSocket() throws IOException {
    Path path = Path.of(host);
    if (!Files.exists(path) || !Files.readAttributes(path, BasicFileAttributes.class).isOther()) return;
    try {
      SocketChannel.open(socketAddress()).close();
    } catch (ConnectException nobody) {
      Files.delete(path);
    }
  }
}
