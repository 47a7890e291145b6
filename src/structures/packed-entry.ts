/**
 * The layout of one entry of a packed block: a byte string, or an integer in fewer bytes. The encoding is that of Redis' listpack
 * (github.com/antirez/listpack, listpack.md) without the length behind each entry, which only lists need.
 *
 *  first byte, and what follows it
 *   0vvvvvvv   nothing: the integer v, 0 to 127         11110001   2 bytes: integer
 *   10nnnnnn   n bytes, 0 to 63                         11110010   3 bytes: integer
 *   110vvvvv   1 byte: the integer v, 13 bits, signed   11110011   4 bytes: integer
 *   1110nnnn   1 byte of length, then n (12 bits) bytes 11110100   8 bytes: integer
 *   11110000   4 bytes of length n, then n bytes        11111111   never the start of an entry
 *  Numbers of several bytes are little-endian, but for the 13 and 12 bit ones, whose high bits stand first.
 *
 *  Invariant: text that reads strictly as a 64-bit integer is stored as one, in the fewest bytes; so equal text has
 *  equal bytes, and entries are compared as they lie. Neither of them owns memory: blocks are their owners' to lay out.
 */
import { type Bytes, copyBytes, equalBytes, Bytes as ByteRange } from '../base/bytes.ts';
import { formatInt64, Int64, INT64_BYTES_MAX, int64ToNumber, parseInt64, setInt64 } from '../base/int64.ts';

/** First bytes, and masks to tell them. */
const enum Lead {
  SmallString = 0x80,
  Integer13 = 0xc0,
  MediumString = 0xe0,
  LongString = 0xf0,
  Integer16 = 0xf1,
  Integer24 = 0xf2,
  Integer32 = 0xf3,
  Integer64 = 0xf4,
}

const SMALL_STRING_MAX = 63;
const MEDIUM_STRING_MAX = 4095;
/** The most bytes that stand in front of a string's own, and that an integer takes. */
const HEAD_BYTES_MAX = 9;

/** Text on its way into packed blocks, or looked for in them: encoded once by `encodeElement`. */
export class Element {
  /** The text itself. */
  source: Bytes;
  at = 0;
  byteCount = 0;
  /** First bytes of the entry: all of an integer's; what stands before a string's own. */
  readonly head = ByteRange.allocate(HEAD_BYTES_MAX + 7);
  headBytes = 0;
  /** Bytes of `source` behind the head: 0 for an integer. */
  tailBytes = 0;
  readonly integer = new Int64();

  constructor() {
    this.source = this.head;
  }

  /** Bytes of the entry. */
  get entryBytes(): number {
    return this.headBytes + this.tailBytes;
  }

  get isInteger(): boolean {
    return isIntegerEntry(this.head.u8[0]!);
  }
}

/** Makes `element` the text `source[at, at + byteCount)`, which must stay where it is while `element` is in use. */
export function encodeElement(element: Element, source: Bytes, at: number, byteCount: number): void {
  element.source = source;
  element.at = at;
  element.byteCount = byteCount;
  if (mayBeInteger(source, at, byteCount) && parseInt64(source.u8, at, at + byteCount, element.integer)) {
    element.tailBytes = 0;
    element.headBytes = encodeInteger(element.head, element.integer);
    return;
  }
  element.tailBytes = byteCount;
  const { u8, view } = element.head;
  if (byteCount <= SMALL_STRING_MAX) {
    u8[0] = Lead.SmallString | byteCount;
    element.headBytes = 1;
  } else if (byteCount <= MEDIUM_STRING_MAX) {
    u8[0] = Lead.MediumString | (byteCount >> 8);
    u8[1] = byteCount & 0xff;
    element.headBytes = 2;
  } else {
    u8[0] = Lead.LongString;
    view.setUint32(1, byteCount, true);
    element.headBytes = 5;
  }
}

/** Tells most texts from integers by their first byte. */
function mayBeInteger(source: Bytes, at: number, byteCount: number): boolean {
  const first = source.u8[at]!;
  return byteCount <= INT64_BYTES_MAX && first <= 0x39 && (first >= 0x30 || first === 0x2d);
}

/** Makes `element` the integer that it holds in `integer`. It has no source. */
export function encodeIntegerElement(element: Element): void {
  element.tailBytes = 0;
  element.headBytes = encodeInteger(element.head, element.integer);
}

/** Makes `element` the entry at `at`, which must stay where it is while `element` is in use. An integer has no source. */
export function loadElement(element: Element, bytes: Bytes, at: number): void {
  const lead = bytes.u8[at]!;
  if (readEntryInteger(bytes, at, element.integer)) return encodeIntegerElement(element);
  const headBytes = lead < Lead.Integer13 ? 1 : lead < Lead.LongString ? 2 : 5;
  const tailBytes = entryBytesAt(bytes, at) - headBytes;
  for (let i = 0; i < headBytes; i++) element.head.u8[i] = bytes.u8[at + i]!;
  element.source = bytes;
  element.at = at + headBytes;
  element.byteCount = tailBytes;
  element.headBytes = headBytes;
  element.tailBytes = tailBytes;
}

