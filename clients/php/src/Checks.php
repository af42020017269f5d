<?php

declare(strict_types=1);

namespace Causeway;

/** What readers and writers check alike. */
trait Checks
{
    /** A value that the message cannot hold, or bytes that are none. */
    abstract public function malformed(string $what): RpcException;

    /** Gives an integer back that is not out of range. */
    public function in(int $value, int $least, int $most, string $field = ''): int
    {
        if ($value < $least || $value > $most) {
            $name = $field === '' ? '' : "$field: ";
            throw $this->malformed("$name$value is out of range: expected an integer from $least to $most");
        }
        return $value;
    }

    /** The 16 bytes of a UUID, which is canonical text in PHP (RFC 9562). */
    public function uuidBytes(string $text): string
    {
        if (\preg_match('/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/Di', $text) !== 1) {
            $shown = \var_export(\substr($text, 0, 40), true);
            throw $this->malformed("$shown is no UUID: expected 8-4-4-4-12 hexadecimal digits");
        }
        return \hex2bin(\str_replace('-', '', $text));
    }

    public function uuidText(string $bytes): string
    {
        if (\strlen($bytes) !== 16) {
            throw $this->malformed('a UUID of ' . \strlen($bytes) . ' bytes: expected 16');
        }
        return \preg_replace('/^(.{8})(.{4})(.{4})(.{4})/', '$1-$2-$3-$4-', \bin2hex($bytes));
    }
}
