/**
 * Eviction: which key goes next when memory is short, and its removal. There are no lists: some records are drawn at
 * random, those that rank worst are remembered in a small pool, and the worst of the pool goes; what is remembered from
 * draw to draw makes this nearly as good as a full order (Redis' evict.c since 3.0).
 *
 * A draw is a run of neighbours in the order of the hashes, which is as random as any choice and costs one look-up.
 * Locks: takes one shard's at a time, so the caller must hold none. What removed values leave in a graveyard is freed
 * before anything else goes, so that a huge value that is being freed does not cost the data set its other keys.
 */
import { Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { DATABASE_COUNT_MAX, Head, Header, type Shard } from '../../memory/shard.ts';
import { collectEntries, findSlot, slotRef, tableCount } from '../../structures/table.ts';
import { freeBuried, isGraveyardEmpty } from '../graveyard.ts';
import { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { type EvictionOrder, mayEvict, rankOf } from './order.ts';

/** Candidates remembered (Redis: EVPOOL_SIZE). */
const POOL_SIZE = 16;
/** Records looked at under one hold of a lock while those that may go are rare. */
const LOOK_ENTRIES = 512;
/** More records than this a draw does not look at, however many samples are asked for. */
const SAMPLES_MAX = 64;
const HASH_RANGE = 0x80000000;
/** Elements of removed values freed under one hold of a lock: about 0.1 ms. */
const FREED_ELEMENTS = 1000;
/** Draws that may find nothing, with all shards locked by others or their keys just gone, before the search ends. */
const DRAWS_MAX = 64;

export const enum Evicted {
  /** Memory was freed. */
  Some = 0,
  /** Nothing that may be evicted is left. */
  None = 1,
  /** There may be something, in shards that a script keeps busy. */
  Busy = 2,
}

/** A key proposed beside those drawn: a hash, or -1. */
export type Proposal = () => number;

export class Evictor {
  private readonly keyspace: Keyspace;
  private readonly key: Key;
  private readonly entries: number[] = [];
  /** The pool, best candidate last. */
  private readonly hashes = new Int32Array(POOL_SIZE + 1);
  private readonly ranks = new Float64Array(POOL_SIZE + 1);
  private count = 0;
  /** Bytes freed since the start. */
  freedBytes = 0;
  private databaseCount = DATABASE_COUNT_MAX;
  private order: EvictionOrder | null = null;
  private samples = 5;
  private propose: Proposal | null = null;

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.key = new Key(keyspace.shards[0]!);
  }

  /** `order` null: nothing is ever evicted. `samples` are drawn for each key that goes. */
  configure(
    order: EvictionOrder | null,
    samples: number,
    databaseCount: number,
    propose: Proposal | null,
  ): void {
    this.order = order;
    this.samples = Math.min(samples, SAMPLES_MAX);
    this.databaseCount = databaseCount;
    this.propose = propose;
    this.count = 0;
  }

  get isOn(): boolean {
    return this.order !== null;
  }

  /** Frees some memory: of what is buried, else by evicting a key. The caller holds no lock. */
  evict(): Evicted {
    if (this.freeSomeBuried()) return Evicted.Some;
    if (this.order === null) return Evicted.None;
    let isBusy = false;
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const shard = this.chooseShard();
      if (shard === null) return Evicted.None;
      if (!this.draw(shard, this.order)) isBusy = true;
      this.takeProposal(this.order);
      while (this.count > 0) {
        if (this.removeLast(this.order)) return Evicted.Some;
      }
    }
    return isBusy ? Evicted.Busy : Evicted.None;
  }

  private freeSomeBuried(): boolean {
    for (const shard of this.keyspace.shards) {
      if (isGraveyardEmpty(shard) || !lockShardUnlessBusy(shard)) continue;
      try {
        if (isGraveyardEmpty(shard)) continue;
        const usedBytes = shard.usedBytes;
        if (freeBuried(shard, FREED_ELEMENTS)) this.keyspace.counters[Counter.LazyFreed]!++;
        this.freedBytes += usedBytes - shard.usedBytes;
        return true;
      } finally {
        unlockShard(shard);
      }
    }
    return false;
  }

  /** A shard with keys that may go: chosen at random, or the next such behind it. Read without locks. */
  private chooseShard(): Shard | null {
    const { shards } = this.keyspace;
    const first = Math.floor(Math.random() * shards.length);
    for (let i = 0; i < shards.length; i++) {
      const shard = shards[(first + i) % shards.length]!;
      if (this.hasCandidates(shard)) return shard;
    }
    return null;
  }

  private hasCandidates({ words }: Shard): boolean {
    const counts = this.order!.isVolatile ? Header.ExpiryCounts : Header.KeyCounts;
    for (let database = 0; database < this.databaseCount; database++) {
      if (words[counts + database] !== 0) return true;
    }
    return false;
  }

  /** Enters samples of a shard into the pool. False: a script keeps it busy. */
  private draw(shard: Shard, order: EvictionOrder): boolean {
    let hash = Math.floor(Math.random() * HASH_RANGE);
    let wanted = this.samples;
    let looked = 0;
    for (let rounds = 0; ; rounds++) {
      if (!lockShardUnlessBusy(shard)) return false;
      try {
        const table = shard.heads[shard.head + Head.Table]!;
        if (table === 0 || looked > tableCount(shard, table)) return true;
        this.entries.length = 0;
        hash = collectEntries(shard, table, hash, rounds === 0 ? wanted : LOOK_ENTRIES, this.entries);
        wanted -= this.enterSamples(shard, order, wanted);
      } finally {
        unlockShard(shard);
      }
      looked += this.entries.length >> 1;
      if (wanted <= 0) return true;
      // The walk has come to the end of the hashes, and goes on from their beginning: every key is as likely as another.
      if (hash < 0) hash = 0;
      if (rounds > 0 && this.count > 0) return true;
    }
  }

  private enterSamples(shard: Shard, order: EvictionOrder, wanted: number): number {
    const { entries, keyspace } = this;
    let entered = 0;
    for (let i = 0; i < entries.length && entered < wanted; i += 2) {
      const record = entries[i + 1]!;
      if (!mayEvict(order, shard, record)) continue;
      entered++;
      const isExpired = keyspace.isExpired(shard, record);
      this.enter(entries[i]!, isExpired ? Infinity : rankOf(keyspace, order.ranking, shard, record));
    }
    return entered;
  }

  /** Puts a candidate in its place in the pool; the worst candidate of a full pool leaves it. */
  private enter(hash: number, rank: number): void {
    const { hashes, ranks } = this;
    for (let i = 0; i < this.count; i++) if (hashes[i] === hash) return;
    let place = this.count;
    while (place > 0 && ranks[place - 1]! > rank) {
      hashes[place] = hashes[place - 1]!;
      ranks[place] = ranks[place - 1]!;
      place--;
    }
    hashes[place] = hash;
    ranks[place] = rank;
    if (this.count < POOL_SIZE) {
      this.count++;
      return;
    }
    hashes.copyWithin(0, 1, POOL_SIZE + 1);
    ranks.copyWithin(0, 1, POOL_SIZE + 1);
  }

  /** Enters the key proposed, which is preferred to one of the same rank: it goes behind those. */
  private takeProposal(order: EvictionOrder): void {
    if (this.propose === null) return;
    const hash = this.propose();
    if (hash < 0) return;
    const shard = this.keyspace.shardOf(hash);
    if (!lockShardUnlessBusy(shard)) return;
    try {
      const record = this.recordOf(shard, hash);
      if (record !== 0 && mayEvict(order, shard, record)) {
        this.enter(hash, rankOf(this.keyspace, order.ranking, shard, record));
      }
    } finally {
      unlockShard(shard);
    }
  }

  private recordOf(shard: Shard, hash: number): number {
    const table = shard.heads[shard.head + Head.Table]!;
    if (table === 0) return 0;
    const slot = findSlot(shard, table, hash);
    return slot === 0 ? 0 : slotRef(shard, slot);
  }

  /** Takes the best candidate out of the pool and removes it, unless it has been used since, or is gone. */
  private removeLast(order: EvictionOrder): boolean {
    const { keyspace, key } = this;
    const place = --this.count;
    const hash = this.hashes[place]!;
    const rank = this.ranks[place]!;
    const shard = keyspace.shardOf(hash);
    if (!lockShardUnlessBusy(shard)) return false;
    const usedBytes = shard.usedBytes;
    try {
      const record = this.recordOf(shard, hash);
      if (record === 0 || !mayEvict(order, shard, record)) return false;
      keyspace.pointAt(key, shard, hash, record);
      if (keyspace.isExpired(shard, record)) {
        keyspace.onExpired?.(key);
        keyspace.onLapsed?.(key);
        keyspace.remove(key);
        keyspace.counters[Counter.ExpiredKeys]!++;
        return true;
      }
      const now = rankOf(keyspace, order.ranking, shard, record);
      if (place > 0 && now < rank && now < this.ranks[place - 1]!) {
        this.enter(hash, now);
        return false;
      }
      keyspace.accessKeeper?.noteEviction(key);
      keyspace.onEvicted?.(key);
      keyspace.onLapsed?.(key);
      keyspace.remove(key);
      keyspace.counters[Counter.EvictedKeys]!++;
      return true;
    } finally {
      this.freedBytes += usedBytes - shard.usedBytes;
      unlockShard(shard);
    }
  }
}
