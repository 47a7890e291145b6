/**
 * Changes inside long lists (chain.ts, which owns the layout of root and directory; that of nodes is in
 * node.ts): elements put between others, replaced, and taken out, one by one, by range or by value.
 *
 *  An element goes into the node where it belongs, or into its neighbour; where it fits in neither, the node is split in
 *  front of it:     | a b c d e f |   ->   | a b c | X d e f |     and if X is too large for that   | a b c | X | d e f |
 *
 *  Ownership, lock: the chain's. What needs memory takes all of it first.
 *  Cost: a node's bytes are moved once, the directory if nodes come or go.
 */
import type { Bytes } from '../../base/bytes.ts';
import { free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  addNode,
  addToNode,
  ChainCursor,
  chainNodes,
  changeLength,
  enterNode,
  placeCount,
  placeNode,
  removeEmptyPlaces,
  removePlaces,
  reservePlaces,
  seekChain,
  setPlaceCount,
  setPlaceNode,
} from './chain.ts';
import {
  closeGap,
  createNode,
  cutBack,
  extendBack,
  makeRoom,
  NODE_HEADER_BYTES,
  nodeBytesMax,
  nodeEntriesMax,
  openGap,
  roomBehind,
  runEnd,
  runStart,
  settleNode,
} from './node.ts';
import { nextEntry, packedBytes, seekEntry, writePacked } from './pack.ts';
import { type Element, isElementAt } from '../packed-entry.ts';

const scratchCursor = new ChainCursor();

/** Puts an element in front of element `index`, which must exist. False, nothing changed: out of memory. */
export function insertInChain(
  shard: Shard,
  root: number,
  index: number,
  element: Element,
  limit: number,
): boolean {
  const cursor = scratchCursor;
  seekChain(shard, root, index, cursor);
  if (insertInNode(shard, root, cursor, element, limit)) return true;
  if (cursor.inNode > 0) return insertBySplit(shard, root, cursor, element, limit);
  const before = cursor.index - 1;
  if (before >= 0 && addToNode(shard, root, before, element, false, limit)) return true;
  return addNode(shard, root, cursor.index, element, limit);
}

/** False, nothing changed: the element does not fit into the node, or there is no memory. */
function insertInNode(
  shard: Shard,
  root: number,
  cursor: ChainCursor,
  element: Element,
  limit: number,
): boolean {
  const count = placeCount(shard, root, cursor.index);
  if (count >= nodeEntriesMax(limit)) return false;
  const byteCount = packedBytes(element);
  const at = openRoom(shard, root, cursor, byteCount, limit);
  if (at === 0) return false;
  writePacked(element, shard.bytes, at);
  setPlaceCount(shard, root, cursor.index, count + 1);
  changeLength(shard, root, 1);
  return true;
}

/** Opens a gap of `byteCount` bytes at `cursor`. Returns where that is now, or 0: no room. */
function openRoom(shard: Shard, root: number, cursor: ChainCursor, byteCount: number, limit: number): number {
  let node = placeNode(shard, root, cursor.index);
  const offset = cursor.at - runStart(shard, node);
  if (roomBehind(shard, node) < byteCount) {
    node = makeRoom(shard, node, byteCount, false, false, nodeBytesMax(limit));
    if (node === 0) return 0;
    setPlaceNode(shard, root, cursor.index, node);
  }
  const at = runStart(shard, node) + offset;
  openGap(shard, node, at, byteCount);
  return at;
}

/** Splits a node in front of `cursor` and puts the element there. False, nothing changed: out of memory. */
function insertBySplit(
  shard: Shard,
  root: number,
  cursor: ChainCursor,
  element: Element,
  limit: number,
): boolean {
  const { index, at } = cursor;
  const left = placeNode(shard, root, index);
  const end = runEnd(shard, left);
  const byteCount = packedBytes(element);
  const bytesMax = nodeBytesMax(limit);
  const joinsRight = NODE_HEADER_BYTES + end - at + byteCount <= bytesMax;
  const joinsLeft =
    !joinsRight &&
    roomBehind(shard, left) + end - at >= byteCount &&
    NODE_HEADER_BYTES + at - runStart(shard, left) + byteCount <= bytesMax;
  if (!reservePlaces(shard, root, 2)) return false;
  const right = createNode(shard, end - at + (joinsRight ? byteCount : 0), false);
  if (right === 0) return false;
  const own = joinsRight || joinsLeft ? 0 : createNode(shard, byteCount, false);
  if (own === 0 && !joinsRight && !joinsLeft) {
    free(shard, right);
    return false;
  }
  const target = joinsRight ? right : joinsLeft ? left : own;
  const leftCount = cursor.inNode;
  const rightCount = placeCount(shard, root, index) - leftCount;
  if (joinsRight) writePacked(element, shard.bytes, extendBack(shard, right, byteCount));
  shard.bytes.u8.copyWithin(extendBack(shard, right, end - at), at, end);
  cutBack(shard, left, at);
  if (!joinsRight) writePacked(element, shard.bytes, extendBack(shard, target, byteCount));
  setPlaceCount(shard, root, index, leftCount + (joinsLeft ? 1 : 0));
  enterNode(shard, root, index + 1, right, rightCount + (joinsRight ? 1 : 0));
  if (own !== 0) enterNode(shard, root, index + 1, own, 1);
  changeLength(shard, root, 1);
  return true;
}

