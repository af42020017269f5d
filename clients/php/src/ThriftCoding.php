<?php

declare(strict_types=1);

namespace Causeway;

/** Whole messages in Thrift's binary protocol, as strings of bytes. */
trait ThriftCoding
{
    public function encode(): string
    {
        $out = new ThriftWriter();
        $out->struct($this);
        return $out->bytes;
    }

    /** Throws a RpcException when the bytes are no such message. */
    public static function decode(string $bytes): self
    {
        return self::read(new ThriftReader($bytes));
    }
}
