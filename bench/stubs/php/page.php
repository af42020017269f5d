<?php

/** A page under PHP-FPM that makes one call, as pages do: SIDE, GENERATED and ADDRESS are parameters of the request. */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);
require __DIR__ . '/setup.php';

StubBench\caller($_SERVER['SIDE'], $_SERVER['GENERATED'], $_SERVER['ADDRESS'])();
echo 'done';
