/**
 * How often each error code was replied (INFO errorstats), in the control block, so that any thread reads all counts at
 * once and without asking.
 *
 *  error counts, from byte 16384 of the control block
 *   byte 0      4      8            16        16 + 64 i                      16 + 64 x ERROR_CODES_MAX
 *        +------+------+------------+---------+-------+--------+----------------+----
 *        | lock | used | generation | entries | count | length | name, ASCII 52 | ...
 *        | u32  | u32  | u32        |         | i64   | u32    |                |
 *        +------+------+------------+---------+-------+--------+----------------+----
 *
 *  Lock: its own, a spin lock held for a microsecond by who enters a new code or resets; counting goes by Atomics alone.
 *  `generation` rises with every reset, so that threads forget the places they know.
 */

const enum Word {
  Lock = 0,
  Used = 1,
  Generation = 2,
}

const enum Entry {
  CountAt = 0,
  LengthAt = 8,
  NameAt = 12,
  NameBytesMax = 52,
  Bytes = 64,
}

const START_AT = 16384;
const ENTRIES_AT = START_AT + 16;
/** Codes beyond this many are not counted: a script can make up any number of them (Redis stops at 128 as well). */
export const ERROR_CODES_MAX = 128;

export class ErrorCounts {
  private readonly words: Int32Array;
  private readonly u8: Buffer;
  private readonly counts: BigInt64Array;
  /** Places of the codes this thread has met, as of `generation`. */
  private readonly places = new Map<string, number>();
  private generation = 0;

  /** `memory` is the control block's. */
  constructor(memory: SharedArrayBuffer) {
    this.words = new Int32Array(memory, START_AT);
    this.u8 = Buffer.from(memory, ENTRIES_AT);
    this.counts = new BigInt64Array(memory, ENTRIES_AT);
  }

  /** Counts an error reply; its code is the first word of `text`. */
  count(text: string): void {
    const end = text.indexOf(' ');
    const code = (end < 0 ? text : text.slice(0, end)).slice(0, Entry.NameBytesMax) || 'ERR';
    const generation = Atomics.load(this.words, Word.Generation);
    if (generation !== this.generation) {
      this.places.clear();
      this.generation = generation;
    }
    let place = this.places.get(code) ?? -1;
    if (place < 0) {
      place = this.enter(code.replace(/[^\x21-\x7e]|[:=,]/g, '_'));
      if (place < 0) return;
      this.places.set(code, place);
    }
    Atomics.add(this.counts, (place * Entry.Bytes) / 8, 1n);
  }

  /** Every code counted since the last reset. */
  entries(): [code: string, count: bigint][] {
    const used = Atomics.load(this.words, Word.Used);
    return Array.from({ length: used }, (_, place) => [
      this.nameAt(place),
      Atomics.load(this.counts, (place * Entry.Bytes) / 8),
    ]);
  }

  reset(): void {
    this.lock();
    const used = this.words[Word.Used]!;
    for (let place = 0; place < used; place++) Atomics.store(this.counts, (place * Entry.Bytes) / 8, 0n);
    Atomics.store(this.words, Word.Used, 0);
    Atomics.add(this.words, Word.Generation, 1);
    this.unlock();
  }

  /** The place of `code`, made if need be; -1 when there are too many codes. */
  private enter(code: string): number {
    this.lock();
    const used = this.words[Word.Used]!;
    let place = 0;
    while (place < used && this.nameAt(place) !== code) place++;
    if (place === used && used < ERROR_CODES_MAX) {
      const at = place * Entry.Bytes;
      this.u8.writeUInt32LE(code.length, at + Entry.LengthAt);
      this.u8.write(code, at + Entry.NameAt, 'latin1');
      Atomics.store(this.words, Word.Used, used + 1);
    }
    this.unlock();
    return place < ERROR_CODES_MAX ? place : -1;
  }

  private nameAt(place: number): string {
    const at = place * Entry.Bytes;
    const start = at + Entry.NameAt;
    return this.u8.toString('latin1', start, start + this.u8.readUInt32LE(at + Entry.LengthAt));
  }

  private lock(): void {
    while (Atomics.compareExchange(this.words, Word.Lock, 0, 1) !== 0);
  }

  private unlock(): void {
    Atomics.store(this.words, Word.Lock, 0);
  }
}
