/** Emptying shards: of everything at once, or of one database. The shard's lock is held. */
import { resetAllocator } from '../memory/allocator.ts';
import { DATABASE_COUNT_MAX, Head, Header, type Shard } from '../memory/shard.ts';
import { collectEntries, tableCount } from '../structures/table.ts';
import { dropGhosts } from './eviction/ghosts.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { recordDatabase } from './record.ts';

/** Entries looked at in one go. */
const WALK_ENTRIES = 256;

/** Removes every key of every database of a shard, at a cost that does not depend on their number. */
export function clearShard(keyspace: Keyspace, shard: Shard): void {
  const { heads, head } = shard;
  const table = heads[head + Head.Table]!;
  const count = table === 0 ? 0 : tableCount(shard, table);
  resetAllocator(shard);
  dropGhosts(shard);
  heads[head + Head.Table] = 0;
  heads[head + Head.Directory] = 0;
  heads[head + Head.ExpiryCursor] = 0;
  shard.words[Header.Graveyard] = 0;
  shard.words[Header.BuriedCount] = 0;
  shard.words[Header.FieldExpiryRecords] = 0;
  shard.words.fill(0, Header.KeyCounts, Header.FieldExpiryCounts + DATABASE_COUNT_MAX);
  shard.headDoubles[shard.headDouble + (Head.Mutations >> 1)]! += count;
  keyspace.changes++;
}

/** Removes every key of one physical database in a shard. `key` is scratch. */
export function clearDatabase(keyspace: Keyspace, shard: Shard, database: number, key: Key): void {
  const count = shard.words[Header.KeyCounts + database]!;
  if (count === 0) return;
  const { heads, head } = shard;
  if (count === tableCount(shard, heads[head + Head.Table]!)) return clearShard(keyspace, shard);
  const entries: number[] = [];
  for (let hash = 0; hash >= 0;) {
    entries.length = 0;
    hash = collectEntries(shard, heads[head + Head.Table]!, hash, WALK_ENTRIES, entries);
    for (let i = 0; i < entries.length; i += 2) {
      if (recordDatabase(shard, entries[i + 1]!) !== database) continue;
      keyspace.pointAt(key, shard, entries[i]!, entries[i + 1]!);
      keyspace.remove(key);
    }
  }
}
