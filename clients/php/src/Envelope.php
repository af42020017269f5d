<?php

declare(strict_types=1);

namespace Causeway;

/**
 * What stands before a message: Thrift's strict binary envelope, and Kitex-Protobuf's, which is the same with another
 * version and the length of all before it.
 *
 *     u16 version | u16 type | i32 length of the name | name | i32 sequence id | message
 */
final class Envelope
{
    public const CALL = 1;
    public const REPLY = 2;
    public const EXCEPTION = 3;
    public const ONEWAY = 4;

    private const THRIFT = 0x80010000;
    private const PROTOBUF = 0x90010000;

    private function __construct(
        public readonly string $name,
        public readonly int $type,
        public readonly int $sequenceId,
        public readonly int $bodyAt,
    ) {
    }

    public static function write(bool $isProtobuf, int $type, string $name, int $sequenceId, string $body): string
    {
        $version = $isProtobuf ? self::PROTOBUF : self::THRIFT;
        $message = \pack('NN', $version | $type, \strlen($name)) . $name . \pack('N', $sequenceId) . $body;
        return $isProtobuf ? \pack('N', \strlen($message)) . $message : $message;
    }

    /** Reads one of Thrift also as clients before 0.9 write it, where the type stands behind the name. */
    public static function read(bool $isProtobuf, string $bytes, int $at, Code $blame = Code::Internal): self
    {
        $in = new ThriftReader($bytes, $at, $blame);
        if ($isProtobuf && $in->i32() !== \strlen($bytes) - $at - 4) {
            throw $in->malformed('a message of Kitex-Protobuf that is not as long as it says');
        }
        $first = $in->i32() & 0xffffffff;
        if (!$isProtobuf && $first < 0x80000000) {
            $in = new ThriftReader($bytes, $at, $blame);
            return new self($in->string(), $in->i8(), $in->i32(), $in->at());
        }
        $version = $isProtobuf ? self::PROTOBUF : self::THRIFT;
        if (($first & 0xffff0000) !== $version) {
            throw $in->malformed(\sprintf('a message begins with %08x: expected %08x', $first, $version));
        }
        return new self($in->string(), $first & 0xff, $in->i32(), $in->at());
    }
}
