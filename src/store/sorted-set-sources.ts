/** What ZUNION and its kin combine: every kind of value whose members have scores, behind one face. */
import type { Bytes } from '../base/bytes.ts';
import type { Shard } from '../memory/shard.ts';
import type { EntryText } from '../structures/packed-entry.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { recordType, ValueType } from './record.ts';
import { scoreIn, sortedSetLength } from './sorted-set.ts';
import { SortedSetWalk } from './sorted-set-walk.ts';

/** Valid as long as the value does not change. One walk at a time. */
export interface ScoredSource {
  readonly length: number;
  /** Where `next` points at the member it has gone to, and its score. */
  readonly text: EntryText;
  readonly score: number;
  /** Begins a walk over all members. */
  begin(): void;
  /** Goes on to the next member. False: there is none. */
  next(): boolean;
  /** The score of the member `bytes[at, at + byteCount)`, or NaN: it has none such. */
  find(bytes: Bytes, at: number, byteCount: number): number;
}

class SortedSetSource implements ScoredSource {
  readonly length: number;
  private readonly walk = new SortedSetWalk();
  readonly text = this.walk.text;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly shard: Shard,
    private readonly record: number,
  ) {
    this.length = sortedSetLength(shard, record);
  }

  get score(): number {
    return this.walk.score;
  }

  begin(): void {
    this.walk.begin(this.shard, this.record, 0, this.length, false);
  }

  next(): boolean {
    return this.walk.next();
  }

  find(bytes: Bytes, at: number, byteCount: number): number {
    return scoreIn(this.keyspace, this.shard, this.record, bytes, at, byteCount);
  }
}

/** The value found under `key` as a source, or null: it is of no such kind. */
export function openSource(keyspace: Keyspace, key: Key): ScoredSource | null {
  const { shard, record } = key;
  if (recordType(shard, record) === ValueType.SortedSet) return new SortedSetSource(keyspace, shard, record);
  return null;
}
