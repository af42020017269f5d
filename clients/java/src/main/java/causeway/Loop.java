package causeway;

import java.io.IOException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** The one thread that reads all sockets of a channel or a server, and writes what a socket did not take at once. */
final class Loop implements Runnable {
  /** Who hears of a socket. */
  interface Attached {
    void ready(SelectionKey key) throws IOException;

    void closed(Throwable cause);
  }

  private final Selector selector;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private volatile boolean stopped;

  Loop(String name) {
    try {
      selector = Selector.open();
    } catch (IOException e) {
      throw new IllegalStateException("no selector for sockets", e);
    }
    Thread thread = new Thread(this, name);
    thread.setDaemon(true);
    thread.start();
  }

  /** Runs something on the thread of this loop. */
  void run(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  void wakeup() {
    selector.wakeup();
  }

  /** Registers a channel, on this loop's thread or any other. */
  SelectionKey register(SelectableChannel channel, int operations, Attached attached) throws IOException {
    channel.configureBlocking(false);
    SelectionKey key = channel.register(selector, operations, attached);
    selector.wakeup();
    return key;
  }

  /** Closes everything that is registered. */
  void stop() {
    stopped = true;
    selector.wakeup();
  }

  @Override
  public void run() {
    while (!stopped) {
      try {
        selector.select(Loop::serve);
      } catch (IOException e) {
        break;
      }
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) task.run();
    }
    for (SelectionKey key : selector.keys()) ((Attached) key.attachment()).closed(null);
    try {
      selector.close();
    } catch (IOException e) {
      // Nothing is left to lose.
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
