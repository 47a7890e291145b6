/**
 * Journal ring: what one worker records, on its way to the keeper. One producer, one consumer, no lock: the producer
 * writes behind the tail and then moves it, the consumer reads from the head and then moves that (Lamport, "Proving the
 * Correctness of Multiprocess Programs", 1977).
 *
 *  ring memory
 *   byte 0        128       256                                  256 + 2^n
 *        +--------+---------+-------------------------------------+
 *        | tail   | head    | data: records, wrapping around      |
 *        +--------+---------+-------------------------------------+
 *
 *  record, 16-aligned
 *   byte 0        4            8                10               12            16
 *        +--------+------------+----------------+----------------+-------------+----------------+
 *        | number | byte count | first database | last database  | item flags  | bytes, padded  |
 *        | u32    | u32        | u16            | u16            | u32         |                |
 *        +--------+------------+----------------+----------------+-------------+----------------+
 *
 *  Invariants: tail and head count bytes ever written and read, modulo 2^32; 0 <= tail - head <= size; both are
 *  multiples of 16. A record may be larger than the ring: it then comes through in parts. Numbers grow within a ring.
 *  Ownership: the tail and what is between it and the head + size are the producer's, the rest the consumer's.
 *  What finds no room waits on the producer's heap, in order (`spilled`), so that recording never blocks, and may be done
 *  under locks. The producer makes room (`makeRoom`) when it holds none.
 *  Cost: 16 bytes and up to 15 of padding a record.
 *  Keep in step with: test/memory/journal-ring.test.ts, test/frozen/layouts.test.ts.
 */
import { assert } from '../base/assert.ts';
import { Bytes, copyBytes } from '../base/bytes.ts';

const enum RingWord {
  Tail = 0,
  Head = 32,
}
const DATA_AT = 256;
export const RECORD_HEAD_BYTES = 16;
const enum RecordHead {
  Number = 0,
  ByteCount = 4,
  FirstDatabase = 8,
  LastDatabase = 10,
  ItemFlags = 12,
}
/** Bytes of a ring: what a busy worker records in some tens of milliseconds. */
export const RING_BYTES = 4 << 20;
/** A producer that waits for room looks again after this long, whether it was told or not. */
const WAIT_MS = 2;

/** Memory for a ring that holds nothing. */
export function createRingMemory(ringBytes: number = RING_BYTES): SharedArrayBuffer {
  assert(ringBytes >= 64 && (ringBytes & (ringBytes - 1)) === 0, 'journal ring: size');
  return new SharedArrayBuffer(DATA_AT + ringBytes);
}

function padded(byteCount: number): number {
  return RECORD_HEAD_BYTES + Math.ceil(byteCount / 16) * 16;
}

/** The worker's side. */
export class RingProducer {
  private readonly words: Int32Array;
  private readonly data: Bytes;
  private readonly mask: number;
  private readonly head = Bytes.allocate(RECORD_HEAD_BYTES);
  private tail: number;
  /** The consumer's head when it was last looked at. */
  private seenHead: number;
  private spill: Bytes[] = [];
  private spillAt = 0;
  private spillBytes = 0;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
    this.data = new Bytes(memory, DATA_AT);
    this.mask = memory.byteLength - DATA_AT - 1;
    this.tail = Atomics.load(this.words, RingWord.Tail);
    this.seenHead = Atomics.load(this.words, RingWord.Head);
  }

  /** Bytes that wait on the heap for room in the ring. */
  get spilledBytes(): number {
    return this.spillBytes;
  }

  private get freeBytes(): number {
    return this.mask + 1 - ((this.tail - this.seenHead) >>> 0);
  }

  /** Whether half of the ring is free, by the last look at it. */
  get hasRoom(): boolean {
    return this.spillBytes === 0 && this.freeBytes * 2 > this.mask;
  }

  /** Records `from[at, at + byteCount)`. Never blocks. `databases`: first, and last << 16. */
  push(
    number: number,
    databases: number,
    itemFlags: number,
    from: Bytes,
    at: number,
    byteCount: number,
  ): void {
    const head = this.head;
    head.view.setInt32(RecordHead.Number, number, true);
    head.view.setUint32(RecordHead.ByteCount, byteCount, true);
    head.view.setInt32(RecordHead.FirstDatabase, databases, true);
    head.view.setUint32(RecordHead.ItemFlags, itemFlags, true);
    const size = padded(byteCount);
    if (this.spillBytes > 0) return this.pushSpilled(from, at, byteCount, size);
    if (size > this.freeBytes) {
      this.seenHead = Atomics.load(this.words, RingWord.Head);
      if (size > this.freeBytes) return this.pushSpilled(from, at, byteCount, size);
    }
    this.copyIn(this.tail, head, 0, RECORD_HEAD_BYTES);
    this.copyIn(this.tail + RECORD_HEAD_BYTES, from, at, byteCount);
    this.tail = (this.tail + size) | 0;
    Atomics.store(this.words, RingWord.Tail, this.tail);
  }

  private copyIn(position: number, from: Bytes, at: number, byteCount: number): void {
    const start = position & this.mask;
    const first = Math.min(byteCount, this.mask + 1 - start);
    copyBytes(from, at, this.data, start, first);
    if (first < byteCount) copyBytes(from, at + first, this.data, 0, byteCount - first);
  }

  private pushSpilled(from: Bytes, at: number, byteCount: number, size: number): void {
    const record = Bytes.allocate(size);
    copyBytes(this.head, 0, record, 0, RECORD_HEAD_BYTES);
    copyBytes(from, at, record, RECORD_HEAD_BYTES, byteCount);
    this.spill.push(record);
    this.spillBytes += size;
    this.drainSpill();
  }

  /** Moves what waits on the heap into the ring, as far as there is room. */
  drainSpill(): void {
    this.seenHead = Atomics.load(this.words, RingWord.Head);
    while (this.spillBytes > 0 && this.freeBytes > 0) {
      const record = this.spill[0]!;
      const count = Math.min(record.u8.length - this.spillAt, this.freeBytes);
      this.copyIn(this.tail, record, this.spillAt, count);
      this.tail = (this.tail + count) | 0;
      this.spillAt += count;
      this.spillBytes -= count;
      if (this.spillAt < record.u8.length) continue;
      this.spill.shift();
      this.spillAt = 0;
    }
    Atomics.store(this.words, RingWord.Tail, this.tail);
  }

  /**
   * Waits until nothing is spilled and half of the ring is free; the caller holds no lock, and has seen to it that the
   * consumer is awake. `mayWait` is asked again and again: once it says no, waiting ends.
   */
  makeRoom(mayWait: () => boolean): void {
    this.drainSpill();
    while (!this.hasRoom && mayWait()) {
      Atomics.wait(this.words, RingWord.Head, this.seenHead, WAIT_MS);
      this.drainSpill();
    }
  }
}

