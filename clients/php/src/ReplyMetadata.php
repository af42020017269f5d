<?php

declare(strict_types=1);

namespace Causeway;

/** What a reply had beside its message; give one with the options of a call and read it afterwards. */
final class ReplyMetadata
{
    /** @var array<string, list<string>> */
    public array $headers = [];

    /** @var array<string, list<string>> */
    public array $trailers = [];
}
