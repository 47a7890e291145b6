/** Active expiry inside hashes: removing fields whose time has come, a bounded number at a time. */
import { Counter } from '../../memory/control.ts';
import type { Shard } from '../../memory/shard.ts';
import { isSweeping, sweepFields, tableFieldCount, tableMinimum } from '../../structures/hash/field-table.ts';
import { packedFieldCount, packedMinimum, removeDueFields } from '../../structures/hash/packed-fields.ts';
import type { EntryText } from '../../structures/packed-entry.ts';
import { hashChanged } from './hash.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, recordEncoding, RecordFlag, recordFlags, rootOf, valueAt, valueBytes } from '../record.ts';
import { resizeValue } from '../record-room.ts';

/** Tells whoever records changes of each field that is removed, or null: nobody does. */
function lapsed(keyspace: Keyspace, key: Key): ((field: EntryText) => void) | null {
  const { onLapsedField } = keyspace;
  if (onLapsedField === null) return null;
  return ({ bytes, at, byteCount }) => onLapsedField(key, bytes, at, byteCount);
}

/** Fields of a packed hash that take as long to look at as one of a table. */
const PACKED_FIELDS_PER_VISIT = 8;

/** Whether a record is a hash with fields that may have expired. One load for all others. */
export function hasDueFields(keyspace: Keyspace, shard: Shard, record: number): boolean {
  if ((recordFlags(shard, record) & RecordFlag.FieldExpiry) === 0) return false;
  if (recordEncoding(shard, record) !== Encoding.HashTable) {
    return packedMinimum(shard.bytes, valueAt(shard, record)) < keyspace.nowMs;
  }
  const root = rootOf(shard, record);
  return tableMinimum(shard, root) < keyspace.nowMs || isSweeping(shard, root);
}

/** How many fields `expireFields` looks at in a record that has due ones, in terms of those of a table. */
export function expireEffort(shard: Shard, record: number, fieldCount: number): number {
  if (recordEncoding(shard, record) === Encoding.HashTable) {
    return Math.min(tableFieldCount(shard, rootOf(shard, record)), fieldCount);
  }
  return packedFieldCount(shard.bytes, valueAt(shard, record)) / PACKED_FIELDS_PER_VISIT;
}

/**
 * Removes the expired fields of the hash found under `key`: of a packed one all, of a table those among the next
 * `fieldCount`. An empty hash goes too: `key.record` is 0 then. Returns how many fields it removed.
 */
export function expireFields(keyspace: Keyspace, key: Key, fieldCount: number): number {
  const { shard, record } = key;
  let removed: number;
  if (recordEncoding(shard, record) === Encoding.HashTable) {
    removed = sweepFields(shard, rootOf(shard, record), keyspace.nowMs, fieldCount, lapsed(keyspace, key));
  } else {
    const at = valueAt(shard, record);
    const before = packedFieldCount(shard.bytes, at);
    const whenRemoved = lapsed(keyspace, key);
    const rest = removeDueFields(shard.bytes, at, valueBytes(shard, record), keyspace.nowMs, whenRemoved);
    removed = before - packedFieldCount(shard.bytes, at);
    if (removed > 0) resizeValue(key, rest, false);
  }
  if (removed === 0) return 0;
  keyspace.counters[Counter.ExpiredFields]! += removed;
  hashChanged(keyspace, key);
  return removed;
}
