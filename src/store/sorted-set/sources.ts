/** What ZUNION and its kin combine: every kind of value whose members have scores, behind one face. */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import type { EntryText } from '../../structures/packed-entry.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { recordType, ValueType } from '../record.ts';
import { SetReader } from '../set/reader.ts';
import { countMembers, hasMember } from '../set/set.ts';
import { scoreIn, sortedSetLength } from './sorted-set.ts';
import { SortedSetWalk } from './walk.ts';

/** Valid as long as the value does not change. Of all sources one is walked at a time: a request may name a million. */
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

const sharedWalk = new SortedSetWalk();
const sharedReader = new SetReader();

class SortedSetSource implements ScoredSource {
  readonly length: number;
  readonly text = sharedWalk.text;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly shard: Shard,
    private readonly record: number,
  ) {
    this.length = sortedSetLength(shard, record);
  }

  get score(): number {
    return sharedWalk.score;
  }

  begin(): void {
    sharedWalk.begin(this.shard, this.record, 0, this.length, false);
  }

  next(): boolean {
    return sharedWalk.next();
  }

  find(bytes: Bytes, at: number, byteCount: number): number {
    return scoreIn(this.keyspace, this.shard, this.record, bytes, at, byteCount);
  }
}

/** A set, whose members all have the score 1. */
class SetSource implements ScoredSource {
  readonly length: number;
  readonly score = 1;
  readonly text = sharedReader.text;

  constructor(
    private readonly keyspace: Keyspace,
    private readonly shard: Shard,
    private readonly record: number,
  ) {
    this.length = countMembers(shard, record);
  }

  begin(): void {
    sharedReader.open(this.keyspace, this.shard, this.record);
  }

  next(): boolean {
    return sharedReader.next();
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
