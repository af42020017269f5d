<?php

declare(strict_types=1);

namespace Causeway;

/**
 * Frames of TTHeader, which carry headers before a message:
 *
 *     u32 length | 10 00 | u16 flags | u32 sequence id | u16 size of the headers / 4 | headers | message
 *     u8 protocol | u8 transforms | blocks | padding
 *     01 | u16 pairs | (u16 length | key | u16 length | value)…
 *     10 | u16 pairs | (u16 key | u16 length | value)…
 */
final class TTHeader
{
    public const FROM_SERVICE = 3;
    public const TO_METHOD = 9;
    public const RPC_TIMEOUT = 12;
    public const MESSAGE_TYPE = 22;

    private const MAX_HEADER_BYTES = 32 * 1024;

    /**
     * @param list<array{string, string}> $pairs
     * @param array<int, string> $numbered
     */
    public static function write(int $sequenceId, array $pairs, array $numbered, string $message): string
    {
        $headers = "\0\0\x01" . \pack('n', \count($pairs));
        foreach ($pairs as [$key, $value]) {
            $headers .= \pack('n', \strlen($key)) . $key . \pack('n', \strlen($value)) . $value;
        }
        $headers .= "\x10" . \pack('n', \count($numbered));
        foreach ($numbered as $key => $value) {
            $headers .= \pack('nn', $key, \strlen($value)) . $value;
        }
        $headers .= \str_repeat("\0", -\strlen($headers) & 3);
        $size = \strlen($headers);
        // No length of 16 bits can have been too long, either.
        if ($size > self::MAX_HEADER_BYTES) {
            throw new RpcException(Code::ResourceExhausted, "$size bytes of metadata: at most 32 KiB can be sent");
        }
        return \pack('NnnNn', 10 + $size + \strlen($message), 0x1000, 0, $sequenceId, $size >> 2) . $headers . $message;
    }

    /**
     * Reads a frame without its length.
     *
     * @return array{int, list<array{string, string}>, int} the sequence id, the pairs, and where the message begins
     */
    public static function read(string $frame): array
    {
        if (\strlen($frame) < 12 || !\str_starts_with($frame, "\x10\0")) {
            throw RpcException::malformed('what came back is no TTHeader frame: is this a Causeway sidecar?');
        }
        ['id' => $sequenceId, 'size' => $size] = \unpack('Nid/nsize', $frame, 4);
        $end = 10 + $size * 4;
        if ($size * 4 > self::MAX_HEADER_BYTES || $end > \strlen($frame)) {
            throw RpcException::malformed('the headers of a frame end behind it');
        }
        $headers = \substr($frame, 0, $end);
        $pairs = [];
        for ($at = 12; $at < $end;) {
            $block = \ord($headers[$at++]);
            if ($block === 0x01) {
                for ($count = self::u16($headers, $at); $count > 0; $count--) {
                    $pairs[] = [self::text($headers, $at), self::text($headers, $at)];
                }
            } elseif ($block === 0x10) {
                for ($count = self::u16($headers, $at); $count > 0; $count--) {
                    self::u16($headers, $at);
                    self::text($headers, $at);
                }
            } elseif ($block === 0x11) {
                self::text($headers, $at);
            } elseif ($block !== 0) {
                throw RpcException::malformed("headers of the unknown kind $block");
            }
        }
        return [$sequenceId, $pairs, $end];
    }

    private static function u16(string $headers, int &$at): int
    {
        return \unpack('n', self::take($headers, $at, 2))[1];
    }

    private static function text(string $headers, int &$at): string
    {
        $length = self::u16($headers, $at);
        return self::take($headers, $at, $length);
    }

    private static function take(string $headers, int &$at, int $length): string
    {
        if ($at + $length > \strlen($headers)) {
            throw RpcException::malformed('a header ends behind the headers');
        }
        $at += $length;
        return \substr($headers, $at - $length, $length);
    }
}
