/** Reading, finding, inserting, replacing and removing elements anywhere in a list. The rules of list.ts hold here too. */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  countMatches,
  insertInChain,
  removeChainRange,
  removeInRun,
  removeMatches,
  replaceInChain,
} from '../../structures/list/edit.ts';
import {
  nextEntry,
  PACK_HEAD_BYTES,
  packCount,
  packedBytes,
  seekEntry,
  setPackCount,
  writePacked,
} from '../../structures/list/pack.ts';
import { Element, encodeElement, type EntryText } from '../../structures/packed-entry.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import {
  becomeChain,
  isTooLong,
  listLength,
  ListWalk,
  packIfShort,
  pushElement,
  resizePacked,
  shrinkPacked,
} from './list.ts';
import { Encoding, recordEncoding, rootOf, valueAt, valueBytes } from '../record.ts';
import { Status } from '../status.ts';

const scratchElement = new Element();
const scratchWalk = new ListWalk();

function isChain(key: Key): boolean {
  return recordEncoding(key.shard, key.record) === Encoding.Chain;
}

/** Points `text` at element `index`, which must exist. */
export function pointAtElement(shard: Shard, record: number, index: number, text: EntryText): void {
  scratchWalk.start(shard, record, index, false);
  scratchWalk.nextText(text);
}

/** Index of the first element that equals `source[at, at + byteCount)`, or -1. */
export function findElement(
  shard: Shard,
  record: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  encodeElement(scratchElement, source, at, byteCount);
  scratchWalk.start(shard, record, 0, false);
  return scratchWalk.nextMatch(scratchElement, Infinity) - 1;
}

/** Puts `source[at, at + byteCount)` in front of element `index`, or behind the last one. OutOfMemory: nothing was changed. */
export function insertElement(
  keyspace: Keyspace,
  key: Key,
  index: number,
  source: Bytes,
  at: number,
  byteCount: number,
): Status {
  if (index === 0 || index === listLength(key.shard, key.record)) {
    return pushElement(keyspace, key, source, at, byteCount, index === 0);
  }
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  if (!isChain(key) && !mustBecomeChain(keyspace, key, byteCount)) {
    return insertPacked(key, index, element);
  }
  if (!isChain(key) && !becomeChain(keyspace, key)) return Status.OutOfMemory;
  const root = rootOf(key.shard, key.record);
  const isDone = insertInChain(key.shard, root, index, element, keyspace.packedLimits.listNode);
  return isDone ? Status.Ok : Status.OutOfMemory;
}

/** Whether a packed list is too long for another text of `byteCount` bytes. Redis asks the same before it replaces one. */
function mustBecomeChain(keyspace: Keyspace, key: Key, byteCount: number): boolean {
  const used = valueBytes(key.shard, key.record) - PACK_HEAD_BYTES;
  return isTooLong(keyspace, used, byteCount, listLength(key.shard, key.record) + 1);
}

function insertPacked(key: Key, index: number, element: Element): Status {
  const addedBytes = packedBytes(element);
  const oldBytes = valueBytes(key.shard, key.record);
  if (!resizePacked(key, oldBytes + addedBytes)) return Status.OutOfMemory;
  const bytes = key.shard.bytes;
  const at = valueAt(key.shard, key.record);
  const end = at + oldBytes;
  const count = packCount(bytes, at);
  const entry = seekEntry(bytes, at + PACK_HEAD_BYTES, end, count, index);
  bytes.u8.copyWithin(entry + addedBytes, entry, end);
  writePacked(element, bytes, entry);
  setPackCount(bytes, at, count + 1);
  return Status.Ok;
}

