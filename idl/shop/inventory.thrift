/**
 * What the shop has in its warehouses, and what it has promised to customers.
 *
 * A reservation holds units for an order until it is shipped or until it expires.
 */

include "common.thrift"

namespace * shop
namespace java com.example.shop
namespace go shop
namespace php Shop

/** Which of our buildings a unit lies in. Numbers are printed on labels: never reuse one. */
enum Warehouse {
  BERLIN = 1
  ROTTERDAM = 2
  LYON = 4
}

/** Something that can be bought. */
struct Item {
  1: required common.Sku sku
  2: required string title
  3: required common.Money price
  /** Units that nobody has reserved, by warehouse. A warehouse without any is absent. */
  4: map<Warehouse, i32> available = {}
  /** Words that customers search for, in lower case. */
  5: set<string> tags = []
  /** Grams, packaging included. Absent for what is not shipped, such as a gift card. */
  6: optional double weight
}

struct ReserveRequest {
  /** Chosen by the caller. Repeating a request with the same order id returns the first reservation again. */
  1: required string orderId
  2: required common.Sku sku
  /** At least 1. */
  3: required i32 quantity = 1
  /** Where to take the units from; absent: wherever there are most. */
  4: optional Warehouse warehouse
}

struct Reservation {
  1: required string id
  2: required Warehouse warehouse
  /** The price of one unit times the quantity. */
  3: required common.Money total
  /** Milliseconds since the Unix epoch. */
  4: required i64 expiresAtMs
}

struct ListRequest {
  /** Only items that carry all of these. */
  1: set<string> tags = []
  /** From 1 to 100. */
  2: i32 limit = 20
}

/** Fewer units are left than were asked for. */
exception OutOfStock {
  1: required common.Sku sku
  2: required i32 requested
  /** How many could be had right now. */
  3: required i32 available
} (pb.code = "FAILED_PRECONDITION")

/** There is no item with this SKU, or there never was. */
exception UnknownItem {
  1: required common.Sku sku
} (pb.code = "NOT_FOUND")

service Inventory {
  /** Answers as soon as the service can take calls. */
  void ping()

  Item get(1: common.Sku sku) throws (1: UnknownItem unknown)

  list<Item> search(1: ListRequest request)

  /** Holds units for an order for thirty minutes. */
  Reservation reserve(1: ReserveRequest request) throws (1: UnknownItem unknown, 2: OutOfStock outOfStock)

  /** Adds a line to the audit log of the warehouse. Not answered: a lost line is cheaper than a slow till. */
  oneway void audit(1: string orderId, 2: string line)
}
