/**
 * The interest table: who waits for which keys to hold something, in the order in which they came. It lies in a shard
 * of its own behind those that hold data, with its own lock, allocator and table, because emptying a data shard resets
 * its allocator and a client goes on waiting.
 *
 *  awaited key, in the table under the hash of its text alone         entry, one per wait and key
 *   word 0       1      2      3        4      5       6      7       word 0     1      2      3          4
 *        +-------+------+------+--------+------+-------+------+-----        +-----+------+------+----------+---------+
 *        | first | last | hash | data-  | text | count | moves| text        | key | wait | next | previous | sibling |
 *        |       |      |      | base   | bytes|       |      |             |     |      |      |          |         |
 *        +-------+------+------+--------+------+-------+------+-----        +-----+------+------+----------+---------+
 *   first, last, next, previous: the queue of the key.  sibling: the next entry of the same wait.
 *   hash: of the key in its physical database, so that it tells the data shard.  moves: entries whose wait is a move.
 *
 *  wait, one per waiting client
 *   word 0       1        2       3      4          5      6           8             9            10
 *        +-------+--------+-------+------+----------+------+-----------+-------------+------------+-----
 *        | state | worker | first | next | previous | kind | count:    | destination | elements   | text
 *        |       |        | entry |      |          |      | double    | bytes, -1   | needed     |
 *        +-------+--------+-------+------+----------+------+-----------+-------------+------------+-----
 *   next, previous: all waits there are, from Header.FirstWait on.
 *   destination bytes, text: where to move to; for streams, which are not moved, what the commands must know.
 *   kind: type of the value in bits 0-7, operation (a number of the commands' own) in 8-15, RESP version in 16-23.
 *
 *  Header.WaitCounts: how many entries there are by the hash of their key, modulo WAIT_COUNTS. Head.Interests of a data
 *  shard: how many there are for its keys. Both say only that looking further is worth while.
 *
 *  Locks. Everything here changes under the lock of this shard, which is taken after those of data shards. An entry is
 *  added only while the data shard of its key is locked too; it goes under the lock of this shard alone, for whoever
 *  stops waiting cannot take others. So under the lock of a data shard a count may be read without ours: it may be too
 *  high already, for a wait that is ending, which costs a look in vain; but it is never too low, because whoever raised it
 *  held the same data shard's lock before us, and releasing and taking that lock orders the one before the other.
 *
 *  A wait is the property of the worker that registered it, which alone frees it. It ends once: either it is claimed by
 *  the one who serves it, or cancelled by its owner. Both happen under our lock, which is what decides between them: the
 *  offset of a wait names it to all threads, and cannot come to mean another before its owner has freed it.
 *
 *  Costs: 24 bytes an entry, 28 and its text a key, about 10 in the table, 40 a wait. The shard bounds all of it: when it
 *  is full nobody can begin to wait.
 */
