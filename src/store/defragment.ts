/**
 * Defragmentation: when sizes change over time, slabs of the old sizes keep a few blocks each and cannot be given back.
 * Records are moved out of them into fuller slabs of the same class, a slice of a shard's keys at a time, until they are
 * empty. Moved are records with what lies in them: strings and packed collections; the blocks of large collections stay.
 * Lock: the shard's. Nobody keeps the offset of a record from one hold of the lock to the next.
 */
import { allocateFuller, free } from '../memory/allocator.ts';
import { Head, Header, PAGE_BYTES, type Shard } from '../memory/shard.ts';
import { collectEntries, setSlotRef } from '../structures/table.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { isRooted, recordBlockBytes, recordEncoding } from './record.ts';

const scratchEntries: number[] = [];

/** What a slice did: where to go on (a hash, 0 after the last), and how many records it moved. */
export const slice = { nextHash: 0, movedCount: 0 };

/** Bytes of pages in use that no block fills. Approximate without the lock. */
export function fragmentedBytes({ words, usedBytes }: Shard): number {
  return words[Header.HeldPages]! * PAGE_BYTES - usedBytes;
}

/** Looks at about `entryCount` records from `fromHash` on and moves those in sparse slabs. The outcome is in `slice`. */
export function defragmentSlice(
  keyspace: Keyspace,
  shard: Shard,
  fromHash: number,
  entryCount: number,
  key: Key,
): void {
  slice.movedCount = 0;
  slice.nextHash = 0;
  const table = shard.heads[shard.head + Head.Table]!;
  if (table === 0) return;
  const entries = scratchEntries;
  entries.length = 0;
  const next = collectEntries(shard, table, fromHash, entryCount, entries);
  for (let i = 0; i < entries.length; i += 2) {
    const record = entries[i + 1]!;
    if (isRooted(recordEncoding(shard, record))) continue;
    const byteCount = recordBlockBytes(shard, record);
    const other = allocateFuller(shard, record, byteCount);
    if (other === 0) continue;
    keyspace.pointAt(key, shard, entries[i]!, record);
    shard.bytes.u8.copyWithin(other, record, record + byteCount);
    setSlotRef(shard, key.slot, other);
    free(shard, record);
    slice.movedCount++;
  }
  slice.nextHash = Math.max(next, 0);
}
