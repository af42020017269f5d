namespace go odd.base
namespace java odd.base
namespace php Odd.Base

/** 基础 */
enum Status { ok = 0, OK = 1, fail = -3 }
struct Error { 1: string message; 2: i32 code }
exception Throwable { 1: string message, 2: string cause, 3: list<string> stackTrace, 4: string previous, 5: i32 line, 6: string file }
service Root { void wait(); Status toString(1: Status hashCode); string clone(); string close() ; string async_(); string with(); oneway void notify(1: string getClass)}
service Empty {}
