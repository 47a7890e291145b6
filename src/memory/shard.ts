/**
 * One shard: a fixed SharedArrayBuffer that holds a part of the keyspace, with the views every thread reads it through.
 * A pointer into it is a byte offset, 8-aligned, 0 = null, always below 2^31 (byte views above that are 20 times
 * slower). Pages are committed by the system only when touched, so a large empty shard costs nothing.
 *
 *  shard
 *   byte  0          64 KiB           64 KiB + 16 B x pages                    end
 *         +----------+----------------+----------------------------------------+
 *         | header   | page table     | pages of 4 KiB (pages.ts)              |
 *         +----------+----------------+----------------------------------------+
 *
 *  head, one cache line of 16 words per shard, in one SharedArrayBuffer for all shards (Head.*)
 *   word  0      1           2       3       4           6           7       8      10
 *         +------+-----------+-------+-------+-----------+-----------+-------+------+---------------+-----
 *         | lock | directory | depth | table | mutations | interests | epoch | used | expiry cursor | ...
 *         +------+-----------+-------+-------+-----------+-----------+-------+------+---------------+-----
 *   Apart from the shards because equal offsets of 32 large buffers fall into the same few sets of the first-level
 *   cache: with the heads in the shards themselves a find took 96 ns, with them side by side 60.
 *
 *  header, in 32-bit words (Header.*): what the allocator and the key counts need
 *
 *  Lock: everything except the lock word itself is read and written only under the shard's lock, but for the
 *  counters that INFO reads (UsedBytes.., KeyCounts), which may be read without it and are then approximate.
 *  Keep in step with: allocator.ts, pages.ts, store/keyspace.ts.
 */
import { assert } from '../base/assert.ts';
import { Bytes } from '../base/bytes.ts';

/** Word offsets inside a shard's head. */
export const enum Head {
  Lock = 0,
  /** Directory and depth of the keyspace table, copied from its root: a find needs no more. 0: no table yet. */
  Directory = 1,
  Depth = 2,
  /** Root of the keyspace table. */
  Table = 3,
  /** Count of changes. A double at words 4-5. */
  Mutations = 4,
  /** Who has an interest in keys of this shard, see Interest: 0 makes `touched` one load. */
  Interests = 6,
  /** Current snapshot epoch (8 bits), stamped into records when they are made or a snapshot has them. */
  Epoch = 7,
  /** Bytes of all live blocks, size-class rounding included. A double at words 8-9. */
  UsedBytes = 8,
  /** Where the active expiry walk of this shard goes on (a hash). */
  ExpiryCursor = 10,
  /** How many keys of this shard are watched (store/watches.ts). */
  Watches = 11,
  /** How far a snapshot has come in this shard, 0 when there is nothing left for it to see (store/snapshot-walk.ts). */
  Walk = 12,
  /** Of the first shard only: not 0 while a script that holds some locks takes all others (server/shard-locks.ts). */
  Widening = 14,
  /** Not 0: the lock's holder takes long, and who waits for it and has changed nothing need not wait on. */
  Busy = 15,
  Words = 16,
}

/** What Head.Interests counts: waits for keys in its low bits, and above them who must be told of every change. */
export const enum Interest {
  Waits = 0xffffff,
  /** Added by each worker that tracks, or that tells of events. */
  Everything = 1 << 24,
}

