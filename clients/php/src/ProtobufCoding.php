<?php

declare(strict_types=1);

namespace Causeway;

/** Whole messages in Protobuf's binary encoding, as strings of bytes. */
trait ProtobufCoding
{
    public function encode(): string
    {
        $out = new ProtobufWriter();
        $out->struct($this);
        return $out->bytes;
    }

    /** Throws a RpcException when the bytes are no such message. */
    public static function decode(string $bytes): self
    {
        return self::read(new ProtobufReader($bytes));
    }
}
