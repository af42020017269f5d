// The layout of the tables that tell the engine what to do, and the numbers by which the two speak. Shared by tables.ts
// and, compiled by AssemblyScript, by the engine: so plain constants only. All records are little-endian.

// A message record: how many fields, where their nodes stand, and how a number finds its node.
export const MESSAGE_COUNT = 0;
export const MESSAGE_NODES = 4;
/** Numbers below this one index the dense array of node addresses, zero for none; the rest is searched by bisection. */
export const MESSAGE_DENSE_COUNT = 8;
export const MESSAGE_DENSE = 12;
export const MESSAGE_SPARSE_COUNT = 16;
/** Pairs of number and node address, ascending. */
export const MESSAGE_SPARSE = 20;
export const MESSAGE_IS_UNION = 24;
export const MESSAGE_ONEOF_COUNT = 28;
/** For each oneof one mask over the fields, in words of 64 bits. */
export const MESSAGE_ONEOF_MASKS = 32;
/** A mask of the fields for which something happens when they are absent. */
export const MESSAGE_NEEDED = 36;
export const MESSAGE_SIZE = 40;

// A node: one value, be it a field, an element, a key or a value.
export const NODE_KIND = 0;
export const NODE_THRIFT_TYPE = 1;
/** How the integer stands on the Protobuf wire: one of the FORM constants. */
export const NODE_FORM = 2;
/** 16 bits. */
export const NODE_FLAGS = 4;
/** The bytes that stand before the value in the target, at most eight: a tag, a field header, or none. Their count has 16 bits. */
export const NODE_HEAD_LENGTH = 6;
export const NODE_HEAD = 8;
/** The message, the element's node, the key's node, or the numbers of an enum (their count first). */
export const NODE_TARGET = 16;
/** The node of a map's value. */
export const NODE_OTHER = 20;
/** Field number and wire type as Protobuf writes them, of one occurrence that is not packed. */
export const NODE_KEY = 24;
/** The field's place in its message. */
export const NODE_INDEX = 28;
/**
 * One of the ABSENT constants, or the address of bytes to write, their count first: the whole field. Towards Thrift in its
 * binary encoding, and behind it, at the next multiple of 16, again a count and the compact encoding of the value alone.
 */
export const NODE_ABSENT = 32;
/** One more than the oneof's place in its message; zero outside one. */
export const NODE_ONEOF = 36;
/** By which errors name the node. */
export const NODE_ID = 40;
/**
 * What stands before the field in the source, to be compared at once: of Thrift's binary encoding the three bytes of its header,
 * of Protobuf the one byte of its key. NO_SOURCE, which is like no bytes, where that takes more.
 */
export const NODE_SOURCE = 44;
export const NODE_SIZE = 48;

// A plan record: what one compiled translation is about, and its limits.
export const PLAN_MESSAGE = 0;
export const PLAN_MAX_BYTES = 4;
export const PLAN_MAX_DEPTH = 8;
export const PLAN_MAX_ELEMENTS = 12;
/** Bytes of frames, whatever the message. */
export const PLAN_STACK_BYTES = 16;
/** The id, of 16 bits, of the one field of the Thrift struct that the message stands for, or NO_FIELD. */
export const PLAN_FIELD = 20;
/** By which errors name that field. */
export const PLAN_NODE = 24;
/** Whether it is an error that the field is absent. */
export const PLAN_NEEDED = 28;
export const PLAN_SIZE = 32;

/** Ends the nodes of each message. */
export const NO_SOURCE = 0xffffffff;
export const NO_FIELD = 0xffffffff;

export const ABSENT_OMIT = 0;
export const ABSENT_ERROR = 1;

/** A zero is the same as absent on the Protobuf side. */
export const FLAG_IMPLICIT = 1;
/** 64 bits pass unchecked between signed and unsigned. */
export const FLAG_BITS = 2;
/** A double that a float would round is an error. */
export const FLAG_EXACT = 4;
/** The target's type is text, so that the bytes must be UTF-8. */
export const FLAG_TEXT = 8;
/** A list whose elements are packed; towards Thrift: may be. */
export const FLAG_PACKED = 16;
/** A list that is a Thrift set. */
export const FLAG_SET = 32;
/** A message that Protobuf ends by a tag. */
export const FLAG_DELIMITED = 64;
/** A span of time, both parts of which may be negative. */
export const FLAG_DURATION = 128;
/** Zero of this enum cannot be written to Thrift. */
export const FLAG_SYNTHETIC_ZERO = 256;
/** A value that Thrift cannot say is left out instead of being an error. */
export const FLAG_OMIT_UNWRITABLE = 512;

// Kinds of values. The first four stand for most of what is ever sent.
export const KIND_I32 = 0;
export const KIND_I64 = 1;
export const KIND_STRING = 2;
export const KIND_BOOL = 3;
export const KIND_DOUBLE = 4;
/** Any other pair of integers. */
export const KIND_INTEGER = 5;
export const KIND_FLOAT = 6;
export const KIND_ENUM = 7;
export const KIND_UUID = 8;
export const KIND_UUID_TEXT = 9;
/** From here on a field may arrive in several occurrences that all count. */
export const KIND_MESSAGE = 10;
export const KIND_LIST = 11;
export const KIND_MAP = 12;
export const KIND_WRAPPED = 13;
export const KIND_TIME = 14;
/** Bytes that Thrift holds as a list of i8: one occurrence counts, the last. */
export const KIND_OCTETS = 15;

export const FORM_INT32 = 0;
export const FORM_INT64 = 1;
export const FORM_UINT32 = 2;
export const FORM_UINT64 = 3;
export const FORM_SINT32 = 4;
export const FORM_SINT64 = 5;
export const FORM_FIXED32 = 6;
export const FORM_FIXED64 = 7;
export const FORM_SFIXED32 = 8;
export const FORM_SFIXED64 = 9;

// What a translation ends with when it fails.
export const FAULT_TRUNCATED = 1;
export const FAULT_LENGTH = 2;
export const FAULT_DEPTH = 3;
export const FAULT_ELEMENTS = 4;
export const FAULT_BYTES = 5;
export const FAULT_RANGE = 6;
export const FAULT_UTF8 = 7;
export const FAULT_MISSING = 8;
export const FAULT_VARINT = 9;
export const FAULT_KEY = 10;
export const FAULT_GROUP = 11;
export const FAULT_TYPE = 12;
export const FAULT_ELEMENT_TYPE = 13;
export const FAULT_MEMBERS = 14;
export const FAULT_NO_MEMBER = 15;
export const FAULT_SYNTHETIC_ZERO = 16;
export const FAULT_UNKNOWN_ENUM = 17;
export const FAULT_UUID = 18;
export const FAULT_INEXACT = 19;
export const FAULT_TIME = 20;
export const FAULT_TRAILING = 21;
export const FAULT_MEMORY = 22;