import { assert } from '../base/assert.ts';
import { Bytes, copyBytes, equalBytes } from '../base/bytes.ts';
import { allocate, free, usableBytes, verifyAllocator } from '../memory/allocator.ts';
import { lockShard, unlockShard } from '../memory/lock.ts';
import { Head, Header, Interest, type Shard } from '../memory/shard.ts';
import {
  createTable,
  findSlot,
  insertEntry,
  nextSlot,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../structures/table.ts';
import { allRefs, slotOfRef } from '../structures/table-refs.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { ValueType } from './record.ts';

/** Word offsets in an awaited key. */
const enum Awaited {
  First = 0,
  Last = 1,
  Hash = 2,
  Database = 3,
  TextBytes = 4,
  Count = 5,
  Moves = 6,
  Bytes = 28,
}

/** Word offsets in an entry. */
const enum Entry {
  Key = 0,
  Wait = 1,
  Next = 2,
  Previous = 3,
  Sibling = 4,
  Bytes = 20,
}

/** Word offsets in a wait. */
const enum WaitWord {
  State = 0,
  Worker = 1,
  FirstEntry = 2,
  Next = 3,
  Previous = 4,
  Kind = 5,
  Count = 6,
  DestinationBytes = 8,
  Needed = 9,
  Bytes = 40,
}

assert(WaitWord.Count % 2 === 0 && WaitWord.Bytes === (WaitWord.Needed + 1) * 4, 'layout of a wait');
assert(Awaited.Bytes === (Awaited.Moves + 1) * 4, 'layout of an awaited key');
assert(Entry.Bytes === (Entry.Sibling + 1) * 4, 'layout of an entry');

const enum State {
  Waiting = 1,
  Served = 2,
}

/** A power of two; all hashes of one residue are of one data shard as long as there are no more shards than these. */
const WAIT_COUNTS = 8192;
/** Memory of the shard of interests: some hundred thousand waits. */
export const INTEREST_BYTES = 256 << 20;
/** One client's waits take at most this part of the memory: 4 MiB, or some 50,000 short keys. */
const CLIENT_SHARE = 64;
/** An awaited key with its entry and its slot, without its text. */
const KEY_BYTES = Awaited.Bytes + Entry.Bytes + 16;
const DESTINATION_BYTES = 256;

/** What a client waits for: filled by whoever lets it wait, and again by `claim` for whoever serves it. */
export class Wait {
  /** Where it is registered. */
  at = 0;
  worker = 0;
  /** What the value must be. */
  type: ValueType = 0;
  /** What is to be done with it: a number of the commands' own. */
  operation = 0;
  version: 2 | 3 = 2;
  count = 0;
  /** So many elements the value must have. */
  needed = 1;
  /** Key of the value to move to, in the same database: `destination[0, destinationBytes)`; -1 when nothing is moved. */
  destination = Bytes.allocate(DESTINATION_BYTES);
  destinationBytes = -1;

  /** Whether something is moved; the text of a wait for a stream is what the commands must know. */
  get isMove(): boolean {
    return this.destinationBytes >= 0 && this.type !== ValueType.Stream;
  }

  setDestination(from: Bytes, at: number, byteCount: number): void {
    if (byteCount > this.destination.u8.length) this.destination = Bytes.allocate(byteCount);
    copyBytes(from, at, this.destination, 0, byteCount);
    this.destinationBytes = byteCount;
  }
}

/** Keys among the arguments of a request, side by side. */
export interface KeyArguments {
  readonly source: Bytes;
  readonly args: Int32Array;
  /** Position of the first. */
  readonly first: number;
  readonly count: number;
  /** Physical database. */
  readonly database: number;
}

export class Interests {
  readonly shard: Shard;
  private readonly keyspace: Keyspace;

  constructor(shard: Shard, keyspace: Keyspace) {
    this.shard = shard;
    this.keyspace = keyspace;
  }

  /** Keys for which somebody waits. Takes no lock: it may be a little old. */
  get awaitedKeyCount(): number {
    const { heads, head } = this.shard;
    const table = heads[head + Head.Table]!;
    return table === 0 ? 0 : tableCount(this.shard, table);
  }

  /** Whether one client may wait for all of `keys`: it may use only a part of the memory for all clients' waits. */
  fits(keys: KeyArguments): boolean {
    let bytes = 0;
    for (let i = 0; i < keys.count; i++) bytes += KEY_BYTES + keys.args[(keys.first + i) * 2 + 1]!;
    return bytes <= Math.floor(this.shard.memory.byteLength / CLIENT_SHARE);
  }

  /** Whether somebody may be waiting for a key of this hash, whose shard is locked. */
  isAwaited(hash: number): boolean {
    return this.shard.words[Header.WaitCounts + (hash & (WAIT_COUNTS - 1))] !== 0;
  }

  /** Whether somebody waits to move what comes to be at `key`, whose shard is locked, to another key. */
  awaitsMove(key: Key): boolean {
    if (!this.isAwaited(key.hash)) return false;
    lockShard(this.shard);
    const awaited = this.findAwaited(key.bytes, key.at, key.byteCount, key.database);
    const moves = awaited !== 0 && this.shard.words[(awaited >> 2) + Awaited.Moves] !== 0;
    unlockShard(this.shard);
    return moves;
  }

  /**
   * Lets a client of this worker wait for any of `keys`, whose shards are locked, behind those who wait already. Sets
   * `wait.at` and returns it, or 0, nothing changed: out of memory. The caller must `cancel` or `release` it.
   */
  register(wait: Wait, keys: KeyArguments): number {
    lockShard(this.shard);
    wait.at = this.createWait(wait);
    for (let i = 0; i < keys.count && wait.at !== 0; i++) {
      if (this.addEntry(wait, keys, keys.first + i)) continue;
      this.removeEntries(wait.at);
      this.freeWait(wait.at);
      wait.at = 0;
    }
    unlockShard(this.shard);
    return wait.at;
  }

  /**
   * Ends the longest wait for `key`, whose shard is locked, that a value of `type` with so many elements satisfies, and
   * tells in `into` what is to be done for whom. False: there is none.
   */
  claim(key: Key, type: ValueType, elementCount: number, into: Wait): boolean {
    if (!this.isAwaited(key.hash)) return false;
    lockShard(this.shard);
    const awaited = this.findAwaited(key.bytes, key.at, key.byteCount, key.database);
    const wait = awaited === 0 ? 0 : this.firstSatisfied(awaited, type, elementCount);
    if (wait !== 0) {
      this.readWait(wait, into);
      this.removeEntries(wait);
      this.shard.words[(wait >> 2) + WaitWord.State] = State.Served;
    }
    unlockShard(this.shard);
    return wait !== 0;
  }

  /**
   * `claim` for waits of which the count of elements says nothing: ends the longest one for a value of `type` of which
   * `isOver` is true, which may read what the locks of the data protect and no more.
   */
  claimWhere(key: Key, type: ValueType, isOver: (key: Key, wait: Wait) => boolean, into: Wait): boolean {
    if (!this.isAwaited(key.hash)) return false;
    const { words } = this.shard;
    lockShard(this.shard);
    const awaited = this.findAwaited(key.bytes, key.at, key.byteCount, key.database);
    let entry = awaited === 0 ? 0 : words[(awaited >> 2) + Awaited.First]!;
    for (; entry !== 0; entry = words[(entry >> 2) + Entry.Next]!) {
      const wait = words[(entry >> 2) + Entry.Wait]!;
      if ((words[(wait >> 2) + WaitWord.Kind]! & 0xff) !== type) continue;
      this.readWait(wait, into);
      if (!isOver(key, into)) continue;
      this.removeEntries(wait);
      words[(wait >> 2) + WaitWord.State] = State.Served;
      break;
    }
    unlockShard(this.shard);
    return entry !== 0;
  }

  /** Ends a wait of this worker. False: it has been claimed, and its owner is about to be told. */
  cancel(at: number): boolean {
    lockShard(this.shard);
    const isWaiting = this.shard.words[(at >> 2) + WaitWord.State] === State.Waiting;
    if (isWaiting) {
      this.removeEntries(at);
      this.freeWait(at);
    }
    unlockShard(this.shard);
    return isWaiting;
  }

  /** Frees a wait of this worker that was claimed. */
  release(at: number): void {
    lockShard(this.shard);
    assert(this.shard.words[(at >> 2) + WaitWord.State] === State.Served, 'interests: not a served wait');
    this.freeWait(at);
    unlockShard(this.shard);
  }

  /**
   * Lets those who wait for keys of one physical database wait for those of the other, for waiting is about the logical
   * one. Every data shard is locked. Returns the keys, located, for which somebody waits now.
   */
  exchangeDatabases(a: number, b: number, makeKey: () => Key): Key[] {
    const keys: Key[] = [];
    if (a === b) return keys;
    lockShard(this.shard);
    for (const awaited of this.allAwaited()) {
      const database = this.shard.words[(awaited >> 2) + Awaited.Database]!;
      if (database !== a && database !== b) continue;
      this.placeInDatabase(awaited, database === a ? b : a);
      keys.push(this.copyKey(awaited, makeKey()));
    }
    unlockShard(this.shard);
    return keys;
  }

  /** The keys of a physical database, or with -1 of all, located, for which somebody waits. Every data shard is locked. */
  keysOf(database: number, makeKey: () => Key): Key[] {
    lockShard(this.shard);
    const found = this.allAwaited().filter(
      (awaited) => database < 0 || this.shard.words[(awaited >> 2) + Awaited.Database] === database,
    );
    const keys = found.map((awaited) => this.copyKey(awaited, makeKey()));
    unlockShard(this.shard);
    return keys;
  }

  /** The awaited key of this text, or 0. */
  private findAwaited(bytes: Bytes, at: number, byteCount: number, database: number): number {
    const { shard } = this;
    const table = shard.heads[shard.head + Head.Table]!;
    if (table === 0) return 0;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    let slot = findSlot(shard, table, hash);
    for (; slot !== 0; slot = nextSlot(shard, slot, hash)) {
      const awaited = slotRef(shard, slot);
      const word = awaited >> 2;
      if (shard.words[word + Awaited.Database] !== database) continue;
      if (shard.words[word + Awaited.TextBytes] !== byteCount) continue;
      if (equalBytes(shard.bytes, awaited + Awaited.Bytes, bytes, at, byteCount)) return awaited;
    }
    return 0;
  }

  private createAwaited(keys: KeyArguments, position: number): number {
    const { shard } = this;
    const at = keys.args[position * 2]!;
    const byteCount = keys.args[position * 2 + 1]!;
    if (shard.heads[shard.head + Head.Table] === 0) shard.heads[shard.head + Head.Table] = createTable(shard);
    const table = shard.heads[shard.head + Head.Table]!;
    const awaited = table === 0 ? 0 : allocate(shard, Awaited.Bytes + byteCount);
    if (awaited === 0) return 0;
    const hash = this.keyspace.memberHash(keys.source, at, byteCount);
    if (insertEntry(shard, table, hash, awaited) === 0) {
      free(shard, awaited);
      return 0;
    }
    const word = awaited >> 2;
    shard.words.fill(0, word, word + (Awaited.Bytes >> 2));
    shard.words[word + Awaited.Hash] = this.keyspace.hash(keys.source, at, byteCount, keys.database);
    shard.words[word + Awaited.Database] = keys.database;
    shard.words[word + Awaited.TextBytes] = byteCount;
    copyBytes(keys.source, at, shard.bytes, awaited + Awaited.Bytes, byteCount);
    return awaited;
  }

  private removeAwaited(awaited: number): void {
    const { shard } = this;
    const table = shard.heads[shard.head + Head.Table]!;
    const byteCount = shard.words[(awaited >> 2) + Awaited.TextBytes]!;
    const hash = this.keyspace.memberHash(shard.bytes, awaited + Awaited.Bytes, byteCount);
    removeSlot(shard, table, slotOfRef(shard, table, hash, awaited));
    free(shard, awaited);
  }

  /** Puts `wait` at the end of the queue of the key at a position, unless it is there already. False: out of memory. */
  private addEntry(wait: Wait, keys: KeyArguments, position: number): boolean {
    const { shard } = this;
    const { words } = shard;
    const at = keys.args[position * 2]!;
    const byteCount = keys.args[position * 2 + 1]!;
    const found = this.findAwaited(keys.source, at, byteCount, keys.database);
    const last = found === 0 ? 0 : words[(found >> 2) + Awaited.Last]!;
    // Nobody else can have come behind it meanwhile: one request may name a key several times.
    if (last !== 0 && words[(last >> 2) + Entry.Wait] === wait.at) return true;
    const awaited = found === 0 ? this.createAwaited(keys, position) : found;
    const entry = awaited === 0 ? 0 : allocate(shard, Entry.Bytes);
    if (entry === 0) {
      if (awaited !== 0 && found === 0) this.removeAwaited(awaited);
      return false;
    }
    const word = entry >> 2;
    words[word + Entry.Key] = awaited;
    words[word + Entry.Wait] = wait.at;
    words[word + Entry.Next] = 0;
    words[word + Entry.Previous] = last;
    words[word + Entry.Sibling] = words[(wait.at >> 2) + WaitWord.FirstEntry]!;
    words[(wait.at >> 2) + WaitWord.FirstEntry] = entry;
    if (last === 0) words[(awaited >> 2) + Awaited.First] = entry;
    else words[(last >> 2) + Entry.Next] = entry;
    words[(awaited >> 2) + Awaited.Last] = entry;
    words[(awaited >> 2) + Awaited.Count]!++;
    if (wait.isMove) words[(awaited >> 2) + Awaited.Moves]!++;
    this.count(words[(awaited >> 2) + Awaited.Hash]!, 1);
    return true;
  }

  /** Takes the wait at `at` out of the queues of all its keys. */
  private removeEntries(at: number): void {
    const { shard } = this;
    const { words } = shard;
    const isMove = this.isMoveAt(at);
    let entry = words[(at >> 2) + WaitWord.FirstEntry]!;
    words[(at >> 2) + WaitWord.FirstEntry] = 0;
    while (entry !== 0) {
      const word = entry >> 2;
      const sibling = words[word + Entry.Sibling]!;
      const awaited = words[word + Entry.Key]!;
      const next = words[word + Entry.Next]!;
      const previous = words[word + Entry.Previous]!;
      if (next === 0) words[(awaited >> 2) + Awaited.Last] = previous;
      else words[(next >> 2) + Entry.Previous] = previous;
      if (previous === 0) words[(awaited >> 2) + Awaited.First] = next;
      else words[(previous >> 2) + Entry.Next] = next;
      if (isMove) words[(awaited >> 2) + Awaited.Moves]!--;
      this.count(words[(awaited >> 2) + Awaited.Hash]!, -1);
      free(shard, entry);
      if (--words[(awaited >> 2) + Awaited.Count]! === 0) this.removeAwaited(awaited);
      entry = sibling;
    }
  }

  /** Counts entries for keys of this hash in or out. */
  private count(hash: number, change: number): void {
    const { words } = this.shard;
    const { heads, head } = this.keyspace.shardOf(hash);
    Atomics.add(words, Header.WaitCounts + (hash & (WAIT_COUNTS - 1)), change);
    Atomics.add(heads, head + Head.Interests, change);
  }

  private createWait(wait: Wait): number {
    const { shard } = this;
    const { words } = shard;
    const at = allocate(shard, WaitWord.Bytes + Math.max(wait.destinationBytes, 0));
    if (at === 0) return 0;
    const word = at >> 2;
    const next = words[Header.FirstWait]!;
    words[word + WaitWord.State] = State.Waiting;
    words[word + WaitWord.Worker] = wait.worker;
    words[word + WaitWord.FirstEntry] = 0;
    words[word + WaitWord.Next] = next;
    words[word + WaitWord.Previous] = 0;
    words[word + WaitWord.Kind] = wait.type | (wait.operation << 8) | (wait.version << 16);
    shard.doubles[(word + WaitWord.Count) >> 1] = wait.count;
    words[word + WaitWord.DestinationBytes] = wait.destinationBytes;
    words[word + WaitWord.Needed] = wait.needed;
    if (wait.destinationBytes > 0) {
      copyBytes(wait.destination, 0, shard.bytes, at + WaitWord.Bytes, wait.destinationBytes);
    }
    if (next !== 0) words[(next >> 2) + WaitWord.Previous] = at;
    words[Header.FirstWait] = at;
    return at;
  }

  private readWait(at: number, into: Wait): void {
    const { words, doubles, bytes } = this.shard;
    const word = at >> 2;
    const kind = words[word + WaitWord.Kind]!;
    into.at = at;
    into.worker = words[word + WaitWord.Worker]!;
    into.type = kind & 0xff;
    into.operation = (kind >> 8) & 0xff;
    into.version = kind >> 16 === 3 ? 3 : 2;
    into.count = doubles[(word + WaitWord.Count) >> 1]!;
    into.needed = words[word + WaitWord.Needed]!;
    const destinationBytes = words[word + WaitWord.DestinationBytes]!;
    if (destinationBytes >= 0) into.setDestination(bytes, at + WaitWord.Bytes, destinationBytes);
    else into.destinationBytes = -1;
  }

  private isMoveAt(at: number): boolean {
    const word = (at >> 2) + WaitWord.Kind;
    const isStream = (this.shard.words[word]! & 0xff) === ValueType.Stream;
    return this.shard.words[(at >> 2) + WaitWord.DestinationBytes]! >= 0 && !isStream;
  }

  private freeWait(at: number): void {
    const { words } = this.shard;
    const next = words[(at >> 2) + WaitWord.Next]!;
    const previous = words[(at >> 2) + WaitWord.Previous]!;
    if (next !== 0) words[(next >> 2) + WaitWord.Previous] = previous;
    if (previous === 0) words[Header.FirstWait] = next;
    else words[(previous >> 2) + WaitWord.Next] = next;
    free(this.shard, at);
  }

  /** The first wait in the queue of a key that such a value satisfies, or 0. */
  private firstSatisfied(awaited: number, type: ValueType, elementCount: number): number {
    const { words } = this.shard;
    let entry = words[(awaited >> 2) + Awaited.First]!;
    for (; entry !== 0; entry = words[(entry >> 2) + Entry.Next]!) {
      const wait = words[(entry >> 2) + Entry.Wait]!;
      const isOfType = (words[(wait >> 2) + WaitWord.Kind]! & 0xff) === type;
      if (isOfType && words[(wait >> 2) + WaitWord.Needed]! <= elementCount) return wait;
    }
    return 0;
  }

  private allAwaited(): number[] {
    const { shard } = this;
    return allRefs(shard, shard.heads[shard.head + Head.Table]!);
  }

  /** Moves an awaited key, and what counts it, to another physical database. */
  private placeInDatabase(awaited: number, database: number): void {
    const { words, bytes } = this.shard;
    const word = awaited >> 2;
    const count = words[word + Awaited.Count]!;
    this.count(words[word + Awaited.Hash]!, -count);
    const byteCount = words[word + Awaited.TextBytes]!;
    words[word + Awaited.Database] = database;
    words[word + Awaited.Hash] = this.keyspace.hash(bytes, awaited + Awaited.Bytes, byteCount, database);
    this.count(words[word + Awaited.Hash]!, count);
  }

  /** Locates `key` at a copy of an awaited key's text, which may be freed as soon as our lock is given back. */
  private copyKey(awaited: number, key: Key): Key {
    const { words, bytes } = this.shard;
    const word = awaited >> 2;
    const byteCount = words[word + Awaited.TextBytes]!;
    const text = Bytes.allocate(byteCount);
    copyBytes(bytes, awaited + Awaited.Bytes, text, 0, byteCount);
    const database = words[word + Awaited.Database]!;
    this.keyspace.locateHashed(key, text, 0, byteCount, database, words[word + Awaited.Hash]!);
    return key;
  }

  /**
   * Walks everything and asserts every invariant, also that the counts in the heads of the data shards are right and
   * that nothing else is allocated. Needs no lock but our own, which it takes. Returns the number of waits that have
   * not ended.
   */
  verify(): number {
    lockShard(this.shard);
    try {
      return this.verifyLocked();
    } finally {
      unlockShard(this.shard);
    }
  }

  private verifyLocked(): number {
    const { shard } = this;
    const used = verifyAllocator(shard);
    const table = shard.heads[shard.head + Head.Table]!;
    const keys = this.allAwaited();
    let bytes = table === 0 ? 0 : tableBytesUsed(shard, table);
    if (table !== 0) assert(verifyTable(shard, table) === tableCount(shard, table), 'interests: table count');
    const interests = new Int32Array(this.keyspace.shards.length);
    const counts = new Int32Array(WAIT_COUNTS);
    let entryCount = 0;
    for (const awaited of keys) {
      bytes += this.verifyAwaited(awaited);
      const hash = shard.words[(awaited >> 2) + Awaited.Hash]!;
      const count = shard.words[(awaited >> 2) + Awaited.Count]!;
      interests[this.keyspace.shardOf(hash).index]! += count;
      counts[hash & (WAIT_COUNTS - 1)]! += count;
      entryCount += count;
    }
    for (const { heads, head, index } of this.keyspace.shards) {
      const count = heads[head + Head.Interests]! & Interest.Waits;
      assert(count === interests[index], 'interests: count of a data shard');
    }
    for (let i = 0; i < WAIT_COUNTS; i++) {
      assert(shard.words[Header.WaitCounts + i] === counts[i], 'interests: count by hash');
    }
    const waits = this.verifyWaits();
    assert(waits.entryCount === entryCount, 'interests: entries of no wait');
    assert(bytes + waits.bytes === used, 'interests: blocks that nobody owns');
    return waits.waitingCount;
  }

  /** Checks a key and its queue; returns the bytes of their blocks. */
  private verifyAwaited(awaited: number): number {
    const { words, bytes } = this.shard;
    const word = awaited >> 2;
    const byteCount = words[word + Awaited.TextBytes]!;
    const database = words[word + Awaited.Database]!;
    const hash = this.keyspace.hash(bytes, awaited + Awaited.Bytes, byteCount, database);
    assert(hash === words[word + Awaited.Hash], 'interests: hash of a key');
    assert(
      this.findAwaited(bytes, awaited + Awaited.Bytes, byteCount, database) === awaited,
      'interests: twin',
    );
    let blockBytes = usableBytes(this.shard, awaited);
    let count = 0;
    let moves = 0;
    let previous = 0;
    for (let entry = words[word + Awaited.First]!; entry !== 0; entry = words[(entry >> 2) + Entry.Next]!) {
      const wait = words[(entry >> 2) + Entry.Wait]!;
      assert(words[(entry >> 2) + Entry.Key] === awaited, 'interests: key of an entry');
      assert(words[(entry >> 2) + Entry.Previous] === previous, 'interests: queue of a key');
      assert(words[(wait >> 2) + WaitWord.State] === State.Waiting, 'interests: a served wait in a queue');
      if (this.isMoveAt(wait)) moves++;
      count++;
      blockBytes += usableBytes(this.shard, entry);
      previous = entry;
    }
    assert(count > 0, 'interests: a key nobody waits for');
    assert(words[word + Awaited.Last] === previous, 'interests: end of a queue');
    assert(words[word + Awaited.Count] === count, 'interests: count of a key');
    assert(words[word + Awaited.Moves] === moves, 'interests: moves of a key');
    return blockBytes;
  }

  /** Checks the list of waits; counts their entries, their bytes and those not ended. */
  private verifyWaits(): { entryCount: number; bytes: number; waitingCount: number } {
    const { words } = this.shard;
    let entryCount = 0;
    let bytes = 0;
    let waitingCount = 0;
    let previous = 0;
    for (let wait = words[Header.FirstWait]!; wait !== 0; wait = words[(wait >> 2) + WaitWord.Next]!) {
      assert(words[(wait >> 2) + WaitWord.Previous] === previous, 'interests: list of waits');
      bytes += usableBytes(this.shard, wait);
      const isWaiting = words[(wait >> 2) + WaitWord.State] === State.Waiting;
      if (isWaiting) waitingCount++;
      let entry = words[(wait >> 2) + WaitWord.FirstEntry]!;
      assert((entry !== 0) === isWaiting, 'interests: state of a wait');
      for (; entry !== 0; entry = words[(entry >> 2) + Entry.Sibling]!) {
        assert(words[(entry >> 2) + Entry.Wait] === wait, 'interests: wait of an entry');
        entryCount++;
      }
      previous = wait;
    }
    return { entryCount, bytes, waitingCount };
  }
}
