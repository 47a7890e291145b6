/**
 * Building a set apart from any key, to enter it as a whole: a new set of many members, or the result of combining sets.
 * Small ones are gathered outside the shard and take a record when they are finished; large ones fill a table, and if
 * memory runs out nobody has seen them. The encoding is what Redis' set would have after the same additions.
 */
import { type Bytes, Bytes as ByteRange, copyBytes } from '../../base/bytes.ts';
import { free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  bytesWithInteger,
  findInteger,
  insertInteger,
  integerSetCount,
  writeEmptyIntegerSet,
} from '../../structures/set/integer-set.ts';
import { freeMembersSlice } from '../../structures/member-table.ts';
import { Element, encodeElement } from '../../structures/packed-entry.ts';
import {
  appendPackedMember,
  findPackedMember,
  writeEmptyPackedSet,
} from '../../structures/set/packed-set.ts';
import { addSetMember, createSetMember, findSetMember } from '../../structures/set/set-table.ts';
import { createTable, createTableFor, insertEntry } from '../../structures/table.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, setRecordKind, valueAt, ValueType } from '../record.ts';
import { Status } from '../status.ts';
import { SetReader } from './reader.ts';
import {
  Added,
  addMembersOf,
  encodingWith,
  enterTable,
  packedIntegersBytesMax,
  packIntegers,
} from './set.ts';
import { resizeValue } from '../record-room.ts';

const STAGING_BYTES = 16384;
/** Words for the first members of a table that is gathered: hash and block of each. */
const GATHERED_WORDS = 2048;

export class SetBuilder {
  count = 0;
  encoding: Encoding = Encoding.IntegerSet;
  private keyspace!: Keyspace;
  private shard!: Shard;
  /** The set while it is small, and its bytes. */
  private staging = ByteRange.allocate(STAGING_BYTES);
  private byteCount = 0;
  /** The table of a large set; 0 while it is gathered. */
  private table = 0;
  /** Members of a large set that are known to be different: hash and block of each, to be entered at the end. */
  private gathered = new Int32Array(GATHERED_WORDS);
  private gatheredWords = 0;
  private readonly element = new Element();
  private readonly reader = new SetReader();

  /** Begins an empty set in `shard`, of an encoding that it leaves when it must. */
  begin(keyspace: Keyspace, shard: Shard, encoding: Encoding): void {
    this.keyspace = keyspace;
    this.shard = shard;
    this.encoding = encoding;
    this.count = 0;
    this.table = 0;
    this.gatheredWords = 0;
    if (encoding === Encoding.Packed) this.byteCount = writeEmptyPackedSet(this.staging, 0);
    else this.byteCount = writeEmptyIntegerSet(this.staging, 0);
  }

  /** Adds a member that may be there already. After OutOfMemory the set must be abandoned. */
  add(source: Bytes, at: number, byteCount: number): Added {
    if (this.encoding !== Encoding.SetTable) return this.addSmall(source, at, byteCount, false);
    const { shard } = this;
    if (this.table === 0 && !this.openTable()) return Added.OutOfMemory;
    const hash = this.keyspace.memberHash(source, at, byteCount);
    if (findSetMember(shard, this.table, hash, source, at, byteCount) !== 0) return Added.No;
    if (!addSetMember(shard, this.table, hash, source, at, byteCount)) return Added.OutOfMemory;
    this.count++;
    return Added.Yes;
  }

  /**
   * Adds a member that is not there; `hash` is its hash, or -1. Not to be mixed with `add`. A table is made at the end,
   * when its size is known, since members often come in the order of their hashes. After false, for want of memory, the
   * set must be abandoned.
   */
  addNew(source: Bytes, at: number, byteCount: number, hash: number): boolean {
    if (this.encoding !== Encoding.SetTable) {
      return this.addSmall(source, at, byteCount, true) !== Added.OutOfMemory;
    }
    const block = createSetMember(this.shard, source, at, byteCount);
    if (block === 0) return false;
    if (this.gatheredWords === this.gathered.length) this.growGathered();
    this.gathered[this.gatheredWords++] = hash >= 0 ? hash : this.keyspace.memberHash(source, at, byteCount);
    this.gathered[this.gatheredWords++] = block;
    this.count++;
    return true;
  }

  private growGathered(): void {
    const larger = new Int32Array(this.gathered.length * 2);
    larger.set(this.gathered);
    this.gathered = larger;
  }

  private addSmall(source: Bytes, at: number, byteCount: number, isNew: boolean): Added {
    const { element, staging } = this;
    encodeElement(element, source, at, byteCount);
    const isPacked = this.encoding === Encoding.Packed;
    let index = -1;
    if (isPacked) {
      if (!isNew && findPackedMember(staging, 0, this.byteCount, element) !== 0) return Added.No;
    } else if (element.isInteger) {
      index = findInteger(staging, 0, this.byteCount, element.integer);
      if (index >= 0) return Added.No;
    }
    const { packedLimits } = this.keyspace;
    const encoding = encodingWith(packedLimits, this.encoding, staging, 0, this.byteCount, element);
    if (encoding === Encoding.SetTable) return this.addAsTable(isNew);
    this.makeRoom();
    if (encoding !== this.encoding) this.pack();
    if (encoding === Encoding.Packed) {
      this.byteCount = appendPackedMember(this.staging, 0, this.byteCount, element);
    } else {
      const wanted = bytesWithInteger(this.staging, 0, this.byteCount, element.integer);
      insertInteger(this.staging, 0, this.byteCount, -1 - index, element.integer);
      this.byteCount = wanted;
    }
    this.count++;
    return Added.Yes;
  }

