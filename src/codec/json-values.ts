import type { MessageLink } from "../schema/link.ts";
import type { Session } from "./byte-reader.ts";
import type { Losses } from "./codec.ts";
import type { MessageValue } from "./value.ts";
export function decodeJson(_b: Uint8Array, _l: MessageLink, _s: Session, _o: Losses): MessageValue {
  throw new Error("not yet");
}
export function encodeJson(_m: MessageValue, _l: MessageLink, _s: Session, _o: Losses): Uint8Array {
  throw new Error("not yet");
}
