<?php

/**
 * Registers what the JSON says of a server, and keeps it registered until SIGTERM. What stands behind is the command
 * of the server, which lives as long.
 *
 *     php register-with.php FOLDER-OF-GENERATED-CODE HTTP-ADDRESS INSTANCE [COMMAND...]
 */

declare(strict_types=1);

use Causeway\Registration;

[, $generated, $address, $instance] = $argv;
(require __DIR__ . '/autoload.php')($generated);

$registration = new Registration(json_decode($instance, true), leaseSeconds: 3, httpAddress: $address);
$registration->heartbeat();
echo "ready registered\n";
$registration->run(array_slice($argv, 4), str_contains($argv[4] ?? '', 'fpm') ? SIGQUIT : SIGINT);
