<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Tells the sidecar on this host of a server: JSON of idl/causeway/registration.proto on the sidecar's HTTP port. The
 * sidecar forgets a server whose lease ran out, so somebody has to send heartbeats: a process of its own for PHP-FPM.
 */
final class Registration
{
    private const MAX_ANSWER_BYTES = 0x100000;

    private string $id = '';

    private float $leaseSeconds;

    private readonly string $httpAddress;

    /**
     * @param array<string, mixed> $instance as registration.proto has it, in names of JSON: upstream, services,
     *     address, codec (`CODEC_THRIFT_BINARY`, `CODEC_PROTOBUF`), framing (`FRAMING_FASTCGI`, `FRAMING_HTTP`),
     *     weight, labels, healthCheck
     * @param ?string $httpAddress `unix:PATH` or `HOST:PORT`; null for CAUSEWAY_HTTP_ADDRESS, else the default
     */
    public function __construct(
        private readonly array $instance,
        float $leaseSeconds = 30.0,
        ?string $httpAddress = null,
        private readonly float $timeoutSeconds = 5.0,
    ) {
        $this->leaseSeconds = $leaseSeconds;
        $this->httpAddress = $httpAddress === null ? Address::forHttp()[0] : Address::checked($httpAddress);
    }

    /** Registers, or keeps registered; throws a RpcException when the sidecar does not take it. */
    public function heartbeat(): void
    {
        if ($this->id !== '') {
            try {
                $this->learn($this->ask('POST', "/v1/instances/$this->id/heartbeat", (object) []));
                return;
            } catch (RpcException $error) {
                if ($error->status !== Code::NotFound) {
                    throw $error;
                }
            }
        }
        $body = ['instance' => $this->instance, 'lease' => "{$this->leaseSeconds}s"];
        $this->learn($this->ask('PUT', '/v1/instances', $body));
    }

    /** Takes the server out. */
    public function deregister(): void
    {
        if ($this->id !== '') {
            $this->ask('DELETE', "/v1/instances/$this->id", null);
            $this->id = '';
        }
    }

    /** How long to wait before the next heartbeat: a third of the lease. */
    public function pauseSeconds(): float
    {
        return $this->leaseSeconds / 3;
    }

    /** Stays until SIGTERM or SIGINT, which need PHP's pcntl, and takes the server out then; errors go to PHP's log. */
    public function run(): void
    {
        $running = true;
        if (\function_exists('pcntl_async_signals')) {
            \pcntl_async_signals(true);
            foreach ([SIGTERM, SIGINT] as $signal) {
                \pcntl_signal($signal, static function () use (&$running): void {
                    $running = false;
                });
            }
        }
        while ($running) {
            try {
                $this->heartbeat();
                $pause = $this->pauseSeconds();
            } catch (RpcException $error) {
                \error_log("the sidecar at $this->httpAddress does not register this server: {$error->getMessage()}");
                $pause = 1.0;
            }
            // A signal ends a sleep early.
            for ($until = \microtime(true) + $pause; $running && ($left = $until - \microtime(true)) > 0;) {
                \usleep((int) (1e6 * \min($left, 1.0)));
            }
        }
        $this->deregister();
    }

    /** @param array<string, mixed> $lease */
    private function learn(array $lease): void
    {
        $this->id = \rawurlencode((string) ($lease['id'] ?? $this->id));
        $granted = (float) \rtrim((string) ($lease['lease'] ?? ''), 's');
        $this->leaseSeconds = $granted > 0 ? $granted : $this->leaseSeconds;
    }

    /** @return array<string, mixed> */
    private function ask(string $method, string $path, array|object|null $body): array
    {
        $isUnix = \str_starts_with($this->httpAddress, 'unix:');
        $remote = $isUnix ? 'unix://' . \substr($this->httpAddress, 5) : "tcp://$this->httpAddress";
        $stream = @\stream_socket_client($remote, $number, $reason, $this->timeoutSeconds);
        if ($stream === false) {
            $text = "no sidecar listens on $this->httpAddress ($reason); start one with "
                . '`causeway serve -c causeway.yaml`, or say where one is with CAUSEWAY_HTTP_ADDRESS';
            throw new RpcException(Code::Unavailable, $text);
        }
        \stream_set_timeout($stream, (int) \ceil($this->timeoutSeconds));
        $content = $body === null ? '' : \json_encode($body, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES);
        $host = $isUnix ? 'localhost' : $this->httpAddress;
        \fwrite($stream, "$method $path HTTP/1.1\r\nHost: $host\r\nConnection: close\r\n"
            . "Content-Type: application/json\r\n" . 'Content-Length: ' . \strlen($content) . "\r\n\r\n$content");
        $answer = (string) \stream_get_contents($stream, self::MAX_ANSWER_BYTES);
        \fclose($stream);
        if (\preg_match('~^HTTP/1\.[01] (\d{3})[^\r]*\r\n.*?\r\n\r\n(.*)$~Ds', $answer, $parts) !== 1) {
            throw new RpcException(Code::Unavailable, "the sidecar at $this->httpAddress did not answer $method $path");
        }
        $said = (array) \json_decode($parts[2], true);
        if ($parts[1] === '200') {
            return $said;
        }
        $text = "$method $path: " . ($said['message'] ?? "status $parts[1]");
        throw new RpcException($parts[1] === '404' ? Code::NotFound : Code::FailedPrecondition, $text);
    }
}
