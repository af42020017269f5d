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
    private const MAX_NAME_BYTES = 1024;

    private function __construct(
        public readonly int $type,
        public readonly string $name,
        public readonly int $sequenceId,
        public readonly int $bodyAt,
    ) {
    }

    public static function thrift(int $type, string $name, int $sequenceId, string $body): string
    {
        return \pack('NN', self::THRIFT | $type, \strlen($name)) . $name . \pack('N', $sequenceId) . $body;
    }

    public static function protobuf(int $type, string $name, int $sequenceId, string $body): string
    {
        $head = \pack('NN', self::PROTOBUF | $type, \strlen($name)) . $name . \pack('N', $sequenceId);
        return \pack('N', \strlen($head) + \strlen($body)) . $head . $body;
    }

    /** Reads one of Thrift: strict, or as clients before 0.9 write it, where the type stands behind the name. */
    public static function readThrift(string $bytes, int $at, Code $blame): self
    {
        $first = self::u32($bytes, $at, $blame);
        if ($first < 0x80000000) {
            return self::readOld($bytes, $at, $first, $blame);
        }
        if (($first & 0xffff0000) !== self::THRIFT) {
            $hex = \bin2hex(\substr($bytes, $at, 4));
            throw RpcException::malformed("a Thrift message begins with 80 01, not with $hex", $blame);
        }
        return self::readNamed($bytes, $at, $first & 0xff, $blame);
    }

    public static function readProtobuf(string $bytes, int $at): self
    {
        $length = self::u32($bytes, $at, Code::Internal);
        $first = self::u32($bytes, $at + 4, Code::Internal);
        if ($length !== \strlen($bytes) - $at - 4 || ($first & 0xffff0000) !== self::PROTOBUF) {
            throw RpcException::malformed('the reply is no message of Kitex-Protobuf');
        }
        return self::readNamed($bytes, $at + 4, $first & 0xff, Code::Internal);
    }

    private static function readNamed(string $bytes, int $at, int $type, Code $blame): self
    {
        $length = self::nameLength($bytes, self::u32($bytes, $at + 4, $blame), $at + 8, $blame);
        $sequenceId = self::u32($bytes, $at + 8 + $length, $blame);
        return new self($type, \substr($bytes, $at + 8, $length), $sequenceId, $at + 12 + $length);
    }

    private static function readOld(string $bytes, int $at, int $length, Code $blame): self
    {
        $end = $at + 4 + self::nameLength($bytes, $length, $at + 4, $blame);
        $sequenceId = self::u32($bytes, $end + 1, $blame);
        return new self(\ord($bytes[$end]), \substr($bytes, $at + 4, $length), $sequenceId, $end + 5);
    }

    private static function nameLength(string $bytes, int $length, int $at, Code $blame): int
    {
        if ($length > self::MAX_NAME_BYTES || $at + $length > \strlen($bytes)) {
            throw RpcException::malformed("the name of a message has $length bytes", $blame);
        }
        return $length;
    }

    private static function u32(string $bytes, int $at, Code $blame): int
    {
        if ($at + 4 > \strlen($bytes)) {
            throw RpcException::malformed('a message ends inside its envelope', $blame);
        }
        return \unpack('N', $bytes, $at)[1];
    }
}
