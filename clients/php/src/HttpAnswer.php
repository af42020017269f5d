<?php

declare(strict_types=1);

namespace Causeway;

/** What a front controller answers. */
final class HttpAnswer
{
    /** @param array<string, string|list<string>> $headers */
    public function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly string $body,
    ) {
    }
}
