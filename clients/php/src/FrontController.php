<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Serves what the sidecar forwards to PHP-FPM, or to `php -S`: Thrift messages over HTTP, and Protobuf as Connect's
 * unary calls (connectrpc.com/docs/protocol). The whole of a front controller is
 *
 *     (new FrontController(new GreeterService(new MyGreeter())))->run();
 */
final class FrontController
{
    private const THRIFT = ['application/x-thrift', 'application/vnd.apache.thrift.binary'];
    private const CONNECT = 'application/proto';

    /** @var array<string, Service> by full name */
    private readonly array $services;

    public function __construct(Service ...$services)
    {
        $named = [];
        foreach ($services as $service) {
            $named[$service->name()] = $service;
        }
        $this->services = $named;
    }

    /** Answers the request of this process. */
    public function run(int $maxBytes = Channel::DEFAULT_MAX_FRAME_BYTES): void
    {
        $headers = \array_change_key_case(\getallheaders());
        $body = (string) \file_get_contents('php://input', length: $maxBytes + 1);
        $path = (string) \parse_url($_SERVER['REQUEST_URI'] ?? '/', PHP_URL_PATH);
        $answer = \strlen($body) > $maxBytes
            ? self::refuse(413, "a request has at most $maxBytes bytes")
            : $this->handle($_SERVER['REQUEST_METHOD'] ?? 'GET', $path, $headers, $body);
        \http_response_code($answer->status);
        foreach ($answer->headers as $name => $values) {
            foreach ((array) $values as $i => $value) {
                \header("$name: $value", $i === 0);
            }
        }
        echo $answer->body;
    }

    /** @param array<string, string> $headers by their names in lower case */
    public function handle(string $httpMethod, string $path, array $headers, string $body): HttpAnswer
    {
        $type = \strtolower(\trim(\explode(';', $headers['content-type'] ?? '', 2)[0]));
        if ($httpMethod !== 'POST') {
            return self::refuse(405, 'calls are made with POST', ['allow' => 'POST']);
        }
        if (\in_array($type, self::THRIFT, true)) {
            return $this->thrift($type, $path, $headers, $body);
        }
        if ($type === self::CONNECT) {
            return $this->connect($path, $headers, $body);
        }
        $accepted = \implode(', ', [self::CONNECT, ...self::THRIFT]);
        return self::refuse(415, "the content type is $type: expected $accepted", ['accept-post' => $accepted]);
    }

    /** @param array<string, string> $headers */
    private function thrift(string $type, string $path, array $headers, string $body): HttpAnswer
    {
        $context = new Context();
        $envelope = null;
        $said = ['content-type' => $type];
        try {
            $envelope = Envelope::read(false, $body, 0, Code::InvalidArgument);
            if ($envelope->type !== Envelope::CALL && $envelope->type !== Envelope::ONEWAY) {
                throw new RpcException(Code::InvalidArgument, "message type $envelope->type is no call");
            }
            $context = self::contextOf($headers, $headers['client-timeout'] ?? $headers['connect-timeout-ms'] ?? null);
            [$service, $method] = $this->ofThrift($path, $envelope->name);
            $reply = self::serve($context, $service, $method, $body, $envelope->bodyAt, false);
            $kind = Envelope::REPLY;
        } catch (RpcException $error) {
            $kind = Envelope::EXCEPTION;
            $reply = WireError::toThrift($error);
            $said['cw-code'] = (string) $error->status->value;
            $said += $error->details === [] ? [] : ['cw-details-bin' => WireError::detailsToText($error)];
        }
        if ($reply !== null && $envelope?->type !== Envelope::ONEWAY) {
            $name = \substr(\strrchr(':' . $envelope?->name, ':'), 1);
            $message = Envelope::write(false, $kind, $name, $envelope?->sequenceId ?? 0, $reply);
        }
        return new HttpAnswer(200, $said + self::headersOf($context, 'cw-t-'), $message ?? '');
    }

