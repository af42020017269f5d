<?php

/** The page of Apache Thrift's cross-test service, for PHP-FPM and for `php -S`: a message in, a message out. */

declare(strict_types=1);

require __DIR__ . '/load.php';

use Thrift\Protocol\TBinaryProtocol;
use Thrift\Protocol\TCompactProtocol;
use Thrift\Transport\TBufferedTransport;
use Thrift\Transport\TPhpStream;

$type = $_SERVER['HTTP_CONTENT_TYPE'] ?? $_SERVER['CONTENT_TYPE'] ?? '';
header('Content-Type: ' . $type);
$wire = new TBufferedTransport(new TPhpStream(TPhpStream::MODE_R | TPhpStream::MODE_W));
$protocol = str_ends_with($type, 'compact') ? new TCompactProtocol($wire) : new TBinaryProtocol($wire, true, true);
$wire->open();
processorOf('plain')->process($protocol, $protocol);
$wire->close();
