/** Services of all shapes. */
include "common.thrift"
include "types.thrift"

namespace * golden.services
namespace go golden.services
namespace java golden.services
namespace php Golden.Services

/** No methods at all. */
service Empty {}

service Basic {
  void ping()

  /** 谁在回答？ */
  string who()
}

/** Everything, and what Basic has. */
service Everything extends Basic {
  types.Scalars echoScalars(1: types.Scalars value)
  types.Presence echoPresence(1: types.Presence value)
  types.Containers echoContainers(1: types.Containers value)
  types.Choice echoChoice(1: types.Choice value)
  types.Tree echoTree(1: types.Tree value)
  types.Nothing echoNothing(1: types.Nothing value)
  types.Numbers echoNumbers(1: types.Numbers value)
  types.Keywords echoKeywords(1: types.Keywords value)

  bool echoBool(1: bool value)
  i8 echoByte(1: i8 value)
  i16 echoShort(1: i16 value)
  i32 echoInt(1: i32 value)
  i64 echoLong(1: i64 value)
  double echoDouble(1: double value)
  string echoString(1: string value)
  binary echoBinary(1: binary value)
  uuid echoUuid(1: uuid value)
  types.Color echoColor(1: types.Color value)
  list<i32> echoList(1: list<i32> value)
  set<string> echoSet(1: set<string> value)
  map<string, common.Money> echoMap(1: map<string, common.Money> value)

  /** Arguments that are not numbered in a row, are words of languages, and have defaults. */
  i64 sum(1: i32 type, 3: i64 second = 5, 7: list<i32> func, 9: i32 self_)

  /**
   * Throws what its argument asks for.
   * @deprecated not really
   */
  string fail(1: string how) throws (1: types.NotFound notFound, 2: types.Plain plain, 5: common.Forbidden forbidden)

  /** A void method that may throw. */
  void check(1: bool good) throws (1: common.Forbidden forbidden)

  oneway void note(1: string text)

  /** Two exceptions of one type, told apart by their ids. */
  void twice(1: i32 which) throws (1: types.NotFound first, 2: types.NotFound second)

  /** Answers after so many milliseconds. */
  i32 sleep(1: i32 milliseconds)
} (deprecated = "false")

/** Methods that are words of languages, or of the stubs. */
service Keywords {
  void type()
  void func(1: i32 ctx)
  i32 select(1: i32 err, 2: i32 result)
  void echo()
  void isset(1: string call)
  void toString()
  void wait_()
  void close()
}
