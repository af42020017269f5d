/**
 * 完整的特性范围：每种类型、嵌套、默认值、可选性。
 *
 * The whole range of what Thrift can say. A comment may hold * / and "quotes", <angle> & brackets, $dollar and `ticks`.
 */
include "common.thrift"

namespace * golden.types
namespace go golden.types
namespace java golden.types
namespace php Golden.Types

const i32 ANSWER = 42
const i64 LARGEST = 9223372036854775807
const double PI = 3.141592653589793
const bool ENABLED = true
const string GREETING = "你好, \"world\" \\ $name\n"
const list<string> WORDS = ["one", "two"]
const map<string, i32> SIZES = {"small": 1, "large": 100}
const set<i32> PRIMES = [2, 3, 5]

/** 颜色。No value is zero. */
enum Color {
  /** 红色 */
  RED = 1
  GREEN = 2
  BLUE = 4 (deprecated = "true")
}

/** Has a zero, a negative number, and the largest. */
enum Size {
  SMALL = 0
  MEDIUM = 1
  BELOW = -1
  HUGE = 2147483647
}

/** An enum whose values are words of many languages. */
enum Words {
  type = 0
  func = 1
  int = 2
  echo = 3
  array = 4
  String = 5
  nil_ = 6
  valueOf = 7
}

const Color FAVORITE = Color.GREEN
const map<Color, list<i64>> BY_COLOR = {Color.RED: [1, -1]}

typedef i64 Id
typedef list<Id> Ids

/** Each scalar. */
struct Scalars {
  1: bool truth
  2: i8 tiny
  3: i16 medium
  4: i32 regular
  5: i64 large
  6: double real
  /** 文本 */
  7: string text
  8: binary data
  9: uuid key
  10: Color color
  11: Size size
  12: Id id
}

/** Each presence, with and without a default. */
struct Presence {
  1: required i32 must
  2: optional i32 may
  3: i32 plain
  4: required string mustText = "must"
  5: optional string mayText = "may"
  6: string plainText = GREETING
  7: optional bool mayFlag
  8: optional Scalars mayScalars
  9: required Color mustColor = Color.GREEN
  10: optional Color mayColor
  11: Color plainColor
  12: optional binary mayData
  13: optional double mayReal = 1.5
  14: i64 plainLarge = 9223372036854775807
  15: bool plainFlag = true
  16: binary plainData = "bytes"
  17: optional uuid mayKey
  18: Size plainSize = Size.MEDIUM
}

/** Containers of all kinds, nested too. */
struct Containers {
  1: list<bool> truths
  2: list<i8> tinies
  3: list<i32> numbers = [1, 2, 3]
  4: optional list<i64> mayLarges
  5: required list<string> mustTexts
  6: list<binary> data
  7: list<Color> colors
  8: list<Scalars> structs
  9: list<list<double>> grid
  10: set<string> texts
  11: set<i32> ids
  12: optional set<Color> mayColors
  13: map<string, i32> counts = {"a": 1}
  14: map<i32, string> byNumber
  15: map<i64, list<string>> byLarge
  16: map<bool, Scalars> byTruth
  17: map<Color, Size> byColor
  18: optional map<string, map<string, common.Money>> mayTables
  19: list<map<string, set<i16>>> mixed
  20: Ids aliased
  21: list<uuid> keys
  22: map<string, Choice> choices
}

/** Keys that only some languages can hold. */
struct Keyed {
  1: map<common.Money, string> byMoney
  2: map<double, string> byReal
  3: set<common.Money> monies
  4: map<binary, i32> byData
  5: map<list<i32>, string> byList
}

/** One of these, and never two. */
union Choice {
  1: bool truth
  2: i64 number
  3: string text
  /** 颜色 */
  4: Color color
  5: common.Money money
  6: list<string> words
  7: Choice choice
  8: Nothing nothing
  9: binary data
}

/** Refers to itself, in every way there is. */
struct Tree {
  1: i64 value
  2: list<Tree> children
  3: optional Tree left
  4: map<string, Tree> named
  5: Choice choice
}

/** Nothing at all. */
struct Nothing {}

/** Ids far apart and out of order. */
struct Numbers {
  300: i32 far
  1: i32 near
  32767: optional i32 last
}

/** Names that are words of Go, Java or PHP, or of the stubs themselves. */
struct Keywords {
  1: i32 type
  2: i32 func
  3: i32 range
  4: i32 chan
  5: i32 int
  6: i32 long
  7: i32 boolean
  8: i32 char
  9: i32 echo
  10: i32 array
  11: i32 isset
  12: i32 fn
  13: i32 match
  14: i32 readonly
  15: i32 select
  16: i32 String
  17: i32 string_value
  18: i32 stringValue
  19: i32 hashCode
  20: i32 getClass
  21: i32 value
  22: i32 context
  23: i32 err
  24: i32 encode
  25: i32 decode
  26: i32 write
  27: i32 read
  28: i32 builder
  29: i32 build
  30: i32 this_
  31: i32 _leading
  32: i32 HTTPServer2URL
}

/** A type that is called like one of every language. */
struct Object {
  1: string name
}

struct Error {
  1: string message
  2: i32 code
}

struct List {
  1: list<Object> items
}

/** 没有找到。 */
exception NotFound {
  1: required string what
  2: optional Id id
} (pb.code = "NOT_FOUND")

/** Has no code of its own, and a field that every exception has already. */
exception Plain {
  1: string message
  2: i32 code
  3: string cause
  4: list<Color> colors
}
