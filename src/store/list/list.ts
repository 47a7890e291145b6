/**
 * Lists: short ones packed in their record (structures/list/pack.ts), long ones a chain of nodes (chain.ts). A list
 * becomes a chain where Redis makes it a quicklist, and packed again where Redis does that. What is called with a Key
 * wants it found, and a list or nothing there; nothing here calls `touched`, which is the caller's to do once per command.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  ChainCursor,
  chainEndAt,
  chainLength,
  chainNodes,
  createChain,
  createChainOfRun,
  freeChainSlice,
  placeNode,
  pushToChain,
  removeChainEnd,
  seekChain,
} from '../../structures/list/chain.ts';
import { nodeBytesMax, nodeEntriesMax, runBytes, runEnd, runStart } from '../../structures/list/node.ts';
import {
  nextEntry,
  PACK_COUNT_MAX,
  PACK_HEAD_BYTES,
  packCount,
  packedBytes,
  previousEntry,
  readEntry,
  seekEntry,
  setPackCount,
  writePacked,
} from '../../structures/list/pack.ts';
import { Element, encodeElement, type EntryText, isElementAt } from '../../structures/packed-entry.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import {
  Encoding,
  recordEncoding,
  ROOT_BYTES,
  rootOf,
  setRecordKind,
  valueAt,
  valueBytes,
  ValueType,
  writeRoot,
} from '../record.ts';
import { releaseSlack, resizeInPlace } from '../record-slack.ts';
import { Status } from '../status.ts';
import { becomeRooted, resizeValue } from '../record-room.ts';

/** Redis: what a listpack takes beside its entries counts towards the limit. */
const LISTPACK_FRAME_BYTES = 7;
/** A packed list that must move gets this share of its size as room to grow, as a shift. */
const GROWTH_SHIFT = 2;

const scratchElement = new Element();
const scratchCursor = new ChainCursor();

/** Elements of a list. */
export function listLength(shard: Shard, record: number): number {
  if (recordEncoding(shard, record) === Encoding.Chain) return chainLength(shard, rootOf(shard, record));
  return packCount(shard.bytes, valueAt(shard, record));
}

/**
 * Adds `source[at, at + byteCount)` at an end of the list found under `key`; without one (`key.record` 0) the key is
 * created. The bytes must not lie in the record or the end node that may have to move for it: where they may, copy them
 * first. OutOfMemory: nothing was changed. Hot.
 */
export function pushElement(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  atFront: boolean,
): Status {
  const element = scratchElement;
  encodeElement(element, source, at, byteCount);
  const { shard, record } = key;
  if (record === 0) return createList(keyspace, key, element, isTooLong(keyspace, 0, byteCount, 1));
  if (recordEncoding(shard, record) !== Encoding.Chain) {
    const used = valueBytes(shard, record) - PACK_HEAD_BYTES;
    const count = packCount(shard.bytes, valueAt(shard, record)) + 1;
    if (!isTooLong(keyspace, used, byteCount, count)) return pushPacked(key, element, atFront);
    if (!becomeChain(keyspace, key)) return Status.OutOfMemory;
  }
  const isPushed = pushToChain(
    shard,
    rootOf(shard, key.record),
    element,
    atFront,
    keyspace.packedLimits.listNode,
  );
  return isPushed ? Status.Ok : Status.OutOfMemory;
}

/**
 * `pushElement` for the arguments `from` to `to` - 1 of a request, one after the other. OutOfMemory: none of them was
 * pushed.
 */
export function pushElements(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  args: Int32Array,
  from: number,
  to: number,
  atFront: boolean,
): Status {
  const isNew = key.record === 0;
  for (let index = from; index < to; index++) {
    const status = pushElement(keyspace, key, source, args[index * 2]!, args[index * 2 + 1]!, atFront);
    if (status === Status.Ok) continue;
    takeBack(keyspace, key, index - from, atFront, isNew);
    return status;
  }
  return Status.Ok;
}

/** Removes `count` elements that were pushed at an end, and with `isNew` the key, as if nothing had happened. */
export function takeBack(
  keyspace: Keyspace,
  key: Key,
  count: number,
  atFront: boolean,
  isNew: boolean,
): void {
  if (count === 0) return;
  if (!isNew) {
    for (let left = count; left > 0; left--) removeEnd(keyspace, key, atFront);
    return;
  }
  const { shard, record } = key;
  if (recordEncoding(shard, record) === Encoding.Chain) {
    freeChainSlice(shard, rootOf(shard, record), 0, Infinity);
  }
  keyspace.dropStaged(key, record);
}

