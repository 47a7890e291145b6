/** Copying and renaming records, within a shard or from one to another. Both locks are held. */
import { copyBytes } from '../base/bytes.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import {
  Encoding,
  expiryAtMs,
  isRooted,
  itemClientFlags,
  recordAccess,
  recordEncoding,
  RecordFlag,
  recordFlags,
  recordType,
  ROOT_BYTES,
  rootOf,
  setRecordKind,
  touchAccess,
  valueAt,
  valueBytes,
  ValueType,
  writeExpiryAtMs,
  writeItemClientFlags,
  writeRoot,
} from './record.ts';
import { Status } from './status.ts';
import { structureKind } from './structure-kinds.ts';

/**
 * Copies the record found under `from` to `to`, which may be in another shard or database, with `whenMs` as its
 * expiry; whatever was at `to` is replaced. OutOfMemory: nothing was changed.
 */
export function copyRecord(keyspace: Keyspace, from: Key, to: Key, whenMs: number): Status {
  const encoding = recordEncoding(from.shard, from.record);
  if (!isRooted(encoding)) return enterCopy(keyspace, from, to, whenMs, 0);
  const kind = structureKind(encoding);
  const root = kind.copy(from.shard, rootOf(from.shard, from.record), to.shard);
  if (root === 0) return Status.OutOfMemory;
  const status = enterCopy(keyspace, from, to, whenMs, root);
  if (status !== Status.Ok) kind.freeSlice(to.shard, root, 0, Infinity);
  return status;
}

/**
 * Gives the record found under `from` the name `to`, in whatever shard and database that is; whatever was there is
 * replaced. Expiry and access clock go along. Within a shard a structure keeps its place; to another it is copied, which
 * takes as long as it is large. OutOfMemory: nothing was changed.
 */
export function moveRecord(keyspace: Keyspace, from: Key, to: Key): Status {
  const { shard } = from;
  const access = recordAccess(shard, from.record);
  const whenMs = expiryAtMs(shard, from.record);
  const keepsRoot = shard === to.shard && isRooted(recordEncoding(shard, from.record));
  const status = keepsRoot
    ? enterCopy(keyspace, from, to, whenMs, rootOf(shard, from.record))
    : copyRecord(keyspace, from, to, whenMs);
  if (status !== Status.Ok) return status;
  touchAccess(to.shard, to.record, access);
  // Entering `to` may have moved the slots of its shard.
  keyspace.find(from);
  // What the structure belongs to now is the other record.
  if (keepsRoot) setRecordKind(shard, from.record, ValueType.String, Encoding.Plain);
  keyspace.remove(from);
  return Status.Ok;
}

/** Enters a record like that under `from` at `to`: with a copy of its inline value, or with `root` if that is not 0. */
function enterCopy(keyspace: Keyspace, from: Key, to: Key, whenMs: number, root: number): Status {
  const source = from.shard;
  const target = to.shard;
  const clientFlags = itemClientFlags(source, from.record);
  const at = valueAt(source, from.record);
  const byteCount = root === 0 ? valueBytes(source, from.record) : ROOT_BYTES;
  const flags =
    (whenMs === 0 ? 0 : RecordFlag.Expiry) |
    (clientFlags === 0 ? 0 : RecordFlag.Item) |
    (recordFlags(source, from.record) & RecordFlag.FieldExpiry);
  const type = recordType(source, from.record);
  const encoding = recordEncoding(source, from.record);
  // A fresh block even when the old one would do: the source's bytes must not move before they are copied.
  const record = keyspace.prepareRecord(to, flags, type, encoding, byteCount);
  if (record === 0) return Status.OutOfMemory;
  if (root !== 0) writeRoot(target, record, root);
  else if (source !== target) copyBytes(source.bytes, at, target.bytes, valueAt(target, record), byteCount);
  else source.bytes.u8.copyWithin(valueAt(target, record), at, at + byteCount);
  if (whenMs !== 0) writeExpiryAtMs(target, record, whenMs);
  if (clientFlags !== 0) writeItemClientFlags(target, record, clientFlags);
  const status = keyspace.enterRecord(to, record);
  if (status === Status.Ok) keyspace.touched(to);
  return status;
}
