/** Names, types and values at the edges of what IDL may say: for code that compiles without a warning all the same. */
include "base.thrift"
include "other.thrift"
namespace go odd.main
namespace java odd.main_pkg
namespace php Odd.Main

const i64 BIG = 9223372036854775807
const i64 SMALL = -9223372036854775808
const double E = 1e308
const string QUOTE = "it's \"quoted\" $dollar {$x} */ ?> \\ \n 中文"
const list<i32> NUMS = [1, 2, -2147483648]
const map<string, list<i64>> TABLE = {"a": [1, 9007199254740993], "class": []}
const set<string> NAMES = ["a", "b"]
const base.Status ST = base.Status.fail
const other.Error ERR = {"reason": "default 原因"}

/**
 * Ends a comment: * / and close PHP ?> and <?php, @param {@link} <b>&amp; \u0041 \uZZZZ
 * 中文注释，包括标点。
 */
enum class { NONE = -1, none = 2, None = 3, public = 4, null = 5, static = 7, Class = 2147483647, values = 8, ordinal = 9, name = 10, cases = 11, from = 12, tryFrom = 13, known = 14, of = 15, number = 16 }

struct Outer_Inner { 1: i32 a }
struct OuterInner { 1: i32 a }
struct string_ { 1: string string_ ; 2: string String; 3: i32 int }

/** Recursive */
struct Node { 1: optional Node next; 2: list<Node> kids; 3: map<string, Node> byName; 4: optional U u; 5: set<i32> type; 6: i32 func; 7: i32 range; 8: i32 this; 9: i32 self; 10: i32 fn; 11: i32 match; 12: i32 readonly; 13: i32 hashCode; 14: i32 toString; 15: i32 getClass; 16: i32 notify; 17: i32 builder; 18: i32 build; 19: i32 encode; 20: i32 decode; 21: i32 w; 22: i32 r; 23: i32 x; 24: i32 err; 25: i32 ctx; 26: i32 value; 27: i32 out; 28: i32 in; 29: i32 _x; 30: i32 __construct; 31: i32 wire; 32: i32 MarshalWire; 33: i32 seen; 34: i32 yield; 35: i32 record; 36: i32 var; 37: i32 writeTo; 38: i32 readFrom ; 39: i32 equals; 40: i32 wait_; 41: i32 serialVersionUID; 42: i32 writer; 43: i32 reader; 44:i32 len; 45: i32 append; 46: i32 nil; 47: i32 string; 48: i32 scope; 49: i32 limit; 50: i32 tag; 51: i32 causeway; 52: i32 fmt; 53: i32 math; 54: i32 strconv; 55: i32 context; 56: i32 Value; 57: i32 count; 58: i32 index; 59: i32 size; 60: i32 key; 61: i32 object; 62: i32 parent; 63: i32 array; 64: i32 list; 65: i32 of }

union U { 1: i32 None; 2: string clazz; 3: Node node; 4: list<map<string, list<U>>> deep; 5: base.Error error; 6: other.Error other; 7: bool which; 8: bool value; 9: binary encode; 10: i64 class }


struct Deep { 1: map<string, map<i32, list<map<string, set<list<map<i64, list<base.Error>>>>>>>> theFieldWithAVeryLongNameThatGoesOnAndOnAndOnAndOn = {}; 2: required list<list<list<list<list<i32>>>>> l5; 3: map<list<i32>, set<string>> listKeys; 4: map<double, bool> doubleKeys; 5: map<binary, i32> bk; 6: required map<base.Error, other.Error> errs; 7: set<other.Item> items; 8: set<set<binary>> ss; 9: list<double> ds = [1.5, -0.0]; 10: i8 b = -128; 11: i64 big = -9223372036854775808; 12: string t = "*/ ?> $x"; 13: binary bb = "b"; 14: base.Status st = base.Status.fail; 15: class cl = class.public; 16: required i16 s16 = 32767; 17: optional bool ob = true; 18: optional list<string> ol = ["a"]; 19: optional base.Error oe = {"message": "m", "code": 7}}

struct EmptyStruct {}
exception EmptyException {}
exception Exception { 1: i32 code; 2: base.Error error; 3: string getMessage; 4: string trace }
exception RuntimeException { 1: string getCause }

service Odd extends base.Root {
  /** Doc with * / and ?> and 中文 */
  void class() throws (1: Exception e, 2: base.Throwable t, 3: EmptyException ee, 4: RuntimeException re);
  Node func(1: i32 ctx, 2: i32 err, 3: i32 c, 4: string success, 5: i32 type, 6: i32 client, 7: i32 channel, 8: i32 options, 9: i32 this, 10: i32 out, 11: i32 in, 12: i32 x, 13: i32 request, 14: i32 result, 15: i32 method, 16: i32 handler, 17: i32 causeway, 18: i32 string, 19: i32 class, 20: i32 self, 21: i32 args, 22: i32 call, 23: i32 reply);
  U union_(1: U value) throws (1: Exception a, 2: Exception b);
  class default(1: class default, 2: class other);
  EmptyStruct list_(1: EmptyStruct e);
  map<string, map<i32, list<map<string, set<list<map<i64, list<base.Error>>>>>>>> theMethodWithAVeryLongNameThatGoesOnAndOn(1: map<string, map<i32, list<map<string, set<list<map<i64, list<base.Error>>>>>>>> theArgumentWithAVeryLongNameThatGoesOnAndOn, 2: Node big) throws (1: Exception anExceptionOfALongName, 2: base.Throwable anotherException);
  oneway void print(1: string echo);
  i64 echo(1: i64 print);
  bool isset(1: bool unset);
  double __halt_compiler(1: double v);
  set<base.Status> finalize(1: set<base.Status> s);
  list<binary> callAsync(1: list<binary> call);
  string register(1: string server);
  Deep deep(1: Deep deep = {"l5": [], "errs": {}});
}
service OddClient {}
service Odd_Client { void a() }
service Nothing extends base.Empty {}