/** Whether a run of `used` bytes, with `addedBytes` of text more, so that it has `count` entries, is too long to be packed. */
export function isTooLong(keyspace: Keyspace, used: number, addedBytes: number, count: number): boolean {
  const limit = keyspace.packedLimits.listNode;
  return (
    LISTPACK_FRAME_BYTES + used + addedBytes > nodeBytesMax(limit) ||
    count > Math.min(nodeEntriesMax(limit), PACK_COUNT_MAX)
  );
}

function createList(keyspace: Keyspace, key: Key, element: Element, asChain: boolean): Status {
  const shard = key.shard;
  const root = asChain ? createChain(shard, element, keyspace.packedLimits.listNode) : 0;
  if (asChain && root === 0) return Status.OutOfMemory;
  const encoding = asChain ? Encoding.Chain : Encoding.Packed;
  const byteCount = asChain ? ROOT_BYTES : PACK_HEAD_BYTES + packedBytes(element);
  const record = keyspace.prepareRecord(key, 0, ValueType.List, encoding, byteCount);
  if (record !== 0) {
    const at = valueAt(shard, record);
    if (asChain) writeRoot(shard, record, root);
    else {
      setPackCount(shard.bytes, at, 1);
      writePacked(element, shard.bytes, at + PACK_HEAD_BYTES);
    }
    if (keyspace.enterRecord(key, record) === Status.Ok) return Status.Ok;
  }
  if (asChain) freeChainSlice(shard, root, 0, Infinity);
  return Status.OutOfMemory;
}

function pushPacked(key: Key, element: Element, atFront: boolean): Status {
  const { shard } = key;
  const oldBytes = valueBytes(shard, key.record);
  const addedBytes = packedBytes(element);
  if (!resizePacked(key, oldBytes + addedBytes)) return Status.OutOfMemory;
  const bytes = shard.bytes;
  const at = valueAt(shard, key.record);
  let entryAt = at + oldBytes;
  if (atFront) {
    entryAt = at + PACK_HEAD_BYTES;
    bytes.u8.copyWithin(entryAt + addedBytes, entryAt, at + oldBytes);
  }
  writePacked(element, bytes, entryAt);
  setPackCount(bytes, at, packCount(bytes, at) + 1);
  return Status.Ok;
}

/** Gives a packed list `byteCount` bytes, with some room behind them if it must move. False: out of memory. */
export function resizePacked(key: Key, byteCount: number): boolean {
  if (resizeInPlace(key.shard, key.record, byteCount)) return true;
  resizeValue(key, byteCount + (byteCount >> GROWTH_SHIFT), false);
  return resizeValue(key, byteCount, false) !== 0;
}

/** Makes a packed list a chain. False, nothing changed: out of memory. */
export function becomeChain(keyspace: Keyspace, key: Key): boolean {
  const { shard, record } = key;
  const at = valueAt(shard, record);
  const root = createChainOfRun(
    shard,
    at + PACK_HEAD_BYTES,
    valueBytes(shard, record) - PACK_HEAD_BYTES,
    packCount(shard.bytes, at),
    keyspace.packedLimits.listNode,
  );
  if (root === 0) return false;
  becomeRooted(key, Encoding.Chain, root);
  return true;
}

/**
 * Redis 7.2: a chain that has shrunk to one node of a `share` of the limit is packed again. Without memory for it it stays
 * what it is.
 */
export function packIfShort(keyspace: Keyspace, key: Key, share: number): void {
  const { shard } = key;
  const root = rootOf(shard, key.record);
  if (chainNodes(shard, root) !== 1) return;
  const node = placeNode(shard, root, 0);
  const byteCount = runBytes(shard, node);
  const count = chainLength(shard, root);
  const used = (byteCount + LISTPACK_FRAME_BYTES) * share - LISTPACK_FRAME_BYTES;
  if (isTooLong(keyspace, used, 0, count * share)) return;
  const record = resizeValue(key, PACK_HEAD_BYTES + byteCount, false);
  if (record === 0) return;
  setRecordKind(shard, record, ValueType.List, Encoding.Packed);
  const at = valueAt(shard, record);
  setPackCount(shard.bytes, at, count);
  const start = runStart(shard, node);
  shard.bytes.u8.copyWithin(at + PACK_HEAD_BYTES, start, start + byteCount);
  freeChainSlice(shard, root, 0, Infinity);
}

/** Points `text` at the first element or the last: valid until the list is changed. Hot. */
export function pointAtEnd(shard: Shard, record: number, atFront: boolean, text: EntryText): void {
  const bytes = shard.bytes;
  if (recordEncoding(shard, record) === Encoding.Chain) {
    return text.point(bytes, chainEndAt(shard, rootOf(shard, record), atFront));
  }
  const at = valueAt(shard, record);
  text.point(bytes, atFront ? at + PACK_HEAD_BYTES : previousEntry(bytes, at + valueBytes(shard, record)));
}