/** Puts an element in the place of element `index`. False, nothing changed: out of memory. */
export function replaceInChain(
  shard: Shard,
  root: number,
  index: number,
  element: Element,
  limit: number,
): boolean {
  const cursor = scratchCursor;
  seekChain(shard, root, index, cursor);
  const oldBytes = nextEntry(shard.bytes, cursor.at) - cursor.at;
  const grown = packedBytes(element) - oldBytes;
  let at = cursor.at;
  if (grown > 0) {
    at = openRoom(shard, root, cursor, grown, limit);
    if (at === 0) return replaceApart(shard, root, index, element, limit);
  } else if (grown < 0) at += closeGap(shard, placeNode(shard, root, cursor.index), at, -grown);
  writePacked(element, shard.bytes, at);
  if (grown < 0) settlePlace(shard, root, cursor.index, limit);
  return true;
}

/** `replaceInChain` for an element that does not fit into the node of the old one. */
function replaceApart(shard: Shard, root: number, index: number, element: Element, limit: number): boolean {
  if (!insertInChain(shard, root, index, element, limit)) return false;
  removeChainRange(shard, root, index + 1, 1, limit);
  return true;
}

/** Removes `count` elements from element `index` on, which must exist and must not be all. */
export function removeChainRange(
  shard: Shard,
  root: number,
  index: number,
  count: number,
  limit: number,
): void {
  const cursor = scratchCursor;
  seekChain(shard, root, index, cursor);
  let place = cursor.index;
  let left = count;
  changeLength(shard, root, -count);
  if (cursor.inNode > 0) {
    left -= removeInside(shard, root, cursor, left);
    settlePlace(shard, root, place, limit);
    place++;
  }
  const first = place;
  for (; left > 0 && left >= placeCount(shard, root, place); place++) {
    left -= placeCount(shard, root, place);
    free(shard, placeNode(shard, root, place));
  }
  if (left > 0) {
    cursor.index = place;
    cursor.inNode = 0;
    cursor.at = runStart(shard, placeNode(shard, root, place));
    removeInside(shard, root, cursor, left);
    settlePlace(shard, root, place, limit);
  }
  if (place > first) removePlaces(shard, root, first, place - first);
}

/** Removes up to `count` elements from `cursor` on, but not all of the node. Returns how many there were. */
function removeInside(shard: Shard, root: number, cursor: ChainCursor, count: number): number {
  const { index, inNode, at } = cursor;
  const node = placeNode(shard, root, index);
  const behind = placeCount(shard, root, index) - inNode;
  const removed = Math.min(count, behind);
  const end = seekEntry(shard.bytes, at, runEnd(shard, node), behind, removed);
  closeGap(shard, node, at, end - at);
  setPlaceCount(shard, root, index, behind - removed + inNode);
  return removed;
}

function settlePlace(shard: Shard, root: number, index: number, limit: number): void {
  const node = placeNode(shard, root, index);
  setPlaceNode(shard, root, index, settleNode(shard, node, nodeBytesMax(limit)));
}

/**
 * Removes the first `countMax` elements that equal `element`, or the last. Returns how many there were; the chain may be
 * left without any element, and is then only good for being freed.
 */
export function removeMatches(
  shard: Shard,
  root: number,
  element: Element,
  countMax: number,
  isBackward: boolean,
  limit: number,
): number {
  const nodes = chainNodes(shard, root);
  let removed = 0;
  let hasEmpty = false;
  for (let i = 0; i < nodes && removed < countMax; i++) {
    const index = isBackward ? nodes - 1 - i : i;
    const inNode = removeInPlace(shard, root, index, element, countMax - removed, isBackward, limit);
    removed += inNode;
    if (inNode > 0 && placeCount(shard, root, index) === 0) hasEmpty = true;
  }
  changeLength(shard, root, -removed);
  if (hasEmpty) removeEmptyPlaces(shard, root);
  return removed;
}

/** `removeMatches` in one node, which is freed if nothing is left in it. */
function removeInPlace(
  shard: Shard,
  root: number,
  index: number,
  element: Element,
  countMax: number,
  isBackward: boolean,
  limit: number,
): number {
  const node = placeNode(shard, root, index);
  const start = runStart(shard, node);
  const end = runEnd(shard, node);
  const skipped = isBackward ? Math.max(countMatches(shard.bytes, start, end, element) - countMax, 0) : 0;
  const result = removeInRun(shard.bytes, start, end, element, skipped, countMax);
  if (result.removed === 0) return 0;
  setPlaceCount(shard, root, index, placeCount(shard, root, index) - result.removed);
  if (result.end === start) free(shard, node);
  else {
    cutBack(shard, node, result.end);
    settlePlace(shard, root, index, limit);
  }
  return result.removed;
}

/** How many entries of a run equal `element`. */
export function countMatches(bytes: Bytes, start: number, end: number, element: Element): number {
  let count = 0;
  for (let at = start; at < end; at = nextEntry(bytes, at)) if (isElementAt(element, bytes, at)) count++;
  return count;
}

/** What `removeInRun` has left: overwritten by the next call. */
const scratchResult = { removed: 0, end: 0 };

/**
 * Takes up to `countMax` entries that equal `element` out of the run [start, end), after passing over the first `skipped`
 * of them. Says how many they were and where the run ends now. Each byte is moved once at most.
 */
export function removeInRun(
  bytes: Bytes,
  start: number,
  end: number,
  element: Element,
  skipped: number,
  countMax: number,
): { readonly removed: number; readonly end: number } {
  let seen = 0;
  let to = start;
  let kept = start;
  let next = start;
  for (let at = start; at < end && seen < skipped + countMax; at = next) {
    next = nextEntry(bytes, at);
    if (!isElementAt(element, bytes, at) || ++seen <= skipped) continue;
    if (to !== kept) bytes.u8.copyWithin(to, kept, at);
    to += at - kept;
    kept = next;
  }
  if (to !== kept) bytes.u8.copyWithin(to, kept, end);
  scratchResult.removed = Math.max(seen - skipped, 0);
  scratchResult.end = to + end - kept;
  return scratchResult;
}
