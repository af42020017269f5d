/** The uuid type, apart from the other kinds because Thrift compilers before 0.18 do not know it. */

namespace * kinds.uuids
namespace java kinds.uuids
namespace go kinds.uuids
namespace php Kinds.Uuids

struct Uuids {
  1: uuid one
  2: list<uuid> many
  3: map<uuid, string> names
  4: optional uuid other
}

service UuidKinds {
  uuid echoUuid(1: uuid value)
  Uuids echoUuids(1: Uuids value)
}
