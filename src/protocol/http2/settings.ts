// SETTINGS payloads (RFC 9113 section 6.5.1): pairs of u16 identifier and u32 value.
import { ConnectionFault, ERROR_CODE } from "./error-codes.ts";
import {
  DEFAULT_HEADER_TABLE_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  LARGEST_MAX_FRAME_BYTES,
  LARGEST_WINDOW_BYTES,
  readUint32,
  SETTING,
} from "./frame.ts";

/** What the peer has said of itself. */
export interface PeerSettings {
  headerTableBytes: number;
  /** How many streams we may have open. */
  maxConcurrentStreams: number;
  initialWindowBytes: number;
  maxFrameBytes: number;
  maxHeaderListBytes: number;
}

/** What holds until the peer's SETTINGS have come; `maxConcurrentStreams` is a guess, as RFC 9113 advises peers. */
export function initialPeerSettings(): PeerSettings {
  return {
    headerTableBytes: DEFAULT_HEADER_TABLE_BYTES,
    maxConcurrentStreams: 100,
    initialWindowBytes: DEFAULT_WINDOW_BYTES,
    maxFrameBytes: DEFAULT_MAX_FRAME_BYTES,
    maxHeaderListBytes: Number.POSITIVE_INFINITY,
  };
}

const SETTING_BYTES = 6;
/** There are six settings; unknown ones are ignored. */
const MAX_SETTINGS = 64;

/**
 * Reads a payload into `settings`, of a repeated HEADER_TABLE_SIZE the smallest, because HPACK has to follow each. Throws
 * a ConnectionFault for a value that is out of its range.
 */
export function readSettings(
  bytes: Uint8Array,
  start: number,
  end: number,
  settings: PeerSettings,
  fromServer: boolean,
): void {
  if ((end - start) % SETTING_BYTES !== 0) {
    throw new ConnectionFault(ERROR_CODE.FRAME_SIZE_ERROR, `SETTINGS of ${end - start} bytes: expected pairs of 6`);
  }
  if (end - start > MAX_SETTINGS * SETTING_BYTES) {
    throw new ConnectionFault(ERROR_CODE.ENHANCE_YOUR_CALM, `more than ${MAX_SETTINGS} settings in one frame`);
  }
  let smallestTableBytes = Number.POSITIVE_INFINITY;
  for (let at = start; at < end; at += SETTING_BYTES) {
    const id = (bytes[at]! << 8) | bytes[at + 1]!;
    readSetting(id, readUint32(bytes, at + 2), settings, fromServer);
    if (id !== SETTING.HEADER_TABLE_SIZE) continue;
    smallestTableBytes = Math.min(smallestTableBytes, settings.headerTableBytes);
    settings.headerTableBytes = smallestTableBytes;
  }
}

function readSetting(id: number, value: number, settings: PeerSettings, fromServer: boolean): void {
  switch (id) {
    case SETTING.HEADER_TABLE_SIZE:
      settings.headerTableBytes = value;
      break;
    case SETTING.ENABLE_PUSH:
      // We never push, and a server must not say that it would take pushes.
      if (value > (fromServer ? 0 : 1)) throw outOfRange("ENABLE_PUSH", value);
      break;
    case SETTING.MAX_CONCURRENT_STREAMS:
      settings.maxConcurrentStreams = value;
      break;
    case SETTING.INITIAL_WINDOW_SIZE:
      if (value > LARGEST_WINDOW_BYTES) throw outOfRange("INITIAL_WINDOW_SIZE", value, ERROR_CODE.FLOW_CONTROL_ERROR);
      settings.initialWindowBytes = value;
      break;
    case SETTING.MAX_FRAME_SIZE:
      if (value < DEFAULT_MAX_FRAME_BYTES || value > LARGEST_MAX_FRAME_BYTES) throw outOfRange("MAX_FRAME_SIZE", value);
      settings.maxFrameBytes = value;
      break;
    case SETTING.MAX_HEADER_LIST_SIZE:
      settings.maxHeaderListBytes = value;
      break;
    default:
  }
}

function outOfRange(name: string, value: number, code: number = ERROR_CODE.PROTOCOL_ERROR): ConnectionFault {
  return new ConnectionFault(code, `the setting ${name} is ${value}, out of its range`);
}
