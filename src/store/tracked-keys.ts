/**
 * What the clients of one worker have read: by key, who is to be told when it changes. Millions of keys are no matter for
 * the garbage collector, for they lie in a shard's memory that only this worker knows, and no lock guards.
 *
 *  tracked key, in the table under the hash of its text
 *   word 0      1            2       3          4                    4 + capacity
 *        +------+------------+-------+----------+--------------------+------
 *        | hash | text bytes | count | capacity | ids of clients     | text
 *        |      |            |       |          | 0: free            |
 *        +------+------------+-------+----------+--------------------+------
 *   The ids are a hash table of their own, open addressing from the id's low bits on: ids are given one after the other,
 *   so they hardly ever meet. `capacity` is a power of two, of which a small table is filled wholly, a larger one to 3/4.
 *
 *  Ids of clients that are gone stay until the key changes, as in Redis.
 *  Costs: 16 bytes, its text and 8 bytes or more of ids a key, about 10 in the table. The shard bounds all of it. What was
 *  freed serves the next keys; it goes back to the system when everything is forgotten.
 */
import { assert } from '../base/assert.ts';
import { Bytes, copyBytes, equalBytes } from '../base/bytes.ts';
import { allocate, free, usableBytes, verifyAllocator } from '../memory/allocator.ts';
import { Counter } from '../memory/control.ts';
import { createShardMemory, Head, Shard } from '../memory/shard.ts';
import {
  createTable,
  findSlot,
  glanceRef,
  glanceSlot,
  insertEntry,
  nextSlot,
  randomSlot,
  removeSlot,
  setSlotRef,
  slotRef,
  tableBytesUsed,
  tableCount,
  tableDepth,
  tableDirectory,
  verifyTable,
} from '../structures/table.ts';
import { allRefs, slotOfRef } from '../structures/table-refs.ts';
import { FETCH_AHEAD_MAX } from './keyspace.ts';
import type { TrackingBoard } from './tracking-board.ts';

/** Word offsets in a tracked key. */
const enum Tracked {
  Hash = 0,
  TextBytes = 1,
  Count = 2,
  Capacity = 3,
  Clients = 4,
}

const CAPACITY_MIN = 2;
/** Up to this capacity every place of a table of ids is used. */
const FILLED_CAPACITY_MAX = 8;
const FILTER_SLOTS = 65536;
/** The second line of a key that `fetchAhead` reads, in words: where its text mostly is. */
const FETCHED_WORDS = 12;
/** So few keys are in the processor's cache all the time. */
const FETCHED_KEYS_MIN = 1000;
/** Memory for the keys of one worker: of those that one client each has read some 15 million. */
export const TRACKED_BYTES = 1 << 30;

export class TrackedKeys {
  private readonly board: TrackingBoard;
  private readonly counters: Float64Array;
  private readonly byteCount: number;
  /** Made for the first key. */
  private shard: Shard | null = null;
  /** How many keys there are, or are being read, of each slot of the board's filter, whose bit is set while there are any. */
  private slotCounts: Int32Array | null = null;
  private readonly glances = new Int32Array(FETCH_AHEAD_MAX);
  /** Keeps the reads of `fetchAhead` from being optimised away. */
  fetched = 0;
  /** Who had read the key that `take` has forgotten last. */
  taken = new Int32Array(64);

  constructor(board: TrackingBoard, counters: Float64Array, byteCount = TRACKED_BYTES) {
    this.board = board;
    this.counters = counters;
    this.byteCount = byteCount;
  }

  get size(): number {
    return this.shard === null ? 0 : tableCount(this.shard, this.table);
  }

  private get table(): number {
    return this.shard!.heads[this.shard!.head + Head.Table]!;
  }

  /** Has others look here when a key of this hash changes. Before the key is read; `remember` must follow. */
  expect(hash: number): void {
    const slot = this.board.slotOf(hash);
    this.slotCounts ??= new Int32Array(FILTER_SLOTS);
    // Counted now, so that the bit cannot be cleared before `remember`.
    if (this.slotCounts[slot]!++ === 0) this.board.setFilter(slot);
  }

  private release(hash: number): void {
    const slot = this.board.slotOf(hash);
    if (--this.slotCounts![slot]! === 0) this.board.clearFilter(slot);
  }

  /** A client has read a key, which was expected. False: there is no room to remember it. */
  remember(hash: number, bytes: Bytes, at: number, byteCount: number, clientId: number): boolean {
    const shard = (this.shard ??= createShard(this.byteCount));
    const slot = this.find(shard, hash, bytes, at, byteCount);
    if (slot !== 0) {
      this.release(hash);
      return this.addClient(shard, slot, clientId);
    }
    const key = this.create(shard, hash, bytes, at, byteCount);
    if (key === 0) {
      this.release(hash);
      return false;
    }
    putId(shard.words, key >> 2, clientId);
    this.counters[Counter.TrackedKeys]!++;
    this.counters[Counter.TrackedItems]!++;
    return true;
  }

