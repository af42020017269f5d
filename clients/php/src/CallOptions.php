<?php

declare(strict_types=1);

namespace Causeway;

/** What may be said of one call; what is not comes from the channel. */
final class CallOptions
{
    /** @param array<string, string|list<string>> $metadata */
    public function __construct(
        public readonly ?int $timeoutMs = null,
        public readonly array $metadata = [],
        public readonly ?ReplyMetadata $reply = null,
    ) {
    }
}
