/**
 * Intersection, difference and union of sets, member by member, without a copy of any of them. The sets may lie in
 * different shards, whose locks are all held; none of them may be changed meanwhile.
 *
 * Intersection: the members of the smallest set, looked up in the others. Difference: those of the first set, looked up
 * in the others. Union: those of each set, looked up in the sets before it. Where there are so many sets that lookups
 * would be far more than members, the sets are merged in the order of the hashes, which all tables share: equal members
 * are neighbours then.
 *
 * The streams returned are the same objects every time: one combination at a time is under way in a thread.
 */
import type { Shard } from '../../memory/shard.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import type { Keyspace } from '../keyspace.ts';
import { isSameText, SetLookup } from './lookup.ts';
import { Hashing, type MemberStream, SetReader } from './reader.ts';
import { countMembers } from './set.ts';

/** The sets to combine, each of them once: reading one takes some kilobytes, and a request may name it a million times. */
export class SetList {
  readonly shards: Shard[] = [];
  readonly records: number[] = [];
  readonly counts: number[] = [];
  /** Shard and record of each, in one number. */
  private readonly names = new Set<number>();

  clear(): void {
    this.shards.length = 0;
    this.records.length = 0;
    this.counts.length = 0;
    this.names.clear();
  }

  /** Appends the set in `record` unless it is there. */
  push(shard: Shard, record: number): void {
    this.names.add(shard.index * 2 ** 31 + record);
    if (this.names.size === this.records.length) return;
    this.shards.push(shard);
    this.records.push(record);
    this.counts.push(countMembers(shard, record));
  }

  /** Whether this is the first of them. */
  isFirst(shard: Shard, record: number): boolean {
    return this.records[0] === record && this.shards[0] === shard;
  }

  get length(): number {
    return this.records.length;
  }

  /** Members of all sets together. */
  get memberCount(): number {
    let sum = 0;
    for (const count of this.counts) sum += count;
    return sum;
  }

  /** Puts the smallest set first (`sign` 1), or the largest (-1). */
  putFirst(sign: number): void {
    const { counts } = this;
    let first = 0;
    for (let i = 1; i < counts.length; i++) if ((counts[i]! - counts[first]!) * sign < 0) first = i;
    swap(this.shards, first);
    swap(this.records, first);
    swap(counts, first);
  }
}

function swap<T>(list: T[], index: number): void {
  const first = list[0]!;
  list[0] = list[index]!;
  list[index] = first;
}

/** So many lookups per member are about as much work as merging. */
const LOOKUPS_PER_MEMBER = 2;

/** The members that are in all sets. There is at least one set. */
export function intersect(keyspace: Keyspace, sets: SetList): MemberStream {
  sets.putFirst(1);
  scratchFiltered.open(keyspace, sets, 0, 1, sets.length, true);
  return scratchFiltered;
}

/** The members of the first set that are in no other. */
export function subtract(keyspace: Keyspace, sets: SetList): MemberStream {
  const lookups = sets.counts[0]! * (sets.length - 1);
  if (lookups > sets.memberCount * LOOKUPS_PER_MEMBER) {
    scratchRemainder.open(keyspace, sets);
    return scratchRemainder;
  }
  scratchFiltered.open(keyspace, sets, 0, 1, sets.length, false);
  return scratchFiltered;
}

/** The members that are in any set. */
export function unite(keyspace: Keyspace, sets: SetList): MemberStream {
  sets.putFirst(-1);
  let lookups = 0;
  for (let i = 1; i < sets.length; i++) lookups += sets.counts[i]! * i;
  const stream = lookups > sets.memberCount * LOOKUPS_PER_MEMBER ? scratchUnion : scratchChain;
  stream.open(keyspace, sets);
  return stream;
}

/** The members of one set that are in all of some others (`wanted`), or in none of them. */
class FilteredStream implements MemberStream {
  private readonly base = new SetReader();
  readonly text = this.base.text;
  hash = -1;
  private readonly lookups: SetLookup[] = [];
  private lookupCount = 0;
  private wanted = true;

  /** `baseIndex` is the one set; the others are those from `from` on before `end`. */
  open(
    keyspace: Keyspace,
    sets: SetList,
    baseIndex: number,
    from: number,
    end: number,
    wanted: boolean,
  ): void {
    const { shards, records, counts } = sets;
    const { lookups, base } = this;
    this.wanted = wanted;
    this.lookupCount = end - from;
    trim(lookups);
    let needsHash = false;
    for (let i = 0; i < this.lookupCount; i++) {
      if (i === lookups.length) lookups.push(new SetLookup());
      const other = from + i;
      lookups[i]!.open(keyspace, shards[other]!, records[other]!, counts[other]!, counts[baseIndex]!);
      needsHash ||= lookups[i]!.needsHash;
    }
    base.open(keyspace, shards[baseIndex]!, records[baseIndex]!, needsHash ? Hashing.Known : Hashing.None);
  }

  next(): boolean {
    const { base } = this;
    while (!base.nextOfBatch()) {
      if (!base.fill()) return false;
      for (let i = 0; i < this.lookupCount; i++) this.lookups[i]!.filter(base, this.wanted);
    }
    this.hash = base.hash;
    return true;
  }
}

/** One set after the other, without those that an earlier one has. */
class ChainStream implements MemberStream {
  private readonly filtered = new FilteredStream();
  readonly text = this.filtered.text;
  hash = -1;
  private keyspace!: Keyspace;
  private sets!: SetList;
  private index = 0;

