<?php

/** Loads the stubs, or Apache Thrift's library and what it generates, and gives the client and the message of each. */

declare(strict_types=1);

namespace StubBench;

/** Loads classes from folders by the starts of their names. */
function load(array $folders): void
{
    spl_autoload_register(static function (string $class) use ($folders): void {
        foreach ($folders as $start => $folder) {
            if (str_starts_with($class, $start)) {
                $file = $folder . '/' . strtr(substr($class, strlen($start)), '\\', '/') . '.php';
                if (is_file($file)) {
                    require_once $file;
                }
            }
        }
    });
}

/** A function that makes one call; the stub's connection is closed behind it unless it keeps it. */
function caller(string $side, string $generated, string $address, bool $keeps = true): \Closure
{
    if ($side === 'stub') {
        load(['Causeway\\' => dirname(__DIR__, 3) . '/clients/php/src', '' => $generated]);
        $channel = new \Causeway\Channel($address, timeoutMs: 10_000);
        $client = new \Kinds\KindsClient($channel);
    } else {
        load(['Thrift\\' => getenv('PHP_THRIFT') ?: '/usr/lib/php', '' => $generated]);
        [$host, $port] = explode(':', $address);
        $socket = new \Thrift\Transport\TSocket($host, (int) $port);
        $channel = null;
        $protocol = new \Thrift\Protocol\TBinaryProtocol(new \Thrift\Transport\TFramedTransport($socket), true, true);
        $socket->open();
        $client = new \Kinds\KindsClient($protocol);
    }
    $scalars = scalars($side);
    return static function () use ($client, $scalars, $keeps, $channel): void {
        $client->echoScalars($scalars);
        if (!$keeps) {
            $channel?->close();
        }
    };
}

function scalars(string $side): object
{
    $values = [
        'truth' => true, 'tiny' => -1, 'small' => 2, 'medium' => -300, 'regular' => 70000, 'large' => -5000000000,
        'real' => 0.1, 'text' => 'text of a usual length', 'data' => "\0\xff",
    ];
    if ($side === 'stub') {
        return new \Kinds\Scalars(...$values, color: \Kinds\Color::GREEN, size: \Kinds\Size::LARGE);
    }
    return new \Kinds\Scalars($values + ['color' => \Kinds\Color::GREEN, 'size' => \Kinds\Size::LARGE]);
}

function lists(string $side): object
{
    $numbers = array_map(static fn (int $i): int => 1000 * $i, range(0, 199));
    $texts = array_map(static fn (int $i): string => "text $i", range(0, 199));
    if ($side === 'stub') {
        $points = array_map(static fn (int $i): object => new \Kinds\Point($i, -1), range(0, 199));
        return new \Kinds\Lists(regulars: $numbers, texts: $texts, points: $points);
    }
    $points = array_map(static fn (int $i): object => new \Kinds\Point(['x' => $i, 'y' => -1]), range(0, 199));
    return new \Kinds\Lists(['regulars' => $numbers, 'texts' => $texts, 'points' => $points]);
}
