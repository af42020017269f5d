<?php

/** Registers a server, keeps it registered for three heartbeats, and takes it out. */

declare(strict_types=1);

use Causeway\Registration;
use Causeway\RpcException;

[, $generated, $address] = $argv;
(require __DIR__ . '/autoload.php')($generated);

$instance = [
    'upstream' => 'kinds',
    'services' => ['kinds.Kinds'],
    'address' => 'unix:/run/php/fpm.sock',
    'codec' => 'CODEC_THRIFT_BINARY',
    'framing' => 'FRAMING_FASTCGI',
];
$registration = new Registration($instance, leaseSeconds: 12, httpAddress: $address);
$registration->heartbeat();
echo $registration->pauseSeconds(), "\n";
$registration->heartbeat();
$registration->heartbeat();
$registration->deregister();
try {
    (new Registration(['upstream' => ''] + $instance, httpAddress: $address))->heartbeat();
} catch (RpcException $error) {
    echo $error->getMessage(), "\n";
}
