/** Walking a shard's keys in the order of their hashes, and drawing some at random. The shard's lock is held. */
import { Counter } from '../memory/control.ts';
import { Head, Header, type Shard } from '../memory/shard.ts';
import { collectEntries, randomSlot, slotRef } from '../structures/table.ts';
import { expireEffort, expireFields, hasDueFields } from './hash/field-expiry.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { recordDatabase } from './record.ts';

const RANDOM_TRIES = 64;
const scratchEntries: number[] = [];

/**
 * Appends the records of a physical database with hash >= `fromHash` in one shard to `out`, looking at about
 * `countMin` entries. Returns the hash to go on from, or -1 at the end of the shard. Expired records are left out.
 */
export function collectRecords(
  keyspace: Keyspace,
  shard: Shard,
  database: number,
  fromHash: number,
  countMin: number,
  out: number[],
): number {
  const table = shard.heads[shard.head + Head.Table]!;
  if (table === 0 || shard.words[Header.KeyCounts + database] === 0) return -1;
  const entries = scratchEntries;
  entries.length = 0;
  const next = collectEntries(shard, table, fromHash, countMin, entries);
  for (let i = 1; i < entries.length; i += 2) {
    const record = entries[i]!;
    if (recordDatabase(shard, record) === database && !keyspace.isExpired(shard, record)) out.push(record);
  }
  return next;
}

/** Index of a shard chosen at random, each by its share of the keys of a physical database. */
export function randomShard(keyspace: Keyspace, database: number): number {
  let rest = Math.random() * keyspace.keyCount(database);
  for (const shard of keyspace.shards) {
    rest -= shard.words[Header.KeyCounts + database]!;
    if (rest < 0) return shard.index;
  }
  return 0;
}

/** A live record of a physical database chosen at random in one shard, or 0 after some tries. */
export function randomRecord(keyspace: Keyspace, shard: Shard, database: number): number {
  const table = shard.heads[shard.head + Head.Table]!;
  if (table === 0) return 0;
  for (let tries = 0; tries < RANDOM_TRIES; tries++) {
    const slot = randomSlot(shard, table, Math.floor(Math.random() * 0x100000000));
    if (slot === 0) continue;
    const record = slotRef(shard, slot);
    if (recordDatabase(shard, record) === database && !keyspace.isExpired(shard, record)) return record;
  }
  return 0;
}

/** A slice in which at least this share of the fields was stale is followed by another one of the same hash. */
const STALE_SHARE = 0.1;

/**
 * Active expiry: looks at about `entryCount` records of a shard, and fields in them, from where the last slice ended,
 * and removes those whose time has come. Returns how many it removed.
 *
 * A large hash that holds many stale fields is stayed with, slice after slice; one that holds few is left to the next
 * time round, when its sweep goes on where it stopped. So none keeps the others waiting for the sake of a few fields.
 */
export function expireSlice(keyspace: Keyspace, shard: Shard, entryCount: number, key: Key): number {
  const { heads, head } = shard;
  const table = heads[head + Head.Table]!;
  if (table === 0) return 0;
  const entries = scratchEntries;
  entries.length = 0;
  let next = collectEntries(shard, table, heads[head + Head.ExpiryCursor]!, entryCount, entries);
  let removed = 0;
  let effort = entryCount;
  for (let i = 0; i < entries.length && effort > 0; i += 2) {
    const record = entries[i + 1]!;
    const isExpired = keyspace.isExpired(shard, record);
    if (!isExpired && !hasDueFields(keyspace, shard, record)) continue;
    keyspace.pointAt(key, shard, entries[i]!, record);
    if (isExpired) {
      if (keyspace.onExpired !== null) keyspace.onExpired(key);
      if (keyspace.onLapsed !== null) keyspace.onLapsed(key);
      keyspace.remove(key);
      keyspace.counters[Counter.ExpiredKeys]!++;
      removed++;
      continue;
    }
    effort -= expireEffort(shard, record, entryCount);
    const fieldCount = expireFields(keyspace, key, entryCount);
    removed += fieldCount;
    const isMuchStale = fieldCount >= entryCount * STALE_SHARE && key.record !== 0;
    if (isMuchStale && hasDueFields(keyspace, shard, key.record)) {
      next = entries[i]!;
      break;
    }
    if (effort <= 0 && i + 2 < entries.length) next = entries[i + 2]!;
  }
  heads[head + Head.ExpiryCursor] = Math.max(next, 0);
  return removed;
}
