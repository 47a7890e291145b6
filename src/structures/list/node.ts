/**
 * A node of a long list: a block that holds one run of packed entries (pack.ts) somewhere between its header and
 * its end, so that entries can be added and taken at either end without moving the others.
 *
 *  node
 *   byte 0       4     8      12          start           end             room
 *        +-------+-----+------+-----------+---------------+---------------+
 *        | start | end | room | free      | run           | free          |
 *        +-------+-----+------+-----------+---------------+---------------+
 *   start, end = where the run lies, room = bytes of the block that are used at all; all counted from the node.
 *
 *  How many entries there are stands in the chain's directory (chain.ts), where it is needed without the node.
 *  Invariants: 12 <= start < end <= room <= bytes of the block.
 *  Ownership: the directory holds the only reference. Lock: the shard's.
 *  Growth: a node doubles until it has the size that `list-max-listpack-size` allows; then its free bytes are gathered on
 *  the side that needs them, as long as that gains an eighth of it, so that bytes are moved a few times per entry at most.
 */
import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/bytes.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';

/** Word offsets in a node. */
const enum Node {
  Start = 0,
  End = 1,
  Room = 2,
  HeaderBytes = 12,
}

/** Bytes of a node that are not for its run. */
export const NODE_HEADER_BYTES = Node.HeaderBytes;
/** The least room that is worth a move of all that is in a node, and the most that is left unused: room >> this. */
const FREE_SHIFT = 3;

/** Nodes under a positive `list-max-listpack-size`, which counts entries, are no larger than this. Redis: the same. */
const COUNTED_NODE_BYTES = 8192;
const LEVEL_MAX = 5;

/** The most bytes that a node of several entries may have under a `list-max-listpack-size`. */
export function nodeBytesMax(limit: number): number {
  return limit >= 0 ? COUNTED_NODE_BYTES : 2048 << Math.min(-limit, LEVEL_MAX);
}

/** The most entries that a node may have under a `list-max-listpack-size`. */
export function nodeEntriesMax(limit: number): number {
  return limit > 0 ? limit : limit === 0 ? 1 : 0x7fffffff;
}

/**
 * A node without entries, which it must not stay: with room for `byteCount` bytes of them, all of it where the first one
 * put in front or behind will need it. Returns 0: out of memory.
 */
export function createNode(shard: Shard, byteCount: number, atFront: boolean): number {
  const room = byteCount + Node.HeaderBytes;
  const node = allocate(shard, room);
  if (node === 0) return 0;
  const word = node >> 2;
  const start = atFront ? room : Node.HeaderBytes;
  shard.words[word + Node.Start] = start;
  shard.words[word + Node.End] = start;
  shard.words[word + Node.Room] = room;
  return node;
}

/** Where the run begins. */
export function runStart(shard: Shard, node: number): number {
  return node + shard.words[(node >> 2) + Node.Start]!;
}

/** Where the run ends. */
export function runEnd(shard: Shard, node: number): number {
  return node + shard.words[(node >> 2) + Node.End]!;
}

/** Bytes of the run. */
export function runBytes(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.End]! - shard.words[(node >> 2) + Node.Start]!;
}

/** Takes `byteCount` bytes behind the run into it, if there are so many. Returns where they begin, or 0. Hot. */
export function extendBack(shard: Shard, node: number, byteCount: number): number {
  const words = shard.words;
  const word = node >> 2;
  const end = words[word + Node.End]!;
  if (end + byteCount > words[word + Node.Room]!) return 0;
  words[word + Node.End] = end + byteCount;
  return node + end;
}

/** Takes `byteCount` bytes in front of the run into it, if there are so many. Returns where they begin, or 0. Hot. */
export function extendFront(shard: Shard, node: number, byteCount: number): number {
  const words = shard.words;
  const word = node >> 2;
  const start = words[word + Node.Start]! - byteCount;
  if (start < Node.HeaderBytes) return 0;
  words[word + Node.Start] = start;
  return node + start;
}

/** Gives up the first bytes of the run, so that it begins at `at`. */
export function cutFront(shard: Shard, node: number, at: number): void {
  shard.words[(node >> 2) + Node.Start] = at - node;
}

/** Gives up the last bytes of the run, so that it ends at `at`. */
export function cutBack(shard: Shard, node: number, at: number): void {
  shard.words[(node >> 2) + Node.End] = at - node;
}

/**
 * Makes room for `byteCount` bytes more in front of the run or behind it, by gathering what is free or in a larger block,
 * of at most `bytesMax`; with `both` some of the room goes to the other side. Returns the node, which may be another one
 * now, or 0, nothing changed: they do not fit, or there is no memory.
 */
