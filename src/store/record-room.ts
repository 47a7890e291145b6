/**
 * Giving the record found under a key another size or other optional fields, and the counts of records that expire. The
 * lock of the key's shard is held. Each takes the memory it needs first and answers so, nothing changed, when there is
 * none.
 */
import { allocate, blockBytes, free } from '../memory/allocator.ts';
import { Header, type Shard } from '../memory/shard.ts';
import { setSlotRef } from '../structures/table.ts';
import type { Key } from './key.ts';
import {
  type Encoding,
  expiryAtMs,
  itemCas,
  itemClientFlags,
  keyAt,
  keyBytes,
  prefixBytes,
  Record,
  recordBlockBytes,
  recordBytes,
  recordFlags,
  RecordFlag,
  recordType,
  ROOT_BYTES,
  setRecordFlags,
  setRecordKind,
  setValueBytes,
  valueAt,
  valueBytes,
  writeExpiryAtMs,
  writeItemCas,
  writeItemClientFlags,
  writeRoot,
} from './record.ts';

/** A string that grows in place is given as much room again, up to this many bytes (as Redis' SDS_MAX_PREALLOC). */
const SLACK_BYTES_MAX = 1 << 20;
/** A block of so many times the bytes needed is given back for a smaller one. */
const TRIM_SHARE = 4;

/**
 * Gives the inline value found under `key` room for `byteCount` bytes and that length; the old bytes up to the shorter
 * length stay, the rest is undefined. With `greedy` more room is taken than needed, for a value that goes on
 * growing. Returns the record, or 0, nothing changed: out of memory.
 */
export function resizeValue(key: Key, byteCount: number, greedy: boolean): number {
  const shard = key.shard;
  const old = key.record;
  const flags = recordFlags(shard, old);
  const needed = prefixBytes(flags) + key.byteCount + byteCount;
  const room = recordBlockBytes(shard, old);
  if (needed <= room) {
    setValueBytes(shard, old, byteCount);
    if (room !== blockBytes(needed)) setRecordFlags(shard, old, flags | RecordFlag.Slack);
    return old;
  }
  const extra = greedy ? Math.min(needed, SLACK_BYTES_MAX) : 0;
  let record = allocate(shard, needed + extra);
  if (record === 0 && extra !== 0) record = allocate(shard, needed);
  if (record === 0) return 0;
  shard.bytes.u8.copyWithin(record, old, old + recordBytes(shard, old));
  setValueBytes(shard, record, byteCount);
  setRecordFlags(shard, record, extra === 0 ? flags & ~RecordFlag.Slack : flags | RecordFlag.Slack);
  setSlotRef(shard, key.slot, record);
  free(shard, old);
  key.record = record;
  return record;
}

/** Gives the record found under `key` a smaller block if its own is far too large. Failing is harmless. */
export function trimRecord(key: Key): void {
  const shard = key.shard;
  const old = key.record;
  const flags = recordFlags(shard, old);
  if ((flags & RecordFlag.Slack) === 0) return;
  const needed = recordBytes(shard, old);
  if (recordBlockBytes(shard, old) < blockBytes(needed) * TRIM_SHARE) return;
  const record = allocate(shard, needed);
  if (record === 0) return;
  shard.bytes.u8.copyWithin(record, old, old + needed);
  setRecordFlags(shard, record, flags & ~RecordFlag.Slack);
  setSlotRef(shard, key.slot, record);
  free(shard, old);
  key.record = record;
}

/**
 * Makes the inline value found under `key` one whose structure begins at `root`. Where there is no memory for a block
 * of the right size the old one stays, so it cannot fail for values of ROOT_BYTES and more. False: the value is
 * shorter, its block full, and there is no memory; nothing was changed.
 */
export function becomeRooted(key: Key, encoding: Encoding, root: number): boolean {
  const shard = key.shard;
  const old = key.record;
  const headBytes = valueAt(shard, old) - old;
  const record = allocate(shard, headBytes + ROOT_BYTES);
  if (record === 0) {
    if (recordBlockBytes(shard, old) < headBytes + ROOT_BYTES) return false;
    setRecordFlags(shard, old, recordFlags(shard, old) | RecordFlag.Slack);
  } else {
    shard.bytes.u8.copyWithin(record, old, old + headBytes);
    setRecordFlags(shard, record, recordFlags(shard, old) & ~RecordFlag.Slack);
    setSlotRef(shard, key.slot, record);
    free(shard, old);
    key.record = record;
  }
  setRecordKind(shard, key.record, recordType(shard, key.record), encoding);
  setValueBytes(shard, key.record, ROOT_BYTES);
  writeRoot(shard, key.record, root);
  return true;
}

/** Gives the record found under `key` other optional fields, keeping the common ones. False: out of memory. */
export function reshapeRecord(key: Key, flags: number): boolean {
  const shard = key.shard;
  const old = key.record;
  const oldFlags = recordFlags(shard, old);
  const expiry = expiryAtMs(shard, old);
  const cas = itemCas(shard, old);
  const clientFlags = itemClientFlags(shard, old);
  const contentBytes = keyBytes(shard, old) + valueBytes(shard, old);
  const bytes = prefixBytes(flags) + contentBytes;
  const room = recordBlockBytes(shard, old);
  let record = old;
  if (blockBytes(bytes) !== room) {
    record = allocate(shard, bytes);
    if (record === 0 && bytes > room) return false;
    if (record === 0) record = old;
  }
  const from = keyAt(shard, old);
  shard.bytes.u8.copyWithin(record + prefixBytes(flags), from, from + contentBytes);
  if (record !== old) shard.bytes.u8.copyWithin(record, old, old + Record.HeaderBytes);
  const slack = blockBytes(bytes) === (record === old ? room : blockBytes(bytes)) ? 0 : RecordFlag.Slack;
  setRecordFlags(shard, record, (flags & ~RecordFlag.Slack) | slack);
  if ((flags & RecordFlag.Expiry) !== 0) writeExpiryAtMs(shard, record, expiry);
  if ((flags & RecordFlag.Item) !== 0) {
    writeItemCas(shard, record, cas);
    writeItemClientFlags(shard, record, clientFlags);
  }
  countExpiry(shard, key.database, oldFlags, flags);
  if (record !== old) {
    setSlotRef(shard, key.slot, record);
    free(shard, old);
    key.record = record;
  }
  return true;
}

/** Counts a record with `oldFlags` out and one with `flags` in. */
export function countExpiry(shard: Shard, database: number, oldFlags: number, flags: number): void {
  const change = (flags & RecordFlag.Expiry) - (oldFlags & RecordFlag.Expiry);
  if (change !== 0) shard.words[Header.ExpiryCounts + database]! += change;
  if (((oldFlags | flags) & RecordFlag.FieldExpiry) !== 0) {
    const had = (oldFlags & RecordFlag.FieldExpiry) !== 0 ? 1 : 0;
    const has = (flags & RecordFlag.FieldExpiry) !== 0 ? 1 : 0;
    shard.words[Header.FieldExpiryRecords]! += has - had;
    shard.words[Header.FieldExpiryCounts + database]! += has - had;
  }
}
