<?php

/** Calls while the sidecar dies and comes back, and says what became of each call. */

declare(strict_types=1);

use Causeway\Channel;
use Causeway\RpcException;
use Kinds\KindsClient;

[, $generated, $address] = $argv;
(require __DIR__ . '/autoload.php')($generated);

$client = new KindsClient(new Channel($address, timeoutMs: 20_000));
foreach (['first', 'second', 'third'] as $name) {
    try {
        echo "$name: {$client->echoString($name)}\n";
    } catch (RpcException $error) {
        $sent = $error->sent ? 'sent' : 'not sent';
        echo "$name: {$error->status->label()} $sent {$error->getMessage()}\n";
        // A process that dies may close its connections a moment before its listener.
        for ($path = substr($address, strlen('unix:')); file_exists($path); clearstatcache()) {
            usleep(1_000);
        }
    }
}
