<?php

/** The front controller: all that PHP-FPM or `php -S` runs. */

declare(strict_types=1);

use Causeway\FrontController;
use Example\Inventory;
use Shop\InventoryService;

require __DIR__ . '/../vendor/autoload.php';

(new FrontController(new InventoryService(new Inventory())))->run();
