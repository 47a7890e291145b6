/**
 * Runs of packed entries that can be walked from both ends: what lists are made of. A short list is one run inside its
 * record; a long one is a chain of them (chain.ts).
 *
 *  run                                                 short list, the value of its record
 *   +-------+------+-------+------+-------+------+      byte 0       2                  the value's end
 *   | entry | back | entry | back | entry | back |           +-------+------------------+
 *   +-------+------+-------+------+-------+------+           | count | run              |
 *                                                            | u16   |                  |
 *                                                            +-------+------------------+
 *   entry = an entry of packed-entry.ts.
 *   back = the bytes of that entry in 1 to 5 bytes of 7 bits each, the lowest 7 last; the top bit of a byte says that
 *   the byte before it belongs to the number too, so it is read from its end to its beginning.
 *
 *  A run is byte for byte what lies between the header and the end of a listpack (github.com/antirez/listpack), down to
 *  the number of bytes of `back`.
 *  Ownership: none; runs are their owners' to place, grow and move.
 *  Cost: 1 byte per entry shorter than 128 bytes; a step in either direction reads one or two bytes.
 */
import type { Bytes } from '../../base/bytes.ts';
import { type Element, entryBytesAt, type EntryText, writeElement } from '../packed-entry.ts';

/** Bytes in front of the run of a short list. */
export const PACK_HEAD_BYTES = 2;
/** The most elements a short list can have. */
export const PACK_COUNT_MAX = 0xffff;

/** Elements of the short list whose value begins at `at`. */
export function packCount(bytes: Bytes, at: number): number {
  return bytes.view.getUint16(at, true);
}

export function setPackCount(bytes: Bytes, at: number, count: number): void {
  bytes.view.setUint16(at, count, true);
}

/** Bytes of `back` behind an entry of `entryBytes`. That 16383 takes three is how listpack does it. */
function backBytes(entryBytes: number): number {
  if (entryBytes < 128) return 1;
  if (entryBytes < 16383) return 2;
  if (entryBytes < 2097151) return 3;
  return entryBytes < 268435455 ? 4 : 5;
}

/** Bytes that `element` takes in a run. */
export function packedBytes(element: Element): number {
  const entryBytes = element.headBytes + element.tailBytes;
  return entryBytes + backBytes(entryBytes);
}

/** Writes `element` at `at`, where its `packedBytes` have room. */
export function writePacked(element: Element, into: Bytes, at: number): void {
  writeElement(element, into, at);
  const entryBytes = element.headBytes + element.tailBytes;
  const backAt = at + entryBytes;
  if (entryBytes < 128) into.u8[backAt] = entryBytes;
  else writeLongBack(into, backAt, entryBytes);
}

/** Writes the `back` of an entry of `entryBytes` at `at`. Returns its bytes. */
export function writeBack(into: Bytes, at: number, entryBytes: number): number {
  if (entryBytes < 128) into.u8[at] = entryBytes;
  else writeLongBack(into, at, entryBytes);
  return backBytes(entryBytes);
}

function writeLongBack(into: Bytes, at: number, entryBytes: number): void {
  let rest = entryBytes;
  for (let i = backBytes(entryBytes) - 1; i > 0; i--) {
    into.u8[at + i] = (rest & 127) | 128;
    rest >>>= 7;
  }
  into.u8[at] = rest;
}

/** Where the entry behind the one at `at` begins: at the end of the run if that was the last. Hot. */
export function nextEntry(bytes: Bytes, at: number): number {
  const lead = bytes.u8[at]!;
  if (lead < 0xc0) return lead < 0x80 ? at + 2 : at + 2 + (lead & 0x3f);
  const entryBytes = entryBytesAt(bytes, at);
  return at + entryBytes + backBytes(entryBytes);
}

/** Points `text` at the text of the entry at `at`, and returns where the next one begins. Hot: LRANGE. */
export function readEntry(bytes: Bytes, at: number, text: EntryText): number {
  const lead = bytes.u8[at]!;
  if ((lead & 0xc0) === 0x80) {
    const byteCount = lead & 0x3f;
    text.set(bytes, at + 1, byteCount);
    return at + 2 + byteCount;
  }
  text.point(bytes, at);
  return nextEntry(bytes, at);
}

/** Where the entry begins that ends in front of `at`, which is an entry's beginning or the end of the run. Hot. */
export function previousEntry(bytes: Bytes, at: number): number {
  const back = bytes.u8[at - 1]!;
  if (back < 128) return at - 1 - back;
  let backAt = at - 1;
  let entryBytes = 0;
  for (let shift = 0; ; shift += 7, backAt--) {
    const byte = bytes.u8[backAt]!;
    entryBytes |= (byte & 127) << shift;
    if (byte < 128) return backAt - entryBytes;
  }
}

/** Where entry `index` of the run [start, end) of `count` entries begins, from the nearer end; `index` may be `count`. */
export function seekEntry(bytes: Bytes, start: number, end: number, count: number, index: number): number {
  if (index * 2 <= count) {
    let at = start;
    for (let i = 0; i < index; i++) at = nextEntry(bytes, at);
    return at;
  }
  let at = end;
  for (let i = count; i > index; i--) at = previousEntry(bytes, at);
  return at;
}

/** Counts the entries of a run, or returns -1: it is not one. */
export function countRun(bytes: Bytes, start: number, end: number): number {
  let count = 0;
  let at = start;
  while (at < end) {
    const next = nextEntry(bytes, at);
    if (next > end || previousEntry(bytes, next) !== at) return -1;
    at = next;
    count++;
  }
  return at === end ? count : -1;
}
