/** What several memcached commands do with an item: find it, answer with it, store it, change its expiry and number. */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import { INT64_BYTES_MAX } from '../../base/int64.ts';
import { formatInteger, integerDigits } from '../../base/number.ts';
import { Counter } from '../../memory/control.ts';
import type { Shard } from '../../memory/shard.ts';
import { parseUnsigned } from '../../protocol/memcache-number.ts';
import { KEEP_EXPIRY } from '../../store/keyspace.ts';
import {
  Encoding,
  expiryAtMs,
  itemCas,
  recordFlags,
  RecordFlag,
  recordType,
  setRecordFlags,
  setRecordKind,
  valueAt,
  valueBytes,
  ValueType,
} from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { StoreMode } from './request.ts';
import { type MemcachedCall, MemcachedEvent } from './row.ts';
import { resizeValue } from '../../store/record-room.ts';

/** What memcached keeps with an item beside key and value: header, cas number, a zero byte, a line end. */
const ITEM_OVERHEAD_BYTES = 48 + 8 + 1 + 2;
const CLIENT_FLAGS_BYTES = 4;
/** What a new value clears: it has not been read, is not stale, and nobody has been told to recache it. */
const LIFE_FLAGS = RecordFlag.Fetched | RecordFlag.Stale | RecordFlag.Won;
const SPACE = 32;
const UINT64_MASK = (1n << 64n) - 1n;

/** Outcomes of `storeItem` and `addToNumber`. */
export const enum Outcome {
  Done,
  NotStored,
  Exists,
  NotFound,
  OutOfMemory,
  OtherType,
  NotANumber,
}

/** Whether memcached would refuse an item of this size, which it counts with all it keeps beside the value. */
export function isTooLarge(call: MemcachedCall, clientFlags: number, dataBytes: number): boolean {
  const flagsBytes = clientFlags === 0 ? 0 : CLIENT_FLAGS_BYTES;
  return ITEM_OVERHEAD_BYTES + flagsBytes + call.request.keyBytes + dataBytes > call.itemBytesMax;
}

/** The record of the key if it is a string, else 0: a key of another type is a miss for memcached's readers. */
export function findItem(call: MemcachedCall): number {
  const { key } = call;
  const record = call.keyspace.find(key);
  return record !== 0 && recordType(key.shard, record) === ValueType.String ? record : 0;
}

/** Notes that the item was read: for `mg h`, for the access clock, and for INFO. */
export function markFetched(call: MemcachedCall): void {
  const { shard, record } = call.key;
  const flags = recordFlags(shard, record);
  if ((flags & RecordFlag.Fetched) === 0) setRecordFlags(shard, record, flags | RecordFlag.Fetched);
  call.keyspace.noteRead(shard, record);
}

/** Counts a read for INFO. */
export function countRead(call: MemcachedCall, isHit: boolean): void {
  call.keyspace.counters[isHit ? Counter.KeyspaceHits : Counter.KeyspaceMisses]!++;
}

/** Sets the item's expiry. memcached: this is no new version of the item, so its cas number stays. */
export function changeExpiry(call: MemcachedCall, whenMs: number): Status {
  const { key, keyspace } = call;
  if (whenMs === expiryAtMs(key.shard, key.record)) return Status.Ok;
  const cas = itemCas(key.shard, key.record);
  const status = keyspace.setExpiry(key, whenMs);
  return status === Status.Ok && cas !== 0 ? keyspace.setCas(key, cas) : status;
}

/** Sets the flags of the item's life to `life`. */
export function setLife(shard: Shard, record: number, life: number): void {
  setRecordFlags(shard, record, (recordFlags(shard, record) & ~LIFE_FLAGS) | life);
}

/**
 * Carries out what set, add, replace, append, prepend, cas and ms ask for. With `mayBeStale` (ms flag I) a cas number
 * older than the item's stores the value all the same, and marks it as stale.
 */
export function storeItem(call: MemcachedCall, mayBeStale: boolean): Outcome {
  const { request, key, keyspace } = call;
  if (request.mode === StoreMode.Set && !request.hasCas) return putValue(call, request.whenMs);
  const old = keyspace.find(key);
  const { mode } = request;
  const isExtension = mode === StoreMode.Append || mode === StoreMode.Prepend;
  const isCas = request.hasCas && (mode === StoreMode.Set || mode === StoreMode.Replace);
  if (old === 0) {
    if (isCas) call.countEvent(MemcachedEvent.CasMisses);
    if (isCas) return Outcome.NotFound;
    return mode === StoreMode.Add ? putValue(call, request.whenMs) : Outcome.NotStored;
  }
  if (mode === StoreMode.Add) return Outcome.NotStored;
  if (!isCas && !isExtension) return putValue(call, request.whenMs);
  if (recordType(key.shard, old) !== ValueType.String) return Outcome.OtherType;
  return isCas ? storeOnMatch(call, mayBeStale) : extendIfMatching(call, mode);
}

