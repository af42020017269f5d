<?php

declare(strict_types=1);

namespace Causeway;

/**
 * One connection to the sidecar, for one call at a time. Under PHP-FPM it outlives the request. One that a request
 * left in the middle of a call, because it ended there, is closed instead of used again.
 */
final class Connection
{
    /** How much one read takes; as the size of a persistent stream's chunks it also says whether a call is under way. */
    private const BUSY = 0x10000;
    private const IDLE = 0x10001;

    private const MAX_CONNECT_SECONDS = 1.0;
    private const MAX_PAUSE_US = 100_000;
    private const WRITE_BYTES = 0x40000;

    private readonly int $pid;

    /** @param resource $stream */
    private function __construct(private $stream)
    {
        $this->pid = (int) \getmypid();
        \stream_set_blocking($stream, false);
    }

    /**
     * Connects to the first address where somebody listens; while nobody does, as during a restart, it tries again
     * until the deadline.
     *
     * @param non-empty-list<string> $addresses
     */
    public static function open(array $addresses, int $expiresAtNs): self
    {
        for ($pauseUs = 1_000;; $pauseUs = \min(2 * $pauseUs, self::MAX_PAUSE_US)) {
            $reasons = [];
            foreach ($addresses as $address) {
                $stream = self::connect($address, $expiresAtNs, $reason);
                if ($stream !== null) {
                    return new self($stream);
                }
                $reasons[] = "$address ($reason)";
            }
            $leftUs = \intdiv($expiresAtNs - \hrtime(true), 1_000);
            if ($leftUs <= $pauseUs) {
                throw new RpcException(
                    Code::Unavailable,
                    'no Causeway sidecar listens on ' . \implode(' or ', $reasons) . '; start one with '
                    . '`causeway serve -c causeway.yaml`, or say where one is: CAUSEWAY_ADDRESS=unix:PATH or HOST:PORT'
                );
            }
            \usleep($pauseUs);
        }
    }

    /** @return ?resource */
    private static function connect(string $address, int $expiresAtNs, ?string &$reason)
    {
        $remote = \str_starts_with($address, 'unix:') ? 'unix://' . \substr($address, 5) : "tcp://$address";
        $context = \stream_context_create(['socket' => ['tcp_nodelay' => true]]);
        // In CLI a stream of this object lives just as long, and is not shared with forked children.
        $flags = STREAM_CLIENT_CONNECT | (\PHP_SAPI === 'cli' ? 0 : STREAM_CLIENT_PERSISTENT);
        do {
            $seconds = \min(\max(($expiresAtNs - \hrtime(true)) / 1e9, 0.001), self::MAX_CONNECT_SECONDS);
            $stream = @\stream_socket_client($remote, $number, $text, $seconds, $flags, $context);
            if ($stream === false) {
                $reason = $text === '' ? 'cannot be reached' : $text;
                return null;
            }
            // A stream that is reused in the middle of a call is closed, which makes the next one new.
        } while (\stream_set_chunk_size($stream, self::IDLE) === self::BUSY && \fclose($stream));
        return $stream;
    }

    /** Whether the next call may use it: nobody closed it, and nothing is in it that no call asked for. */
    public function isUsable(): bool
    {
        if (!\is_resource($this->stream)) {
            return false;
        }
        $read = [$this->stream];
        $none = null;
        if ($this->pid === \getmypid() && @\stream_select($read, $none, $none, 0) === 0) {
            return true;
        }
        $this->close();
        return false;
    }

    public function close(): void
    {
        if (\is_resource($this->stream)) {
            \fclose($this->stream);
        }
    }

    /** Writes a frame; false when the connection ended before it was whole, so that nobody can have acted on it. */
    public function write(string $frame, int $expiresAtNs): bool
    {
        \stream_set_chunk_size($this->stream, self::BUSY);
        for ($at = 0, $end = \strlen($frame); $at < $end; $at += $written) {
            $part = \substr($frame, $at, self::WRITE_BYTES);
            $written = @\fwrite($this->stream, $part);
            if ($written === false) {
                $this->close();
                return false;
            }
            if ($written < \strlen($part)) {
                $this->await($expiresAtNs, false);
            }
        }
        return true;
    }

    /** The next frame without its length. */
    public function read(int $expiresAtNs, int $maxBytes): string
    {
        $bytes = '';
        $wanted = 4;
        while (\strlen($bytes) < $wanted) {
            $more = @\fread($this->stream, self::BUSY);
            if ($more === false || $more === '') {
                if (\feof($this->stream)) {
                    throw $this->broken('the sidecar closed the connection before it answered');
                }
                $this->await($expiresAtNs, true);
                continue;
            }
            $bytes .= $more;
            if ($wanted === 4 && \strlen($bytes) >= 4) {
                $wanted = 4 + \unpack('N', $bytes)[1];
                if ($wanted - 4 > $maxBytes) {
                    throw $this->broken('a reply of ' . ($wanted - 4) . " bytes: expected at most $maxBytes");
                }
            }
        }
        if (\strlen($bytes) > $wanted) {
            throw $this->broken('more came back than the reply');
        }
        return \substr($bytes, 4);
    }

    /** Says that the call is over and the connection free. */
    public function release(): void
    {
        \stream_set_chunk_size($this->stream, self::IDLE);
    }

    private function await(int $expiresAtNs, bool $toRead): void
    {
        $leftUs = \intdiv($expiresAtNs - \hrtime(true), 1_000);
        if ($leftUs <= 0) {
            $this->close();
            throw new RpcException(Code::DeadlineExceeded, 'the deadline passed before the answer came', sent: true);
        }
        $read = $toRead ? [$this->stream] : null;
        $write = $toRead ? null : [$this->stream];
        $none = null;
        // A signal ends the wait early; the caller looks and comes back.
        @\stream_select($read, $write, $none, \intdiv($leftUs, 1_000_000), $leftUs % 1_000_000);
    }

    private function broken(string $what): RpcException
    {
        $this->close();
        return new RpcException(Code::Unavailable, $what, sent: true);
    }
}
