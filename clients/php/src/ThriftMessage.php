<?php

declare(strict_types=1);

namespace Causeway;

/** A struct, union or exception that is generated for Thrift's binary protocol. */
interface ThriftMessage
{
    /** The message's bytes; throws a RpcException INVALID_ARGUMENT for what its types cannot hold. */
    public function encode(): string;

    public function write(ThriftWriter $out): void;

    public static function read(ThriftReader $in): self;
}
