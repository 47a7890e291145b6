/**
 * The keyspace as one thread sees it: every shard mapped, keys found by hash, records created, changed and removed.
 * Knows keys, databases, expiry and types; knows no protocol and no command. Every method that takes a Key or a shard
 * must be called with that shard's lock held, and leaves nothing half done: what needs memory takes it first and
 * answers OutOfMemory with nothing changed.
 */
import { assert } from '../base/assert.ts';
import { type Bytes, copyBytes, equalBytes } from '../base/bytes.ts';
import { hashBytes, type HashKey } from '../base/hash.ts';
import { Control, type ControlBlock, Counter } from '../memory/control.ts';
import { allocate, blockBytes, free } from '../memory/allocator.ts';
import { Head, Header, type Shard } from '../memory/shard.ts';
import {
  createTable,
  findInDirectory,
  findSlot,
  glanceRef,
  glanceSlot,
  insertEntry,
  nextSlot,
  removeSlot,
  setSlotRef,
  slotRef,
  tableDepth,
  tableDirectory,
} from '../structures/table.ts';
import type { AccessKeeper } from './eviction/access.ts';
import { buryRecord } from './graveyard.ts';
import type { Key } from './key.ts';
import { verifyShard } from './keyspace-check.ts';
import {
  Encoding,
  expiryAtMs,
  isRooted,
  itemCas,
  keyAt,
  keyBytes,
  isPlainStringOf,
  keyOfDatabaseAt,
  prefixBytes,
  Record,
  recordAccess,
  recordBytes,
  recordDatabase,
  recordEncoding,
  recordFlags,
  RecordFlag,
  recordType,
  setRecordFlags,
  setRecordEpoch,
  setRecordKind,
  stampRecord,
  touchAccess,
  valueAt,
  ValueType,
  writeExpiryAtMs,
  writeItemCas,
  writeItemClientFlags,
  writeRecordHeader,
} from './record.ts';
import { countExpiry, reshapeRecord } from './record-room.ts';
import { PackedLimits } from './packed-limits.ts';
import { isOutstanding, type Preserver } from './snapshot-walk.ts';
import { Status } from './status.ts';

/** For `putString`: leave the expiry of the key as it is. */
export const KEEP_EXPIRY = -1;
/** Hashes that one `fetchAhead` takes. */
export const FETCH_AHEAD_MAX = 32;
/** The second line of a record that `fetchAhead` reads, in words: small values end in it. */
const FETCH_AHEAD_WORDS = 12;

export class Keyspace {
  readonly shards: readonly Shard[];
  readonly control: ControlBlock;
  readonly counters: Float64Array;
  private readonly hashKey: HashKey;
  private readonly shardMask: number;
  /** Unix time in milliseconds that commands see; the owner refreshes it once per read. */
  nowMs = 0;
  /** The access bits of a new record: seconds, unless a keeper says otherwise. */
  accessClock = 0;
  /** Keeps the access bits; null: they are the seconds of the last use. */
  accessKeeper: AccessKeeper | null = null;
  /** False while lookups must not count as an access (CLIENT NO-TOUCH). */
  touchOnRead = true;
  /** Called for a change in a shard whose keys somebody has an interest in. */
  onTouched: (key: Key) => void = () => {};
  /** Called before a key is removed because its time has come, when somebody wants to know. */
  onExpired: ((key: Key) => void) | null = null;
  /** Called before a key is removed by nobody's command, when what changes is recorded. */
  onLapsed: ((key: Key) => void) | null = null;
  /** The same for a field of the hash found under a key. */
  onLapsedField: ((key: Key, field: Bytes, at: number, byteCount: number) => void) | null = null;
  /** Called before a key is removed because memory is short, when somebody wants to know. */
  onEvicted: ((key: Key) => void) | null = null;
  /** Called when a key has come to be that was not there, when somebody wants to know... */
  onAdded: ((key: Key) => void) | null = null;
  /** ...when one is removed, by whatever command... */
  onDropped: ((key: Key) => void) | null = null;
  /** ...and when a command that reads has not found one. */
  onMissed: ((key: Key) => void) | null = null;
  /** Called before (true) and after (false) all keys (-1), or all of a physical database, go, with every lock held. */
  onFlush: (isBeginning: boolean, database: number) => void = () => {};
  /** Called when two physical databases have exchanged their places, with every lock held. */
  onSwapped: (a: number, b: number) => void = () => {};
  /** Called when the graveyard of a shard, whose lock is held, has something to free. */
  onBuried: (shard: Shard) => void = () => {};
  /** Takes what a snapshot is to have of records that are about to change. */
  preserver: Preserver | null = null;
  /** Longest string that commands may build (proto-max-bulk-len). */
  stringBytesMax = 512 << 20;
  /** Sizes up to which collections are packed. */
  readonly packedLimits = new PackedLimits();
  /** Changes this thread has made, so that the caller can tell whether a command changed anything. */
  changes = 0;
  private readonly glances = new Int32Array(FETCH_AHEAD_MAX);
  /** All the data is in the processor's cache: nothing is gained by fetching it. */
  isCached = false;
  /** Keeps the reads of `fetchAhead` from being optimised away. */
  fetched = 0;

