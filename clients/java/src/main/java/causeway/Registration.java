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
  private static final long LEASE_SECONDS = 30;
  /** Until it is tried again where there is no lease yet. */
  private static final long AWAY_MS = 3_000;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final Pattern ID = Pattern.compile("\"id\"\\s*:\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
  private static final Pattern SECONDS = Pattern.compile("\"lease\"\\s*:\\s*\"(\\d{1,6})(?:\\.\\d+)?s\"");
  private static final System.Logger LOG = System.getLogger("causeway");

  /**
   * What the sidecar is told beside what the server knows. {@code weight} 0 means the sidecar's default. {@code healthCheck} is JSON, such as
   * {@code {"thrift": {"method": "ping"}}}; by {@code {}} a connection is enough.
   */
  public record Instance(String upstream, int weight, Map<String, String> labels, String healthCheck) {
    public Instance {
      labels = Frozen.map(labels);
    }

    public Instance(String upstream) {
      this(upstream, 0, Map.of(), "{}");
    }
  }

  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
  private final String base;
  private final String request;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(work -> Loop.daemon(work, "causeway-registration"));
  private volatile String id = "";
  private boolean closed;

  private Registration(Server server, Instance instance, Address address) {
    if (address.isUnix()) throw new IllegalArgumentException("registration over " + address.text() + ": expected HOST:PORT of the sidecar's HTTP listener");
    this.base = "http://" + address.text() + "/v1/instances";
    this.request = requestOf(server, instance);
  }

  /** Registers a server at the sidecar where CAUSEWAY_HTTP_ADDRESS says, else {@code 127.0.0.1:7421}. Fails when the sidecar refuses; while it is away, it is tried again. */
  public static Registration of(Server server, Instance instance) {
    return start(server, instance, Address.ofSidecar("CAUSEWAY_HTTP_ADDRESS", "127.0.0.1:7421").get(0));
  }

  /** The same at {@code HOST:PORT}. */
  public static Registration of(Server server, Instance instance, String httpAddress) {
    return start(server, instance, Address.parse(httpAddress));
  }

  private static Registration start(Server server, Instance instance, Address address) {
    Registration registration = new Registration(server, instance, address);
    registration.schedule(registration.renew());
    server.beforeDrain(registration::close);
    return registration;
  }

  private synchronized void schedule(long leaseMs) {
    if (!closed) timer.schedule(this::renewAgain, Math.max(100, leaseMs / 3), TimeUnit.MILLISECONDS);
  }

  private void renewAgain() {
    long leaseMs = AWAY_MS;
    try {
      leaseMs = renew();
    } catch (RpcException refused) {
      LOG.log(System.Logger.Level.WARNING, "the lease could not be renewed: {0}", refused.getMessage());
    }
    schedule(leaseMs);
  }

  /** Registers, or renews the lease, and gives its length; a short one while the sidecar is away. */
  private long renew() {
    try {
      HttpResponse<String> answer = id.isEmpty() ? null : send("POST", "/" + id + "/heartbeat", "{}");
      // One that was restarted has forgotten it.
      return learn(answer == null || answer.statusCode() == 404 ? send("PUT", "", request) : answer);
    } catch (IOException e) {
      LOG.log(System.Logger.Level.WARNING, "no sidecar takes registrations at {0} yet: {1}", base, e.getMessage());
      return AWAY_MS;
    }
  }

  private long learn(HttpResponse<String> answer) {
    String body = answer.body();
    if (answer.statusCode() != 200) {
      throw new RpcException(Code.UNKNOWN, "the sidecar refused with " + answer.statusCode() + ": " + body.substring(0, Math.min(500, body.length())));
    }
    Matcher found = ID.matcher(body);
    if (found.find()) id = found.group(1);
    Matcher lease = SECONDS.matcher(body);
    return TimeUnit.SECONDS.toMillis(lease.find() ? Long.parseLong(lease.group(1)) : LEASE_SECONDS);
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
    try {
      if (!id.isEmpty()) send("DELETE", "/" + id, "");
    } catch (IOException e) {
      LOG.log(System.Logger.Level.INFO, "the sidecar could not be told: {0}", e.getMessage());
    }
  }

  private static String requestOf(Server server, Instance instance) {
    List<Service> all = server.services();
    String codec = all.isEmpty() || all.get(0).codec.equals(Wire.THRIFT.codec()) ? "CODEC_THRIFT_BINARY" : "CODEC_PROTOBUF";
    String services = all.stream().map(service -> quote(service.name)).collect(Collectors.joining(","));
    String labels = instance.labels().entrySet().stream().map(each -> quote(each.getKey()) + ":" + quote(each.getValue())).collect(Collectors.joining(","));
    return """
        {"instance":{"upstream":%s,"services":[%s],"address":%s,"codec":"%s","framing":"FRAMING_TTHEADER","weight":%d,"labels":{%s},"healthCheck":%s},"lease":"%ds"}"""
        .formatted(quote(instance.upstream()), services, quote(server.address()), codec, instance.weight(), labels, instance.healthCheck(), LEASE_SECONDS);
  }

  private static String quote(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\' || c < 0x20) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
