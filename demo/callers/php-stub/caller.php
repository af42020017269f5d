<?php

/**
 * Calls both services of the shop with stubs, each in the other encoding: Thrift to the gRPC service, Protobuf to
 * the Thrift service. Prints a line of JSON for each call. Where the sidecar is stands in CAUSEWAY_ADDRESS.
 *
 *     php caller.php FOLDER-OF-THE-RUNTIME
 */

declare(strict_types=1);

use Causeway\RpcException;
use Stub\Protobuf\Shop\InventoryClient;
use Stub\Protobuf\Shop\ListRequest;
use Stub\Protobuf\Shop\OutOfStock;
use Stub\Protobuf\Shop\ReserveRequest;
use Stub\Thrift\Shop\Money;
use Stub\Thrift\Shop\V1\Card;
use Stub\Thrift\Shop\V1\GetRequest;
use Stub\Thrift\Shop\V1\Line;
use Stub\Thrift\Shop\V1\OrdersClient;
use Stub\Thrift\Shop\V1\PlaceRequest;
use Stub\Thrift\Shop\V1\PlaceRequestPayment;
use Stub\Thrift\Shop\VoucherExpired;
use Stub\Thrift\Shop\VouchersClient;

const THRIFT = 'stub, Thrift';
const PROTOBUF = 'stub, Protobuf';

// What Composer's autoloader would do.
$roots = [
    'Causeway\\' => $argv[1],
    'Stub\\Thrift\\' => __DIR__ . '/gen/thrift',
    'Stub\\Protobuf\\' => __DIR__ . '/gen/protobuf',
];
spl_autoload_register(static function (string $class) use ($roots): void {
    foreach ($roots as $prefix => $folder) {
        if (str_starts_with($class, $prefix)) {
            require_once $folder . '/' . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        }
    }
});

$orders = new OrdersClient();
$inventory = new InventoryClient();

report(THRIFT, 'Orders.Place', static function () use ($orders): string {
    $total = $orders->place(new PlaceRequest(
        customerId: 'php',
        lines: [new Line(sku: 'TEA-GREEN-100', quantity: 2), new Line(sku: 'CUP-BLUE', quantity: 1)],
        payment: PlaceRequestPayment::card(new Card(token: 'tok-1', lastFourDigits: '4242')),
    ))->total;
    return 'placed, ' . printed($total->units, $total->nanos, $total->currency);
});

report(THRIFT, 'Vouchers.redeem', static function (): string {
    try {
        (new VouchersClient())->redeem('SPRING-2019', new Money(currency: 'EUR', units: 5));
        return 'redeemed';
    } catch (VoucherExpired $expired) {
        return sprintf('VoucherExpired: %s, in %s', $expired->code_, gmdate('Y', intdiv($expired->expiredAtMs, 1_000)));
    }
});

report(THRIFT, 'Orders.Get', static fn (): string => $orders->get(new GetRequest(id: 'lost'))->id);

foreach (['TEA-GREEN-100' => 2, 'CUP-BLUE' => 50] as $sku => $quantity) {
    report(PROTOBUF, 'Inventory.reserve', static function () use ($inventory, $sku, $quantity): string {
        try {
            $reservation = $inventory->reserve(new ReserveRequest(orderId: 'php', sku: $sku, quantity: $quantity));
            $total = $reservation->total;
            $price = printed($total->units, $total->nanos, $total->currency);
            return "reserved in {$reservation->warehouse->name}, $price";
        } catch (OutOfStock $none) {
            return "OutOfStock: $none->sku, $none->available left";
        }
    });
}

report(PROTOBUF, 'Inventory.search', static function () use ($inventory): string {
    return 'found ' . count($inventory->search(new ListRequest(limit: 0)));
});

function printed(int $units, int $nanos, string $currency): string
{
    return sprintf('%d.%02d %s', $units, intdiv($nanos, 10_000_000), $currency);
}

/** Makes a call, and prints what came of it and how long it took. */
function report(string $over, string $call, callable $run): void
{
    $start = hrtime(true);
    try {
        $answer = $run();
    } catch (RpcException $failure) {
        $answer = "{$failure->status->label()}: {$failure->getMessage()}";
    }
    $ms = (hrtime(true) - $start) / 1e6;
    echo json_encode(['over' => $over, 'call' => $call, 'answer' => $answer, 'ms' => $ms]), "\n";
}
