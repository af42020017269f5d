<?php

/** Encodes and decodes on one side: php codec.php stub|official GENERATED SECONDS. Prints lines of JSON. */

declare(strict_types=1);

use Thrift\Protocol\TBinaryProtocol;
use Thrift\Transport\TMemoryBuffer;

error_reporting(E_ALL & ~E_DEPRECATED);
require __DIR__ . '/setup.php';

[, $side, $generated, $seconds] = $argv;
if ($side === 'stub') {
    StubBench\load(['Causeway\\' => dirname(__DIR__, 3) . '/clients/php/src', '' => $generated]);
} else {
    StubBench\load(['Thrift\\' => getenv('PHP_THRIFT') ?: '/usr/lib/php', '' => $generated]);
}

$encode = $side === 'stub'
    ? static fn (object $value): string => $value->encode()
    : static function (object $value): string {
        $buffer = new TMemoryBuffer();
        $value->write(new TBinaryProtocol($buffer, true, true));
        return $buffer->getBuffer();
    };
$decode = $side === 'stub'
    ? static fn (string $class, string $bytes): object => $class::decode($bytes)
    : static function (string $class, string $bytes): object {
        $value = new $class();
        $value->read(new TBinaryProtocol(new TMemoryBuffer($bytes), true, true));
        return $value;
    };

/** Nanoseconds of the best of seven rounds. */
$best = static function (callable $run) use ($seconds): float {
    $best = INF;
    for ($round = 0; $round < 7; $round++) {
        $begin = hrtime(true);
        for ($count = 0; ($took = hrtime(true) - $begin) < 1e9 * (float) $seconds / 7; $count += 10) {
            for ($i = 0; $i < 10; $i++) {
                $run();
            }
        }
        $best = min($best, $took / $count);
    }
    return $best;
};

foreach ([StubBench\scalars($side), StubBench\lists($side)] as $value) {
    $class = get_class($value);
    $bytes = $encode($value);
    $name = substr($class, strlen('Kinds\\'));
    $ns = $best(static fn () => $encode($value));
    echo json_encode(['message' => $name, 'direction' => 'encode', 'ns' => $ns]), "\n";
    $ns = $best(static fn () => $decode($class, $bytes));
    echo json_encode(['message' => $name, 'direction' => 'decode', 'ns' => $ns]), "\n";
}
