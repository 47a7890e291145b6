/**
 * Members with scores in one packed block: how a small sorted set lies in its record. All of it is read from front to
 * back; what finds, finds by looking at every entry.
 *
 *  block
 *   byte 0       2              2 + m           2 + m + s
 *        +-------+--------------+---------------+--------+---
 *        | count | member       | score         | member | ...
 *        | u16   | packed entry |               |        |
 *        +-------+--------------+---------------+--------+---
 *   member: an entry of packed-entry.ts.
 *   score: an entry of an integer, where it is one of 32 bits; else the byte 248 and an f64. -0 becomes 0, as in Redis.
 *
 *  Invariants: members ascend by score, then by the bytes of their texts; no text is there twice.
 *  Ownership: the block is its owner's, who makes room and closes gaps. Lock: the shard's.
 *  Cost: 2 bytes, and 2 to 12 with each text; O(n) for everything.
 */
import { assert } from '../../base/assert.ts';
import { type Bytes, Bytes as ByteRange, compareBytes } from '../../base/bytes.ts';
import { Int64, setInt64 } from '../../base/int64.ts';
import {
  type Element,
  encodeInteger,
  entryBytesAt,
  entryNumber,
  EntryText,
  isElementAt,
  writeElement,
} from '../packed-entry.ts';

const COUNT_BYTES = 2;
/** First byte of a score that is no 32-bit integer: no packed entry begins with it. */
const DOUBLE_LEAD = 0xf8;
const DOUBLE_BYTES = 9;
/** The count has 16 bits. */
export const PACKED_SCORES_MAX = 65535;
/** Bytes of a block without members. */
export const PACKED_SCORES_EMPTY_BYTES = COUNT_BYTES;

/** A score on its way into a packed block. */
export class PackedScore {
  readonly head = ByteRange.allocate(16);
  headBytes = 0;
  private readonly integer = new Int64();

  encode(score: number): void {
    const integer = score | 0;
    if (integer === score) {
      setInt64(this.integer, integer);
      this.headBytes = encodeInteger(this.head, this.integer);
    } else {
      this.head.u8[0] = DOUBLE_LEAD;
      this.head.view.setFloat64(1, score, true);
      this.headBytes = DOUBLE_BYTES;
    }
  }
}

export function packedCount(bytes: Bytes, at: number): number {
  return bytes.view.getUint16(at, true);
}

export function setPackedCount(bytes: Bytes, at: number, count: number): void {
  bytes.view.setUint16(at, count, true);
}

/** Where the first member of a block begins. */
export function firstPacked(at: number): number {
  return at + COUNT_BYTES;
}

/** Where the score of the member at `entry` stands. */
export function packedScoreAt(bytes: Bytes, entry: number): number {
  return entry + entryBytesAt(bytes, entry);
}

/** The score that stands at `at`. */
export function readPackedScore(bytes: Bytes, at: number): number {
  const lead = bytes.u8[at]!;
  if (lead < 0x80) return lead;
  return lead === DOUBLE_LEAD ? bytes.view.getFloat64(at + 1, true) : entryNumber(bytes, at);
}

/** The position behind the score that stands at `at`: that of the next member. */
export function behindPackedScore(bytes: Bytes, at: number): number {
  return bytes.u8[at] === DOUBLE_LEAD ? at + DOUBLE_BYTES : at + entryBytesAt(bytes, at);
}

/** The position of the member behind the one at `entry`. */
export function nextPacked(bytes: Bytes, entry: number): number {
  return behindPackedScore(bytes, packedScoreAt(bytes, entry));
}

/** The position of the member `element` in the block [at, end), or 0. */
export function findPacked(bytes: Bytes, at: number, end: number, element: Element): number {
  for (let entry = firstPacked(at); entry < end; entry = nextPacked(bytes, entry)) {
    if (isElementAt(element, bytes, entry)) return entry;
  }
  return 0;
}

/** Where in the block [at, end) the member `element` with this score belongs: `end`, or the position of another. */
export function placeInPacked(
  bytes: Bytes,
  at: number,
  end: number,
  score: number,
  element: Element,
): number {
  let entry = firstPacked(at);
  while (entry < end) {
    const scoreAt = packedScoreAt(bytes, entry);
    const other = readPackedScore(bytes, scoreAt);
    if (other > score || (other === score && comparePackedText(bytes, entry, element) > 0)) break;
    entry = behindPackedScore(bytes, scoreAt);
  }
  return entry;
}

const scratchText = new EntryText();

function comparePackedText(bytes: Bytes, entry: number, element: Element): number {
  const text = scratchText;
  text.point(bytes, entry);
  return compareBytes(text.bytes, text.at, text.byteCount, element.source, element.at, element.byteCount);
}

/** How the text of the member at `entry` compares with other bytes. */
export function comparePacked(
  bytes: Bytes,
  entry: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  const text = scratchText;
  text.point(bytes, entry);
  return compareBytes(text.bytes, text.at, text.byteCount, source, at, byteCount);
}

/** Bytes of a member with its score. */
export function packedMemberBytes(element: Element, score: PackedScore): number {
  return element.entryBytes + score.headBytes;
}

/** Writes a member and its score at `at`, where there is room. */
export function writePackedMember(element: Element, score: PackedScore, into: Bytes, at: number): void {
  writeElement(element, into, at);
  const scoreAt = at + element.entryBytes;
  const { head, headBytes } = score;
  for (let i = 0; i < headBytes; i++) into.u8[scoreAt + i] = head.u8[i]!;
}

/** Position of the member with this rank. */
export function packedAtRank(bytes: Bytes, at: number, rank: number): number {
  let entry = firstPacked(at);
  for (let i = 0; i < rank; i++) entry = nextPacked(bytes, entry);
  return entry;
}

/** Walks the block [at, end) and asserts every invariant. Returns the number of members. */
export function verifyPackedScores(bytes: Bytes, at: number, end: number): number {
  const seen = new Set<string>();
  const text = new EntryText();
  const last = new EntryText();
  let lastScore = -Infinity;
  let entry = firstPacked(at);
  while (entry < end) {
    const scoreAt = packedScoreAt(bytes, entry);
    const score = readPackedScore(bytes, scoreAt);
    assert(score === score, 'packed scores: a score that is not a number');
    text.point(bytes, entry);
    const order = compareBytes(last.bytes, last.at, last.byteCount, text.bytes, text.at, text.byteCount);
    assert(
      seen.size === 0 || lastScore < score || (lastScore === score && order < 0),
      'packed scores: order',
    );
    assert(!seen.has(text.toString()), 'packed scores: a member twice');
    seen.add(text.toString());
    last.point(bytes, entry);
    lastScore = score;
    entry = behindPackedScore(bytes, scoreAt);
  }
  assert(entry === end, 'packed scores: last entry reaches over the end');
  assert(seen.size === packedCount(bytes, at), 'packed scores: count');
  return seen.size;
}
