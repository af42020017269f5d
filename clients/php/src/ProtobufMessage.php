<?php

declare(strict_types=1);

namespace Causeway;

/** A message that is generated for Protobuf's binary encoding. */
interface ProtobufMessage
{
    /** The message's bytes; throws a RpcException INVALID_ARGUMENT for what its types cannot hold. */
    public function encode(): string;

    public function write(ProtobufWriter $out): void;

    /** @param ?self $from what came of the message before: its pieces are merged */
    public static function read(ProtobufReader $in, ?self $from = null): self;
}
