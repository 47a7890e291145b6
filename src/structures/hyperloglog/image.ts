/**
 * A private copy of a HyperLogLog while it is changed, and the sparse form. A change may lengthen it or make it dense, and
 * a command may make many: they are made here, and the value takes the result at once, or there is no memory for it.
 *
 *  layout of the sparse form behind the head (registers.ts): runs of registers, from the first to the last
 *   00nnnnnn           n + 1 registers of zero, at most 64
 *   01nnnnnn nnnnnnnn  n + 1 registers of zero, at most 16384
 *   1vvvvvnn           n + 1 registers of v + 1, at most 4 and at most 32
 *  Invariants: the runs add up to 16384 registers, unless a client wrote the string: then it is corrupt.
 *  Ownership: the image is this thread's; it holds one value at a time.
 *  Growth: a change splits a run in up to three; beyond hll-sparse-max-bytes, or a value of 32, it becomes dense.
 *  Cost: a walk over the runs per change. The bytes are those of Redis after the same changes: the same runs are split
 *  and the same neighbours merged.
 */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import {
  DENSE_BYTES,
  ENCODING_AT,
  estimate,
  Form,
  HEAD_BYTES,
  MAGIC,
  raiseDense,
  REGISTER_COUNT,
} from './registers.ts';

const VALUE_MAX = 32;
const VALUE_RUN_MAX = 4;
const SHORT_ZEROS_MAX = 64;
/** A split may add so many bytes. */
const SPLIT_BYTES = 3;
/** Runs from the one before a change on that are looked at for neighbours to merge. */
const MERGE_RUNS = 5;

const enum Bits {
  Value = 0x80,
  LongZeros = 0x40,
}

/** What became of a register. */
export const enum Raise {
  Corrupt = -1,
  Same = 0,
  Raised = 1,
}

/** One run of registers, as `readRun` leaves it. */
const scratchRun = { registers: 0, value: 0, bytes: 0 };

/** Reads the run at `at`; one that is cut off at `end` goes on with a zero, as Redis' strings do. */
function readRun(u8: Uint8Array, at: number, end: number): void {
  const head = u8[at]!;
  const run = scratchRun;
  run.bytes = 1;
  if ((head & Bits.Value) !== 0) {
    run.registers = (head & 3) + 1;
    run.value = ((head >> 2) & 31) + 1;
    return;
  }
  run.value = 0;
  run.registers = (head & 63) + 1;
  if ((head & Bits.LongZeros) === 0) return;
  run.registers = (((head & 63) << 8) | (at + 1 < end ? u8[at + 1]! : 0)) + 1;
  run.bytes = 2;
}

/**
 * into[i] = max(into[i], register i) for the sparse one in `u8[at, end)`, its head included. False: it is corrupt.
 */
export function mergeSparse(u8: Uint8Array, at: number, end: number, into: Uint8Array): boolean {
  let index = 0;
  for (let from = at + HEAD_BYTES; from < end; from += scratchRun.bytes) {
    readRun(u8, from, end);
    const { registers, value } = scratchRun;
    if (index + registers > REGISTER_COUNT) return false;
    if (value > 0) for (let i = index; i < index + registers; i++) if (value > into[i]!) into[i] = value;
    index += registers;
  }
  return index === REGISTER_COUNT;
}

const scratchCounts = new Int32Array(64);

/** Estimates how many elements the sparse one in `u8[at, end)` has. -1: it is corrupt. */
export function estimateSparse(u8: Uint8Array, at: number, end: number): number {
  const counts = scratchCounts.fill(0);
  let index = 0;
  for (let from = at + HEAD_BYTES; from < end; from += scratchRun.bytes) {
    readRun(u8, from, end);
    const { registers, value } = scratchRun;
    counts[value]! += registers;
    index += registers;
  }
  return index === REGISTER_COUNT ? estimate(counts) : -1;
}

/** The runs of the sparse one in `u8[at, end)` as PFDEBUG DECODE prints them. */
export function describeSparse(u8: Uint8Array, at: number, end: number): string {
  const runs: string[] = [];
  for (let from = at + HEAD_BYTES; from < end; from += scratchRun.bytes) {
    readRun(u8, from, end);
    const { registers, value, bytes } = scratchRun;
    runs.push(value > 0 ? `v:${value},${registers}` : `${bytes === 2 ? 'Z' : 'z'}:${registers}`);
  }
  return runs.join(' ');
}

export class HyperLogLogImage {
  bytes = Bytes.allocate(DENSE_BYTES + SPLIT_BYTES);
  byteCount = 0;

  /** Takes a copy of `byteCount` bytes. */
  take(source: Bytes, at: number, byteCount: number): void {
    this.ensure(byteCount);
    copyBytes(source, at, this.bytes, 0, byteCount);
    this.byteCount = byteCount;
  }

  /** Becomes a new, sparse one. */
  clear(): void {
    const { u8, view } = this.bytes;
    u8.fill(0, 0, HEAD_BYTES);
    view.setInt32(0, MAGIC, true);
    u8[ENCODING_AT] = Form.Sparse;
    this.byteCount = writeZeros(u8, HEAD_BYTES, REGISTER_COUNT);
  }

  get isDense(): boolean {
    return this.bytes.u8[ENCODING_AT] === Form.Dense;
  }

  private ensure(byteCount: number): void {
    if (byteCount + SPLIT_BYTES <= this.bytes.u8.length) return;
    const larger = Bytes.allocate(byteCount * 2);
    this.bytes.u8.copy(larger.u8, 0, 0, this.byteCount);
    this.bytes = larger;
  }