    /** @param array<string, string> $headers */
    private function connect(string $path, array $headers, string $body): HttpAnswer
    {
        $context = new Context();
        try {
            if (($headers['connect-protocol-version'] ?? '1') !== '1') {
                throw new RpcException(Code::InvalidArgument, 'connect-protocol-version: expected 1');
            }
            if (\preg_match('~/([^/]+)/([^/]+)$~D', $path, $name) !== 1) {
                throw new RpcException(Code::Unimplemented, "the path $path: expected /package.Service/Method");
            }
            $context = self::contextOf($headers, $headers['connect-timeout-ms'] ?? null);
            $service = $this->services[$name[1]] ?? throw $this->unknown($name[1]);
            $reply = self::serve($context, $service, $name[2], $body, 0, true) ?? '';
            [$status, $type] = [200, self::CONNECT];
        } catch (RpcException $error) {
            $said = ['code' => $error->status->connectName(), 'message' => $error->getMessage()];
            foreach ($error->details as [$detail, $bytes]) {
                $said['details'][] = ['type' => $detail, 'value' => \rtrim(\base64_encode($bytes), '=')];
            }
            $reply = \json_encode($said, JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES);
            [$status, $type] = [$error->status->httpStatus(), 'application/json'];
        }
        return new HttpAnswer($status, ['content-type' => $type] + self::headersOf($context, 'trailer-'), $reply);
    }

    /** Everything that is thrown comes out as a RpcException. */
    private static function serve(
        Context $context,
        Service $service,
        string $method,
        string $body,
        int $at,
        bool $isProtobuf,
    ): ?string {
        if ($service->isProtobuf() !== $isProtobuf) {
            $wires = $isProtobuf ? ['Thrift', 'Protobuf'] : ['Protobuf', 'Thrift'];
            $text = "{$service->name()} was generated for $wires[0], and is called with $wires[1]";
            throw new RpcException(Code::Unimplemented, $text);
        }
        if (($context->remainingMs() ?? 1) <= 0) {
            throw new RpcException(Code::DeadlineExceeded, 'the deadline passed before the call was served');
        }
        try {
            return $context->run(static fn () => $service->serve($method, $body, $at));
        } catch (RpcException $error) {
            throw $error;
        } catch (\Throwable $error) {
            \error_log("{$service->name()}.$method failed: $error");
            throw new RpcException(Code::Internal, $error->getMessage(), previous: $error);
        }
    }

    /**
     * The service that the end of the path names, else the part before a colon, else the only one.
     *
     * @return array{Service, string}
     */
    private function ofThrift(string $path, string $name): array
    {
        $parts = \explode(':', $name, 2);
        $method = $parts[1] ?? $name;
        foreach ([\substr(\strrchr($path, '/') ?: '/', 1), isset($parts[1]) ? $parts[0] : ''] as $wanted) {
            foreach ($wanted === '' ? [] : $this->services as $fullName => $service) {
                if ($fullName === $wanted || \str_ends_with($fullName, ".$wanted")) {
                    return [$service, $method];
                }
            }
        }
        if (\count($this->services) !== 1 || isset($parts[1])) {
            throw $this->unknown($name);
        }
        return [\current($this->services), $method];
    }

    private function unknown(string $name): RpcException
    {
        $known = \implode(', ', \array_keys($this->services));
        return new RpcException(Code::Unimplemented, "no service is served for $name: expected one of $known");
    }

    /** @param array<string, string> $headers */
    private static function contextOf(array $headers, ?string $timeout): Context
    {
        if ($timeout !== null && \preg_match('/^\d{1,10}$/D', $timeout) !== 1) {
            throw new RpcException(Code::InvalidArgument, 'the timeout: expected at most 10 digits, milliseconds');
        }
        $pairs = \array_map(null, \array_keys($headers), \array_values($headers));
        $expiresAtNs = $timeout === null ? null : \hrtime(true) + 1_000_000 * (int) $timeout;
        return new Context(Metadata::ofPairs($pairs), $expiresAtNs);
    }

    /** @return array<string, list<string>> */
    private static function headersOf(Context $context, string $trailerPrefix): array
    {
        $headers = [];
        $reply = $context->reply;
        foreach (['' => $reply->headers, $trailerPrefix => $reply->trailers] as $prefix => $metadata) {
            foreach (Metadata::toPairs($metadata) as [$key, $value]) {
                // Only what HTTP can carry.
                if (\preg_match('/^[\x20-\x7e]*$/D', $value) === 1) {
                    $headers[$prefix . $key][] = $value;
                }
            }
        }
        return $headers;
    }

    /** @param array<string, string> $headers */
    private static function refuse(int $status, string $text, array $headers = []): HttpAnswer
    {
        return new HttpAnswer($status, ['content-type' => 'text/plain; charset=utf-8'] + $headers, "$text\n");
    }
}
