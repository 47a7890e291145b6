/** HyperLogLogs under their keys: strings of a certain form (structures/hyperloglog/registers.ts), changed all or nothing. */
import { copyBytes } from '../base/bytes.ts';
import type { Shard } from '../memory/shard.ts';
import { estimateSparse, type HyperLogLogImage, mergeSparse } from '../structures/hyperloglog/image.ts';
import {
  ENCODING_AT,
  estimateDense,
  Form,
  isHyperLogLog,
  markStale,
  mergeDense,
} from '../structures/hyperloglog/registers.ts';
import type { Key } from './key.ts';
import type { Keyspace } from './keyspace.ts';
import { Encoding, setRecordKind, valueAt, valueBytes, ValueType } from './record.ts';
import { resizeValue } from './record-room.ts';

/** Whether the string in a record looks like a HyperLogLog. */
export function holdsHyperLogLog(shard: Shard, record: number): boolean {
  return isHyperLogLog(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
}

export function isDense(shard: Shard, record: number): boolean {
  return shard.bytes.u8[valueAt(shard, record) + ENCODING_AT] === Form.Dense;
}

/** Redis: a string is raw from then on that a command has taken as a HyperLogLog that it might change. */
export function markRaw(shard: Shard, record: number): void {
  setRecordKind(shard, record, ValueType.String, Encoding.Raw);
}

/** How many elements the one in a record has by its registers. -1: it is corrupt. */
export function estimateRecord(shard: Shard, record: number): number {
  const at = valueAt(shard, record);
  const { u8 } = shard.bytes;
  return isDense(shard, record)
    ? estimateDense(u8, at)
    : estimateSparse(u8, at, at + valueBytes(shard, record));
}

/** Raises `registers` to those of the one in a record. False: it is corrupt. */
export function mergeRecord(shard: Shard, record: number, registers: Uint8Array): boolean {
  const at = valueAt(shard, record);
  const { u8 } = shard.bytes;
  if (!isDense(shard, record)) return mergeSparse(u8, at, at + valueBytes(shard, record), registers);
  mergeDense(u8, at, registers);
  return true;
}

/** Copies the one in a record to where it can be changed; record 0 is an empty one. */
export function takeImage(image: HyperLogLogImage, shard: Shard, record: number): void {
  if (record === 0) image.clear();
  else image.take(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
}

/**
 * Makes the changed copy the value of the key that has been looked for, and calls `touched`.
 * False, nothing changed: out of memory.
 */
export function putImage(keyspace: Keyspace, key: Key, image: HyperLogLogImage): boolean {
  const { byteCount, bytes } = image;
  const record =
    key.record === 0 ? keyspace.createString(key, byteCount) : resizeValue(key, byteCount, !image.isDense);
  if (record === 0) return false;
  const { shard } = key;
  const at = valueAt(shard, record);
  copyBytes(bytes, 0, shard.bytes, at, byteCount);
  markRaw(shard, record);
  keyspace.touched(key);
  return true;
}

/** Says of the one found under `key`, changed where it lies, that its cardinality is out of date, and calls `touched`. */
export function finishInPlace(keyspace: Keyspace, key: Key): void {
  markStale(key.shard.bytes.u8, valueAt(key.shard, key.record));
  keyspace.touched(key);
}
