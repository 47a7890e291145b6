/** Sums over shards of what their headers count. They are read without locks: what others do meanwhile is in them or not. */
import { Head, Header, type Shard } from '../memory/shard.ts';
import { ghostBytes } from './eviction/ghosts.ts';

/** Hashes of a physical database that have fields with an expiry. */
export function fieldExpiryCount(shards: readonly Shard[], database: number): number {
  return sum(shards, Header.FieldExpiryCounts + database);
}

/** Removed values whose memory is still to be freed. */
export function buriedCount(shards: readonly Shard[]): number {
  return sum(shards, Header.BuriedCount);
}

/** What has a shard of its own behind those that hold data, in the order of their heads. */
export const enum Beside {
  Interests = 0,
  Audience = 1,
  Watches = 2,
}

/** Bytes of live blocks of a shard that holds no data, which no limit on the data counts. */
export function besideBytes(shards: readonly Shard[], which: Beside): number {
  const { headDoubles } = shards[0]!;
  return headDoubles[((shards.length + which) * Head.Words + Head.UsedBytes) >> 1]!;
}

/** A slot of the key index, with its share of empty ones. */
export const SLOT_BYTES = 10;

/** Of the bytes that `keyCount` keys use, those that are not the keys and values themselves. */
export function indexBytes(shards: readonly Shard[], keyCount: number): number {
  let bytes = keyCount * SLOT_BYTES;
  for (const shard of shards) bytes += ghostBytes(shard);
  return bytes;
}

/** Keys of all databases. */
export function allKeyCount(shards: readonly Shard[], databaseCount: number): number {
  let count = 0;
  for (let database = 0; database < databaseCount; database++) {
    count += sum(shards, Header.KeyCounts + database);
  }
  return count;
}

function sum(shards: readonly Shard[], word: number): number {
  let count = 0;
  for (const shard of shards) count += shard.words[word]!;
  return count;
}
