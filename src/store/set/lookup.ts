/**
 * Looking members of one set up in another. Both tables are ordered by the same hash of the same key, so members that
 * come in the order of their hashes are looked up in places that lie side by side; what is left to wait for are the
 * texts, and those are fetched batch by batch, so that the waits overlap.
 */
import { equalBytes } from '../../base/bytes.ts';
import { Int64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import { findInteger, integerSetCount, seekInteger } from '../../structures/set/integer-set.ts';
import { memberByteCount, memberTextAt } from '../../structures/member-table.ts';
import { Element, entryBytesAt, EntryText } from '../../structures/packed-entry.ts';
import { findPackedMember, PACKED_SET_HEADER_BYTES } from '../../structures/set/packed-set.ts';
import { findSetMember } from '../../structures/set/set-table.ts';
import { findSlot, slotRef } from '../../structures/table.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, recordEncoding, rootOf, valueAt, valueBytes } from '../record.ts';
import type { SetReader } from './reader.ts';

/** From so many comparisons on a packed set gets an index of its hashes first. */
const INDEX_COMPARISONS = 4096;

const scratchText = new EntryText();
const scratchOther = new EntryText();
const scratchElement = new Element();
const scratchInteger = new Int64();

export class SetLookup {
  private shard!: Shard;
  private encoding: Encoding = Encoding.Packed;
  /** The table, or where the bytes of an inline set begin. */
  private at = 0;
  private byteCount = 0;
  /** Blocks found for the members of a batch. */
  private readonly found: number[] = [];
  /** Of a packed set that is looked into often: hash + 1 and entry of each member, open addressing. Empty: there is none. */
  private index = new Int32Array(0);
  fetched = 0;

  /** Aims at the set in `record`, of `count` members, in which `lookupCount` others will be looked up. */
  open(keyspace: Keyspace, shard: Shard, record: number, count: number, lookupCount: number): void {
    this.shard = shard;
    this.encoding = recordEncoding(shard, record);
    this.at = this.encoding === Encoding.SetTable ? rootOf(shard, record) : valueAt(shard, record);
    this.byteCount = valueBytes(shard, record);
    if (this.index.length > 0) this.index = new Int32Array(0);
    const isSlow = this.encoding === Encoding.Packed && count * lookupCount > INDEX_COMPARISONS;
    if (isSlow) this.makeIndex(keyspace, count);
  }

  /** Whether the hashes of what is looked up must be known. */
  get needsHash(): boolean {
    return this.encoding === Encoding.SetTable || this.index.length > 0;
  }

  private makeIndex(keyspace: Keyspace, count: number): void {
    const index = new Int32Array(4 << (32 - Math.clz32(count)));
    const mask = index.length - 2;
    const { bytes } = this.shard;
    const end = this.at + this.byteCount;
    let place = this.at + PACKED_SET_HEADER_BYTES;
    for (; place < end; place += entryBytesAt(bytes, place)) {
      scratchText.point(bytes, place);
      const hash = keyspace.memberHash(scratchText.bytes, scratchText.at, scratchText.byteCount);
      let slot = (hash << 1) & mask;
      while (index[slot + 1] !== 0) slot = (slot + 2) & mask;
      index[slot] = hash;
      index[slot + 1] = place;
    }
    this.index = index;
  }

  /** Leaves of the batch that `reader` has read those members that are in this set (`wanted`), or that are not. */
  filter(reader: SetReader, wanted: boolean): void {
    if (this.encoding === Encoding.SetTable) return this.filterByTable(reader, wanted);
    if (this.encoding === Encoding.IntegerSet && reader.isIntegers)
      return this.filterIntegers(reader, wanted);
    const { entries } = reader;
    let kept = 0;
    for (let i = 0; i < entries.length; i += 2) {
      const hash = entries[i]!;
      const place = entries[i + 1]!;
      const isThere =
        this.index.length > 0 ? this.hasIndexed(hash, reader, place) : this.hasInline(reader, place);
      if (isThere !== wanted) continue;
      entries[kept] = hash;
      entries[kept + 1] = place;
      kept += 2;
    }
    entries.length = kept;
  }

  /** Both ascend: each integer is looked for behind where the one before it would have been. */
  private filterIntegers(reader: SetReader, wanted: boolean): void {
    const { at, byteCount } = this;
    const { bytes } = this.shard;
    const { entries } = reader;
    const count = integerSetCount(bytes, at, byteCount);
    let index = 0;
    let kept = 0;
    for (let i = 1; i < entries.length; i += 2) {
      reader.readInteger(entries[i]!, scratchInteger);
      index = seekInteger(bytes, at, count, index, scratchInteger);
      const isThere = index >= 0;
      if (!isThere) index = -1 - index;
      if (isThere !== wanted) continue;
      entries[kept] = entries[i - 1]!;
      entries[kept + 1] = entries[i]!;
      kept += 2;
    }
    entries.length = kept;
  }

  private hasInline(reader: SetReader, place: number): boolean {
    const element = scratchElement;
    reader.load(place, element);
    const { bytes } = this.shard;
    if (this.encoding === Encoding.Packed) {
      return findPackedMember(bytes, this.at, this.byteCount, element) !== 0;
    }
    return element.isInteger && findInteger(bytes, this.at, this.byteCount, element.integer) >= 0;
  }

  private hasIndexed(hash: number, reader: SetReader, place: number): boolean {
    const { index } = this;
    const mask = index.length - 2;
    for (let slot = (hash << 1) & mask; index[slot + 1] !== 0; slot = (slot + 2) & mask) {
      if (index[slot] !== hash) continue;
      reader.point(place, scratchText);
      scratchOther.point(this.shard.bytes, index[slot + 1]!);
      if (isSameText(scratchText, scratchOther)) return true;
    }
    return false;
  }

  private filterByTable(reader: SetReader, wanted: boolean): void {
    const { shard, at, found } = this;
    const { entries } = reader;
    found.length = 0;
    for (let i = 0; i < entries.length; i += 2) {
      const slot = findSlot(shard, at, entries[i]!);
      found.push(slot === 0 ? 0 : slotRef(shard, slot));
    }
    this.fetchBlocks(shard.words);
    let kept = 0;
    for (let i = 0; i < entries.length; i += 2) {
      const hash = entries[i]!;
      const place = entries[i + 1]!;
      const block = found[i >> 1]!;
      const isThere = block !== 0 && this.hasInTable(hash, block, reader, place);
      if (isThere !== wanted) continue;
      entries[kept] = hash;
      entries[kept + 1] = place;
      kept += 2;
    }
    entries.length = kept;
  }

  /** Reads the blocks' first words in a tight loop, so that their cache misses overlap. */
  private fetchBlocks(words: Int32Array): void {
    const { found } = this;
    let sum = 0;
    for (let i = 0; i < found.length; i++) sum ^= words[found[i]! >> 2]!;
    this.fetched = sum;
  }

  /** `block` is the first one of this hash; there may be more. */
  private hasInTable(hash: number, block: number, reader: SetReader, place: number): boolean {
    const { shard } = this;
    const text = scratchText;
    reader.point(place, text);
    const { bytes, at, byteCount } = text;
    if (memberByteCount(shard, block) === byteCount) {
      if (equalBytes(shard.bytes, memberTextAt(shard, block), bytes, at, byteCount)) return true;
    }
    return findSetMember(shard, this.at, hash, bytes, at, byteCount) !== 0;
  }
}

/** Whether two texts are the same bytes. */
export function isSameText(a: EntryText, b: EntryText): boolean {
  return a.byteCount === b.byteCount && equalBytes(a.bytes, a.at, b.bytes, b.at, a.byteCount);
}
