/** What every Thrift service of the shop shares. */

namespace * shop
namespace java com.example.shop
namespace go shop
namespace php Shop

/** A stock keeping unit, upper case, for example `TEA-GREEN-100`. */
typedef string Sku

/** An amount in one currency: 12.50 EUR is units 12, nanos 500000000. Both have the same sign. */
struct Money {
  /** ISO 4217, three letters. */
  1: required string currency
  2: required i64 units
  /** Billionths of a unit, from -999999999 to 999999999. */
  3: i32 nanos = 0
}
