<?php

declare(strict_types=1);

namespace Causeway;

/** Where the sidecar listens: `unix:PATH` or `HOST:PORT`. */
final class Address
{
    /**
     * For calls: what CAUSEWAY_ADDRESS says, else the unix socket and the loopback port that a sidecar has by
     * default.
     *
     * @return non-empty-list<string>
     */
    public static function forCalls(): array
    {
        return self::ofEnvironment('CAUSEWAY_ADDRESS', ['unix:/run/causeway/causeway.sock', '127.0.0.1:7420']);
    }

    /**
     * For registration: what CAUSEWAY_HTTP_ADDRESS says, else the default port.
     *
     * @return non-empty-list<string>
     */
    public static function forHttp(): array
    {
        return self::ofEnvironment('CAUSEWAY_HTTP_ADDRESS', ['127.0.0.1:7421']);
    }

    /** Throws an InvalidArgumentException when it is none. */
    public static function checked(string $address): string
    {
        if (\preg_match('/^(?:unix:.+|(?:\[[0-9a-f:.]+\]|[^:\s\/]+):[0-9]{1,5})$/Di', $address) !== 1) {
            throw new \InvalidArgumentException("\"$address\" is no address: expected unix:PATH or HOST:PORT");
        }
        return $address;
    }

    /**
     * @param non-empty-list<string> $defaults
     * @return non-empty-list<string>
     */
    private static function ofEnvironment(string $name, array $defaults): array
    {
        // FPM's `env[…]` and `fastcgi_param` alike.
        $said = \getenv($name) ?: $_SERVER[$name] ?? '';
        return $said === '' ? $defaults : [self::checked($said)];
    }
}
