/**
 * The keys that clients WATCH, over all workers: each with a version that every change of the key raises, so that EXEC
 * sees whether it changed. They lie in a shard of their own behind those that hold data.
 *
 *  watched key, in the table under the hash of its text alone
 *   word 0       1          2            3       4         5
 *        +-------+----------+------------+-------+---------+------
 *        | hash  | database | text bytes | count | version | text
 *        +-------+----------+------------+-------+---------+------
 *   hash: of the key in its physical database, so that it tells the data shard.  count: clients that watch it.
 *
 *  Head.Watches of a data shard: how many watched keys there are of it. While there are any, Interest.Everything is added
 *  to its Head.Interests, so that a change is looked at.
 *
 *  Locks. Everything here changes under the lock of this shard, taken after those of data shards. A key comes and its
 *  version rises only while its data shard is locked too: whoever holds that lock may read the version without ours. A
 *  key goes under the lock of this shard alone, so a look here may be in vain, but none is missing.
 *  Costs: 20 bytes and its text a key, about 10 in the table. The shard bounds all of it: when it is full nobody can watch
 *  another key.
 */
import { assert } from '../base/assert.ts';
import { copyBytes, equalBytes } from '../base/bytes.ts';
import { allocate, free, usableBytes, verifyAllocator } from '../memory/allocator.ts';
import { lockShard, unlockShard } from '../memory/lock.ts';
import { Head, Interest, type Shard } from '../memory/shard.ts';
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

/** Word offsets in a watched key. */
const enum Watched {
  Hash = 0,
  Database = 1,
  TextBytes = 2,
  Count = 3,
  Version = 4,
  Bytes = 20,
}

assert(Watched.Bytes === (Watched.Version + 1) * 4, 'layout of a watched key');

/** Memory of the shard of watches: some million keys. */
export const WATCH_BYTES = 256 << 20;

export class Watches {
  readonly shard: Shard;
  private readonly keyspace: Keyspace;

  constructor(shard: Shard, keyspace: Keyspace) {
    this.shard = shard;
    this.keyspace = keyspace;
  }

  /** A client watches a key whose shard is locked. Returns where it is kept, or 0, nothing changed: out of memory. */
  watch(key: Key): number {
    const { shard } = this;
    lockShard(shard);
    const found = this.find(key);
    const watched = found === 0 ? this.create(key) : found;
    if (watched !== 0) shard.words[(watched >> 2) + Watched.Count]!++;
    unlockShard(shard);
    return watched;
  }

  /** A client that watched it does not any more. */
  unwatch(watched: number): void {
    const { shard } = this;
    lockShard(shard);
    if (--shard.words[(watched >> 2) + Watched.Count]! === 0) this.remove(watched);
    unlockShard(shard);
  }

  /** Rises with every change. The lock of the key's data shard is held, or the caller looks again under it. */
  version(watched: number): number {
    return this.shard.words[(watched >> 2) + Watched.Version]!;
  }

  /** Hash of the key in its physical database. May change until the locks are held: SWAPDB. */
  hashOf(watched: number): number {
    return this.shard.words[(watched >> 2) + Watched.Hash]!;
  }

  /** Points `key` at a watched key, whose data shard is locked: a change that is due is made by looking for it. */
  locate(watched: number, key: Key): void {
    const { words, bytes } = this.shard;
    const word = watched >> 2;
    const byteCount = words[word + Watched.TextBytes]!;
    const database = words[word + Watched.Database]!;
    this.keyspace.locateHashed(
      key,
      bytes,
      watched + Watched.Bytes,
      byteCount,
      database,
      words[word + Watched.Hash]!,
    );
  }

  /** A key was changed whose shard is locked. */
  touched(key: Key): void {
    const { heads, head } = key.shard;
    if (heads[head + Head.Watches] === 0) return;
    lockShard(this.shard);
    const watched = this.find(key);
    if (watched !== 0) this.raise(watched);
    unlockShard(this.shard);
  }

  /**
   * Every lock is held, and all keys of the data shards or those of physical database `database` (-1: of all) are about
   * to go: what exists of what is watched changes. `key` is scratch.
   */
  beforeFlush(database: number, key: Key): void {
    this.change((watched) => {
      const isOther = database >= 0 && this.shard.words[(watched >> 2) + Watched.Database] !== database;
      return !isOther && this.exists(watched, key);
    });
  }

  /**
   * Two physical databases have exchanged their places; every lock is held. Redis: what exists in either of them has
   * changed. `key` is scratch.
   */
  swapped(a: number, b: number, key: Key): void {
    const { shard, keyspace } = this;
    this.change((watched) => {
      const word = watched >> 2;
      const database = shard.words[word + Watched.Database]!;
      if (a === b || (database !== a && database !== b)) return false;
      const existed = this.exists(watched, key);
      this.countIn(shard.words[word + Watched.Hash]!, -1);
      const other = database === a ? b : a;
      const byteCount = shard.words[word + Watched.TextBytes]!;
      const hash = keyspace.hash(shard.bytes, watched + Watched.Bytes, byteCount, other);
      shard.words[word + Watched.Database] = other;
      shard.words[word + Watched.Hash] = hash;
      this.countIn(hash, 1);
      return this.exists(watched, key) || existed;
    });
  }

