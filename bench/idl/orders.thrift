// What the codec benchmark translates. orders.proto holds the same types.
namespace * bench.orders

enum Status { NEW = 0, PAID = 1, SHIPPED = 2 }

struct Address {
  1: string name
  2: string street
  3: string postal_code
  4: string city
  5: string country
}

struct Item {
  1: string sku
  2: string title
  3: i32 quantity
  4: i64 price
  5: optional double discount
}

struct Order {
  1: i64 id
  2: string customer
  3: Status status
  4: i64 placed_at
  5: Address ship_to
  6: list<Item> items
  7: map<string, string> labels
  8: i64 total
  9: string currency
  10: optional string note
  11: bool gift
}

struct Samples {
  1: string sensor
  2: list<i64> times
  3: list<double> values
  4: list<i32> counts
  5: double mean
  6: i64 total
}

struct Tiny {
  1: i64 id
  2: string name
  3: bool active
}

struct Chain {
  1: i32 value
  2: optional Chain inner
}

struct Texts {
  1: string title
  2: list<string> lines
}

struct Counts {
  1: map<string, i32> by_name
  2: map<i32, string> by_number
}