function putValue(call: MemcachedCall, whenMs: number): Outcome {
  const { request, keyspace, key } = call;
  const { dataAt, dataBytes, clientFlags } = request;
  const status = keyspace.putItem(key, call.source, dataAt, dataBytes, whenMs, clientFlags);
  if (status !== Status.Ok) return Outcome.OutOfMemory;
  call.countEvent(MemcachedEvent.TotalItems);
  return Outcome.Done;
}

function storeOnMatch(call: MemcachedCall, mayBeStale: boolean): Outcome {
  const { key, request } = call;
  const current = call.keyspace.ensureCas(key);
  if (request.cas === current && current !== 0) {
    call.countEvent(MemcachedEvent.CasHits);
    return putValue(call, request.whenMs);
  }
  if (!mayBeStale || request.cas === 0 || request.cas > current) {
    call.countEvent(MemcachedEvent.CasBadValue);
    return Outcome.Exists;
  }
  call.countEvent(MemcachedEvent.CasHits);
  const won = recordFlags(key.shard, key.record) & RecordFlag.Won;
  const outcome = putValue(call, KEEP_EXPIRY);
  if (outcome === Outcome.Done) setLife(key.shard, key.record, RecordFlag.Stale | won);
  return outcome;
}

function extendIfMatching(call: MemcachedCall, mode: StoreMode): Outcome {
  const { key, keyspace, request, source } = call;
  if (request.cas !== 0 && request.cas !== keyspace.ensureCas(key)) return Outcome.Exists;
  const oldBytes = valueBytes(key.shard, key.record);
  // memcached: when there is no room for the longer item, it is not stored, and that is all the client hears.
  if (isTooLarge(call, 0, oldBytes + request.dataBytes)) return Outcome.NotStored;
  const record = resizeValue(key, oldBytes + request.dataBytes, mode === StoreMode.Append);
  if (record === 0) return Outcome.OutOfMemory;
  const { shard } = key;
  const at = valueAt(shard, record);
  if (mode === StoreMode.Append) {
    copyBytes(source, request.dataAt, shard.bytes, at + oldBytes, request.dataBytes);
  } else {
    shard.bytes.u8.copyWithin(at + request.dataBytes, at, at + oldBytes);
    copyBytes(source, request.dataAt, shard.bytes, at, request.dataBytes);
  }
  setRecordKind(shard, record, ValueType.String, Encoding.Raw);
  setLife(shard, record, 0);
  keyspace.touched(key);
  call.countEvent(MemcachedEvent.TotalItems);
  return Outcome.Done;
}

/**
 * Adds the request's delta to the number in the item found under the key, or takes it away. Going up wraps at 2^64,
 * going down stops at 0. memcached: a number that has become shorter is padded with spaces to the length it had.
 * The new number is left in `scratchNumber`.
 */
export function addToNumber(call: MemcachedCall, isIncrement: boolean): Outcome {
  const { key, keyspace, request } = call;
  const oldBytes = valueBytes(key.shard, key.record);
  const start = valueAt(key.shard, key.record);
  const old = parseUnsigned(key.shard.bytes.u8, start, start + oldBytes);
  if (typeof old === 'number' && Number.isNaN(old)) return Outcome.NotANumber;
  writeResult(old, request.delta, isIncrement);
  const { byteCount } = scratchNumber;
  if (byteCount > oldBytes) {
    if (resizeValue(key, byteCount, false) === 0) return Outcome.OutOfMemory;
    // memcached: a number that grew is a new item.
    setLife(key.shard, key.record, 0);
  }
  const { shard } = key;
  const at = valueAt(shard, key.record);
  copyBytes(scratchNumber.bytes, 0, shard.bytes, at, byteCount);
  if (byteCount < oldBytes) shard.bytes.u8.fill(SPACE, at + byteCount, at + oldBytes);
  setRecordKind(shard, key.record, ValueType.String, Encoding.Plain);
  keyspace.touched(key);
  return Outcome.Done;
}

/** The number that `addToNumber` or `setNumber` wrote last, in decimal. */
export const scratchNumber = { bytes: Bytes.allocate(INT64_BYTES_MAX), byteCount: 0 };

/** Writes an unsigned number of up to 64 bits into `scratchNumber`. */
export function setNumber(value: number | bigint): void {
  if (typeof value === 'number') {
    scratchNumber.byteCount = integerDigits(value);
    formatInteger(scratchNumber.bytes.u8, 0, value);
  } else {
    scratchNumber.byteCount = scratchNumber.bytes.u8.write(String(value), 'latin1');
  }
}

function writeResult(old: number | bigint, delta: number | bigint, isIncrement: boolean): void {
  if (typeof old === 'number' && typeof delta === 'number') {
    const result = isIncrement ? old + delta : Math.max(old - delta, 0);
    if (result <= Number.MAX_SAFE_INTEGER) return setNumber(result);
  }
  const a = BigInt(old);
  const b = BigInt(delta);
  if (isIncrement) setNumber((a + b) & UINT64_MASK);
  else setNumber(a > b ? a - b : 0n);
}
