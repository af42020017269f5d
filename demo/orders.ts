// The orders and the vouchers of the shop: services written against gRPC, as they would run anywhere. They know nothing of
// Thrift or of sidecars; the contract of the vouchers was Thrift once, and its derived .proto file is what this serves.
import { Metadata, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { setDetails } from "../tools/rpc-status.ts";
import type { Money } from "./gen/proto/shop/customer.ts";
import {
  type CancelResponse,
  type ListOrdersResponse,
  type Order,
  type OrdersServer,
  OrdersService,
  PaymentDeclined,
  type PlaceRequest,
  Status,
} from "./gen/proto/shop/orders.ts";
import { UnknownVoucher, VoucherExpired, type VouchersServer, VouchersService } from "./gen/proto/vouchers.ts";

/** A failure that callers see as a status, with a message of the contract among its details. */
class Failure extends Error {
  readonly code: status;
  readonly metadata = new Metadata();

  constructor(code: status, message: string, name?: string, value?: Uint8Array) {
    super(message);
    this.code = code;
    if (name && value) setDetails(this.metadata, code, message, [{ name, value }]);
  }
}

const CENTS: Readonly<Record<string, number>> = { "TEA-GREEN-100": 450, "CUP-BLUE": 1200 };

const orders = new Map<string, Order>();

function place({ customerId, lines, payment, giftNote }: PlaceRequest): Order {
  if (lines.length === 0) throw new Failure(status.INVALID_ARGUMENT, "an order needs a line");
  let cents = 0;
  const priced = lines.map((line) => {
    const each = CENTS[line.sku];
    if (each === undefined) throw new Failure(status.INVALID_ARGUMENT, `there is no item "${line.sku}"`);
    cents += each * line.quantity;
    return { ...line, price: money(each) };
  });
  if (payment?.$case === "card" && payment.value.token === "declined") {
    const details = PaymentDeclined.encode({ reason: "the bank says no", amount: money(cents), retryable: false });
    throw new Failure(
      status.FAILED_PRECONDITION,
      "the payment was declined",
      "shop.v1.PaymentDeclined",
      details.finish(),
    );
  }
  const order: Order = {
    id: `order-${orders.size + 1}`,
    customerId,
    status: Status.STATUS_PLACED,
    lines: priced,
    total: money(cents),
    placedAt: new Date(),
    labels: {},
    giftNote,
  };
  orders.set(order.id, order);
  return order;
}

function find(id: string): Order {
  const order = orders.get(id);
  if (!order) throw new Failure(status.NOT_FOUND, `there is no order "${id}"`);
  return order;
}

function list(customerId: string, limit: number): ListOrdersResponse {
  const found = [...orders.values()].filter((order) => order.customerId === customerId).reverse();
  return { orders: found.slice(0, limit || 20) };
}

function cancel(id: string): CancelResponse {
  const order = { ...find(id), status: Status.STATUS_CANCELLED };
  orders.set(id, order);
  return { order };
}

const ORDERS: OrdersServer = {
  place: unary(place),
  get: unary(({ id }) => find(id)),
  list: unary(({ customerId, limit }) => list(customerId, limit)),
  cancel: unary(({ id }) => cancel(id)),
};

interface StoredVoucher {
  readonly cents: number;
  readonly expiresAtMs: number;
  spent: number;
}

const vouchers = new Map<string, StoredVoucher>([
  ["BIRTHDAY", { cents: 5_000, expiresAtMs: Number.POSITIVE_INFINITY, spent: 0 }],
  ["SPRING-2019", { cents: 1_000, expiresAtMs: Date.UTC(2019, 4, 1), spent: 0 }],
]);

function findVoucher(code: string): StoredVoucher {
  const voucher = vouchers.get(code);
  if (voucher) return voucher;
  const details = UnknownVoucher.encode({ code }).finish();
  throw new Failure(status.NOT_FOUND, `there is no voucher "${code}"`, "shop.UnknownVoucher", details);
}

function redeem(code: string, cents: number): StoredVoucher {
  const voucher = findVoucher(code);
  if (voucher.expiresAtMs < Date.now()) {
    const details = VoucherExpired.encode({ code, expiredAtMs: BigInt(voucher.expiresAtMs) }).finish();
    throw new Failure(status.FAILED_PRECONDITION, `the voucher "${code}" expired`, "shop.VoucherExpired", details);
  }
  voucher.spent = Math.min(voucher.cents, voucher.spent + cents);
  return voucher;
}

function printed(code: string, { cents, spent }: StoredVoucher) {
  return { success: { code, value: money(cents), balance: money(cents - spent) } };
}

const VOUCHERS: VouchersServer = {
  look: unary(({ code = "" }) => printed(code, findVoucher(code))),
  redeem: unary(({ code = "", amount }) => printed(code, redeem(code, centsOf(amount)))),
};

function money(cents: number): Money {
  return { currency: "EUR", units: BigInt(Math.trunc(cents / 100)), nanos: (cents % 100) * 10_000_000 };
}

function centsOf(amount: { units?: bigint | undefined; nanos?: number | undefined } | undefined): number {
  return Number(amount?.units ?? 0n) * 100 + Math.trunc((amount?.nanos ?? 0) / 10_000_000);
}

function unary<Q, A>(answer: (request: Q) => A) {
  return ({ request }: ServerUnaryCall<Q, A>, callback: sendUnaryData<A>): void => {
    try {
      callback(null, answer(request));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      callback({ code: error.code, details: error.message, metadata: error.metadata });
    }
  };
}

const server = new Server();
server.addService(OrdersService, ORDERS);
server.addService(VouchersService, VOUCHERS);
server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`listening 127.0.0.1:${port}\n`);
});
// Whoever started it holds its standard input.
process.stdin.resume().on("end", () => process.exit());
