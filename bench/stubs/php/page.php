<?php

/**
 * A page under PHP-FPM that makes one call, as pages do: SIDE, GENERATED, ADDRESS and KEEPS, whether the stub's
 * connection stays for the next page, are parameters of the request.
 */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);
require __DIR__ . '/setup.php';

StubBench\caller($_SERVER['SIDE'], $_SERVER['GENERATED'], $_SERVER['ADDRESS'], $_SERVER['KEEPS'] === '1')();
echo 'done';