/** Word offsets inside the header. */
export const enum Header {
  /** Pages ever handed out: the first page of the untouched remainder. */
  TopPage = 18,
  /** Pages inside slabs and runs that are in use. */
  HeldPages = 19,
  /** Free pages that may still be backed by memory (candidates for madvise). */
  DirtyPages = 20,
  /** Pages in the shard. */
  PageCount = 27,
  /** First page that may hold data. */
  FirstPage = 28,
  /** First of the records whose structures are still to be freed (store/graveyard.ts), or 0. */
  Graveyard = 29,
  /** Hashes that have fields with an expiry. */
  FieldExpiryRecords = 30,
  /** In the shard of interests only: the first of all waits (store/interests.ts). */
  FirstWait = 31,
  /** Records in the graveyard. */
  BuriedCount = 40,
  /** In the shard of audiences only (store/audience.ts): names listened to, by subject, three words... */
  NameCounts = 32,
  /** ...raised whenever a pattern comes or goes... */
  PatternVersion = 35,
  /** ...how many messages were published: a double at words 36-37... */
  Publications = 36,
  /** ...raised whenever somebody begins to listen or stops... */
  AudienceVersion = 38,
  /** ...and the root of the table of patterns. */
  PatternTable = 39,
  /** What is remembered of evicted keys (store/eviction/ghosts.ts): where it lies, and its places. */
  Ghosts = 44,
  GhostCount = 45,
  /** Heads of the lists of partly used slabs, one word per size class. */
  ClassHeads = 64,
  /** Bitmap of the non-empty free run bins, six words. */
  RunBinMap = 160,
  /** Heads of the free run lists, one word per bin. */
  RunBins = 192,
  /** In the shard of audiences only: kilobytes of messages on their way to each worker. */
  MessagesUnderWay = 512,
  /** Live keys per database. */
  KeyCounts = 1024,
  /** Live keys with an expiry per database. */
  ExpiryCounts = 2048,
  /** Hashes that have fields with an expiry, per database. */
  FieldExpiryCounts = 3072,
  /** In the shard of interests only: how many waits there are for keys of each residue of the hash. */
  WaitCounts = 4096,
  Words = 16384,
}

/** Databases a shard can count. */
export const DATABASE_COUNT_MAX = 1024;
export const HEADER_BYTES = 65536;
export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
/** Bytes of a full-size shard: just under 2 GiB, see above. */
export const SHARD_BYTES = 0x7fff0000;
/** Bytes per entry of the page table. */
export const PAGE_ENTRY_BYTES = 16;

export class Shard {
  readonly index: number;
  readonly memory: SharedArrayBuffer;
  readonly bytes: Bytes;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  /** Heads of all shards; this one's begins at word `head`, its doubles at `headDouble`. */
  readonly heads: Int32Array;
  readonly headDoubles: Float64Array;
  readonly head: number;
  readonly headDouble: number;

  /** Maps `memory`, which `createShardMemory` made, and its head in `heads`. */
  constructor(
    index: number,
    memory: SharedArrayBuffer,
    heads: SharedArrayBuffer = createShardHeads(index + 1),
  ) {
    this.index = index;
    this.memory = memory;
    this.heads = new Int32Array(heads);
    this.headDoubles = new Float64Array(heads);
    this.head = index * Head.Words;
    this.headDouble = this.head >> 1;
    this.bytes = new Bytes(memory);
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory, 0, memory.byteLength >>> 3);
  }

  /** Bytes of live blocks (approximate without the lock). */
  get usedBytes(): number {
    return this.headDoubles[this.headDouble + (Head.UsedBytes >> 1)]!;
  }

  /** Bytes of the pages never handed out: allocations that add up to less cannot fail. */
  get untouchedBytes(): number {
    return (this.words[Header.PageCount]! - this.words[Header.TopPage]!) * PAGE_BYTES;
  }

  /** Changes made to this shard since it was formatted. */
  get mutations(): number {
    return this.headDoubles[this.headDouble + (Head.Mutations >> 1)]!;
  }
}

/** Heads for `shardCount` shards. */
export function createShardHeads(shardCount: number): SharedArrayBuffer {
  return new SharedArrayBuffer(shardCount * Head.Words * 4);
}

/** Allocates the memory of a shard and formats it: it holds nothing and is ready for use. */
export function createShardMemory(shardBytes: number = SHARD_BYTES): SharedArrayBuffer {
  assert(shardBytes <= SHARD_BYTES && shardBytes % PAGE_BYTES === 0, 'shard size');
  const memory = new SharedArrayBuffer(shardBytes);
  const words = new Int32Array(memory);
  const pageCount = shardBytes >>> PAGE_SHIFT;
  const firstPage = Math.ceil((HEADER_BYTES + pageCount * PAGE_ENTRY_BYTES) / PAGE_BYTES);
  assert(firstPage < pageCount, 'shard too small');
  words[Header.PageCount] = pageCount;
  words[Header.FirstPage] = firstPage;
  words[Header.TopPage] = firstPage;
  return memory;
}