  constructor(shards: readonly Shard[], control: ControlBlock, counters: Float64Array, hashKey: HashKey) {
    this.shards = shards;
    this.control = control;
    this.counters = counters;
    this.hashKey = hashKey;
    this.shardMask = shards.length - 1;
  }

  /** Lets commands see the time `nowMs`. */
  setTime(nowMs: number): void {
    this.nowMs = nowMs;
    this.accessClock = this.accessKeeper?.setTime(nowMs) ?? Math.floor(nowMs / 1000) & 0xffffff;
  }

  /** The physical database that stands for a logical one at this moment. */
  physicalDatabase(logical: number): number {
    return this.control.words[Control.DatabaseMap + logical]!;
  }

  /** Exchanges two logical databases. All locks held. */
  swapDatabases(a: number, b: number): void {
    const words = this.control.words;
    const physical = words[Control.DatabaseMap + a]!;
    const other = words[Control.DatabaseMap + b]!;
    words[Control.DatabaseMap + a] = other;
    words[Control.DatabaseMap + b] = physical;
    words[Control.DatabaseMapVersion]!++;
    this.changes++;
    this.onSwapped(physical, other);
  }

  /** Points `key` at the bytes of a key in a physical database: sets its hash and shard. Needs no lock. */
  locate(key: Key, bytes: Bytes, at: number, byteCount: number, database: number): void {
    this.locateHashed(key, bytes, at, byteCount, database, this.hash(bytes, at, byteCount, database));
  }

  /** The hash of a key in a physical database. */
  hash(bytes: Bytes, at: number, byteCount: number, database: number): number {
    return hashBytes(bytes.view, at, byteCount, this.hashKey, database);
  }

  /** The hash of a member, field or element, wherever it is kept. */
  memberHash(bytes: Bytes, at: number, byteCount: number): number {
    return hashBytes(bytes.view, at, byteCount, this.hashKey, 0);
  }

  /** The shard that holds keys of this hash. */
  shardOf(hash: number): Shard {
    return this.shards[this.shardIndexOf(hash)]!;
  }

  shardIndexOf(hash: number): number {
    return hash & this.shardMask;
  }

  /** `locate` when the hash is already known. */
  locateHashed(key: Key, bytes: Bytes, at: number, byteCount: number, database: number, hash: number): void {
    key.bytes = bytes;
    key.at = at;
    key.byteCount = byteCount;
    key.database = database;
    key.hash = hash;
    key.shard = this.shards[hash & this.shardMask]!;
  }

