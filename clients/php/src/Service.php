<?php

declare(strict_types=1);

namespace Causeway;

/** A service that is served: what is generated around an implementation. */
interface Service
{
    /** The full name on the wire. */
    public function name(): string;

    /** Whether its messages are Protobuf's; Thrift's otherwise. */
    public function isProtobuf(): bool;

    /**
     * Serves a call: reads the body, calls the implementation, and gives the body of the reply, or null for a call
     * that is never answered. Throws a RpcException for a method that is not there and for a body that cannot be
     * read.
     */
    public function serve(string $method, string $body, int $at): ?string;
}