/** Puts `source[at, at + byteCount)` in the place of element `index`, which must exist. OutOfMemory: nothing was changed. */
export function setElement(
  keyspace: Keyspace,
  key: Key,
  index: number,
  source: Bytes,
  at: number,
  byteCount: number,
): Status {
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  if (!isChain(key) && !mustBecomeChain(keyspace, key, byteCount)) {
    return replacePacked(key, index, element);
  }
  if (!isChain(key) && !becomeChain(keyspace, key)) return Status.OutOfMemory;
  const root = rootOf(key.shard, key.record);
  if (!replaceInChain(key.shard, root, index, element, keyspace.packedLimits.listNode)) {
    return Status.OutOfMemory;
  }
  packIfShort(keyspace, key, 1);
  return Status.Ok;
}

function replacePacked(key: Key, index: number, element: Element): Status {
  const { shard } = key;
  const bytes = shard.bytes;
  const oldBytes = valueBytes(shard, key.record);
  const newBytes = packedBytes(element);
  let at = valueAt(shard, key.record);
  const entry = seekEntry(bytes, at + PACK_HEAD_BYTES, at + oldBytes, packCount(bytes, at), index) - at;
  const grown = newBytes - (nextEntry(bytes, at + entry) - at - entry);
  if (grown > 0 && !resizePacked(key, oldBytes + grown)) return Status.OutOfMemory;
  at = valueAt(shard, key.record);
  bytes.u8.copyWithin(at + entry + newBytes, at + entry + newBytes - grown, at + oldBytes);
  writePacked(element, bytes, at + entry);
  if (grown < 0) shrinkPacked(key, oldBytes + grown);
  return Status.Ok;
}

/**
 * Removes `count` elements from element `index` on, which must exist. Returns how many are left; 0: the key is gone, and
 * `touched` was called for it.
 */
export function removeRange(keyspace: Keyspace, key: Key, index: number, count: number): number {
  const { shard, record } = key;
  const left = listLength(shard, record) - count;
  if (count === 0) return left;
  if (left === 0) {
    keyspace.remove(key);
    return 0;
  }
  if (isChain(key)) {
    removeChainRange(shard, rootOf(shard, record), index, count, keyspace.packedLimits.listNode);
    packIfShort(keyspace, key, 2);
    return left;
  }
  const bytes = shard.bytes;
  const at = valueAt(shard, record);
  const end = at + valueBytes(shard, record);
  const start = at + PACK_HEAD_BYTES;
  const from = seekEntry(bytes, start, end, left + count, index);
  const to = seekEntry(bytes, start, end, left + count, index + count);
  bytes.u8.copyWithin(from, to, end);
  setPackCount(bytes, at, left);
  shrinkPacked(key, end - at - (to - from));
  return left;
}

/**
 * Removes the first `countMax` elements that equal `source[at, at + byteCount)`, or the last. Returns how many they were.
 * If the list is empty then, the key is gone (`key.record` 0), and `touched` was called for it.
 */
export function removeEqual(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  countMax: number,
  isBackward: boolean,
): number {
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  const { shard, record } = key;
  if (!isChain(key)) return removeEqualPacked(keyspace, key, element, countMax, isBackward);
  const limit = keyspace.packedLimits.listNode;
  const removed = removeMatches(shard, rootOf(shard, record), element, countMax, isBackward, limit);
  if (listLength(shard, record) === 0) keyspace.remove(key);
  else if (removed > 0) packIfShort(keyspace, key, 2);
  return removed;
}

function removeEqualPacked(
  keyspace: Keyspace,
  key: Key,
  element: Element,
  countMax: number,
  isBackward: boolean,
): number {
  const { shard, record } = key;
  const bytes = shard.bytes;
  const at = valueAt(shard, record);
  const start = at + PACK_HEAD_BYTES;
  const end = at + valueBytes(shard, record);
  const skipped = isBackward ? Math.max(countMatches(bytes, start, end, element) - countMax, 0) : 0;
  const result = removeInRun(bytes, start, end, element, skipped, countMax);
  if (result.removed === 0) return 0;
  const left = packCount(bytes, at) - result.removed;
  if (left === 0) keyspace.remove(key);
  else {
    setPackCount(bytes, at, left);
    shrinkPacked(key, result.end - at);
  }
  return result.removed;
}