  /** Makes it dense. False, nothing changed: it is corrupt. */
  becomeDense(): boolean {
    if (this.isDense) return true;
    const registers = scratchRegisters.fill(0);
    if (!mergeSparse(this.bytes.u8, 0, this.byteCount, registers)) return false;
    const { u8 } = this.bytes;
    u8.fill(0, HEAD_BYTES, DENSE_BYTES);
    u8[ENCODING_AT] = Form.Dense;
    this.byteCount = DENSE_BYTES;
    for (let i = 0; i < REGISTER_COUNT; i++) if (registers[i] !== 0) raiseDense(u8, 0, i, registers[i]!);
    return true;
  }

  /** Raises a register to `value`; beyond `sparseBytesMax` it becomes dense for that. */
  raise(index: number, value: number, sparseBytesMax: number): Raise {
    if (!this.isDense) {
      const outcome = value > VALUE_MAX ? NEEDS_DENSE : this.raiseSparse(index, value, sparseBytesMax);
      if (outcome !== NEEDS_DENSE) return outcome;
      if (!this.becomeDense()) return Raise.Corrupt;
    }
    return raiseDense(this.bytes.u8, 0, index, value) ? Raise.Raised : Raise.Same;
  }

  private raiseSparse(index: number, value: number, sparseBytesMax: number): Raise {
    this.ensure(this.byteCount + SPLIT_BYTES);
    const { u8 } = this.bytes;
    const end = this.byteCount;
    // Redis' strings end in a zero that a run which is cut off goes on with.
    u8[end] = 0;
    let before = 0;
    let at = HEAD_BYTES;
    let first = 0;
    let head = 0;
    // As `readRun`, but this walk is what adding an element to a sparse one costs.
    for (; at < end; at++) {
      head = u8[at]!;
      const isLong = head >= Bits.LongZeros && head < Bits.Value;
      const registers =
        head >= Bits.Value ? (head & 3) + 1 : isLong ? (((head & 63) << 8) | u8[at + 1]!) + 1 : head + 1;
      if (index < first + registers) break;
      first += registers;
      before = at;
      if (isLong) at++;
    }
    if (at >= end) return Raise.Corrupt;
    readRun(u8, at, end + 1);
    const { registers, value: old, bytes: oldBytes } = scratchRun;
    if (old >= value) return Raise.Same;
    if (registers === 1 && oldBytes === 1) u8[at] = valueRun(value, 1);
    else if (!this.split(at, oldBytes, index - first, registers, old, value, sparseBytesMax))
      return NEEDS_DENSE;
    this.mergeFrom(before === 0 ? HEAD_BYTES : before);
    return Raise.Raised;
  }

  /** Takes one register out of the middle of a run. False, nothing changed: it would grow too long. */
  private split(
    at: number,
    oldBytes: number,
    place: number,
    registers: number,
    old: number,
    value: number,
    sparseBytesMax: number,
  ): boolean {
    const sequence = scratchSequence;
    let length = 0;
    const rest = registers - place - 1;
    if (place > 0) length = writeRun(sequence, length, place, old);
    sequence[length++] = valueRun(value, 1);
    if (rest > 0) length = writeRun(sequence, length, rest, old);
    const growth = length - oldBytes;
    if (growth > 0 && this.byteCount + growth > sparseBytesMax) return false;
    const { u8 } = this.bytes;
    const next = at + oldBytes;
    if (growth !== 0 && next < this.byteCount) u8.copyWithin(next + growth, next, this.byteCount);
    for (let i = 0; i < length; i++) u8[at + i] = sequence[i]!;
    this.byteCount += growth;
    return true;
  }

  /** Merges neighbours of one value in a few runs from `from` on. */
  private mergeFrom(from: number): void {
    const { u8 } = this.bytes;
    let at = from;
    for (let i = 0; i < MERGE_RUNS && at < this.byteCount; i++) {
      const head = u8[at]!;
      if (head < Bits.Value) {
        at += head >= Bits.LongZeros ? 2 : 1;
        continue;
      }
      const next = at + 1 < this.byteCount ? u8[at + 1]! : 0;
      const registers = (head & 3) + (next & 3) + 2;
      if (head >> 2 === next >> 2 && registers <= VALUE_RUN_MAX) {
        u8[at + 1] = (head & ~3) | (registers - 1);
        u8.copyWithin(at, at + 1, this.byteCount);
        this.byteCount--;
      } else at++;
    }
  }
}

/** Beside the outcomes of a raise: the sparse form cannot hold it. */
const NEEDS_DENSE = 2 as Raise;

const scratchRegisters = new Uint8Array(REGISTER_COUNT);
/** A split run: zeros, value, zeros. */
const scratchSequence = new Uint8Array(5);

function valueRun(value: number, registers: number): number {
  return Bits.Value | ((value - 1) << 2) | (registers - 1);
}

/** Writes a run and returns where it ends. */
function writeRun(u8: Uint8Array, at: number, registers: number, value: number): number {
  if (value === 0) return writeZeros(u8, at, registers);
  u8[at] = valueRun(value, registers);
  return at + 1;
}

function writeZeros(u8: Uint8Array, at: number, registers: number): number {
  if (registers <= SHORT_ZEROS_MAX) {
    u8[at] = registers - 1;
    return at + 1;
  }
  u8[at] = Bits.LongZeros | ((registers - 1) >> 8);
  u8[at + 1] = (registers - 1) & 0xff;
  return at + 2;
}
