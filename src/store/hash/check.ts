/** The checker of packed hashes, and of what the record of any hash says about it. */
import { assert } from '../../base/assert.ts';
import type { Shard } from '../../memory/shard.ts';
import { tableExpiringCount, tableFieldCount } from '../../structures/hash/field-table.ts';
import { packedFieldCount, verifyPackedFields } from '../../structures/hash/packed-fields.ts';
import { Encoding, recordEncoding, RecordFlag, recordFlags, rootOf, valueAt, valueBytes } from '../record.ts';

/** Asserts the invariants of the hash in `record`; those of a table's blocks are its structure's to check. */
export function verifyHash(shard: Shard, record: number): void {
  const encoding = recordEncoding(shard, record);
  let expiring: number;
  if (encoding === Encoding.HashTable) {
    expiring = tableExpiringCount(shard, rootOf(shard, record));
    assert(tableFieldCount(shard, rootOf(shard, record)) > 0, 'hash: empty');
  } else {
    const at = valueAt(shard, record);
    const timed = encoding === Encoding.PackedExpiry;
    assert(timed || encoding === Encoding.Packed, 'hash: encoding');
    expiring = verifyPackedFields(shard.bytes, at, valueBytes(shard, record), timed);
    assert(packedFieldCount(shard.bytes, at) > 0, 'hash: empty');
  }
  const isMarked = (recordFlags(shard, record) & RecordFlag.FieldExpiry) !== 0;
  assert(isMarked === expiring > 0, 'hash: mark of fields that expire');
}
