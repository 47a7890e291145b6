/**
 * Reading one set member by member, whatever way it is kept: for replies, for combining sets, for copying one into
 * another form. Nothing is kept but numbers, so a reader is opened again and again. The locks of the shards stay held,
 * and the set must not be changed, from `open` to the last step.
 */
import type { Bytes } from '../../base/bytes.ts';
import { HASH_LIMIT } from '../../base/hash.ts';
import { Int64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import { integerSetCount, readInteger } from '../../structures/set/integer-set.ts';
import { pointAtMember } from '../../structures/member-table.ts';
import {
  type Element,
  encodeElement,
  encodeIntegerElement,
  entryBytesAt,
  EntryText,
  loadElement,
} from '../../structures/packed-entry.ts';
import { PACKED_SET_HEADER_BYTES, packedSetCount } from '../../structures/set/packed-set.ts';
import { collectEntries, tableCount } from '../../structures/table.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, recordEncoding, rootOf, valueAt, valueBytes } from '../record.ts';

/** Members that come one by one, none twice. */
export interface MemberStream {
  /** The member: stays where it is until the next step. */
  readonly text: EntryText;
  /** Its hash, or -1: not known. */
  readonly hash: number;
  /** Goes to the next member. False: there is none. */
  next(): boolean;
}

/** What a reader must know of the members' hashes. Those of tables are always known, and in order. */
export const enum Hashing {
  None = 0,
  Known = 1,
  /** Members come in the order of their hashes. */
  Ordered = 2,
}

/** Members that are read in one go. */
export const BATCH = 256;
/** Bits for the number of a member, beside its hash in a double. */
const NUMBER_SPAN = 2 ** 22;

const scratchInteger = new Int64();
const scratchText = new EntryText();

export class SetReader implements MemberStream {
  readonly text = new EntryText();
  hash = -1;
  /** Where the member stands: an index of an integer, the entry of a packed one, the block of one in a table. */
  place = 0;
  /** Hash and place of each member of the batch, in turn. */
  readonly entries: number[] = [];
  private index = 0;
  private keyspace!: Keyspace;
  private shard: Shard | null = null;
  private bytes!: Bytes;
  private encoding: Encoding = Encoding.Packed;
  private at = 0;
  private end = 0;
  private table = 0;
  private hashing: Hashing = Hashing.None;
  /** Where the next batch begins: the hash or the place of its first member; -1: there is none. */
  private cursor = 0;
  /** Keeps the reads of `fetchBlocks` from being optimised away. */
  fetched = 0;

  /** Goes to the beginning of the set in `record`. */
  open(keyspace: Keyspace, shard: Shard, record: number, hashing: Hashing = Hashing.None): void {
    const encoding = recordEncoding(shard, record);
    const at = valueAt(shard, record);
    if (encoding !== Encoding.SetTable) {
      return this.openInline(keyspace, encoding, shard.bytes, at, valueBytes(shard, record), hashing);
    }
    this.start(keyspace, encoding, shard.bytes, hashing);
    this.shard = shard;
    this.table = rootOf(shard, record);
    this.cursor = 0;
  }

  /** Goes to the beginning of the inline set of `byteCount` bytes at `at`. */
  openInline(
    keyspace: Keyspace,
    encoding: Encoding,
    bytes: Bytes,
    at: number,
    byteCount: number,
    hashing: Hashing = Hashing.None,
  ): void {
    this.start(keyspace, encoding, bytes, hashing);
    this.shard = null;
    this.at = at;
    this.end = encoding === Encoding.Packed ? at + byteCount : integerSetCount(bytes, at, byteCount);
    this.cursor = encoding === Encoding.Packed ? at + PACKED_SET_HEADER_BYTES : 0;
  }

  private start(keyspace: Keyspace, encoding: Encoding, bytes: Bytes, hashing: Hashing): void {
    this.keyspace = keyspace;
    this.encoding = encoding;
    this.bytes = bytes;
    this.hashing = hashing;
    this.entries.length = 0;
    this.index = 0;
  }

  /** Goes to the first member with this hash or a larger one in a table; any other set is read from its beginning. */
  seek(hash: number): void {
    if (this.shard !== null) this.cursor = hash < HASH_LIMIT ? hash : -1;
  }

  /** Where a table is to be read on from (`seek`), behind the batch that was read; -1: all of the set has been read. */
  get resumeHash(): number {
    return this.cursor;
  }

  get isTable(): boolean {
    return this.shard !== null;
  }

  /** Members in the batch that was read. */
  get batchCount(): number {
    return this.entries.length >> 1;
  }

  /** Number of members of the whole set. */
  get count(): number {
    if (this.shard !== null) return tableCount(this.shard, this.table);
    return this.encoding === Encoding.Packed ? packedSetCount(this.bytes, this.at) : this.end;
  }

  next(): boolean {
    if (!this.step()) return false;
    this.point(this.place, this.text);
    return true;
  }

  /** `next` that stops at the end of the batch: for whoever fills and changes it. */
  nextOfBatch(): boolean {
    return this.index < this.entries.length && this.next();
  }

  /** `next` that leaves `text` alone. */
  step(): boolean {
    if (this.index >= this.entries.length && !this.fill()) return false;
    this.hash = this.entries[this.index]!;
    this.place = this.entries[this.index + 1]!;
    this.index += 2;
    return true;
  }

  /** Points `text` at the member that stands at `place`. */
  point(place: number, text: EntryText): void {
    if (this.shard !== null) pointAtMember(this.shard, place, text);
    else if (this.encoding === Encoding.Packed) text.point(this.bytes, place);
    else {
      readInteger(this.bytes, this.at, place, scratchInteger);
      text.setInteger(scratchInteger);
    }
  }

  /** Makes `element` the member that stands at `place`. */
  load(place: number, element: Element): void {
    if (this.shard !== null) {
      this.point(place, scratchText);
      encodeElement(element, scratchText.bytes, scratchText.at, scratchText.byteCount);
    } else if (this.encoding === Encoding.Packed) loadElement(element, this.bytes, place);
    else {
      readInteger(this.bytes, this.at, place, element.integer);
      encodeIntegerElement(element);
    }
  }

  get isIntegers(): boolean {
    return this.encoding === Encoding.IntegerSet;
  }

  /** Reads the integer that stands at `place` of a set of integers. */
  readInteger(place: number, into: Int64): void {
    readInteger(this.bytes, this.at, place, into);
  }

  /** Reads the next batch, of about `countMin` members, into `entries`. False: there is none. */
  fill(countMin = BATCH): boolean {
    const { entries } = this;
    entries.length = 0;
    this.index = 0;
    if (this.cursor < 0) return false;
    if (this.shard !== null) {
      this.cursor = collectEntries(this.shard, this.table, this.cursor, countMin, entries);
      this.fetchBlocks(this.shard.words);
    } else if (this.hashing === Hashing.Ordered) this.fillOrdered();
    else this.fillInline(countMin);
    return entries.length > 0;
  }

  /** Reads the blocks' first words in a tight loop, so that their cache misses overlap. */
  private fetchBlocks(words: Int32Array): void {
    const { entries } = this;
    let sum = 0;
    for (let i = 1; i < entries.length; i += 2) sum ^= words[entries[i]! >> 2]!;
    this.fetched = sum;
  }

  private fillInline(countMax: number): void {
    const { entries, end, bytes } = this;
    const isPacked = this.encoding === Encoding.Packed;
    const wantsHash = this.hashing !== Hashing.None;
    let place = this.cursor;
    for (let count = 0; count < countMax && place < end; count++) {
      entries.push(wantsHash ? this.hashAt(place) : -1, place);
      place += isPacked ? entryBytesAt(bytes, place) : 1;
    }
    this.cursor = place < end ? place : -1;
  }

  private hashAt(place: number): number {
    this.point(place, scratchText);
    return this.keyspace.memberHash(scratchText.bytes, scratchText.at, scratchText.byteCount);
  }

  /** Sorts all members by hash, as doubles of hash and number: there are not many, and such a sort needs no comparer. */
  private fillOrdered(): void {
    this.fillInline(Infinity);
    const { entries } = this;
    const count = entries.length >> 1;
    const keys = new Float64Array(count);
    for (let number = 0; number < count; number++) keys[number] = entries[number * 2]! * NUMBER_SPAN + number;
    keys.sort();
    const places = entries.filter((_, index) => (index & 1) === 1);
    for (let i = 0; i < count; i++) {
      const hash = Math.floor(keys[i]! / NUMBER_SPAN);
      entries[i * 2] = hash;
      entries[i * 2 + 1] = places[keys[i]! - hash * NUMBER_SPAN]!;
    }
  }
}
