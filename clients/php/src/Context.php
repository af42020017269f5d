<?php

declare(strict_types=1);

namespace Causeway;

/**
 * The call that this request serves. Calls made meanwhile end by its deadline and belong to its trace, without a word
 * of the code between.
 */
final class Context
{
    private const TRACEPARENT = '/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}/';

    private static ?self $current = null;

    /** What the reply shall have beside its message. */
    public readonly ReplyMetadata $reply;

    /**
     * @param array<string, list<string>> $metadata of the caller
     * @param ?int $expiresAtNs on the clock of `hrtime`
     */
    public function __construct(public readonly array $metadata = [], public readonly ?int $expiresAtNs = null)
    {
        $this->reply = new ReplyMetadata();
    }

    /** Of the call being served; null elsewhere. */
    public static function current(): ?self
    {
        return self::$current;
    }

    /** Milliseconds that are left to answer; null when the caller set no deadline. */
    public function remainingMs(): ?int
    {
        return $this->expiresAtNs === null ? null : \intdiv($this->expiresAtNs - \hrtime(true), 1_000_000);
    }

    /** Runs what serves a call. */
    public function run(\Closure $serve): mixed
    {
        $before = self::$current;
        self::$current = $this;
        try {
            return $serve();
        } finally {
            self::$current = $before;
        }
    }

    /**
     * The W3C trace context that calls carry on: of the call being served, or of the page's own request.
     *
     * @return array<string, string>
     */
    public static function trace(): array
    {
        $parent = self::$current?->metadata['traceparent'][0] ?? $_SERVER['HTTP_TRACEPARENT'] ?? '';
        if (\preg_match(self::TRACEPARENT, $parent) !== 1) {
            return [];
        }
        $state = self::$current?->metadata['tracestate'] ?? (array) ($_SERVER['HTTP_TRACESTATE'] ?? []);
        return ['traceparent' => $parent] + ($state === [] ? [] : ['tracestate' => \implode(',', $state)]);
    }
}
