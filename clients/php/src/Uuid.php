<?php

declare(strict_types=1);

namespace Causeway;

/** A UUID is canonical text in PHP (RFC 9562), and 16 bytes in most messages. */
final class Uuid
{
    public static function toBytes(string $text): string
    {
        if (!\preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/Di', $text)) {
            $shown = \var_export(\substr($text, 0, 40), true);
            throw new RpcException(Code::InvalidArgument, "$shown is no UUID: expected 8-4-4-4-12 hexadecimal digits");
        }
        return \hex2bin(\str_replace('-', '', $text));
    }

    public static function toText(string $bytes): string
    {
        if (\strlen($bytes) !== 16) {
            throw RpcException::malformed('a UUID of ' . \strlen($bytes) . ' bytes: expected 16');
        }
        return \preg_replace('/^(.{8})(.{4})(.{4})(.{4})/', '$1-$2-$3-$4-', \bin2hex($bytes));
    }

    /** Text of a message, once it is known to be canonical. */
    public static function checked(string $text): string
    {
        return self::toText(self::toBytes($text));
    }
}
