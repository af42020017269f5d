<?php

/**
 * Calls the gRPC service of the shop through the sidecar, with Apache Thrift's library, which speaks unframed unless told
 * otherwise. Prints a line of JSON for each call.
 *
 *     php caller.php FOLDER-OF-GENERATED-CODE HOST PORT
 */

declare(strict_types=1);

error_reporting(E_ALL & ~E_DEPRECATED);

use Shop\Money;
use Shop\VoucherExpired;
use Shop\VouchersClient;
use shop\v1\Card;
use shop\v1\GetRequest;
use shop\v1\Line;
use shop\v1\OrdersClient;
use shop\v1\PlaceRequest;
use Thrift\Exception\TApplicationException;
use Thrift\Protocol\TBinaryProtocol;
use Thrift\Transport\TBufferedTransport;
use Thrift\Transport\TSocket;

[, $generated, $host, $port] = $argv;

$library = getenv('PHP_THRIFT') ?: '/usr/lib/php';
spl_autoload_register(function (string $class) use ($library, $generated): void {
    // Folders are named like namespaces, but Debian leaves the first one out for the library.
    $folder = str_starts_with($class, 'Thrift\\') ? $library : $generated;
    $file = $folder . '/' . str_replace('\\', '/', preg_replace('/^Thrift\\\\/', '', $class)) . '.php';
    if (is_file($file)) {
        require_once $file;
    }
});

$socket = new TSocket($host, (int) $port);
$socket->setSendTimeout(5_000);
$socket->setRecvTimeout(10_000);
$transport = new TBufferedTransport($socket);
$protocol = new TBinaryProtocol($transport);
$transport->open();
$orders = new OrdersClient($protocol);
$vouchers = new VouchersClient($protocol);

report('Orders.Place', function () use ($orders): string {
    $order = $orders->Place(new PlaceRequest([
        'customer_id' => 'php',
        'lines' => [
            new Line(['sku' => 'TEA-GREEN-100', 'quantity' => 2]),
            new Line(['sku' => 'CUP-BLUE', 'quantity' => 1]),
        ],
        'card' => new Card(['token' => 'tok-1', 'last_four_digits' => '4242']),
    ]));
    $total = $order->total;
    return sprintf('placed, %d.%02d %s', $total->units, intdiv($total->nanos, 10_000_000), $total->currency);
});

report('Vouchers.redeem', function () use ($vouchers): string {
    try {
        $vouchers->redeem('SPRING-2019', new Money(['currency' => 'EUR', 'units' => 5]));
        return 'redeemed';
    } catch (VoucherExpired $expired) {
        return sprintf('VoucherExpired: %s, in %s', $expired->code, gmdate('Y', intdiv($expired->expiredAtMs, 1_000)));
    }
});

report('Orders.Get', function () use ($orders): string {
    try {
        return $orders->Get(new GetRequest(['id' => 'lost']))->id;
    } catch (TApplicationException $exception) {
        return $exception->getMessage();
    }
});

$transport->close();

/** Makes a call, and prints what came of it and how long it took. */
function report(string $call, callable $run): void
{
    $start = hrtime(true);
    $answer = $run();
    $ms = (hrtime(true) - $start) / 1e6;
    echo json_encode(['over' => 'Thrift', 'call' => $call, 'answer' => $answer, 'ms' => $ms]), "\n";
}
