package causeway;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What a handler knows of the call that it serves: {@link #current} on its thread. Calls made there end with its deadline and
 * when it is cancelled, and carry its trace on; {@link #wrap} does that for another thread.
 */
public final class Context {
  static final long NEVER = Long.MAX_VALUE;

  private static final Context NONE = new Context(Metadata.EMPTY, NEVER);
  private static final ThreadLocal<Context> CURRENT = ThreadLocal.withInitial(() -> NONE);

  private final Metadata metadata;
  /** By {@link System#nanoTime}. */
  final long expiresAt;
  private Metadata trailers = Metadata.EMPTY;
  private final CompletableFuture<Void> cancelled = new CompletableFuture<>();

  Context(Metadata metadata, long expiresAt) {
    this.metadata = metadata;
    this.expiresAt = expiresAt;
  }

  /** The call that this thread serves; an empty one outside a handler. */
  public static Context current() {
    return CURRENT.get();
  }

  /** What the caller sent beside the message. */
  public Metadata metadata() {
    return metadata;
  }

  /** How long the caller will still wait; empty when it did not say. */
  public Optional<Duration> remaining() {
    return expiresAt == NEVER ? Optional.empty() : Optional.of(Duration.ofNanos(Math.max(0, expiresAt - System.nanoTime())));
  }

  /** Sends an entry of metadata beside the answer. */
  public synchronized void reply(String key, String value) {
    trailers = trailers.with(key, value);
  }

  synchronized Metadata trailers() {
    return trailers;
  }

  /** Whether nobody waits for the answer any more. The handler's thread is interrupted then, too. */
  public boolean isCancelled() {
    return cancelled.isDone();
  }

  /** Runs something when the call is cancelled, or at once when it is already. */
  public void onCancel(Runnable action) {
    if (this != NONE) cancelled.thenRun(action);
  }

  /** The same work, to run on another thread as part of this call. */
  public Runnable wrap(Runnable work) {
    return () -> {
      Context before = CURRENT.get();
      CURRENT.set(this);
      try {
        work.run();
      } finally {
        CURRENT.set(before);
      }
    };
  }

  void cancel() {
    cancelled.complete(null);
  }
}
