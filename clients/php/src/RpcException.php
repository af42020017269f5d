<?php

declare(strict_types=1);

namespace Causeway;

/**
 * A call that failed other than by an exception that its IDL declares; what serves a call may throw one to answer
 * with its code.
 */
final class RpcException extends \RuntimeException
{
    /**
     * @param array<string, list<string>> $metadata what came with the error
     * @param list<array{string, string}> $details full name and Protobuf bytes of each message that came with it
     * @param bool $sent whether the call may have reached the other side, so that calling again could run it twice
     */
    public function __construct(
        public readonly Code $status,
        string $message,
        public readonly array $metadata = [],
        public readonly array $details = [],
        public readonly bool $sent = false,
        ?\Throwable $previous = null,
    ) {
        parent::__construct($message, $status->value, $previous);
    }

    /** A message that cannot be read: the caller's fault on its way in, a broken peer's on its way back. */
    public static function malformed(string $what, Code $blame = Code::Internal): self
    {
        return new self($blame, $what, sent: $blame === Code::Internal);
    }

    /** A call of a method that the IDL does not have. */
    public static function unknownMethod(string $service, string $method): self
    {
        return new self(Code::Unimplemented, "$service has no method \"$method\"");
    }

    /** What answers a call with an exception that its IDL declares, where messages have no place for one. */
    public static function ofDeclared(Code $code, string $type, ProtobufMessage&DeclaredException $exception): self
    {
        $details = [[$type, $exception->encode()]];
        return new self($code, $exception->getMessage(), details: $details, previous: $exception);
    }

    /**
     * The first exception among the details whose type is declared, or this error itself.
     *
     * @param array<string, class-string<ProtobufMessage&DeclaredException>> $classes by their names on the wire
     */
    public function declared(array $classes): \Throwable
    {
        foreach ($this->details as [$type, $bytes]) {
            if (isset($classes[$type])) {
                return $classes[$type]::read(new ProtobufReader($bytes));
            }
        }
        return $this;
    }
}
