/**
 * HyperLogLogs in the bytes that Redis keeps in its strings, so that a value of one works in the other: a head, then
 * 16384 registers, each the longest run of zeros, plus one, that a hash of its elements ended in.
 *
 *  head, 16 bytes                                  dense: 6 bits per register, lowest bits first, 12288 bytes
 *   byte 0      4          5      8                 +----------+----------+----------+--
 *        +------+----------+------+-------------+   | 11000000 | 22221111 | 33333322 | ...
 *        | HYLL | encoding | zero | cardinality |   +----------+----------+----------+--
 *        |      | u8       |      | u64         |
 *        +------+----------+------+-------------+  sparse: runs of registers, see image.ts
 *   encoding 0 = dense, 1 = sparse. The highest bit of the cardinality says that it is out of date.
 *  Ownership: the bytes are those of a string. Lock: the shard's.
 *  Cost: 16 bytes and up to hll-sparse-max-bytes while sparse, 12304 bytes when dense.
 *  Keep in step with: image.ts, which owns the sparse form.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Int64 } from '../../base/int64.ts';
import { murmurHash64, scratchMurmur } from '../../base/murmur.ts';

export const REGISTER_COUNT = 16384;
export const HEAD_BYTES = 16;
export const DENSE_BYTES = HEAD_BYTES + (REGISTER_COUNT * 6) / 8;
/** Where in the head the encoding stands, and the cardinality. */
export const ENCODING_AT = 4;
const CARDINALITY_AT = 8;
/** "HYLL" */
export const MAGIC = 0x4c4c5948;
/** Longest run of zeros that a hash can have outside the bits that choose the register. */
const RUN_MAX = 50;
const STALE = 0x80;
const HASH_SEED = 0xadc83b19 | 0;
const REGISTER_BITS = 14;
const ALPHA = 0.5 / Math.LN2;

export const enum Form {
  Dense = 0,
  Sparse = 1,
}

/** Register and value of the element that was hashed last. */
export const scratchPlace = { index: 0, value: 0 };

/** Leaves in `scratchPlace` which register an element belongs to, and the value it asks for. Hot. */
export function placeElement(source: Bytes, at: number, byteCount: number): void {
  murmurHash64(source, at, byteCount, HASH_SEED);
  const { hi, lo } = scratchMurmur;
  scratchPlace.index = lo & (REGISTER_COUNT - 1);
  const low = (lo >>> REGISTER_BITS) | (hi << (32 - REGISTER_BITS));
  // A bit behind the last one ends the longest run.
  const high = (hi >>> REGISTER_BITS) | (1 << (RUN_MAX - 32));
  scratchPlace.value = low !== 0 ? 32 - Math.clz32(low & -low) : 64 - Math.clz32(high & -high);
}

/** Whether `byteCount` bytes look like a HyperLogLog; a sparse one may still turn out to be corrupt. */
export function isHyperLogLog({ view, u8 }: Bytes, at: number, byteCount: number): boolean {
  if (byteCount < HEAD_BYTES || view.getInt32(at, true) !== MAGIC) return false;
  const form = u8[at + ENCODING_AT]!;
  return form === Form.Sparse || (form === Form.Dense && byteCount === DENSE_BYTES);
}

/** Raises a register of the dense one at `at` to `value`. False: it was that high already. */
export function raiseDense(u8: Uint8Array, at: number, index: number, value: number): boolean {
  const byteAt = at + HEAD_BYTES + ((index * 6) >> 3);
  const shift = (index * 6) & 7;
  const isSplit = shift > 2;
  let bits = u8[byteAt]!;
  if (isSplit) bits |= u8[byteAt + 1]! << 8;
  if (((bits >> shift) & 63) >= value) return false;
  bits = (bits & ~(63 << shift)) | (value << shift);
  u8[byteAt] = bits;
  if (isSplit) u8[byteAt + 1] = bits >> 8;
  return true;
}

/** Calls for the dense registers at `at`, four from three bytes: into[i] = max(into[i], register i). */
export function mergeDense(u8: Uint8Array, at: number, into: Uint8Array): void {
  let from = at + HEAD_BYTES;
  for (let i = 0; i < REGISTER_COUNT; i += 4, from += 3) {
    const bits = u8[from]! | (u8[from + 1]! << 8) | (u8[from + 2]! << 16);
    const a = bits & 63;
    const b = (bits >> 6) & 63;
    const c = (bits >> 12) & 63;
    const d = bits >> 18;
    if (a > into[i]!) into[i] = a;
    if (b > into[i + 1]!) into[i + 1] = b;
    if (c > into[i + 2]!) into[i + 2] = c;
    if (d > into[i + 3]!) into[i + 3] = d;
  }
}

/** How many registers have each value. */
const scratchCounts = new Int32Array(64);

/** Estimates how many elements a dense one has. */
export function estimateDense(u8: Uint8Array, at: number): number {
  const counts = scratchCounts.fill(0);
  const end = at + DENSE_BYTES;
  for (let from = at + HEAD_BYTES; from < end; from += 3) {
    const bits = u8[from]! | (u8[from + 1]! << 8) | (u8[from + 2]! << 16);
    counts[bits & 63]!++;
    counts[(bits >> 6) & 63]!++;
    counts[(bits >> 12) & 63]!++;
    counts[bits >> 18]!++;
  }
  return estimate(counts);
}

/** Estimates how many elements one has whose registers are these. */
export function estimateRegisters(registers: Uint8Array): number {
  const counts = scratchCounts.fill(0);
  for (let i = 0; i < REGISTER_COUNT; i++) counts[registers[i]!]!++;
  return estimate(counts);
}

/**
 * The cardinality by how many registers have each value: O. Ertl, "New cardinality estimation algorithms for HyperLogLog
 * sketches", arXiv:1702.01284. The order of the additions is Redis', for the last digit's sake.
 */
export function estimate(counts: Int32Array): number {
  const m = REGISTER_COUNT;
  let z = m * tau((m - counts[RUN_MAX + 1]!) / m);
  for (let value = RUN_MAX; value >= 1; value--) z = (z + counts[value]!) * 0.5;
  z += m * sigma(counts[0]! / m);
  const cardinality = Math.round((ALPHA * m * m) / z);
  // Redis: more than an integer of 64 bits holds becomes the least of them.
  return cardinality < 2 ** 63 ? cardinality : -(2 ** 63);
}

function sigma(x: number): number {
  if (x === 1) return Infinity;
  let power = x;
  let factor = 1;
  let sum = x;
  for (;;) {
    power *= power;
    const next = sum + power * factor;
    if (next === sum) return sum;
    sum = next;
    factor += factor;
  }
}

function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let root = x;
  let factor = 1;
  let sum = 1 - x;
  for (;;) {
    root = Math.sqrt(root);
    factor *= 0.5;
    const next = sum - (1 - root) * (1 - root) * factor;
    if (next === sum) return sum / 3;
    sum = next;
  }
}

/** Reads the cardinality that the head of one says. False: it is out of date. */
export function readCardinality({ view }: Bytes, at: number, into: Int64): boolean {
  into.lo = view.getInt32(at + CARDINALITY_AT, true);
  into.hi = view.getInt32(at + CARDINALITY_AT + 4, true);
  return into.hi >= 0;
}

export function writeCardinality({ view }: Bytes, at: number, cardinality: Int64): void {
  view.setInt32(at + CARDINALITY_AT, cardinality.lo, true);
  view.setInt32(at + CARDINALITY_AT + 4, cardinality.hi, true);
}

export function markStale(u8: Uint8Array, at: number): void {
  u8[at + CARDINALITY_AT + 7]! |= STALE;
}
