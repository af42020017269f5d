<?php

declare(strict_types=1);

namespace Example;

use Shop\InventoryInterface;
use Shop\Item;
use Shop\ListRequest;
use Shop\Money;
use Shop\OutOfStock;
use Shop\Reservation;
use Shop\ReserveRequest;
use Shop\UnknownItem;
use Shop\Warehouse;

/** An inventory of one item, of which there are ten in Lyon. */
final class Inventory implements InventoryInterface
{
    private const SKU = 'TEA-GREEN-100';
    private const AVAILABLE = 10;

    public function ping(): void
    {
    }

    public function get(string $sku): Item
    {
        if ($sku !== self::SKU) {
            throw new UnknownItem($sku);
        }
        return new Item(
            sku: self::SKU,
            title: 'Green tea, 100 g',
            price: new Money('EUR', 6, 500_000_000),
            available: [Warehouse::LYON->value => self::AVAILABLE],
            tags: ['tea'],
        );
    }

    public function search(ListRequest $request): array
    {
        $item = $this->get(self::SKU);
        return \array_diff($request->tags, $item->tags) === [] ? [$item] : [];
    }

    public function reserve(ReserveRequest $request): Reservation
    {
        $price = $this->get($request->sku)->price;
        if ($request->quantity > self::AVAILABLE) {
            throw new OutOfStock($request->sku, $request->quantity, self::AVAILABLE);
        }
        $nanos = $price->nanos * $request->quantity;
        $units = $price->units * $request->quantity + \intdiv($nanos, 1_000_000_000);
        $total = new Money($price->currency, $units, $nanos % 1_000_000_000);
        $expiresAtMs = (int) (\microtime(true) * 1000) + 30 * 60 * 1000;
        return new Reservation("reservation-$request->orderId", Warehouse::LYON, $total, $expiresAtMs);
    }

    public function audit(string $orderId, string $line): void
    {
        \error_log("$orderId: $line");
    }
}