/** Writes the entry of an integer at the start of `head`. Returns its bytes, at most 9. */
export function encodeInteger(head: Bytes, integer: Int64): number {
  const { u8, view } = head;
  const low = integer.lo;
  if (integer.hi !== low >> 31) {
    u8[0] = Lead.Integer64;
    view.setInt32(1, low, true);
    view.setInt32(5, integer.hi, true);
    return 9;
  }
  if (low >= 0 && low <= 127) {
    u8[0] = low;
    return 1;
  }
  if (low >= -4096 && low <= 4095) {
    u8[0] = Lead.Integer13 | ((low >> 8) & 0x1f);
    u8[1] = low & 0xff;
    return 2;
  }
  if (low >= -32768 && low <= 32767) {
    u8[0] = Lead.Integer16;
    view.setInt16(1, low, true);
    return 3;
  }
  if (low >= -8388608 && low <= 8388607) {
    u8[0] = Lead.Integer24;
    view.setInt32(1, low, true);
    return 4;
  }
  u8[0] = Lead.Integer32;
  view.setInt32(1, low, true);
  return 5;
}

/** Writes the entry of `element` at `at`, where its `entryBytes` have room. */
export function writeElement(element: Element, into: Bytes, at: number): void {
  const { headBytes, head } = element;
  for (let i = 0; i < headBytes; i++) into.u8[at + i] = head.u8[i]!;
  if (element.tailBytes > 0) copyBytes(element.source, element.at, into, at + headBytes, element.tailBytes);
}

/** Whether the entry at `at` is that of `element`. Hot: searches call it entry by entry. */
export function isElementAt(element: Element, bytes: Bytes, at: number): boolean {
  const { head, headBytes, tailBytes } = element;
  const u8 = bytes.u8;
  for (let i = 0; i < headBytes; i++) if (u8[at + i] !== head.u8[i]) return false;
  if (tailBytes === 0) return true;
  const last = tailBytes - 1;
  // Texts that belong together often begin alike: they are told apart by their ends.
  if (u8[at + headBytes + last] !== element.source.u8[element.at + last]) return false;
  return equalBytes(bytes, at + headBytes, element.source, element.at, tailBytes);
}

function isIntegerEntry(lead: number): boolean {
  return lead < Lead.SmallString || (lead & 0xe0) === Lead.Integer13 || lead > Lead.LongString;
}

/** Bytes of the entry at `at`, head included. */
export function entryBytesAt(bytes: Bytes, at: number): number {
  const lead = bytes.u8[at]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc0) return 1 + (lead & 0x3f);
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 2 + (((lead & 0x0f) << 8) | bytes.u8[at + 1]!);
  if (lead === Lead.LongString) return 5 + bytes.view.getInt32(at + 1, true);
  return lead === Lead.Integer64 ? 9 : lead - Lead.Integer16 + 3;
}

/** Reads the integer at `at` into `into`. False: the entry is a string. */
export function readEntryInteger(bytes: Bytes, at: number, into: Int64): boolean {
  const lead = bytes.u8[at]!;
  if (lead < Lead.SmallString) setInt64(into, lead);
  else if ((lead & 0xe0) === Lead.Integer13) {
    setInt64(into, (((lead & 0x1f) << 27) >> 19) | bytes.u8[at + 1]!);
  } else if (lead === Lead.Integer16) setInt64(into, bytes.view.getInt16(at + 1, true));
  else if (lead === Lead.Integer24) {
    setInt64(into, (bytes.view.getInt16(at + 2, true) << 8) | bytes.u8[at + 1]!);
  } else if (lead === Lead.Integer32) setInt64(into, bytes.view.getInt32(at + 1, true));
  else if (lead === Lead.Integer64) {
    into.lo = bytes.view.getInt32(at + 1, true);
    into.hi = bytes.view.getInt32(at + 5, true);
  } else return false;
  return true;
}

/** The text of an entry: where it lies, or, for an integer, its digits in a buffer of its own. */
export class EntryText {
  bytes: Bytes;
  at = 0;
  byteCount = 0;
  private readonly digits = ByteRange.allocate(INT64_BYTES_MAX + 4);
  private readonly integer = new Int64();

  constructor() {
    this.bytes = this.digits;
  }

  /** Points this at the text of the entry at `at`: valid until that moves, or the next `point`. */
  point(bytes: Bytes, at: number): void {
    const lead = bytes.u8[at]!;
    if ((lead & 0xc0) === Lead.SmallString) this.set(bytes, at + 1, lead & 0x3f);
    else if ((lead & 0xf0) === Lead.MediumString)
      this.set(bytes, at + 2, ((lead & 0x0f) << 8) | bytes.u8[at + 1]!);
    else if (lead === Lead.LongString) this.set(bytes, at + 5, bytes.view.getInt32(at + 1, true));
    else {
      readEntryInteger(bytes, at, this.integer);
      this.setInteger(this.integer);
    }
  }

  /** Points this at the digits of an integer: valid until the next `point` or `setInteger`. */
  setInteger(integer: Int64): void {
    this.set(this.digits, 0, formatInt64(this.digits.u8, 0, integer.hi, integer.lo));
  }

  /** Points this at plain bytes. */
  set(bytes: Bytes, at: number, byteCount: number): void {
    this.bytes = bytes;
    this.at = at;
    this.byteCount = byteCount;
  }

  /** For tests and logs. */
  toString(): string {
    return this.bytes.u8.toString('latin1', this.at, this.at + this.byteCount);
  }
}

/** The integer of an entry as a plain number (rounded beyond 2^53), or NaN for a string. */
export function entryNumber(bytes: Bytes, at: number): number {
  return readEntryInteger(bytes, at, scratchInteger) ? int64ToNumber(scratchInteger) : NaN;
}

const scratchInteger = new Int64();