/**
 * Removes the first element or the last. Returns how many are left. 0: the key is gone, and `touched` was called for it;
 * else that is left to the caller. Hot.
 */
export function removeEnd(keyspace: Keyspace, key: Key, atFront: boolean): number {
  const { shard, record } = key;
  if (recordEncoding(shard, record) !== Encoding.Chain) return removePackedEnd(keyspace, key, atFront);
  const root = rootOf(shard, record);
  const left = chainLength(shard, root) - 1;
  if (left === 0) {
    keyspace.remove(key);
    return 0;
  }
  removeChainEnd(shard, root, atFront);
  if (chainNodes(shard, root) === 1) packIfShort(keyspace, key, 2);
  return left;
}

function removePackedEnd(keyspace: Keyspace, key: Key, atFront: boolean): number {
  const { shard, record } = key;
  const bytes = shard.bytes;
  const at = valueAt(shard, record);
  const left = packCount(bytes, at) - 1;
  if (left === 0) {
    keyspace.remove(key);
    return 0;
  }
  const start = at + PACK_HEAD_BYTES;
  const end = at + valueBytes(shard, record);
  const cut = atFront ? nextEntry(bytes, start) : previousEntry(bytes, end);
  if (atFront) bytes.u8.copyWithin(start, cut, end);
  setPackCount(bytes, at, left);
  shrinkPacked(key, PACK_HEAD_BYTES + (atFront ? end - cut : cut - start));
  return left;
}

/** Notes that a packed list has only `byteCount` bytes left. */
export function shrinkPacked(key: Key, byteCount: number): void {
  resizeInPlace(key.shard, key.record, byteCount);
  releaseSlack(key);
}

/** A walk along a list, from any element to either end. Valid until the list is changed. */
export class ListWalk {
  private bytes!: Bytes;
  private shard!: Shard;
  private isBackward = false;
  /** The part of the current run that is still to come lies between `at` and `end`, whichever comes first. */
  private at = 0;
  private end = 0;
  /** Root of the chain, and the node that comes after the current one; 0: the list is packed. */
  private root = 0;
  private index = 0;

  /** Goes to element `index`, which must exist and will be the first that `next` comes to. */
  start(shard: Shard, record: number, index: number, isBackward: boolean): void {
    const bytes = shard.bytes;
    this.shard = shard;
    this.bytes = bytes;
    this.isBackward = isBackward;
    let runFrom = valueAt(shard, record) + PACK_HEAD_BYTES;
    let runTo = runFrom - PACK_HEAD_BYTES + valueBytes(shard, record);
    this.root = 0;
    if (recordEncoding(shard, record) === Encoding.Chain) {
      const root = rootOf(shard, record);
      seekChain(shard, root, index, scratchCursor);
      const node = placeNode(shard, root, scratchCursor.index);
      runFrom = runStart(shard, node);
      runTo = runEnd(shard, node);
      this.at = scratchCursor.at;
      this.root = root;
      this.index = scratchCursor.index + (isBackward ? -1 : 1);
    } else {
      this.at = seekEntry(bytes, runFrom, runTo, packCount(bytes, runFrom - PACK_HEAD_BYTES), index);
    }
    this.end = isBackward ? runFrom : runTo;
    if (isBackward) this.at = nextEntry(bytes, this.at);
  }

  /** Comes to the next element and points `text` at it. False: there is none. Hot. */
  nextText(text: EntryText): boolean {
    if (this.at === this.end && !this.nextRun()) return false;
    if (this.isBackward) {
      this.at = previousEntry(this.bytes, this.at);
      text.point(this.bytes, this.at);
    } else this.at = readEntry(this.bytes, this.at, text);
    return true;
  }

  /**
   * Comes to the next element that equals `element`, if that is among the next `stepsMax`. Returns how many steps it took,
   * or 0: there is none.
   */
  nextMatch(element: Element, stepsMax: number): number {
    for (let steps = 1; steps <= stepsMax; steps++) {
      if (this.at === this.end && !this.nextRun()) return 0;
      const bytes = this.bytes;
      const entry = this.isBackward ? previousEntry(bytes, this.at) : this.at;
      this.at = this.isBackward ? entry : nextEntry(bytes, entry);
      if (isElementAt(element, bytes, entry)) return steps;
    }
    return 0;
  }

  private nextRun(): boolean {
    const { shard, root, index, isBackward } = this;
    if (root === 0 || index < 0 || index >= chainNodes(shard, root)) return false;
    const node = placeNode(shard, root, index);
    this.at = isBackward ? runEnd(shard, node) : runStart(shard, node);
    this.end = isBackward ? runStart(shard, node) : runEnd(shard, node);
    this.index = index + (isBackward ? -1 : 1);
    return true;
  }
}
