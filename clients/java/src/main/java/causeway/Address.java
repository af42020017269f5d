package causeway;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ProtocolFamily;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
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
  private static final Pattern HOST_AND_PORT = Pattern.compile("\\[([^]]+)]:(\\d{1,5})|([^:\\[\\]]+):(\\d{1,5})");

  static Address parse(String text) {
    if (text.startsWith("unix:") && text.length() > 5) return new Address(text, text.substring(5), -1);
    Matcher match = HOST_AND_PORT.matcher(text);
    if (match.matches()) {
      String host = match.group(1) == null ? match.group(3) : match.group(1);
      int port = Integer.parseInt(match.group(2) == null ? match.group(4) : match.group(2));
      if (port <= 0xffff) return new Address(text, host, port);
    }
    throw new IllegalArgumentException("the address \"" + text + "\": expected unix:PATH or HOST:PORT");
  }

  /** Where the sidecar may be, the first first: what CAUSEWAY_ADDRESS says, else its defaults. */
  static List<Address> ofSidecar() {
    String given = System.getenv("CAUSEWAY_ADDRESS");
    if (given != null && !given.isEmpty()) return List.of(parse(given));
    return List.of(parse("unix:/run/causeway/causeway.sock"), parse("127.0.0.1:7420"));
  }

  /** Where the sidecar's HTTP port is: what CAUSEWAY_HTTP_ADDRESS says, else its default. */
  static Address ofSidecarHttp() {
    String given = System.getenv("CAUSEWAY_HTTP_ADDRESS");
    return parse(given == null || given.isEmpty() ? "127.0.0.1:7421" : given);
  }

  boolean isUnix() {
    return port < 0;
  }

  ProtocolFamily family() throws IOException {
    if (isUnix()) return StandardProtocolFamily.UNIX;
    boolean v6 = ((InetSocketAddress) socketAddress()).getAddress() instanceof java.net.Inet6Address;
    return v6 ? StandardProtocolFamily.INET6 : StandardProtocolFamily.INET;
  }

  SocketAddress socketAddress() throws IOException {
    if (isUnix()) return UnixDomainSocketAddress.of(host);
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) throw new IOException("the host " + host + " has no address");
    return address;
  }

  /** Removes the socket of a server that is no more: one that nobody answers on, and nothing but a socket. */
  void removeStaleSocket() throws IOException {
    Path path = Path.of(host);
    if (!Files.exists(path) || !Files.readAttributes(path, BasicFileAttributes.class).isOther()) return;
    try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      channel.connect(socketAddress());
    } catch (ConnectException nobody) {
      Files.delete(path);
    }
  }

  void removeSocket() throws IOException {
    if (isUnix()) Files.deleteIfExists(Path.of(host));
  }
}