  private addClient(shard: Shard, slot: number, clientId: number): boolean {
    const { words } = shard;
    const word = slotRef(shard, slot) >> 2;
    const place = placeOf(words, word, clientId);
    if (place >= 0 && words[place] === clientId) return true;
    if (place < 0 || isFull(words[word + Tracked.Count]!, words[word + Tracked.Capacity]!)) {
      const grown = grow(shard, word << 2);
      if (grown === 0) return false;
      setSlotRef(shard, slot, grown);
      putId(words, grown >> 2, clientId);
    } else {
      words[place] = clientId;
      words[word + Tracked.Count]!++;
    }
    this.counters[Counter.TrackedItems]!++;
    return true;
  }

  /** Has the memory fetched that keys of these hashes lead to, as Keyspace.fetchAhead does. */
  fetchAhead(hashes: Int32Array, count: number): void {
    const { shard, glances } = this;
    if (shard === null || this.size < FETCHED_KEYS_MIN) return;
    const { words } = shard;
    const directory = tableDirectory(shard, this.table);
    const depth = tableDepth(shard, this.table);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const slot = glanceSlot(words, directory, depth, hashes[i]!);
      glances[i] = slot;
      sum ^= words[slot]!;
    }
    for (let i = 0; i < count; i++) {
      const word = glanceRef(words, glances[i]!, hashes[i]!) >>> 2;
      sum ^= words[word]! ^ words[word + FETCHED_WORDS]!;
    }
    this.fetched = sum;
  }

  /** The slot of a key, or 0. */
  private find(shard: Shard, hash: number, bytes: Bytes, at: number, byteCount: number): number {
    const { words } = shard;
    for (let slot = findSlot(shard, this.table, hash); slot !== 0; slot = nextSlot(shard, slot, hash)) {
      const key = slotRef(shard, slot);
      const word = key >> 2;
      if (words[word + Tracked.TextBytes] !== byteCount) continue;
      if (equalBytes(shard.bytes, textAt(words, key), bytes, at, byteCount)) return slot;
    }
    return 0;
  }

  private create(shard: Shard, hash: number, bytes: Bytes, at: number, byteCount: number): number {
    const { words } = shard;
    const key = allocate(shard, (Tracked.Clients + CAPACITY_MIN) * 4 + byteCount);
    if (key === 0) return 0;
    if (insertEntry(shard, this.table, hash, key) === 0) {
      free(shard, key);
      return 0;
    }
    const word = key >> 2;
    words[word + Tracked.Hash] = hash;
    words[word + Tracked.TextBytes] = byteCount;
    words[word + Tracked.Count] = 0;
    words[word + Tracked.Capacity] = CAPACITY_MIN;
    for (let i = 0; i < CAPACITY_MIN; i++) words[word + Tracked.Clients + i] = 0;
    copyBytes(bytes, at, shard.bytes, textAt(words, key), byteCount);
    return key;
  }

  /** Forgets a key. Returns how many had read it; their ids are in `taken`. */
  take(hash: number, bytes: Bytes, at: number, byteCount: number): number {
    const { shard } = this;
    const slot = shard === null ? 0 : this.find(shard, hash, bytes, at, byteCount);
    return slot === 0 ? 0 : this.takeSlot(shard!, slot);
  }

  private takeSlot(shard: Shard, slot: number): number {
    const { words } = shard;
    const key = slotRef(shard, slot);
    const word = key >> 2;
    const capacity = words[word + Tracked.Capacity]!;
    if (this.taken.length < capacity) this.taken = new Int32Array(capacity);
    const { taken } = this;
    let count = 0;
    for (let i = 0; i < capacity; i++) {
      const id = words[word + Tracked.Clients + i]!;
      if (id !== 0) taken[count++] = id;
    }
    const hash = words[word + Tracked.Hash]!;
    removeSlot(shard, this.table, slot);
    free(shard, key);
    this.release(hash);
    this.counters[Counter.TrackedKeys]!--;
    this.counters[Counter.TrackedItems]! -= count;
    return count;
  }

  /** Forgets any key, and returns its text; `taken[0, count)` are those who had read it. Null: there is none. */
  takeAny(): { readonly text: Bytes; readonly count: number } | null {
    const { shard } = this;
    if (shard === null || this.size === 0) return null;
    let slot = 0;
    while (slot === 0) slot = randomSlot(shard, this.table, Math.random() * 2 ** 32);
    const key = slotRef(shard, slot);
    const byteCount = shard.words[(key >> 2) + Tracked.TextBytes]!;
    const text = Bytes.allocate(byteCount);
    copyBytes(shard.bytes, textAt(shard.words, key), text, 0, byteCount);
    return { text, count: this.takeSlot(shard, slot) };
  }

  /** Forgets everything. */
  clear(): void {
    const counts = this.slotCounts;
    if (counts === null) return;
    for (let slot = 0; slot < FILTER_SLOTS; slot++) if (counts[slot] !== 0) this.board.clearFilter(slot);
    this.slotCounts = null;
    this.shard = null;
    this.counters[Counter.TrackedKeys] = 0;
    this.counters[Counter.TrackedItems] = 0;
  }

  /** Walks everything and asserts every invariant, while no key is being read. */
  verify(): void {
    const { shard } = this;
    if (shard === null) return;
    const { words } = shard;
    assert(verifyTable(shard, this.table) === this.size, 'tracked keys: table count');
    let blockBytes = tableBytesUsed(shard, this.table);
    const counts = new Int32Array(FILTER_SLOTS);
    let itemCount = 0;
    for (const key of allRefs(shard, this.table)) {
      const word = key >> 2;
      blockBytes += usableBytes(shard, key);
      counts[this.board.slotOf(words[word + Tracked.Hash]!)]!++;
      itemCount += verifyIds(words, word);
      assert(slotOfRef(shard, this.table, words[word + Tracked.Hash]!, key) !== 0, 'tracked keys: hash');
    }
    assert(blockBytes === verifyAllocator(shard), 'tracked keys: blocks that nobody owns');
    assert(Buffer.compare(bytesOf(counts), bytesOf(this.slotCounts!)) === 0, 'tracked keys: filter');
    assert(itemCount === this.counters[Counter.TrackedItems], 'tracked keys: count of items');
  }
}