  /** Makes room in the staging for `element`, and for all integers to become wider. */
  private makeRoom(): void {
    const wanted = this.byteCount * 4 + this.element.entryBytes + 16;
    if (wanted <= this.staging.u8.length) return;
    const larger = ByteRange.allocate(wanted * 2);
    copyBytes(this.staging, 0, larger, 0, this.byteCount);
    this.staging = larger;
  }

  /** Packs the integers gathered so far. */
  private pack(): void {
    const integers = this.staging;
    const count = integerSetCount(integers, 0, this.byteCount);
    const bytesMax = packedIntegersBytesMax(count) + this.element.entryBytes;
    this.staging = ByteRange.allocate(Math.max(bytesMax, STAGING_BYTES));
    this.byteCount = packIntegers(integers, 0, count, this.staging, 0);
    this.encoding = Encoding.Packed;
  }

  /** Turns the small set into a large one, and adds `element`. */
  private addAsTable(isNew: boolean): Added {
    const { keyspace, reader, element } = this;
    const { source, at, byteCount } = element;
    reader.openInline(keyspace, this.encoding, this.staging, 0, this.byteCount);
    this.encoding = Encoding.SetTable;
    if (!isNew) {
      if (!this.openTable() || !addMembersOf(keyspace, this.shard, this.table, reader)) {
        return Added.OutOfMemory;
      }
      return this.add(source, at, byteCount);
    }
    this.count = 0;
    const { text } = reader;
    while (reader.next()) {
      if (!this.addNew(text.bytes, text.at, text.byteCount, -1)) return Added.OutOfMemory;
    }
    return this.addNew(source, at, byteCount, -1) ? Added.Yes : Added.OutOfMemory;
  }

  private openTable(): boolean {
    this.table = createTable(this.shard);
    return this.table !== 0;
  }

  /**
   * Lets the set, which must have members, take the place of whatever `key`, in the shard of `begin`, was; without an
   * expiry. The caller then calls `touched`. OutOfMemory: nothing was changed, and the set must be abandoned.
   */
  finish(key: Key, flags = 0): Status {
    if (this.encoding === Encoding.SetTable) {
      if (!this.enterGathered()) return Status.OutOfMemory;
      return enterTable(this.keyspace, key, this.table, flags);
    }
    const { keyspace, shard, encoding, byteCount } = this;
    const record = keyspace.prepareRecord(key, flags, ValueType.Set, encoding, byteCount);
    if (record === 0) return Status.OutOfMemory;
    copyBytes(this.staging, 0, shard.bytes, valueAt(shard, record), byteCount);
    const status = keyspace.enterRecord(key, record);
    if (status === Status.Ok) this.forgetLarge();
    return status;
  }

  /**
   * Lets the set, if it is small, take the place of the table found under `key`, whose blocks are then the caller's to
   * free; all else about the key stays. False: it is not small or there is no memory, and it must be abandoned.
   */
  replaceTable(key: Key): boolean {
    const { shard, encoding, byteCount } = this;
    if (encoding === Encoding.SetTable) return false;
    const record = resizeValue(key, byteCount, false);
    if (record === 0) return false;
    copyBytes(this.staging, 0, shard.bytes, valueAt(shard, record), byteCount);
    setRecordKind(shard, record, ValueType.Set, encoding);
    return true;
  }

  /** Enters what was gathered into a table; what could not be stays gathered. False: out of memory. */
  private enterGathered(): boolean {
    if (this.table !== 0) return true;
    const { shard, gathered } = this;
    this.table = createTableFor(shard, this.count);
    if (this.table === 0) return false;
    const words = this.gatheredWords;
    for (let i = 0; i < words; i += 2) {
      if (insertEntry(shard, this.table, gathered[i]!, gathered[i + 1]!) !== 0) continue;
      gathered.copyWithin(0, i, words);
      this.gatheredWords = words - i;
      return false;
    }
    this.gatheredWords = 0;
    this.forgetLarge();
    return true;
  }

  /** Frees what a set that is not to be entered has taken. */
  abandon(): void {
    const { shard, gathered } = this;
    if (this.table !== 0) freeMembersSlice(shard, this.table, 0, Infinity);
    for (let i = 1; i < this.gatheredWords; i += 2) free(shard, gathered[i]!);
    this.forgetLarge();
  }

  /** Gives back buffers that had to grow. */
  private forgetLarge(): void {
    if (this.gathered.length > GATHERED_WORDS) this.gathered = new Int32Array(GATHERED_WORDS);
    if (this.staging.u8.length > STAGING_BYTES) this.staging = ByteRange.allocate(STAGING_BYTES);
  }
}
