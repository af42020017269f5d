<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Tells the sidecar on this host of a server: JSON of idl/causeway/registration.proto on the sidecar's HTTP port. The
 * sidecar forgets a server whose lease ran out, so a process of its own has to send heartbeats: `run` is all of it.
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

    /**
     * Keeps the server registered until SIGTERM or SIGINT, which need PHP's pcntl, and takes it out then. With a
     * command it is also who runs the server: from its start to its end, and it is told to end once no new calls come.
     * Errors go to PHP's log.
     *
     * @param list<string> $command such as `['php', '-S', '127.0.0.1:9080', 'public/index.php']`
     * @param int $signal at which the server finishes what it serves: SIGINT for `php -S`, SIGQUIT for PHP-FPM
     */
    public function run(array $command = [], int $signal = 2): void
    {
        $running = true;
        $end = static function () use (&$running): void {
            $running = false;
        };
        if (\function_exists('pcntl_async_signals')) {
            \pcntl_async_signals(true);
            \array_map(static fn (int $number) => \pcntl_signal($number, $end), [SIGTERM, SIGINT]);
        }
        $server = $command === [] ? null : \proc_open($command, [], $pipes);
        for ($next = 0.0; $running && ($server === null || \proc_get_status($server)['running']);) {
            if (\microtime(true) >= $next) {
                $next = \microtime(true) + ($this->tries($this->heartbeat(...)) ? $this->pauseSeconds() : 1.0);
            }
            // A signal ends it early.
            \usleep((int) (1e6 * \max(0.0, \min(1.0, $next - \microtime(true)))));
        }
        $this->tries($this->deregister(...));
        if ($server !== null) {
            \proc_terminate($server, $signal);
            \proc_close($server);
        }
    }

    private function tries(\Closure $ask): bool
    {
        try {
            $ask();
            return true;
        } catch (RpcException $error) {
            \error_log("the sidecar at $this->httpAddress does not register this server: {$error->getMessage()}");
            return false;
        }
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
