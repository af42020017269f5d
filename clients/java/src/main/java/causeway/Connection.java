package causeway;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** Whole frames over one socket. Who sends writes at once, without a change of threads; only what the socket does not take waits for the loop. */
final class Connection implements Loop.Attached {
  interface Listener {
    /** A frame without its length. */
    void frame(byte[] frame);

    /** Called once; {@code cause} is null when this side closed it. */
    void closed(Throwable cause);
  }

  /** Nothing more is read from a peer that lets this much wait. */
  private static final long MAX_UNSENT_BYTES = 2L * Frame.MAX_FRAME_BYTES;

  private static final int FIRST_BYTES = 64 * 1024;

  private final SocketChannel channel;
  private final Loop loop;
  private final ByteBuffer chunk = ByteBuffer.allocateDirect(FIRST_BYTES);
  private Listener listener;
  private SelectionKey key;

  /** The frame being read, and how much of it is there; its length while {@code frame} is null. */
  private byte[] frame;
  private int frameLength;
  private int filled;

  private final Deque<ByteBuffer> unsent = new ArrayDeque<>();
  private long unsentBytes;
  private boolean closing;
  private boolean closed;

  Connection(SocketChannel channel, Loop loop) {
    this.channel = channel;
    this.loop = loop;
  }

  void start(Listener hears) throws IOException {
    listener = hears;
    synchronized (unsent) {
      key = loop.register(channel, SelectionKey.OP_READ, this);
    }
  }

  /** Sends what was sealed. */
  void send(Output out) throws IOException {
    synchronized (unsent) {
      if (closed || closing) throw new IOException("the connection is closed");
      ByteBuffer bytes = ByteBuffer.wrap(out.bytes, 0, out.size);
      if (unsent.isEmpty()) {
        // Of an array the channel copies into a buffer of its own as large as what is left, so it gets it in pieces.
        writeInPieces(bytes);
        if (!bytes.hasRemaining()) return;
      }
      unsent.add(bytes);
      unsentBytes += bytes.remaining();
      key.interestOps(interest());
      loop.wakeup();
    }
  }

  private boolean writeInPieces(ByteBuffer bytes) throws IOException {
    int limit = bytes.limit();
    while (bytes.position() < limit) {
      bytes.limit(Math.min(limit, bytes.position() + 2 * FIRST_BYTES));
      int wanted = bytes.remaining();
      int written = channel.write(bytes);
      bytes.limit(limit);
      if (written < wanted) return false;
    }
    return true;
  }

  private int interest() {
    int write = unsent.isEmpty() ? 0 : SelectionKey.OP_WRITE;
    return unsentBytes > MAX_UNSENT_BYTES ? write : write | SelectionKey.OP_READ;
  }

  @Override
  public void ready(SelectionKey ready) throws IOException {
    if (ready.isWritable()) writeOn();
    if (ready.isValid() && ready.isReadable()) read();
  }

  private void writeOn() throws IOException {
    synchronized (unsent) {
      while (!unsent.isEmpty()) {
        ByteBuffer first = unsent.peek();
        int before = first.remaining();
        boolean whole = writeInPieces(first);
        unsentBytes -= before - first.remaining();
        if (!whole) break;
        unsent.poll();
      }
      if (closing && unsent.isEmpty()) loop.run(() -> closed(null));
      else key.interestOps(interest());
    }
  }

  private void read() throws IOException {
    chunk.clear();
    int count = channel.read(chunk);
    if (count < 0) throw new EOFException("the peer closed the connection");
    chunk.flip();
    while (chunk.hasRemaining()) {
      if (frame == null) readLength();
      else fill();
    }
  }

  private void readLength() throws IOException {
    frameLength = frameLength << 8 | chunk.get() & 0xff;
    if (++filled < 4) return;
    if (frameLength < 0 || frameLength > Frame.MAX_FRAME_BYTES) {
      throw new IOException("a frame of " + Integer.toUnsignedString(frameLength) + " bytes passes the limit of " + Frame.MAX_FRAME_BYTES + " bytes");
    }
    filled = 0;
    // Memory is for what has come, not for what is announced.
    frame = new byte[Math.min(frameLength, FIRST_BYTES)];
    if (frameLength == 0) throw new IOException("an empty frame");
  }

  private void fill() {
    if (filled == frame.length) frame = Arrays.copyOf(frame, (int) Math.min(frameLength, 4L * frame.length));
    int count = Math.min(chunk.remaining(), frame.length - filled);
    chunk.get(frame, filled, count);
    filled += count;
    if (filled < frameLength) return;
    byte[] whole = frame;
    frame = null;
    filled = 0;
    frameLength = 0;
    listener.frame(whole);
  }

  /** Closes once all is written. */
  void close() {
    synchronized (unsent) {
      closing = true;
      if (unsent.isEmpty()) loop.run(() -> closed(null));
    }
  }

  @Override
  public void closed(Throwable cause) {
    synchronized (unsent) {
      if (closed) return;
      closed = true;
    }
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use either way.
    }
    listener.closed(cause);
  }
}
