package causeway;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;

/** The one thread that reads all sockets of a channel or a server, and writes what a socket did not take at once. */
final class Loop {
  /** Who hears of a socket, always on the loop's thread. */
  interface Attached {
    void ready(SelectionKey key) throws IOException;

    /** The loop has ended, or {@code ready} has failed. */
    void closed(Throwable cause);
  }

  private final Selector selector;
  private volatile boolean stopped;

  Loop(String name) {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new IllegalStateException("no selector for sockets", e);
    }
    daemon(this::run, name).start();
  }

  /** A thread that keeps no process from ending. */
  static Thread daemon(Runnable work, String name) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Registers a channel, on this loop's thread or any other. */
  SelectionKey register(SelectableChannel channel, int operations, Attached attached) throws IOException {
    channel.configureBlocking(false);
    SelectionKey key = channel.register(selector, operations, attached);
    selector.wakeup();
    return key;
  }

  /** Lets it see what has changed. */
  void wakeup() {
    selector.wakeup();
  }

  /** Closes everything that is registered. */
  void stop() {
    stopped = true;
    selector.wakeup();
  }

  private void run() {
    try (selector) {
      while (!stopped) selector.select(Loop::serve);
      for (SelectionKey key : selector.keys()) ((Attached) key.attachment()).closed(null);
    } catch (IOException e) {
      System.getLogger("causeway").log(System.Logger.Level.ERROR, "the sockets cannot be waited for any more", e);
    }
  }

  private static void serve(SelectionKey key) {
    Attached attached = (Attached) key.attachment();
    try {
      if (key.isValid()) attached.ready(key);
    } catch (IOException | RuntimeException e) {
      attached.closed(e);
    }
  }
}
