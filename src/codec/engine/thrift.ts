// What the encodings of Thrift share: the types, numbered as the binary encoding has them, and the types of the container
// that was entered last.

export const BOOL: u8 = 2;
export const I8: u8 = 3;
export const DOUBLE: u8 = 4;
export const I16: u8 = 6;
export const I32: u8 = 8;
export const I64: u8 = 10;
export const STRING: u8 = 11;
export const STRUCT: u8 = 12;
export const MAP: u8 = 13;
export const SET: u8 = 14;
export const LIST: u8 = 15;
export const UUID: u8 = 16;
/** The type of the values that a list or set does not have: no byte of a wire says it. */
export const NONE: u32 = 256;

/** What a struct's next field header may be beside type and id, which are `type << 16 | id`. */
export const STOP: i32 = 0;
export const BROKEN: i32 = -1;

/** The type of the elements, or of the keys, of the container that was entered last. */
export let elementType: u8 = 0;
/** The type of its values. */
export let valueType: u8 = 0;
@inline export function contains(element: u8, value: u8): void { elementType = element; valueType = value; }
