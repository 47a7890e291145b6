/** Giving back what a record's block has beyond its content, once that has shrunk. */
import { allocate, blockBytes, free, usableBytes } from '../memory/allocator.ts';
import { setSlotRef } from '../structures/table.ts';
import type { Key } from './key.ts';
import { recordBytes, RecordFlag, recordFlags, setRecordFlags } from './record.ts';

/** Smaller blocks are left alone. */
const BLOCK_BYTES_MIN = 256;

/**
 * Moves the record found under `key` to a smaller block, with a quarter to grow in, if it uses less than a quarter of its
 * own. Without memory for the exchange it stays.
 */
export function releaseSlack(key: Key): void {
  const shard = key.shard;
  const old = key.record;
  const flags = recordFlags(shard, old);
  if ((flags & RecordFlag.Slack) === 0) return;
  const needed = recordBytes(shard, old);
  const room = usableBytes(shard, old);
  if (room < BLOCK_BYTES_MIN || needed * 4 > room) return;
  const wanted = needed + (needed >> 2);
  const record = allocate(shard, wanted);
  if (record === 0) return;
  shard.bytes.u8.copyWithin(record, old, old + needed);
  const isExact = blockBytes(wanted) === blockBytes(needed);
  setRecordFlags(shard, record, isExact ? flags & ~RecordFlag.Slack : flags);
  setSlotRef(shard, key.slot, record);
  free(shard, old);
  key.record = record;
}
