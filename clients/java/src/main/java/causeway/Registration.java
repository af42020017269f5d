package causeway;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Keeps a server registered with the local sidecar, by {@code idl/causeway/registration.proto}: it renews the lease, registers
 * anew when the sidecar has forgotten it, as after a restart, and deregisters when it or the server is closed.
 */
public final class Registration implements AutoCloseable {
  private static final Duration LEASE = Duration.ofSeconds(30);
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern SECONDS = Pattern.compile("\"lease\"\\s*:\\s*\"(\\d{1,6})(?:\\.\\d+)?s\"");
  private static final System.Logger LOG = System.getLogger("causeway");

  /** What the sidecar is told beside what the server knows. {@code weight} 0 means the sidecar's default. */
  public record Instance(String upstream, int weight, Map<String, String> labels) {
    public Instance {
      labels = Frozen.map(labels);
    }

    public Instance(String upstream) {
      this(upstream, 0, Map.of());
    }
  }

  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
  private final String base;
  private final String request;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          work -> {
            Thread thread = new Thread(work, "causeway-registration");
            thread.setDaemon(true);
            return thread;
          });
  private String id = "";
  private boolean closed;

  private Registration(Server server, Instance instance, Address address) {
    if (address.isUnix()) throw new IllegalArgumentException("registration over " + address.text() + ": expected HOST:PORT of the sidecar's HTTP listener");
    this.base = "http://" + address.text() + "/v1/instances";
    this.request = requestOf(server, instance);
  }

  /** Registers a server at the sidecar where CAUSEWAY_HTTP_ADDRESS says, else {@code 127.0.0.1:7421}. Fails when the sidecar refuses; while it is away, it is tried again. */
  public static Registration of(Server server, Instance instance) {
    return start(server, instance, Address.ofSidecarHttp());
  }

  /** The same at {@code HOST:PORT}. */
  public static Registration of(Server server, Instance instance, String httpAddress) {
    return start(server, instance, Address.parse(httpAddress));
  }

  private static Registration start(Server server, Instance instance, Address address) {
    Registration registration = new Registration(server, instance, address);
    long leaseMs = LEASE.toMillis();
    try {
      leaseMs = registration.register();
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "no sidecar takes registrations at {0} yet: {1}", address.text(), e.getMessage());
      leaseMs = 3_000;
    } catch (RpcException refused) {
      registration.timer.shutdownNow();
      throw refused;
    }
    server.beforeDrain(registration::close);
    registration.later(leaseMs);
    return registration;
  }

  private synchronized void later(long leaseMs) {
    if (!closed) timer.schedule(this::renew, Math.max(100, leaseMs / 3), TimeUnit.MILLISECONDS);
  }

  private void renew() {
    long leaseMs = 3_000;
    try {
      leaseMs = id.isEmpty() ? register() : heartbeat();
    } catch (IOException | RpcException e) {
      LOG.log(System.Logger.Level.WARNING, "the lease could not be renewed: {0}", e.getMessage());
    }
    later(leaseMs);
  }

  private long heartbeat() throws IOException {
    HttpResponse<String> answer = send("POST", "/" + id + "/heartbeat", "{}");
    return answer.statusCode() == 404 ? register() : learn(answer);
  }

  private long register() throws IOException {
    return learn(send("PUT", "", request));
  }

  private synchronized long learn(HttpResponse<String> answer) {
    if (answer.statusCode() != 200) {
      String body = answer.body();
      throw new RpcException(Code.UNKNOWN, "the sidecar refused with " + answer.statusCode() + ": " + body.substring(0, Math.min(500, body.length())));
    }
    Matcher found = ID.matcher(answer.body());
    if (found.find()) id = found.group(1);
    Matcher lease = SECONDS.matcher(answer.body());
    return lease.find() ? TimeUnit.SECONDS.toMillis(Long.parseLong(lease.group(1))) : LEASE.toMillis();
  }

  private HttpResponse<String> send(String method, String path, String body) throws IOException {
    HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(base + path)).timeout(TIMEOUT);
    builder.header("Content-Type", "application/json").method(method, HttpRequest.BodyPublishers.ofString(body));
    try {
      return http.send(builder.build(), HttpResponse.BodyHandlers.ofString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Deregisters; the lease would do it later otherwise. */
  @Override
  public void close() {
    synchronized (this) {
      if (closed) return;
      closed = true;
    }
    timer.shutdown();
    if (id.isEmpty()) return;
    try {
      send("DELETE", "/" + id, "");
    } catch (IOException e) {
      LOG.log(System.Logger.Level.INFO, "the sidecar could not be told: {0}", e.getMessage());
    }
  }

  private static String requestOf(Server server, Instance instance) {
    List<String> services = server.serviceNames();
    String codec = server.codec().equals(Wire.PROTOBUF.codec) ? "CODEC_PROTOBUF" : "CODEC_THRIFT_BINARY";
    String labels = instance.labels().entrySet().stream().map(each -> quote(each.getKey()) + ":" + quote(each.getValue())).collect(Collectors.joining(","));
    return "{\"instance\":{\"upstream\":" + quote(instance.upstream())
        + ",\"services\":[" + services.stream().map(Registration::quote).collect(Collectors.joining(","))
        + "],\"address\":" + quote(server.address())
        + ",\"codec\":\"" + codec + "\",\"framing\":\"FRAMING_TTHEADER\",\"weight\":" + instance.weight()
        + ",\"labels\":{" + labels + "}},\"lease\":\"" + LEASE.toSeconds() + "s\"}";
  }

  private static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