/** The keeper's side. */
export class RingConsumer {
  private readonly words: Int32Array;
  private readonly data: Bytes;
  private readonly mask: number;
  private head: number;
  private tail: number;
  private isBegun = false;
  /** Bytes of the begun record that were not read yet, its padding included. */
  private rest = 0;
  private padding = 0;
  /** Of the record that was begun. */
  number = 0;
  byteCount = 0;
  firstDatabase = 0;
  lastDatabase = 0;
  itemFlags = 0;

  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory);
    this.data = new Bytes(memory, DATA_AT);
    this.mask = memory.byteLength - DATA_AT - 1;
    this.head = Atomics.load(this.words, RingWord.Head);
    this.tail = this.head;
  }

  private get availableBytes(): number {
    return (this.tail - this.head) >>> 0;
  }

  /** Begins the next record, if its head is there, unless one is begun already. Whether one is. */
  begin(): boolean {
    if (this.isBegun) return true;
    if (this.availableBytes < RECORD_HEAD_BYTES) {
      this.tail = Atomics.load(this.words, RingWord.Tail);
      if (this.availableBytes < RECORD_HEAD_BYTES) return false;
    }
    const at = this.head & this.mask;
    const { view } = this.data;
    this.number = view.getInt32(at + RecordHead.Number, true);
    this.byteCount = view.getUint32(at + RecordHead.ByteCount, true);
    this.firstDatabase = view.getUint16(at + RecordHead.FirstDatabase, true);
    this.lastDatabase = view.getUint16(at + RecordHead.LastDatabase, true);
    this.itemFlags = view.getUint32(at + RecordHead.ItemFlags, true);
    this.head = (this.head + RECORD_HEAD_BYTES) | 0;
    this.rest = padded(this.byteCount) - RECORD_HEAD_BYTES;
    this.padding = this.rest - this.byteCount;
    this.isBegun = true;
    return true;
  }

  /** Bytes of the begun record that can be read now, up to `most`. */
  readable(most: number): number {
    if (this.availableBytes < this.rest) this.tail = Atomics.load(this.words, RingWord.Tail);
    return Math.min(this.rest - this.padding, this.availableBytes, most);
  }

  /** Reads `byteCount` bytes of the begun record, at most what `readable` has told. */
  read(into: Bytes, at: number, byteCount: number): void {
    const start = this.head & this.mask;
    const first = Math.min(byteCount, this.mask + 1 - start);
    copyBytes(this.data, start, into, at, first);
    if (first < byteCount) copyBytes(this.data, 0, into, at + first, byteCount - first);
    this.head = (this.head + byteCount) | 0;
    this.rest -= byteCount;
  }

  /** Ends the begun record if all of its bytes were read. Whether it did. */
  end(): boolean {
    if (this.rest > this.padding) return false;
    if (this.availableBytes < this.padding) this.tail = Atomics.load(this.words, RingWord.Tail);
    if (this.availableBytes < this.padding) return false;
    this.head = (this.head + this.padding) | 0;
    this.isBegun = false;
    return true;
  }

  /** Lets the producer have the room of what was read. Whether there was anything. */
  release(): boolean {
    if (Atomics.load(this.words, RingWord.Head) === this.head) return false;
    Atomics.store(this.words, RingWord.Head, this.head);
    Atomics.notify(this.words, RingWord.Head, 1);
    return true;
  }
}
