/** Sums over shards of what their headers count. They are read without locks: what others do meanwhile is in them or not. */
import { Header, type Shard } from '../memory/shard.ts';

/** Hashes of a physical database that have fields with an expiry. */
export function fieldExpiryCount(shards: readonly Shard[], database: number): number {
  return sum(shards, Header.FieldExpiryCounts + database);
}

/** Removed values whose memory is still to be freed. */
export function buriedCount(shards: readonly Shard[]): number {
  return sum(shards, Header.BuriedCount);
}

function sum(shards: readonly Shard[], word: number): number {
  let count = 0;
  for (const shard of shards) count += shard.words[word]!;
  return count;
}
