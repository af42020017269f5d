<?php

/**
 * The front controller of the service Kinds, for `php -S` and PHP-FPM. GENERATED is the folder of the generated code,
 * NOTES the file that keeps what requests leave behind.
 */

declare(strict_types=1);

use Causeway\FrontController;
use Kinds\KindsService;
use KindsServer\Kinds;

$setting = static fn (string $name): string => getenv($name) ?: $_SERVER[$name];
(require __DIR__ . '/autoload.php')($setting('GENERATED'));
require __DIR__ . '/kinds.php';

(new FrontController(new KindsService(new Kinds($setting('NOTES')))))->run();
