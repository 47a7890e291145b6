/** What ZUNION and its kin combine: every kind of value whose members have scores, behind one face. */
import type { Bytes } from '../base/bytes.ts';
import type { Shard } from '../memory/shard.ts';
import type { EntryText } from '../structures/packed-entry.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { recordType, ValueType } from './record.ts';
import { SetReader } from './set/reader.ts';
import { countMembers, hasMember } from './set/set.ts';
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

/** A set, whose members all have the score 1. */
class SetSource implements ScoredSource {
  readonly length: number;
  readonly score = 1;
  private readonly reader = new SetReader();
  readonly text = this.reader.text;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly shard: Shard,
    private readonly record: number,
  ) {
    this.length = countMembers(shard, record);
  }

  begin(): void {
    this.reader.open(this.keyspace, this.shard, this.record);
  }

  next(): boolean {
    return this.reader.next();
  }

  find(bytes: Bytes, at: number, byteCount: number): number {
    return hasMember(this.keyspace, this.shard, this.record, bytes, at, byteCount) ? 1 : NaN;
  }
}

/** The value found under `key` as a source, or null: it is of no such kind. */
export function openSource(keyspace: Keyspace, key: Key): ScoredSource | null {
  const { shard, record } = key;
  switch (recordType(shard, record)) {
    case ValueType.SortedSet:
      return new SortedSetSource(keyspace, shard, record);
    case ValueType.Set:
      return new SetSource(keyspace, shard, record);
    default:
      return null;
  }
}
