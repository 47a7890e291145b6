/**
 * Sets of a few short members in one stretch of bytes, in the order in which they came: what Redis keeps in a listpack.
 *
 *  byte 0       2
 *       +-------+---------+---------+----
 *       | count | entry 0 | entry 1 | ...     count: 2 bytes, little-endian; entries: packed-entry.ts
 *       +-------+---------+---------+----
 *
 *  Invariants: no two entries are equal; they end where the bytes end, which their owner knows.
 *  It owns no memory: the bytes are its owner's to lay out, at any address. Cost: a find looks at every entry, at 2 ns
 *  each; a removal moves what stands behind it.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { type Element, entryBytesAt, isElementAt, writeElement } from '../packed-entry.ts';

/** Bytes of a set without members. */
export const PACKED_SET_HEADER_BYTES = 2;
/** The most members, by the width of the count. */
export const PACKED_SET_COUNT_MAX = 65535;

/** Number of members of the set at `at`. */
export function packedSetCount(bytes: Bytes, at: number): number {
  return bytes.view.getUint16(at, true);
}

/** Begins a set without members. Returns its bytes. */
export function writeEmptyPackedSet(bytes: Bytes, at: number): number {
  bytes.view.setUint16(at, 0, true);
  return PACKED_SET_HEADER_BYTES;
}

/** Where the entry of a member begins in the set of `byteCount` bytes at `at`, or 0. Hot. */
export function findPackedMember(bytes: Bytes, at: number, byteCount: number, element: Element): number {
  const u8 = bytes.u8;
  const end = at + byteCount;
  const wanted = element.head.u8[0]!;
  let place = at + PACKED_SET_HEADER_BYTES;
  while (place < end) {
    const lead = u8[place]!;
    if (lead === wanted && isElementAt(element, bytes, place)) return place;
    // The two shortest forms here, because most entries have them.
    if (lead < 0x80) place += 1;
    else place += lead < 0xc0 ? 1 + (lead & 0x3f) : entryBytesAt(bytes, place);
  }
  return 0;
}

/** Puts a member behind the last one, where there is room for its `entryBytes`. Returns the bytes there are then. */
export function appendPackedMember(bytes: Bytes, at: number, byteCount: number, element: Element): number {
  writeElement(element, bytes, at + byteCount);
  bytes.view.setUint16(at, packedSetCount(bytes, at) + 1, true);
  return byteCount + element.entryBytes;
}

/** Takes out the member whose entry begins at `place`. Returns the bytes that are left. */
export function removePackedMember(bytes: Bytes, at: number, byteCount: number, place: number): number {
  const entryBytes = entryBytesAt(bytes, place);
  bytes.u8.copyWithin(place, place + entryBytes, at + byteCount);
  bytes.view.setUint16(at, packedSetCount(bytes, at) - 1, true);
  return byteCount - entryBytes;
}

/** Takes out the members whose entries begin at `places`, which ascend. Returns the bytes that are left. */
export function removePackedMembers(
  bytes: Bytes,
  at: number,
  byteCount: number,
  places: readonly number[],
): number {
  const end = at + byteCount;
  let to = places[0]!;
  for (let i = 0; i < places.length; i++) {
    const from = places[i]! + entryBytesAt(bytes, places[i]!);
    const next = i + 1 < places.length ? places[i + 1]! : end;
    bytes.u8.copyWithin(to, from, next);
    to += next - from;
  }
  bytes.view.setUint16(at, packedSetCount(bytes, at) - places.length, true);
  return to - at;
}

/** Where the entry with `index` others in front of it begins. */
export function packedMemberAt(bytes: Bytes, at: number, index: number): number {
  let place = at + PACKED_SET_HEADER_BYTES;
  for (let i = 0; i < index; i++) place += entryBytesAt(bytes, place);
  return place;
}

/** Asserts every invariant of the set of `byteCount` bytes at `at`. Returns the number of members. */
export function verifyPackedSet(bytes: Bytes, at: number, byteCount: number): number {
  const end = at + byteCount;
  const seen = new Set<string>();
  let place = at + PACKED_SET_HEADER_BYTES;
  while (place < end) {
    const next = place + entryBytesAt(bytes, place);
    seen.add(bytes.u8.toString('latin1', place, next));
    assert(seen.size <= PACKED_SET_COUNT_MAX && next <= end, 'packed set: entries end elsewhere');
    place = next;
  }
  const count = packedSetCount(bytes, at);
  assert(count > 0 && count === seen.size, 'packed set: count, or a member twice');
  return count;
}
