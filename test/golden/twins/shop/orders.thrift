include "customer.thrift"
include "timestamp.thrift"

namespace * shop.v1

service Orders {
  /**
   * Places an order and takes the money.
   *
   * Fails with FAILED_PRECONDITION and a PaymentDeclined among the details of google.rpc.Status when the money cannot be
   * had, and with INVALID_ARGUMENT when there is no line or a quantity below 1.
   */
  Order Place(1: PlaceRequest request)

  /** Fails with NOT_FOUND when there is no such order. */
  Order Get(1: GetRequest request) (idempotent = "true")

  /** The newest first. */
  ListOrdersResponse List(1: ListOrdersRequest request) (idempotent = "true")

  /** An order that was shipped can no longer be cancelled: FAILED_PRECONDITION. Cancelling twice is the same as once. */
  CancelResponse Cancel(1: CancelRequest request) (idempotent = "true")
} (pb.unwrap = "true")

enum Status {
  STATUS_UNSPECIFIED = 0
  STATUS_PLACED = 1
  STATUS_SHIPPED = 2
  STATUS_CANCELLED = 3
}

struct Line {
  /** A stock keeping unit, upper case, for example `TEA-GREEN-100`. */
  1: string sku
  2: i64 quantity (pb.type = "uint32")
  /** The price of one unit when the order was placed. Not read in requests. */
  3: optional customer.Money price
} (pb.requiredness = "implicit")

struct Card {
  /** From the payment provider; the number itself never comes here. */
  1: string token
  2: string last_four_digits
} (pb.requiredness = "implicit")

struct PlaceRequest {
  1: string customer_id (pb.requiredness = "implicit")
  2: list<Line> lines
  3: optional customer.Address ship_to
  4: optional Card card (pb.oneof = "payment")
  /** The account of a business customer that pays by invoice. */
  5: optional string invoice_account (pb.oneof = "payment")
  /** Printed on the parcel. Absent: nothing is printed; empty: a blank card is put in. */
  6: optional string gift_note
}

struct Order {
  1: string id
  2: string customer_id
  3: Status status
  4: list<Line> lines
  5: optional customer.Money total
  6: optional timestamp.Timestamp placed_at
  /** Free text that other systems attach, for example `campaign` to `spring`. */
  7: map<string, string> labels
  8: optional string gift_note (pb.requiredness = "optional")
} (pb.requiredness = "implicit")

struct GetRequest {
  1: string id (pb.requiredness = "implicit")
}

struct ListOrdersRequest {
  1: string customer_id
  /** From 1 to 100; 0 means 20. */
  2: i32 limit
} (pb.requiredness = "implicit")

struct ListOrdersResponse {
  1: list<Order> orders
}

struct CancelRequest {
  1: string id (pb.requiredness = "implicit")
}

struct CancelResponse {
  1: optional Order order
}

/** Detail of the status of Orders.Place. */
struct PaymentDeclined {
  /** For people. */
  1: string reason
  2: optional customer.Money amount
  /** Whether it makes sense to try again later with the same card. */
  3: bool retryable
} (pb.requiredness = "implicit")
