namespace * shop.v1

/** An amount in one currency: 12.50 EUR is units 12, nanos 500000000. Both have the same sign. */
struct Money {
  /** ISO 4217, three letters. */
  1: string currency
  2: i64 units
  /** Billionths of a unit, from -999999999 to 999999999. */
  3: i32 nanos
} (pb.requiredness = "implicit")

/** Where a parcel goes. */
struct Address {
  1: string name
  /** As the country writes them, from the most to the least specific. */
  2: list<string> lines
  3: string postal_code
  4: string city
  /** ISO 3166-1, two letters. */
  5: string country
} (pb.requiredness = "implicit")
