package causeway;

import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/** Whole frames over one socket. Who sends writes at once, without a change of threads; only what the socket does not take waits for the loop. */
abstract class Connection implements Loop.Attached {
  /** Nothing more is read from a peer that lets this much wait. */
  private static final long MAX_UNSENT_BYTES = 2L * Frame.MAX_BYTES;

  private static final int CHUNK_BYTES = 64 * 1024;

  private final SocketChannel channel;
  private SelectionKey key;

  /** What came and is no whole frame yet. It grows by what has come, not by what is announced. */
  private byte[] received = new byte[CHUNK_BYTES];
  private int receivedBytes;

  private final Deque<ByteBuffer> unsent = new ArrayDeque<>();
  private long unsentBytes;
  private boolean closing;
  private boolean closed;

  Connection(SocketChannel channel) {
    this.channel = channel;
  }

  /** A frame without its length. */
  abstract void received(byte[] frame);

  /** Called once; {@code cause} is null when this side closed it. */
  abstract void ended(Throwable cause);

  final void start(Loop loop) throws IOException {
    try {
      if (channel.getRemoteAddress() instanceof InetSocketAddress) channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      synchronized (unsent) {
        key = loop.register(channel, SelectionKey.OP_READ, this);
        if (closing) listen();
      }
    } catch (IOException | RuntimeException e) {
      closed(e);
      throw e;
    }
  }

  /** Sends a frame. */
  final void send(Output frame) throws IOException {
    synchronized (unsent) {
      if (closed || closing) throw new IOException("the connection is closed");
      ByteBuffer bytes = ByteBuffer.wrap(frame.bytes, 0, frame.size);
      if (unsent.isEmpty() && writeInPieces(bytes)) return;
      unsent.add(bytes);
      unsentBytes += bytes.remaining();
      listen();
    }
  }

  /** Closes once all is written. */
  final void close() {
    synchronized (unsent) {
      closing = true;
      if (!closed && key != null) listen();
    }
  }

  private void listen() {
    int write = unsent.isEmpty() && !closing ? 0 : SelectionKey.OP_WRITE;
    key.interestOps(unsentBytes > MAX_UNSENT_BYTES ? write : write | SelectionKey.OP_READ);
    key.selector().wakeup();
  }

  /** Of an array the channel copies into a buffer of its own as large as what is left, so it gets it in pieces. */
  private boolean writeInPieces(ByteBuffer bytes) throws IOException {
    int end = bytes.limit();
    for (boolean taken = true; taken && bytes.position() < end; bytes.limit(end)) {
      bytes.limit(Math.min(end, bytes.position() + 2 * CHUNK_BYTES));
      channel.write(bytes);
      taken = !bytes.hasRemaining();
    }
    return !bytes.hasRemaining();
  }

  @Override
  public final void ready(SelectionKey ready) throws IOException {
    if (ready.isWritable()) writeOn();
    if (ready.isValid() && ready.isReadable()) read();
  }

  private void writeOn() throws IOException {
    synchronized (unsent) {
      for (ByteBuffer first = unsent.peek(); first != null; first = unsent.peek()) {
        unsentBytes -= first.remaining();
        boolean whole = writeInPieces(first);
        unsentBytes += first.remaining();
        if (!whole) break;
        unsent.poll();
      }
      if (!closing || !unsent.isEmpty()) {
        listen();
        return;
      }
    }
    closed(null);
  }

  private void read() throws IOException {
    if (receivedBytes == received.length) received = Arrays.copyOf(received, 2 * received.length);
    int room = Math.min(received.length - receivedBytes, 2 * CHUNK_BYTES);
    int count = channel.read(ByteBuffer.wrap(received, receivedBytes, room));
    if (count < 0) throw new EOFException("the peer closed the connection");
    receivedBytes += count;
    int at = 0;
    for (int end = endOfFrame(at); end <= receivedBytes; end = endOfFrame(at)) {
      received(Arrays.copyOfRange(received, at + 4, end));
      at = end;
    }
    receivedBytes -= at;
    byte[] rest = received;
    if (receivedBytes == 0 && rest.length > CHUNK_BYTES) received = new byte[CHUNK_BYTES];
    else System.arraycopy(rest, at, rest, 0, receivedBytes);
  }

  /** Where the frame ends that begins here; nowhere while its length is not there. */
  private int endOfFrame(int at) throws IOException {
    if (receivedBytes - at < 4) return Integer.MAX_VALUE;
    int length = ByteBuffer.wrap(received).getInt(at);
    if (length <= 0 || length > Frame.MAX_BYTES) {
      throw new IOException("a frame of " + Integer.toUnsignedString(length) + " bytes: expected 1 to " + Frame.MAX_BYTES);
    }
    return at + 4 + length;
  }

  @Override
  public final void closed(Throwable cause) {
    synchronized (unsent) {
      if (closed) return;
      closed = true;
    }
    try {
      channel.close();
    } catch (IOException e) {
      // It is of no use either way.
    }
    ended(cause);
  }
}
