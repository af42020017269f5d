/** 公共类型：多个文件共用。 */
namespace * golden.common
namespace go golden.common
namespace java golden.common
namespace php Golden.Common

/** An amount of money, shared by all files. */
struct Money {
  /** ISO 4217, for example "EUR". */
  1: required string currency
  2: required i64 units
  3: i32 nanos
}

/** 用户可见的语言。 */
enum Language {
  ENGLISH = 1
  CHINESE = 2
  GERMAN = 5
}

/** Thrown by whatever is asked to do something that it may not. */
exception Forbidden {
  1: string reason
  2: optional Language language
} (pb.code = "PERMISSION_DENIED")