  /** Raises the version of every watched key that `isChanged` says it of. All data shards are locked. */
  private change(isChanged: (watched: number) => boolean): void {
    const { shard, keyspace } = this;
    if (shard.heads[shard.head + Head.Table] === 0) return;
    const { nowMs } = keyspace;
    lockShard(shard);
    // A key whose time has come would be removed by looking for it, and so come here while we hold our lock.
    keyspace.nowMs = 0;
    for (const watched of this.all()) if (isChanged(watched)) this.raise(watched);
    keyspace.nowMs = nowMs;
    unlockShard(shard);
  }

  private exists(watched: number, key: Key): boolean {
    this.locate(watched, key);
    return this.keyspace.find(key) !== 0;
  }

  private raise(watched: number): void {
    const word = (watched >> 2) + Watched.Version;
    this.shard.words[word] = (this.shard.words[word]! + 1) | 0;
  }

  private find(key: Key): number {
    const { shard } = this;
    const { words } = shard;
    const table = shard.heads[shard.head + Head.Table]!;
    if (table === 0) return 0;
    const hash = this.keyspace.memberHash(key.bytes, key.at, key.byteCount);
    for (let slot = findSlot(shard, table, hash); slot !== 0; slot = nextSlot(shard, slot, hash)) {
      const watched = slotRef(shard, slot);
      const word = watched >> 2;
      if (words[word + Watched.Database] !== key.database) continue;
      if (words[word + Watched.TextBytes] !== key.byteCount) continue;
      if (equalBytes(shard.bytes, watched + Watched.Bytes, key.bytes, key.at, key.byteCount)) return watched;
    }
    return 0;
  }

  private create(key: Key): number {
    const { shard } = this;
    const { words } = shard;
    if (shard.heads[shard.head + Head.Table] === 0) shard.heads[shard.head + Head.Table] = createTable(shard);
    const table = shard.heads[shard.head + Head.Table]!;
    const watched = table === 0 ? 0 : allocate(shard, Watched.Bytes + key.byteCount);
    if (watched === 0) return 0;
    const hash = this.keyspace.memberHash(key.bytes, key.at, key.byteCount);
    if (insertEntry(shard, table, hash, watched) === 0) {
      free(shard, watched);
      return 0;
    }
    const word = watched >> 2;
    words[word + Watched.Hash] = key.hash;
    words[word + Watched.Database] = key.database;
    words[word + Watched.TextBytes] = key.byteCount;
    words[word + Watched.Count] = 0;
    words[word + Watched.Version] = 0;
    copyBytes(key.bytes, key.at, shard.bytes, watched + Watched.Bytes, key.byteCount);
    this.countIn(key.hash, 1);
    return watched;
  }

  private remove(watched: number): void {
    const { shard } = this;
    const { words } = shard;
    const byteCount = words[(watched >> 2) + Watched.TextBytes]!;
    const hash = this.keyspace.memberHash(shard.bytes, watched + Watched.Bytes, byteCount);
    removeSlot(
      shard,
      shard.heads[shard.head + Head.Table]!,
      slotOfRef(shard, shard.heads[shard.head + Head.Table]!, hash, watched),
    );
    this.countIn(words[(watched >> 2) + Watched.Hash]!, -1);
    free(shard, watched);
  }

  /** Counts a watched key of this hash in or out, under the lock of this shard. */
  private countIn(hash: number, change: number): void {
    const { heads, head } = this.keyspace.shardOf(hash);
    const before = heads[head + Head.Watches]!;
    heads[head + Head.Watches] = before + change;
    if (before === 0) Atomics.add(heads, head + Head.Interests, Interest.Everything);
    else if (before + change === 0) Atomics.sub(heads, head + Head.Interests, Interest.Everything);
  }

  private all(): number[] {
    const { shard } = this;
    return allRefs(shard, shard.heads[shard.head + Head.Table]!);
  }

  /** Walks everything and asserts every invariant. Returns how many keys are watched. */
  verify(): number {
    const { shard } = this;
    lockShard(shard);
    try {
      const table = shard.heads[shard.head + Head.Table]!;
      const used = verifyAllocator(shard);
      if (table === 0) return 0;
      assert(verifyTable(shard, table) === tableCount(shard, table), 'watches: table count');
      let blockBytes = tableBytesUsed(shard, table);
      const perShard = new Map<Shard, number>();
      for (const watched of this.all()) {
        assert(shard.words[(watched >> 2) + Watched.Count]! > 0, 'watches: a key nobody watches');
        blockBytes += usableBytes(shard, watched);
        const data = this.keyspace.shardOf(this.hashOf(watched));
        perShard.set(data, (perShard.get(data) ?? 0) + 1);
      }
      for (const data of this.keyspace.shards) {
        assert(
          data.heads[data.head + Head.Watches] === (perShard.get(data) ?? 0),
          'watches: count of a shard',
        );
      }
      assert(blockBytes === used, 'watches: blocks that nobody owns');
      return tableCount(shard, table);
    } finally {
      unlockShard(shard);
    }
  }
}
