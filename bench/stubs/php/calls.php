<?php

/** Calls as fast as one caller can: php calls.php stub|official GENERATED ADDRESS SECONDS. Prints a line of JSON. */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);
require __DIR__ . '/setup.php';

[, $side, $generated, $address, $seconds] = $argv;
$call = StubBench\caller($side, $generated, $address);
$begin = hrtime(true);
$times = [];
do {
    $start = hrtime(true);
    $call();
    $end = hrtime(true);
    $times[] = $end - $start;
} while ($end - $begin < 1e9 * (float) $seconds);
$rate = count($times) / (($end - $begin) / 1e9);
sort($times);
$at = static fn (float $part): float => $times[(int) ($part * (count($times) - 1))] / 1e3;
echo json_encode(['callsPerSecond' => $rate, 'p50Us' => $at(0.5), 'p99Us' => $at(0.99)]), "\n";
