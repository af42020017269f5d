<?php

declare(strict_types=1);

namespace Causeway;

/**
 * The way to the sidecar, for all clients of a process. It finds, balances, retries and translates; here a call is
 * framed, sent and its answer read. Under PHP-FPM its connection outlives the request.
 */
final class Channel
{
    public const DEFAULT_TIMEOUT_MS = 10_000;
    public const DEFAULT_MAX_FRAME_BYTES = 16_384_000;

    private static ?self $shared = null;

    /** @var non-empty-list<string> */
    private readonly array $addresses;

    private ?Connection $connection = null;

    /**
     * @param ?string $address `unix:PATH` or `HOST:PORT`; null for CAUSEWAY_ADDRESS, and the defaults without it
     * @param int $timeoutMs for calls that say none
     * @param array<string, string|list<string>> $metadata for every call
     * @param string $name of the calling application, which the sidecar's logs and policies know it by
     */
    public function __construct(
        ?string $address = null,
        private readonly int $timeoutMs = self::DEFAULT_TIMEOUT_MS,
        private readonly array $metadata = [],
        private readonly string $name = '',
        private readonly int $maxFrameBytes = self::DEFAULT_MAX_FRAME_BYTES,
    ) {
        $this->addresses = $address === null ? Address::forCalls() : [Address::checked($address)];
    }

    /** The one that clients use which are given none. */
    public static function shared(): self
    {
        return self::$shared ??= new self();
    }

    /** Calls a method and gives the reader of its result struct; throws a RpcException for everything but a reply. */
    public function callThrift(string $service, string $method, ThriftWriter $out, ?CallOptions $options): ThriftReader
    {
        return new ThriftReader(...$this->call($service, $method, $out, $options));
    }

    /** Calls a method and gives the reader of its response; throws a RpcException for everything but a reply. */
    public function callProtobuf(
        string $service,
        string $method,
        ProtobufWriter $out,
        ?CallOptions $options
    ): ProtobufReader {
        return new ProtobufReader(...$this->call($service, $method, $out, $options));
    }

    /** Sends a call that is never answered. */
    public function send(string $service, string $method, Writer $out, ?CallOptions $options): void
    {
        $id = \random_int(1, 0x7fffffff);
        $expiresAtNs = $this->expiresAtNs($options);
        $this->deliver($id, $service, $method, Envelope::ONEWAY, $out, $options, $expiresAtNs)->release();
    }

    /** Closes the connection; the next call opens another. */
    public function close(): void
    {
        $this->connection?->close();
        $this->connection = null;
    }

    /** @return array{string, int} a frame, and where the reply begins in it */
    private function call(string $service, string $method, Writer $out, ?CallOptions $options): array
    {
        $id = \random_int(1, 0x7fffffff);
        $expiresAtNs = $this->expiresAtNs($options);
        $connection = $this->deliver($id, $service, $method, Envelope::CALL, $out, $options, $expiresAtNs);
        try {
            do {
                $frame = $connection->read($expiresAtNs, $this->maxFrameBytes);
                [$sequenceId, $pairs, $at] = TTHeader::read($frame);
                // A frame without a message is a sign of life.
            } while ($at === \strlen($frame));
            if ($sequenceId !== $id) {
                throw RpcException::malformed("a reply to call $sequenceId came back: expected $id");
            }
        } catch (\Throwable $error) {
            // What else is on its way must not be taken for the next answer.
            $this->close();
            throw $error;
        }
        $connection->release();
        $keys = \array_column($pairs, 1, 0);
        if (($keys['crrst'] ?? '') === '1') {
            // The sidecar is going away.
            $this->close();
        }
        $reply = $options?->reply ?? new ReplyMetadata();
        [$reply->headers, $reply->trailers] = Metadata::ofReply($pairs);
        $isProtobuf = $out instanceof ProtobufWriter;
        $envelope = Envelope::read($isProtobuf, $frame, $at);
        if ($envelope->type === Envelope::EXCEPTION) {
            $class = $isProtobuf ? ProtobufReader::class : ThriftReader::class;
            throw WireError::read(new $class($frame, $envelope->bodyAt), $keys, $reply);
        }
        if ($envelope->type !== Envelope::REPLY || $envelope->sequenceId !== $id || $envelope->name !== $method) {
            throw RpcException::malformed("the answer is not the reply to $method that was expected");
        }
        return [$frame, $envelope->bodyAt];
    }

    /** Writes a call to a connection that took all of it. */
    private function deliver(
        int $id,
        string $service,
        string $method,
        int $type,
        Writer $out,
        ?CallOptions $options,
        int $expiresAtNs,
    ): Connection {
        $message = Envelope::write($out instanceof ProtobufWriter, $type, $method, $id, $out->bytes);
        $metadata = ($options?->metadata ?? []) + $this->metadata + Context::trace();
        $pairs = [['cw', '1'], ['isn', $service], ...Metadata::toPairs($metadata)];
        do {
            $leftMs = \intdiv($expiresAtNs - \hrtime(true) + 999_999, 1_000_000);
            if ($leftMs <= 0) {
                $text = "the deadline passed before $service.$method was called";
                throw new RpcException(Code::DeadlineExceeded, $text);
            }
            if ($this->connection?->isUsable() !== true) {
                $this->connection = Connection::open($this->addresses, $expiresAtNs);
            }
            $numbered = [
                TTHeader::TO_METHOD => $method,
                TTHeader::RPC_TIMEOUT => (string) $leftMs,
                TTHeader::MESSAGE_TYPE => (string) $type,
            ] + ($this->name === '' ? [] : [TTHeader::FROM_SERVICE => $this->name]);
            $frame = TTHeader::write($id, $pairs, $numbered, $message);
            if (\strlen($frame) - 4 > $this->maxFrameBytes) {
                $text = \strlen($frame) . " bytes to send: at most $this->maxFrameBytes can be";
                throw new RpcException(Code::ResourceExhausted, $text);
            }
        } while (!$this->connection->write($frame, $expiresAtNs));
        return $this->connection;
    }

    /** The sooner of the call's own deadline and that of the call being served. */
    private function expiresAtNs(?CallOptions $options): int
    {
        $own = \hrtime(true) + ($options?->timeoutMs ?? $this->timeoutMs) * 1_000_000;
        return \min($own, Context::current()?->expiresAtNs ?? $own);
    }
}