/** Returns how many there are. */
function verifyIds(words: Int32Array, word: number): number {
  let count = 0;
  for (let i = 0; i < words[word + Tracked.Capacity]!; i++) {
    const id = words[word + Tracked.Clients + i]!;
    if (id === 0) continue;
    count++;
    assert(placeOf(words, word, id) === word + Tracked.Clients + i, 'tracked keys: place of a client');
  }
  assert(count === words[word + Tracked.Count] && count > 0, 'tracked keys: count of clients');
  return count;
}

function bytesOf(words: Int32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

function createShard(byteCount: number): Shard {
  const shard = new Shard(0, createShardMemory(byteCount));
  const table = createTable(shard);
  assert(table !== 0, 'tracked keys: no room for a table');
  shard.heads[shard.head + Head.Table] = table;
  return shard;
}

function textAt(words: Int32Array, key: number): number {
  return key + (Tracked.Clients + words[(key >> 2) + Tracked.Capacity]!) * 4;
}

function isFull(count: number, capacity: number): boolean {
  return capacity > FILLED_CAPACITY_MAX && count >= capacity - (capacity >> 2);
}

/** The word that holds a client's id or is free for it; -1: there is none. */
function placeOf(words: Int32Array, word: number, clientId: number): number {
  const capacity = words[word + Tracked.Capacity]!;
  const first = word + Tracked.Clients;
  for (let i = 0; i < capacity; i++) {
    const place = first + ((clientId + i) & (capacity - 1));
    const id = words[place]!;
    if (id === clientId || id === 0) return place;
  }
  return -1;
}

/** Adds an id that is not there and for which there is room. */
function putId(words: Int32Array, word: number, clientId: number): void {
  words[placeOf(words, word, clientId)] = clientId;
  words[word + Tracked.Count]!++;
}

/** A copy of a key with room for twice as many clients, the old one freed. 0, nothing changed: the shard is full. */
function grow(shard: Shard, old: number): number {
  const { words } = shard;
  const from = old >> 2;
  const oldCapacity = words[from + Tracked.Capacity]!;
  const capacity = oldCapacity * 2;
  const byteCount = words[from + Tracked.TextBytes]!;
  const key = allocate(shard, (Tracked.Clients + capacity) * 4 + byteCount);
  if (key === 0) return 0;
  const word = key >> 2;
  words[word + Tracked.Hash] = words[from + Tracked.Hash]!;
  words[word + Tracked.TextBytes] = byteCount;
  words[word + Tracked.Count] = 0;
  words[word + Tracked.Capacity] = capacity;
  words.fill(0, word + Tracked.Clients, word + Tracked.Clients + capacity);
  for (let i = 0; i < oldCapacity; i++) {
    const id = words[from + Tracked.Clients + i]!;
    if (id !== 0) putId(words, word, id);
  }
  shard.bytes.u8.copyWithin(textAt(words, key), textAt(words, old), textAt(words, old) + byteCount);
  free(shard, old);
  return key;
}
