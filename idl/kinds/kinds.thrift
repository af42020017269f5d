/**
 * Every kind of thing that Thrift can say, for tests that look at each: no meaning, all shapes.
 * The uuid type stands in kinds-uuid.thrift, because compilers before 0.18 do not know it.
 */

namespace * kinds
namespace java kinds
namespace go kinds
namespace php Kinds

/** No value is zero, and the numbers have a gap. */
enum Color {
  RED = 1
  GREEN = 2
  BLUE = 4
}

/** Has a zero, a negative number, and the largest there is. */
enum Size {
  SMALL
  MEDIUM
  LARGE = 10
  BELOW = -1
  HUGE = 2147483647
}

typedef i64 Id

const Id NOBODY = -1
const string GREETING = "hello"

struct Scalars {
  1: bool truth
  2: byte tiny
  3: i8 small
  4: i16 medium
  5: i32 regular
  6: i64 large
  7: double real
  8: string text
  9: binary data
  10: Color color
  11: Size size
}

/** Every presence a field may have, with and without a default. */
struct Presence {
  1: required i32 must
  2: optional i32 may
  3: i32 plain
  4: i32 seven = 7
  5: optional string greeting = GREETING
  6: required Color color = Color.GREEN
  7: optional bool flag
  8: optional Scalars scalars
  9: list<i32> numbers
  10: optional list<i32> moreNumbers
  11: optional Color mayColor
}

struct Point {
  1: i32 x
  2: i32 y
}

struct Inner {
  1: required Point at
  2: string label
}

/** Three levels, and field ids that are far apart and out of order. */
struct Nested {
  300: Inner inner
  1: Point first
  32767: optional Inner last
}

struct Tree {
  1: Id value
  2: list<Tree> children
  3: optional Tree twin
}

struct Lists {
  1: list<bool> truths
  2: list<i8> tinies
  3: list<i16> mediums
  4: list<i32> regulars
  5: list<i64> larges
  6: list<double> reals
  7: list<string> texts
  8: list<binary> data
  9: list<Color> colors
  10: list<Point> points
  11: list<list<i32>> grid
  12: list<map<string, i32>> tables
  13: list<list<list<string>>> cube
}

struct Sets {
  1: set<i32> numbers
  2: set<string> texts
  3: set<Color> colors
  4: set<i64> larges
}

struct Maps {
  1: map<string, string> texts
  2: map<i32, string> byNumber
  3: map<i64, i64> larges
  4: map<bool, string> byTruth
  5: map<Color, Size> byColor
  6: map<string, Point> points
  7: map<string, list<i32>> lists
  8: map<string, map<string, i32>> tables
  9: map<i16, double> reals
  10: map<string, set<string>> words
}

/** Keys that only some languages can hold. */
struct Keyed {
  1: map<Point, string> byPoint
}

union Choice {
  1: bool truth
  2: i64 number
  3: string text
  4: Color color
  5: Point point
  6: list<string> words
  7: Choice choice
}

struct Choices {
  1: Choice first
  2: optional Choice second
  3: list<Choice> more
}

/** Nothing at all. */
struct Nothing {}

exception NotFound {
  1: string what
  2: Id id
} (pb.code = "NOT_FOUND")

exception Refused {
  1: required string reason
  2: optional Color color
  3: list<Point> where
} (pb.code = "FAILED_PRECONDITION")

/** Has no code of its own. */
exception Plain {
  1: string message
}

/** How Kinds.fail shall fail. */
enum Failure {
  NONE = 0
  NOT_FOUND = 1
  REFUSED = 2
  PLAIN = 3
  /** Nothing that is declared. */
  UNEXPECTED = 4
}

service Basic {
  void ping()

  /** The name of the one who answers. */
  string who()
}

service Kinds extends Basic {
  bool echoBool(1: bool value)
  byte echoByte(1: byte value)
  i16 echoI16(1: i16 value)
  i32 echoI32(1: i32 value)
  i64 echoI64(1: i64 value)
  double echoDouble(1: double value)
  string echoString(1: string value)
  binary echoBinary(1: binary value)
  Color echoColor(1: Color value)
  Size echoSize(1: Size value)

  Scalars echoScalars(1: Scalars value)
  Presence echoPresence(1: Presence value)
  Nested echoNested(1: Nested value)
  Tree echoTree(1: Tree value)
  Lists echoLists(1: Lists value)
  Sets echoSets(1: Sets value)
  Maps echoMaps(1: Maps value)
  Keyed echoKeyed(1: Keyed value)
  Choice echoChoice(1: Choice value)
  Choices echoChoices(1: Choices value)
  Nothing echoNothing(1: Nothing value)

  list<i32> echoList(1: list<i32> value)
  set<string> echoSet(1: set<string> value)
  map<string, Point> echoMap(1: map<string, Point> value)
  list<list<string>> echoGrid(1: list<list<string>> value)

  /** Several arguments, not numbered in a row. */
  i64 sum(1: i32 first, 3: i64 second, 7: list<i32> others)

  /** Returns the failure itself for NONE. */
  Failure fail(1: Failure how) throws (1: NotFound notFound, 2: Refused refused, 5: Plain plain)

  void nothing()

  /** A void method that may throw. */
  void check(1: bool good) throws (1: Refused refused)

  oneway void note(1: string text)

  /** What note was given so far, the oldest first. */
  list<string> notes()
}