  /**
   * Reads, in tight loops, the slots and then the records that the hashes lead to, so that the caches hold them when
   * the requests are run: independent reads overlap, where each request alone waits for its own. Takes no
   * lock: what it reads may be changing under it, is bounded to the shard, and is thrown away.
   */
  fetchAhead(hashes: Int32Array, count: number): void {
    if (this.isCached) return;
    const { shards, shardMask, glances } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i]!;
      const shard = shards[hash & shardMask]!;
      const { words, heads, head } = shard;
      const slot = glanceSlot(words, heads[head + Head.Directory]!, heads[head + Head.Depth]!, hash);
      glances[i] = slot;
      sum ^= words[slot]!;
    }
    for (let i = 0; i < count; i++) {
      const hash = hashes[i]!;
      const words = shards[hash & shardMask]!.words;
      const word = glanceRef(words, glances[i]!, hash) >>> 2;
      sum ^= words[word]! ^ words[word + FETCH_AHEAD_WORDS]!;
    }
    this.fetched = sum;
  }

  /**
   * The live record of `key`, which may then be changed, or 0. A record whose time has come is removed here. A snapshot
   * under way that has not seen the record gets it now.
   */
  find(key: Key): number {
    const record = this.look(key);
    const { heads, head } = key.shard;
    if (heads[head + Head.Walk] !== 0 && record !== 0) this.preserve(key);
    return record;
  }

  /** `find` for who changes nothing. */
  look(key: Key): number {
    const shard = key.shard;
    const { heads, head } = shard;
    const directory = heads[head + Head.Directory]!;
    key.record = 0;
    key.slot = 0;
    if (directory === 0) return 0;
    let slot = findInDirectory(shard.words, directory, heads[head + Head.Depth]!, key.hash);
    while (slot !== 0) {
      const record = slotRef(shard, slot);
      if (this.isRecordOf(shard, record, key)) {
        key.slot = slot;
        key.record = record;
        return (recordFlags(shard, record) & RecordFlag.Expiry) !== 0 ? this.findExpiring(key) : record;
      }
      slot = nextSlot(shard, slot, key.hash);
    }
    return 0;
  }

  private isRecordOf(shard: Shard, record: number, key: Key): boolean {
    const byteCount = key.byteCount;
    const at = keyOfDatabaseAt(shard, record, key.database, byteCount);
    return at !== 0 && equalBytes(shard.bytes, at, key.bytes, key.at, byteCount);
  }

  private findExpiring(key: Key): number {
    if (expiryAtMs(key.shard, key.record) >= this.nowMs) return key.record;
    if (this.onExpired !== null) this.onExpired(key);
    if (this.onLapsed !== null) this.onLapsed(key);
    this.remove(key);
    this.counters[Counter.ExpiredKeys]!++;
    return 0;
  }

  /** `find` for a command that reads the value: counts a hit or miss and refreshes the access clock. */
  read(key: Key): number {
    const record = this.look(key);
    if (record === 0) {
      this.countMiss(key);
      return 0;
    }
    this.counters[Counter.KeyspaceHits]!++;
    if (this.touchOnRead) this.noteRead(key.shard, record);
    return record;
  }

  /** The record has been read by somebody whose accesses count. */
  noteRead(shard: Shard, record: number): void {
    if (this.accessKeeper === null) touchAccess(shard, record, this.accessClock);
    else this.accessKeeper.noteRead(shard, record);
  }

  /** The access bits of what takes the place of `old`. */
  private accessAfter(shard: Shard, old: number): number {
    return this.accessKeeper === null || old === 0 ? this.accessClock : recordAccess(shard, old);
  }

  /** `find` for a command that asks about the key only: counts a hit or miss but no access. */
  peek(key: Key): number {
    const record = this.look(key);
    if (record === 0) this.countMiss(key);
    else this.counters[Counter.KeyspaceHits]!++;
    return record;
  }

  private countMiss(key: Key): void {
    this.counters[Counter.KeyspaceMisses]!++;
    if (this.onMissed !== null) this.onMissed(key);
  }

  /**
   * Sets `key` to the string `from[fromAt, fromAt + byteCount)`, whatever it was. `whenMs` is its expiry: 0 for none,
   * KEEP_EXPIRY to leave it. Drops memcached's metadata.
   */
  putString(key: Key, from: Bytes, fromAt: number, byteCount: number, whenMs: number): Status {
    const shard = key.shard;
    const old = this.find(key);
    if (whenMs <= 0 && old !== 0 && isPlainStringOf(shard, old, byteCount)) {
      setRecordKind(shard, old, ValueType.String, Encoding.Plain);
      stampRecord(shard, old, this.accessAfter(shard, old), shard.heads[shard.head + Head.Epoch]!);
      copyBytes(from, fromAt, shard.bytes, old + Record.HeaderBytes + key.byteCount, byteCount);
      this.touched(key);
      return Status.Ok;
    }
    const expiry = whenMs === KEEP_EXPIRY ? (old === 0 ? 0 : expiryAtMs(shard, old)) : whenMs;
    const record = this.makeRoom(key, old, expiry === 0 ? 0 : RecordFlag.Expiry, byteCount);
    if (record === 0) return Status.OutOfMemory;
    if (expiry !== 0) writeExpiryAtMs(shard, record, expiry);
    copyBytes(from, fromAt, shard.bytes, valueAt(shard, record), byteCount);
    this.touched(key);
    return Status.Ok;
  }

  /** `putString` with memcached's client flags. The cas number is given when it is asked for (`ensureCas`). */
  putItem(
    key: Key,
    from: Bytes,
    fromAt: number,
    byteCount: number,
    whenMs: number,
    clientFlags: number,
  ): Status {
    const shard = key.shard;
    const old = this.find(key);
    const expiry = whenMs === KEEP_EXPIRY ? (old === 0 ? 0 : expiryAtMs(shard, old)) : whenMs;
    const flags = (expiry === 0 ? 0 : RecordFlag.Expiry) | (clientFlags === 0 ? 0 : RecordFlag.Item);
    const record = this.makeRoom(key, old, flags, byteCount);
    if (record === 0) return Status.OutOfMemory;
    if (expiry !== 0) writeExpiryAtMs(shard, record, expiry);
    if (clientFlags !== 0) writeItemClientFlags(shard, record, clientFlags);
    copyBytes(from, fromAt, shard.bytes, valueAt(shard, record), byteCount);
    this.touched(key);
    return Status.Ok;
  }

  /**
   * Makes `key` a string of `byteCount` undefined bytes without expiry, whatever it was. The caller writes them and then
   * calls `touched`. Returns the record, or 0, nothing changed: out of memory.
   */
  createString(key: Key, byteCount: number): number {
    return this.makeRoom(key, this.find(key), 0, byteCount);
  }

  /**
   * First half of a put of several keys, all or nothing: a record that is to become that of `key`. A new key enters the
   * table now, one that exists keeps its record until `commitStaged`. Returns the record, or 0: out of memory, and the
   * caller must drop what it has staged, last first.
   */
  stageString(key: Key, from: Bytes, fromAt: number, byteCount: number, whenMs: number): number {
    const shard = key.shard;
    const old = this.find(key);
    const expiry = whenMs === KEEP_EXPIRY ? (old === 0 ? 0 : expiryAtMs(shard, old)) : whenMs;
    const flags = expiry === 0 ? 0 : RecordFlag.Expiry;
    const record = allocate(shard, prefixBytes(flags) + key.byteCount + byteCount);
    if (record === 0) return 0;
    if (old === 0 && !this.addToTable(key, record, flags)) {
      free(shard, record);
      return 0;
    }
    this.writeHead(key, record, flags, byteCount, false, this.accessClock);
    if (expiry !== 0) writeExpiryAtMs(shard, record, expiry);
    copyBytes(from, fromAt, shard.bytes, valueAt(shard, record), byteCount);
    return record;
  }

  /** Lets a staged record take its place. Cannot fail. */
  commitStaged(key: Key, record: number): void {
    const shard = key.shard;
    const old = this.find(key);
    if (old !== record) {
      countExpiry(shard, key.database, recordFlags(shard, old), recordFlags(shard, record));
      setSlotRef(shard, key.slot, record);
      touchAccess(shard, record, this.accessAfter(shard, old));
      this.freeRecord(shard, old);
      key.record = record;
    }
    this.touched(key);
  }

  /** Takes a staged record away again. */
  dropStaged(key: Key, record: number): void {
    if (this.find(key) === record) this.unlink(key);
    free(key.shard, record);
  }

  /** A string record for `key` with header and key written and room for the value, in the table. 0: out of memory. */
  private makeRoom(key: Key, old: number, flags: number, byteCount: number): number {
    const shard = key.shard;
    const bytes = prefixBytes(flags) + key.byteCount + byteCount;
    const access = this.accessAfter(shard, old);
    if (old !== 0 && recordType(shard, old) === ValueType.String) {
      const oldFlags = recordFlags(shard, old);
      if ((oldFlags & RecordFlag.Slack) === 0 && blockBytes(bytes) === blockBytes(recordBytes(shard, old))) {
        countExpiry(shard, key.database, oldFlags, flags);
        this.writeHead(key, old, flags, byteCount, keyAt(shard, old) === old + prefixBytes(flags), access);
        return old;
      }
    }
    const record = allocate(shard, bytes);
    if (record === 0) return 0;
    if (old !== 0) {
      countExpiry(shard, key.database, recordFlags(shard, old), flags);
      setSlotRef(shard, key.slot, record);
      this.freeRecord(shard, old);
    } else if (!this.addToTable(key, record, flags)) {
      free(shard, record);
      return 0;
    }
    key.record = record;
    this.writeHead(key, record, flags, byteCount, false, access);
    return record;
  }

  private writeHead(
    key: Key,
    record: number,
    flags: number,
    byteCount: number,
    keyInPlace: boolean,
    access: number,
  ): void {
    const shard = key.shard;
    writeRecordHeader(shard, record, flags, key.database, key.byteCount, byteCount);
    stampRecord(shard, record, access, shard.heads[shard.head + Head.Epoch]!);
    if ((flags & RecordFlag.Item) !== 0) {
      writeItemCas(shard, record, 0);
      writeItemClientFlags(shard, record, 0);
    }
    if (!keyInPlace) copyBytes(key.bytes, key.at, shard.bytes, record + prefixBytes(flags), key.byteCount);
  }

  /** Enters a new record under `key`, which is not in the table. False, nothing changed: out of memory. */
  private addToTable(key: Key, record: number, flags: number): boolean {
    const shard = key.shard;
    const words = shard.words;
    let table = shard.heads[shard.head + Head.Table]!;
    if (table === 0) {
      table = createTable(shard);
      if (table === 0) return false;
      shard.heads[shard.head + Head.Table] = table;
    }
    key.slot = insertEntry(shard, table, key.hash, record);
    this.copyDirectory(shard, table);
    if (key.slot === 0) return false;
    words[Header.KeyCounts + key.database]!++;
    countExpiry(shard, key.database, 0, flags);
    if (this.onAdded !== null) this.onAdded(key);
    return true;
  }

  /** Repeats in the head, where finds look, which directory the table has now. */
  private copyDirectory(shard: Shard, table: number): void {
    shard.heads[shard.head + Head.Directory] = tableDirectory(shard, table);
    shard.heads[shard.head + Head.Depth] = tableDepth(shard, table);
  }

  /** Notes whether fields of the hash found under `key` expire, so that they are looked for. */
  setFieldExpiry(key: Key, hasAny: boolean): void {
    const shard = key.shard;
    const flags = recordFlags(shard, key.record);
    const wanted = hasAny ? flags | RecordFlag.FieldExpiry : flags & ~RecordFlag.FieldExpiry;
    countExpiry(shard, key.database, flags, wanted);
    setRecordFlags(shard, key.record, wanted);
  }

  /**
   * A record that is to become that of `key`, with header and key written and room for a value; it is in no table yet.
   * `flags` says which optional fields it has; their values and the value are the caller's to write. Returns the record,
   * or 0: out of memory. To be followed by `enterRecord`, or by `free`.
   */
  prepareRecord(key: Key, flags: number, type: ValueType, encoding: Encoding, byteCount: number): number {
    const shard = key.shard;
    const record = allocate(shard, prefixBytes(flags) + key.byteCount + byteCount);
    if (record === 0) return 0;
    this.writeHead(key, record, flags, byteCount, false, this.accessClock);
    setRecordKind(shard, record, type, encoding);
    return record;
  }

  /**
   * Lets a prepared record take the place of whatever `key` was. The caller then calls `touched`. OutOfMemory: nothing
   * was changed, and the record is freed; what it is the root of is still the caller's.
   */
  enterRecord(key: Key, record: number): Status {
    const shard = key.shard;
    const flags = recordFlags(shard, record);
    const old = this.find(key);
    if (old !== 0) {
      countExpiry(shard, key.database, recordFlags(shard, old), flags);
      setSlotRef(shard, key.slot, record);
      touchAccess(shard, record, this.accessAfter(shard, old));
      this.freeRecord(shard, old);
    } else if (!this.addToTable(key, record, flags)) {
      free(shard, record);
      return Status.OutOfMemory;
    }
    key.record = record;
    return Status.Ok;
  }

  private freeRecord(shard: Shard, record: number): void {
    if (!isRooted(recordEncoding(shard, record))) free(shard, record);
    else if (buryRecord(shard, record)) this.onBuried(shard);
  }

  /** Sets (`whenMs` > 0) or removes (0) the expiry of the record found under `key`. */
  setExpiry(key: Key, whenMs: number): Status {
    const shard = key.shard;
    const flags = recordFlags(shard, key.record);
    const wanted = whenMs === 0 ? flags & ~RecordFlag.Expiry : flags | RecordFlag.Expiry;
    // GETEX and gat have only read the value before.
    this.willChange(key);
    if (wanted !== flags && !reshapeRecord(key, wanted)) return Status.OutOfMemory;
    if (whenMs !== 0) writeExpiryAtMs(shard, key.record, whenMs);
    this.touched(key);
    return Status.Ok;
  }

  /** The cas number of the record found under `key`, given now if it has none. 0: out of memory. */
  ensureCas(key: Key): number {
    const shard = key.shard;
    const flags = recordFlags(shard, key.record);
    if ((flags & RecordFlag.Item) === 0 && !reshapeRecord(key, flags | RecordFlag.Item)) return 0;
    if (itemCas(shard, key.record) === 0) writeItemCas(shard, key.record, this.nextCas(shard));
    return itemCas(shard, key.record);
  }

  /** Sets memcached's cas number of the record found under `key` (meta commands' E flag). */
  setCas(key: Key, cas: number): Status {
    if (this.ensureCas(key) === 0) return Status.OutOfMemory;
    writeItemCas(key.shard, key.record, cas);
    return Status.Ok;
  }

  private nextCas(shard: Shard): number {
    return ++shard.headDoubles[shard.headDouble + (Head.Mutations >> 1)]!;
  }

  /** Takes the record found under `key` out of the table and its counts. */
  private unlink(key: Key): void {
    const shard = key.shard;
    const words = shard.words;
    const flags = recordFlags(shard, key.record);
    const table = shard.heads[shard.head + Head.Table]!;
    removeSlot(shard, table, key.slot);
    this.copyDirectory(shard, table);
    words[Header.KeyCounts + key.database]!--;
    if (this.onDropped !== null) this.onDropped(key);
    countExpiry(shard, key.database, flags, 0);
    key.record = 0;
    key.slot = 0;
  }

  /** Takes back a record that was entered under `key` where there was none, before anybody was told. */
  dropRecord(key: Key): void {
    const { record } = key;
    this.unlink(key);
    this.freeRecord(key.shard, record);
  }

  /** Removes the record found under `key`. */
  remove(key: Key): void {
    const shard = key.shard;
    const record = key.record;
    if (shard.heads[shard.head + Head.Walk] !== 0) this.preserve(key);
    this.unlink(key);
    // Before the block goes: `key` may point at the key bytes inside it.
    this.touched(key);
    this.freeRecord(shard, record);
  }

  /**
   * Must be called for every change of a key, after it: the one place that counts changes, renews the cas number, and
   * tells whoever has an interest in the key. One load when nobody has.
   */
  touched(key: Key): void {
    const shard = key.shard;
    this.changes++;
    shard.headDoubles[shard.headDouble + (Head.Mutations >> 1)]!++;
    if (key.record !== 0) {
      if (CHECKS) assert(!isOutstanding(shard, key.hash, key.record), 'keyspace: changed without a find');
      if (this.accessKeeper !== null) this.accessKeeper.noteWrite(key, this.touchOnRead);
      else if (this.touchOnRead) touchAccess(shard, key.record, this.accessClock);
      if ((recordFlags(shard, key.record) & RecordFlag.Item) !== 0) {
        writeItemCas(shard, key.record, this.nextCas(shard));
      }
    }
    if (shard.heads[shard.head + Head.Interests] !== 0) this.onTouched(key);
  }

  /** Keys of a physical database, expired ones not yet removed included. Approximate without the locks. */
  keyCount(database: number): number {
    let count = 0;
    for (const shard of this.shards) count += shard.words[Header.KeyCounts + database]!;
    return count;
  }

  /** Keys with an expiry of a physical database. Approximate without the locks. */
  expiryCount(database: number): number {
    let count = 0;
    for (const shard of this.shards) count += shard.words[Header.ExpiryCounts + database]!;
    return count;
  }

  /** Bytes of live blocks over all shards. Approximate without the locks. */
  usedBytes(): number {
    let bytes = 0;
    for (const shard of this.shards) bytes += shard.usedBytes;
    return bytes;
  }

  /** Whether the time of a record has come. */
  isExpired(shard: Shard, record: number): boolean {
    return (recordFlags(shard, record) & RecordFlag.Expiry) !== 0 && expiryAtMs(shard, record) < this.nowMs;
  }

  /** Makes `key` the key of an existing record, as if it had been located and found. */
  pointAt(key: Key, shard: Shard, hash: number, record: number): void {
    key.shard = shard;
    key.bytes = shard.bytes;
    key.at = keyAt(shard, record);
    key.byteCount = keyBytes(shard, record);
    key.database = recordDatabase(shard, record);
    key.hash = hash;
    key.record = record;
    key.slot = findSlot(shard, shard.heads[shard.head + Head.Table]!, hash);
    while (slotRef(shard, key.slot) !== record) {
      key.slot = nextSlot(shard, key.slot, hash);
      assert(key.slot !== 0, 'keyspace: record not in the table');
    }
    if (shard.heads[shard.head + Head.Walk] !== 0) this.preserve(key);
  }

  /** Must be called before the record found under `key` is changed if it was not `find` that found it. */
  willChange(key: Key): void {
    if (key.shard.heads[key.shard.head + Head.Walk] !== 0) this.preserve(key);
  }

  /** The record found under `key` is about to change: if a snapshot under way has not seen it, it gets it as it is. */
  private preserve(key: Key): void {
    const { shard, record } = key;
    if (!isOutstanding(shard, key.hash, record)) return;
    this.preserver?.preserve(shard, record);
    setRecordEpoch(shard, record, shard.heads[shard.head + Head.Epoch]!);
  }

  /** Walks a shard and asserts every invariant (keyspace-check.ts). Returns the number of keys. */
  verifyShard(shard: Shard): number {
    return verifyShard(this, shard);
  }
}
