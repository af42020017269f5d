package causeway;

import java.time.Duration;
import java.util.function.Consumer;

/** What a call is made with. {@code timeout} is null for none but the one of the call being served; {@code onReply} hears what came beside an answer. */
public record CallOptions(Duration timeout, Metadata metadata, Consumer<Metadata> onReply) {
  public static final CallOptions DEFAULT = new CallOptions(null, Metadata.EMPTY, metadata -> {});

  /** How long the call may take, connecting included. */
  public CallOptions withTimeout(Duration longest) {
    return new CallOptions(longest, metadata, onReply);
  }

  /** One entry of metadata more. */
  public CallOptions with(String key, String value) {
    return new CallOptions(timeout, metadata.with(key, value), onReply);
  }

  public CallOptions withOnReply(Consumer<Metadata> hears) {
    return new CallOptions(timeout, metadata, hears);
  }
}