  open(keyspace: Keyspace, sets: SetList): void {
    this.keyspace = keyspace;
    this.sets = sets;
    this.index = 0;
    this.filtered.open(keyspace, sets, 0, 0, 0, false);
  }

  next(): boolean {
    const { filtered, keyspace, sets } = this;
    while (!filtered.next()) {
      if (this.index === sets.length - 1) return false;
      this.index++;
      filtered.open(keyspace, sets, this.index, 0, this.index, false);
    }
    this.hash = filtered.hash;
    return true;
  }
}

/** Several sets read at once in the order of the hashes: a binary heap of their readers. */
class Merge {
  /** Index of the reader with the least hash first. */
  private readonly heap: number[] = [];
  readonly readers: SetReader[] = [];

  open(keyspace: Keyspace, sets: SetList, from: number): void {
    const { heap, readers } = this;
    heap.length = 0;
    trim(readers);
    for (let i = 0; i < sets.length - from; i++) {
      if (i === readers.length) readers.push(new SetReader());
      readers[i]!.open(keyspace, sets.shards[from + i]!, sets.records[from + i]!, Hashing.Ordered);
      if (readers[i]!.step()) heap.push(i);
    }
    for (let i = (heap.length >> 1) - 1; i >= 0; i--) this.siftDown(i);
  }

  /** Index of the reader that has the next member, or -1: there is none. */
  get first(): number {
    return this.heap.length === 0 ? -1 : this.heap[0]!;
  }

  /** Hash of the next member, or -1. */
  get hash(): number {
    return this.heap.length === 0 ? -1 : this.readers[this.heap[0]!]!.hash;
  }

  /** Goes behind the next member. */
  advance(): void {
    const { heap } = this;
    if (!this.readers[heap[0]!]!.step()) {
      const last = heap.pop()!;
      if (heap.length === 0) return;
      heap[0] = last;
    }
    this.siftDown(0);
  }

  private siftDown(from: number): void {
    const { heap, readers } = this;
    const moving = heap[from]!;
    const { hash } = readers[moving]!;
    let hole = from;
    for (;;) {
      let child = hole * 2 + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && readers[heap[child + 1]!]!.hash < readers[heap[child]!]!.hash) child++;
      if (readers[heap[child]!]!.hash >= hash) break;
      heap[hole] = heap[child]!;
      hole = child;
    }
    heap[hole] = moving;
  }
}

/** Members of one hash out of several sets: reader and place of each, in turn. */
class HashGroup {
  hash = -1;
  private readonly members: number[] = [];
  private readonly readers: readonly SetReader[];
  private readonly text = new EntryText();

  constructor(readers: readonly SetReader[]) {
    this.readers = readers;
  }

  begin(hash: number): void {
    this.hash = hash;
    this.members.length = 0;
  }

  push(reader: number, place: number): void {
    this.members.push(reader, place);
  }

  has(text: EntryText): boolean {
    const { members, readers } = this;
    for (let i = 0; i < members.length; i += 2) {
      readers[members[i]!]!.point(members[i + 1]!, this.text);
      if (isSameText(text, this.text)) return true;
    }
    return false;
  }
}

/** All sets, merged. */
class UnionStream implements MemberStream {
  readonly text = new EntryText();
  hash = -1;
  private readonly merge = new Merge();
  /** Those of the current hash that have been returned. */
  private readonly group = new HashGroup(this.merge.readers);

  open(keyspace: Keyspace, sets: SetList): void {
    this.merge.open(keyspace, sets, 0);
    this.group.begin(-1);
  }

  next(): boolean {
    const { merge, group, text } = this;
    for (let first = merge.first; first >= 0; first = merge.first) {
      const reader = merge.readers[first]!;
      const { hash, place } = reader;
      reader.point(place, text);
      merge.advance();
      if (hash !== group.hash) group.begin(hash);
      else if (group.has(text)) continue;
      group.push(first, place);
      this.hash = hash;
      return true;
    }
    return false;
  }
}

/** The members of the first set that are in no other, by merging. */
class RemainderStream implements MemberStream {
  private readonly base = new SetReader();
  readonly text = this.base.text;
  hash = -1;
  private readonly merge = new Merge();
  /** Those of the current hash that the other sets have. */
  private readonly group = new HashGroup(this.merge.readers);

  open(keyspace: Keyspace, sets: SetList): void {
    this.base.open(keyspace, sets.shards[0]!, sets.records[0]!, Hashing.Ordered);
    this.merge.open(keyspace, sets, 1);
    this.group.begin(-1);
  }

  next(): boolean {
    const { base, group } = this;
    while (base.next()) {
      if (base.hash !== group.hash) this.gather(base.hash);
      if (group.has(base.text)) continue;
      this.hash = base.hash;
      return true;
    }
    return false;
  }

  private gather(hash: number): void {
    const { merge, group } = this;
    group.begin(hash);
    while (merge.first >= 0 && merge.hash < hash) merge.advance();
    while (merge.hash === hash) {
      group.push(merge.first, merge.readers[merge.first]!.place);
      merge.advance();
    }
  }
}

/** Lets go of what a combination of very many sets has left. */
function trim(pool: unknown[]): void {
  if (pool.length > POOL_MAX) pool.length = POOL_MAX;
}

const POOL_MAX = 64;
const scratchFiltered = new FilteredStream();
const scratchRemainder = new RemainderStream();
const scratchChain = new ChainStream();
const scratchUnion = new UnionStream();
