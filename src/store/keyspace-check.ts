/** The keyspace's checker: walks a shard and asserts what must hold between allocator, table, records and counts. */
import { assert } from '../base/assert.ts';
import { usableBytes, verifyAllocator } from '../memory/allocator.ts';
import { DATABASE_COUNT_MAX, Head, Header, type Shard } from '../memory/shard.ts';
import { verifyIntegerSet } from '../structures/set/integer-set.ts';
import { countRun, PACK_HEAD_BYTES, packCount } from '../structures/list/pack.ts';
import { verifyPackedScores } from '../structures/sorted-set/packed-scores.ts';
import { verifyPackedSet } from '../structures/set/packed-set.ts';
import {
  collectEntries,
  tableBytesUsed,
  tableDepth,
  tableDirectory,
  verifyTable,
} from '../structures/table.ts';
import { ghostBytes } from './eviction/ghosts.ts';
import { emptyGraveyard } from './graveyard.ts';
import { verifyHash } from './hash/check.ts';
import type { Keyspace } from './keyspace.ts';
import {
  Encoding,
  isRooted,
  keyAt,
  keyBytes,
  recordBlockBytes,
  recordBytes,
  recordDatabase,
  recordEncoding,
  RecordFlag,
  recordFlags,
  recordType,
  ROOT_BYTES,
  rootOf,
  valueAt,
  valueBytes,
  ValueType,
} from './record.ts';
import { structureKind } from './structure-kinds.ts';

/**
 * Walks a shard - allocator, table, every record, every count - and asserts every invariant, also that what the
 * records, their structures and the table take is all that is allocated. What is still buried is freed first. Returns
 * the number of keys.
 */
export function verifyShard(keyspace: Keyspace, shard: Shard): number {
  const words = shard.words;
  emptyGraveyard(shard);
  assert(words[Header.BuriedCount] === 0, 'keyspace: buried count');
  const used = verifyAllocator(shard);
  const table = shard.heads[shard.head + Head.Table]!;
  if (table === 0) {
    assert(shard.heads[shard.head + Head.Directory] === 0, 'keyspace: directory of no table');
    assert(used === 0, 'keyspace: blocks in an empty shard');
    return 0;
  }
  const count = verifyTable(shard, table);
  assert(
    shard.heads[shard.head + Head.Directory] === tableDirectory(shard, table),
    'keyspace: head directory',
  );
  assert(shard.heads[shard.head + Head.Depth] === tableDepth(shard, table), 'keyspace: head depth');
  const entries: number[] = [];
  assert(collectEntries(shard, table, 0, count + 1, entries) === -1, 'keyspace: walk goes on past the end');
  assert(entries.length === count * 2, 'keyspace: walk misses entries');
  let bytes = tableBytesUsed(shard, table) + ghostBytes(shard);
  const fieldExpiries = new Map<number, number>();
  const keys = new Map<number, number>();
  const expiries = new Map<number, number>();
  for (let i = 0; i < entries.length; i += 2) {
    bytes += verifyRecord(keyspace, shard, entries[i]!, entries[i + 1]!, keys, expiries);
    if ((recordFlags(shard, entries[i + 1]!) & RecordFlag.FieldExpiry) === 0) continue;
    const database = recordDatabase(shard, entries[i + 1]!);
    fieldExpiries.set(database, (fieldExpiries.get(database) ?? 0) + 1);
  }
  const fieldExpirySum = [...fieldExpiries.values()].reduce((sum, one) => sum + one, 0);
  assert(words[Header.FieldExpiryRecords] === fieldExpirySum, 'keyspace: field expiry count');
  assert(bytes === used, 'keyspace: blocks that no record owns');
  for (let database = 0; database < DATABASE_COUNT_MAX; database++) {
    assert(words[Header.KeyCounts + database] === (keys.get(database) ?? 0), 'keyspace: key count');
    assert(words[Header.ExpiryCounts + database] === (expiries.get(database) ?? 0), 'keyspace: expiry count');
    const timed = fieldExpiries.get(database) ?? 0;
    assert(words[Header.FieldExpiryCounts + database] === timed, 'keyspace: field expiry count by database');
  }
  return count;
}

/** Checks one record and counts it by database; returns the bytes of its block and of its structure. */
function verifyRecord(
  keyspace: Keyspace,
  shard: Shard,
  hash: number,
  record: number,
  keys: Map<number, number>,
  expiries: Map<number, number>,
): number {
  const database = recordDatabase(shard, record);
  const start = keyAt(shard, record);
  assert(
    keyspace.hash(shard.bytes, start, keyBytes(shard, record), database) === hash,
    'keyspace: record under another hash',
  );
  assert(keyspace.shardOf(hash) === shard, 'keyspace: record in another shard');
  const block = usableBytes(shard, record);
  assert(recordBytes(shard, record) <= block, 'keyspace: record larger than its block');
  assert(recordBlockBytes(shard, record) === block, 'keyspace: slack flag');
  keys.set(database, (keys.get(database) ?? 0) + 1);
  if ((recordFlags(shard, record) & RecordFlag.Expiry) !== 0) {
    expiries.set(database, (expiries.get(database) ?? 0) + 1);
  }
  const encoding = recordEncoding(shard, record);
  if (recordType(shard, record) === ValueType.Hash) verifyHash(shard, record);
  if (!isRooted(encoding)) {
    verifyInline(shard, record);
    return block;
  }
  assert(valueBytes(shard, record) === ROOT_BYTES, 'keyspace: size of a root');
  return block + structureKind(encoding).verify(shard, rootOf(shard, record));
}

/** Asserts every invariant of a collection that lies in its record; `verifyHash` has done it for hashes. */
function verifyInline(shard: Shard, record: number): void {
  const { bytes } = shard;
  const at = valueAt(shard, record);
  const byteCount = valueBytes(shard, record);
  const end = at + byteCount;
  let count = 1;
  switch (recordType(shard, record)) {
    case ValueType.List:
      count = countRun(bytes, at + PACK_HEAD_BYTES, end);
      assert(count === packCount(bytes, at), 'keyspace: count of a packed list');
      break;
    case ValueType.Set:
      count =
        recordEncoding(shard, record) === Encoding.IntegerSet
          ? verifyIntegerSet(bytes, at, byteCount)
          : verifyPackedSet(bytes, at, byteCount);
      break;
    case ValueType.SortedSet:
      count = verifyPackedScores(bytes, at, end);
  }
  assert(count > 0, 'keyspace: a collection without elements');
}
