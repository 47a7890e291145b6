/**
 * Copies of whole records, out of the way of their shards' locks: what is slow about them (compressing, say) can be done
 * later, and by another thread. Only of records whose value is inline; others are more than their block.
 *
 *  stage
 *   byte 0     8                            end
 *        +-----+----------+----------+------+------
 *        |     | record   | record   | ...  |         each 8-aligned, as in a shard (record.ts)
 *        +-----+----------+----------+------+------
 *  Ownership: one thread at a time, which passes it on with `end`.
 */
import { copyBytes } from '../base/bytes.ts';
import { Shard } from '../memory/shard.ts';
import { isRooted, recordBytes, recordEncoding } from './record.ts';

/** No record begins at 0. */
const FIRST_AT = 8;

export class RecordStage {
  /** Through which the copies are read, as if they were in a shard. */
  readonly shard: Shard;
  readonly start = FIRST_AT;
  /** Behind the last copy. */
  end = FIRST_AT;

  constructor(readonly memory: SharedArrayBuffer) {
    this.shard = new Shard(0, memory);
  }

  get isEmpty(): boolean {
    return this.end === FIRST_AT;
  }

  /** Takes a copy of a record, whose shard's lock is held. False: it is not inline, or there is no room. */
  add(from: Shard, record: number): boolean {
    if (isRooted(recordEncoding(from, record))) return false;
    const byteCount = recordBytes(from, record);
    const at = this.end;
    if (at + byteCount > this.memory.byteLength) return false;
    copyBytes(from.bytes, record, this.shard.bytes, at, byteCount);
    this.end = (at + byteCount + 7) & ~7;
    return true;
  }

  /** Has `see` look at each copy, and forgets them. */
  drain(see: (shard: Shard, record: number) => void): void {
    const { shard, end } = this;
    for (let at = FIRST_AT; at < end; at = (at + recordBytes(shard, at) + 7) & ~7) see(shard, at);
    this.end = FIRST_AT;
  }
}