export function makeRoom(
  shard: Shard,
  node: number,
  byteCount: number,
  atFront: boolean,
  both: boolean,
  bytesMax: number,
): number {
  const words = shard.words;
  const word = node >> 2;
  const room = words[word + Node.Room]!;
  const used = words[word + Node.End]! - words[word + Node.Start]!;
  const needed = Node.HeaderBytes + used + byteCount;
  if (needed > bytesMax) return 0;
  const unused = room - Node.HeaderBytes - used;
  let target = node;
  let targetRoom = room;
  if (unused < byteCount || unused < room >> FREE_SHIFT) {
    if (room >= bytesMax) return 0;
    targetRoom = Math.min(Math.max(room * 2, needed), bytesMax);
    target = allocate(shard, targetRoom);
    if (target === 0) return 0;
  }
  const spare = targetRoom - needed;
  const other = both ? spare >> 2 : 0;
  placeRun(shard, node, target, targetRoom, Node.HeaderBytes + (atFront ? spare - other + byteCount : other));
  if (target !== node) free(shard, node);
  return target;
}

/** Moves the run of `node` to byte `start` of the node `target`, which may be the same. */
function placeRun(shard: Shard, node: number, target: number, room: number, start: number): void {
  const words = shard.words;
  const from = runStart(shard, node);
  const used = runBytes(shard, node);
  shard.bytes.u8.copyWithin(target + start, from, from + used);
  words[(target >> 2) + Node.Start] = start;
  words[(target >> 2) + Node.End] = start + used;
  words[(target >> 2) + Node.Room] = room;
}

/** A copy of a node, without room beyond its run, in `to`, which may be the same shard. Returns 0: out of memory. */
export function copyNode(from: Shard, node: number, to: Shard): number {
  const at = runStart(from, node);
  const byteCount = runBytes(from, node);
  if (from === to) return createNodeOf(from, at, byteCount);
  const copy = createNode(to, byteCount, false);
  if (copy !== 0) copyBytes(from.bytes, at, to.bytes, extendBack(to, copy, byteCount), byteCount);
  return copy;
}

/** A node that holds the bytes [at, at + byteCount) and has no room beyond them. Returns 0: out of memory. */
function createNodeOf(shard: Shard, at: number, byteCount: number): number {
  const node = createNode(shard, byteCount, false);
  if (node === 0) return 0;
  shard.bytes.u8.copyWithin(extendBack(shard, node, byteCount), at, at + byteCount);
  return node;
}

/**
 * Gives back what a node does not use, if that is worth it and there is memory for the exchange. Returns the node, which
 * may be another one now.
 */
export function fitNode(shard: Shard, node: number): number {
  const room = shard.words[(node >> 2) + Node.Room]!;
  const used = runBytes(shard, node);
  if (room - Node.HeaderBytes - used <= room >> FREE_SHIFT) return node;
  const smaller = createNodeOf(shard, runStart(shard, node), used);
  if (smaller === 0) return node;
  free(shard, node);
  return smaller;
}

/** `fitNode` for a node from which something was taken: only if it is nearly empty, or larger than new ones may become. */
export function settleNode(shard: Shard, node: number, bytesMax: number): number {
  const room = shard.words[(node >> 2) + Node.Room]!;
  return runBytes(shard, node) < room >> 2 || room > bytesMax ? fitNode(shard, node) : node;
}

/** Bytes that are free behind the run. */
export function roomBehind(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Room]! - shard.words[(node >> 2) + Node.End]!;
}

/** Opens a gap of `byteCount` bytes at `at`, an entry's beginning. There must be so much room behind the run. */
export function openGap(shard: Shard, node: number, at: number, byteCount: number): void {
  const end = runEnd(shard, node);
  const extended = extendBack(shard, node, byteCount);
  assert(extended !== 0, 'list node: no room for a gap');
  shard.bytes.u8.copyWithin(at + byteCount, at, end);
}

/** Takes `byteCount` bytes at `at` out of the run. Returns how far what stood in front of them has moved. */
export function closeGap(shard: Shard, node: number, at: number, byteCount: number): number {
  const start = runStart(shard, node);
  const end = runEnd(shard, node);
  if (at - start < end - at - byteCount) {
    shard.bytes.u8.copyWithin(start + byteCount, start, at);
    cutFront(shard, node, start + byteCount);
    return byteCount;
  }
  shard.bytes.u8.copyWithin(at, at + byteCount, end);
  cutBack(shard, node, end - byteCount);
  return 0;
}

/** Asserts the invariants of a node. Returns the bytes of its block. */
export function verifyNode(shard: Shard, node: number): number {
  const word = node >> 2;
  const start = shard.words[word + Node.Start]!;
  const end = shard.words[word + Node.End]!;
  const room = shard.words[word + Node.Room]!;
  const block = usableBytes(shard, node);
  assert(start >= Node.HeaderBytes && start < end, 'list node: empty or before its room');
  assert(end <= room && room <= block, 'list node: beyond its room');
  return block;
}
