/** What every wire is tried with: every kind of thing that Thrift can say, and methods that do what a case asks of them. */

include "kinds.thrift"

namespace * matrix

struct Uuids {
  1: uuid one
  2: list<uuid> many
  3: map<uuid, string> names
  4: optional uuid other
}

service Wires extends kinds.Kinds {
  uuid echoUuid(1: uuid value)
  Uuids echoUuids(1: Uuids value)

  /** Fails with the gRPC code of that name, and a detail. */
  void refuse(1: string code)

  /** Answers with what it was sent, and with metadata. */
  string meet(1: string key)

  /** Never answers. */
  void hang(1: string key)

  /** Never answers either, and has little time for it. */
  void wait(1: string key)
}
