/**
 * Long lists: nodes of packed entries (node.ts) in the order of a directory, which says of each how many elements it
 * holds.
 *
 *  root, 24 bytes                                                directory, 8 bytes x capacity
 *   byte 0           4       8       12         16         20     +------+-------+--------+-------+--------+----
 *        +-----------+-------+-------+----------+----------+      | free | node0 | count0 | node1 | count1 | ...
 *        | directory | first | nodes | capacity | elements |      +------+-------+--------+-------+--------+----
 *        +-----------+-------+-------+----------+----------+               place `first`
 *
 *  Redis links its nodes both ways and walks them to an index. Ours stand in an array instead of links: an index is found
 *  by adding up counts that lie side by side (a million elements of 16 bytes: 2000 nodes, 16 KB), without a look at the
 *  nodes, which would be a cache line and a page each; and a list is walked, cut and freed along it.
 *  Invariants: at least one node, no node empty; `elements` is the sum of the counts; an element too large for a node has
 *  one of its own.
 *  Ownership: the root owns directory and nodes. Lock: the shard's.
 *  Growth: the directory doubles, with as much free in front as behind, so that either end takes new nodes; it shrinks
 *  when a quarter is used.
 *  Costs: at an end O(1); by index O(nodes) in steps of half a nanosecond from the nearer end, then half a node; a node
 *  that comes or goes in the middle moves the shorter part of the directory.
 */
import { assert } from '../../base/assert.ts';
import { allocate, blockBytes, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  copyNode,
  createNode,
  cutBack,
  cutFront,
  extendBack,
  extendFront,
  fitNode,
  makeRoom,
  NODE_HEADER_BYTES,
  nodeBytesMax,
  nodeEntriesMax,
  runBytes,
  runEnd,
  runStart,
  verifyNode,
} from './node.ts';
import { countRun, nextEntry, packedBytes, previousEntry, seekEntry, writePacked } from './pack.ts';
import type { Element } from '../packed-entry.ts';

/** Word offsets in the root. */
const enum Root {
  Directory = 0,
  First = 1,
  Nodes = 2,
  Capacity = 3,
  Elements = 4,
  Bytes = 24,
}

/** Word offsets in a place of the directory. */
const enum Place {
  Node = 0,
  Count = 1,
  Words = 2,
}

const PLACE_BYTES = Place.Words * 4;
const PLACES_MIN = 8;
/** Chains of so many nodes give each new one its full size at once; in shorter ones it grows. */
const FULL_NODES_FROM = 8;
/** The share of the full size that a new node of a shorter chain gets, as a shift. */
const FIRST_ROOM_SHIFT = 3;

/** An entry of a chain, or the place behind the last one of a node. Valid until the chain is changed. */
export class ChainCursor {
  /** Which node, counted from the first. */
  index = 0;
  /** Which entry of the node. */
  inNode = 0;
  /** Where the entry begins. */
  at = 0;
}

/** A chain with one element. Returns its root, or 0: out of memory. */
export function createChain(shard: Shard, element: Element, limit: number): number {
  const byteCount = packedBytes(element);
  const root = createRoot(shard, roomOfNew(byteCount, limit, 1));
  if (root === 0) return 0;
  const at = extendBack(shard, placeNode(shard, root, 0), byteCount);
  writePacked(element, shard.bytes, at);
  setSoleCount(shard, root, 1);
  return root;
}

/** A chain that begins with a copy of a run of `count` entries. Returns its root, or 0: out of memory. */
export function createChainOfRun(
  shard: Shard,
  runAt: number,
  byteCount: number,
  count: number,
  limit: number,
): number {
  const root = createRoot(shard, roomOfNew(byteCount, limit, 1));
  if (root === 0) return 0;
  const at = extendBack(shard, placeNode(shard, root, 0), byteCount);
  shard.bytes.u8.copyWithin(at, runAt, runAt + byteCount);
  setSoleCount(shard, root, count);
  return root;
}

/** Root, directory and a first node that is still empty. Returns 0, nothing left behind: out of memory. */
function createRoot(shard: Shard, nodeRoom: number): number {
  const words = shard.words;
  const root = allocateRoot(shard, PLACES_MIN);
  if (root === 0) return 0;
  const node = createNode(shard, nodeRoom, false);
  if (node === 0) {
    freeChainSlice(shard, root, 0, Infinity);
    return 0;
  }
  const place = openPlace(words, root >> 2, 0);
  words[place + Place.Node] = node;
  words[place + Place.Count] = 0;
  return root;
}

/** Root and directory of a chain without nodes. Returns 0, nothing left behind: out of memory. */
function allocateRoot(shard: Shard, capacity: number): number {
  const words = shard.words;
  const root = allocate(shard, Root.Bytes);
  if (root === 0) return 0;
  const directory = allocate(shard, capacity * PLACE_BYTES);
  if (directory === 0) {
    free(shard, root);
    return 0;
  }
  const word = root >> 2;
  words[word + Root.Directory] = directory;
  words[word + Root.First] = capacity >> 1;
  words[word + Root.Nodes] = 0;
  words[word + Root.Capacity] = capacity;
  words[word + Root.Elements] = 0;
  return root;
}

function setSoleCount(shard: Shard, root: number, count: number): void {
  const words = shard.words;
  words[placeWord(words, root >> 2, 0) + Place.Count] = count;
  words[(root >> 2) + Root.Elements] = count;
}

/** Bytes for entries that a new node is given, of which the first takes `byteCount`. */
function roomOfNew(byteCount: number, limit: number, nodes: number): number {
  const bytesMax = nodeBytesMax(limit);
  const share = limit < 0 && nodes >= FULL_NODES_FROM ? bytesMax : bytesMax >> FIRST_ROOM_SHIFT;
  return Math.max(share - NODE_HEADER_BYTES, byteCount);
}

/** Word of the place of node `index`, of a root at word `root`. */
function placeWord(words: Int32Array, root: number, index: number): number {
  return (words[root + Root.Directory]! >> 2) + (words[root + Root.First]! + index) * Place.Words;
}

/** Word of the place of the first node or the last. Hot. */
function endPlace(words: Int32Array, root: number, atFront: boolean): number {
  return placeWord(words, root, atFront ? 0 : words[root + Root.Nodes]! - 1);
}

/** Elements of the chain. */
export function chainLength(shard: Shard, root: number): number {
  return shard.words[(root >> 2) + Root.Elements]!;
}

/** Nodes of the chain. */
export function chainNodes(shard: Shard, root: number): number {
  return shard.words[(root >> 2) + Root.Nodes]!;
}

/** Node `index`. */
export function placeNode(shard: Shard, root: number, index: number): number {
  return shard.words[placeWord(shard.words, root >> 2, index) + Place.Node]!;
}

/** Elements of node `index`. */
export function placeCount(shard: Shard, root: number, index: number): number {
  return shard.words[placeWord(shard.words, root >> 2, index) + Place.Count]!;
}

/** Adds an element at an end. `limit` is `list-max-listpack-size`. False, nothing changed: out of memory. Hot. */
export function pushToChain(
  shard: Shard,
  root: number,
  element: Element,
  atFront: boolean,
  limit: number,
): boolean {
  const nodes = chainNodes(shard, root);
  if (addToNode(shard, root, atFront ? 0 : nodes - 1, element, atFront, limit)) return true;
  if (!addNode(shard, root, atFront ? 0 : nodes, element, limit)) return false;
  // The node that is no end any more.
  const inner = atFront ? 1 : nodes - 1;
  setPlaceNode(shard, root, inner, fitNode(shard, placeNode(shard, root, inner)));
  return true;
}

/** Adds an element at an end of node `index`. False, nothing changed: it does not fit, or there is no memory. Hot. */
export function addToNode(
  shard: Shard,
  root: number,
  index: number,
  element: Element,
  atFront: boolean,
  limit: number,
): boolean {
  const words = shard.words;
  const place = placeWord(words, root >> 2, index);
  if (words[place + Place.Count]! >= nodeEntriesMax(limit)) return false;
  const byteCount = packedBytes(element);
  let node = words[place + Place.Node]!;
  let at = atFront ? extendFront(shard, node, byteCount) : extendBack(shard, node, byteCount);
  if (at === 0) {
    const isOnly = words[(root >> 2) + Root.Nodes] === 1;
    node = makeRoom(shard, node, byteCount, atFront, isOnly, nodeBytesMax(limit));
    if (node === 0) return false;
    words[place + Place.Node] = node;
    at = atFront ? extendFront(shard, node, byteCount) : extendBack(shard, node, byteCount);
  }
  writePacked(element, shard.bytes, at);
  words[place + Place.Count]!++;
  words[(root >> 2) + Root.Elements]!++;
  return true;
}

/** Adds a node with one element at `index`. False, nothing changed: out of memory. */
export function addNode(shard: Shard, root: number, index: number, element: Element, limit: number): boolean {
  if (!reservePlaces(shard, root, 1)) return false;
  const byteCount = packedBytes(element);
  const atFront = index === 0;
  const node = createNode(shard, roomOfNew(byteCount, limit, chainNodes(shard, root)), atFront);
  if (node === 0) return false;
  const at = atFront ? extendFront(shard, node, byteCount) : extendBack(shard, node, byteCount);
  writePacked(element, shard.bytes, at);
  enterNode(shard, root, index, node, 1);
  changeLength(shard, root, 1);
  return true;
}

/** Enters a node at `index`, where a place is reserved. */
export function enterNode(shard: Shard, root: number, index: number, node: number, count: number): void {
  const words = shard.words;
  const place = openPlace(words, root >> 2, index);
  words[place + Place.Node] = node;
  words[place + Place.Count] = count;
}

/** Another block has taken the place of node `index`. */
export function setPlaceNode(shard: Shard, root: number, index: number, node: number): void {
  shard.words[placeWord(shard.words, root >> 2, index) + Place.Node] = node;
}

/** Node `index` has so many elements now. */
export function setPlaceCount(shard: Shard, root: number, index: number, count: number): void {
  shard.words[placeWord(shard.words, root >> 2, index) + Place.Count] = count;
}

/** The chain has so many elements more. */
export function changeLength(shard: Shard, root: number, change: number): void {
  shard.words[(root >> 2) + Root.Elements]! += change;
}

/** Where the first entry begins, or the last. Hot. */
export function chainEndAt(shard: Shard, root: number, atFront: boolean): number {
  const node = shard.words[endPlace(shard.words, root >> 2, atFront) + Place.Node]!;
  return atFront ? runStart(shard, node) : previousEntry(shard.bytes, runEnd(shard, node));
}

/** Removes the first element or the last of a chain that has more than that one. Hot. */
export function removeChainEnd(shard: Shard, root: number, atFront: boolean): void {
  const words = shard.words;
  const place = endPlace(words, root >> 2, atFront);
  const node = words[place + Place.Node]!;
  words[(root >> 2) + Root.Elements]!--;
  const count = words[place + Place.Count]! - 1;
  if (count === 0) {
    free(shard, node);
    return removePlaces(shard, root, atFront ? 0 : words[(root >> 2) + Root.Nodes]! - 1, 1);
  }
  words[place + Place.Count] = count;
  if (atFront) cutFront(shard, node, nextEntry(shard.bytes, runStart(shard, node)));
  else cutBack(shard, node, previousEntry(shard.bytes, runEnd(shard, node)));
}

/** Points `cursor` at element `index`, which must exist. */
export function seekChain(shard: Shard, root: number, index: number, cursor: ChainCursor): void {
  const words = shard.words;
  const word = root >> 2;
  const elements = words[word + Root.Elements]!;
  const first = placeWord(words, word, 0);
  let count = first + Place.Count;
  let rest = index;
  if (index * 2 < elements) {
    for (; rest >= words[count]!; count += Place.Words) rest -= words[count]!;
  } else {
    count += (words[word + Root.Nodes]! - 1) * Place.Words;
    rest = elements - index;
    for (; rest > words[count]!; count -= Place.Words) rest -= words[count]!;
    rest = words[count]! - rest;
  }
  const node = words[count - Place.Count + Place.Node]!;
  cursor.index = (count - Place.Count - first) / Place.Words;
  cursor.inNode = rest;
  cursor.at = seekEntry(shard.bytes, runStart(shard, node), runEnd(shard, node), words[count]!, rest);
}

/**
 * Makes sure that the directory takes `extra` places more, at least half of that at either end. False, nothing changed:
 * out of memory.
 */
export function reservePlaces(shard: Shard, root: number, extra: number): boolean {
  const words = shard.words;
  const word = root >> 2;
  const first = words[word + Root.First]!;
  const nodes = words[word + Root.Nodes]!;
  const capacity = words[word + Root.Capacity]!;
  if (first >= extra && capacity - first - nodes >= extra) return true;
  const needed = nodes + extra * 2;
  if (capacity >= needed + (nodes >> 1)) {
    moveDirectory(shard, root, words[word + Root.Directory]!, capacity);
    return true;
  }
  return resizeDirectory(shard, root, needed + nodes);
}

/** Gives the directory a block for `placeCount` places or some more. False, nothing changed: out of memory. */
function resizeDirectory(shard: Shard, root: number, placeCount: number): boolean {
  const old = shard.words[(root >> 2) + Root.Directory]!;
  const capacity = Math.floor(blockBytes(Math.max(placeCount, PLACES_MIN) * PLACE_BYTES) / PLACE_BYTES);
  const directory = allocate(shard, capacity * PLACE_BYTES);
  if (directory === 0) return false;
  moveDirectory(shard, root, directory, capacity);
  free(shard, old);
  return true;
}

/** Moves the places to the middle of `directory`, which may be the block where they are. */
function moveDirectory(shard: Shard, root: number, directory: number, capacity: number): void {
  const words = shard.words;
  const word = root >> 2;
  const nodes = words[word + Root.Nodes]!;
  const from = placeWord(words, word, 0);
  const first = (capacity - nodes) >> 1;
  words.copyWithin((directory >> 2) + first * Place.Words, from, from + nodes * Place.Words);
  words[word + Root.Directory] = directory;
  words[word + Root.First] = first;
  words[word + Root.Capacity] = capacity;
}

/** Opens a reserved place at `index` by moving the shorter part of the others. Returns its word. */
function openPlace(words: Int32Array, word: number, index: number): number {
  const nodes = words[word + Root.Nodes]!;
  const at = placeWord(words, word, index);
  words[word + Root.Nodes] = nodes + 1;
  if (index * 2 >= nodes) {
    words.copyWithin(at + Place.Words, at, at + (nodes - index) * Place.Words);
    return at;
  }
  words.copyWithin(at - (index + 1) * Place.Words, at - index * Place.Words, at);
  words[word + Root.First]!--;
  return at - Place.Words;
}

/** Takes `count` places, whose nodes are freed or moved, out of the directory. */
export function removePlaces(shard: Shard, root: number, index: number, count: number): void {
  const words = shard.words;
  const word = root >> 2;
  const nodes = words[word + Root.Nodes]!;
  const at = placeWord(words, word, index);
  const behind = nodes - index - count;
  if (index > behind) {
    const end = at + count * Place.Words;
    words.copyWithin(at, end, end + behind * Place.Words);
  } else {
    const first = at - index * Place.Words;
    words.copyWithin(first + count * Place.Words, first, at);
    words[word + Root.First]! += count;
  }
  words[word + Root.Nodes] = nodes - count;
  fitDirectory(shard, root);
}

/** Takes the places of nodes without elements, which are freed, out of the directory: all of them in one pass. */
export function removeEmptyPlaces(shard: Shard, root: number): void {
  const words = shard.words;
  const word = root >> 2;
  const first = placeWord(words, word, 0);
  const end = first + words[word + Root.Nodes]! * Place.Words;
  let to = first;
  for (let from = first; from < end; from += Place.Words) {
    if (words[from + Place.Count] === 0) continue;
    words[to + Place.Node] = words[from + Place.Node]!;
    words[to + Place.Count] = words[from + Place.Count]!;
    to += Place.Words;
  }
  words[word + Root.Nodes] = (to - first) / Place.Words;
  fitDirectory(shard, root);
}

/** Gives back a directory of which only a part is used, if there is memory for the exchange. */
function fitDirectory(shard: Shard, root: number): void {
  const word = root >> 2;
  const nodes = shard.words[word + Root.Nodes]!;
  const capacity = shard.words[word + Root.Capacity]!;
  if (capacity > PLACES_MIN * 2 && nodes * 4 < capacity) resizeDirectory(shard, root, nodes * 2);
}

/**
 * Frees about `nodeCount` nodes from number `cursor` on, and behind the last of them everything. Returns the cursor to go
 * on with, or -1: all is gone.
 */
export function freeChainSlice(shard: Shard, root: number, cursor: number, nodeCount: number): number {
  const words = shard.words;
  const word = root >> 2;
  const nodes = words[word + Root.Nodes]!;
  const end = Math.min(cursor + nodeCount, nodes);
  for (let index = cursor; index < end; index++) {
    free(shard, words[placeWord(words, word, index) + Place.Node]!);
  }
  if (end < nodes) return end;
  free(shard, words[word + Root.Directory]!);
  free(shard, root);
  return -1;
}

/** A copy without spare room in `to`, which may be the same shard. Returns its root, or 0, nothing left: out of memory. */
export function copyChain(from: Shard, root: number, to: Shard): number {
  const nodes = chainNodes(from, root);
  const capacity = Math.max(nodes, PLACES_MIN);
  const copy = allocateRoot(to, capacity);
  if (copy === 0) return 0;
  const word = copy >> 2;
  to.words[word + Root.First] = 0;
  to.words[word + Root.Elements] = chainLength(from, root);
  for (let index = 0; index < nodes; index++) {
    const node = copyNode(from, placeNode(from, root, index), to);
    if (node === 0) {
      freeChainSlice(to, copy, 0, Infinity);
      return 0;
    }
    const place = placeWord(to.words, word, index);
    to.words[place + Place.Node] = node;
    to.words[place + Place.Count] = placeCount(from, root, index);
    to.words[word + Root.Nodes] = index + 1;
  }
  return copy;
}

/** Bytes of all blocks of a chain. */
export function chainBytesUsed(shard: Shard, root: number): number {
  let bytes = usableBytes(shard, root) + usableBytes(shard, shard.words[(root >> 2) + Root.Directory]!);
  for (let index = chainNodes(shard, root) - 1; index >= 0; index--) {
    bytes += usableBytes(shard, placeNode(shard, root, index));
  }
  return bytes;
}

/** Walks a chain and asserts every invariant. Returns the bytes of all its blocks. */
export function verifyChain(shard: Shard, root: number): number {
  const words = shard.words;
  const word = root >> 2;
  const directory = words[word + Root.Directory]!;
  const first = words[word + Root.First]!;
  const nodes = words[word + Root.Nodes]!;
  const capacity = words[word + Root.Capacity]!;
  assert(nodes > 0 && first >= 0 && first + nodes <= capacity, 'list chain: places beyond the directory');
  assert(capacity * PLACE_BYTES <= usableBytes(shard, directory), 'list chain: directory beyond its block');
  let elements = 0;
  let bytes = usableBytes(shard, root) + usableBytes(shard, directory);
  for (let index = 0; index < nodes; index++) {
    const node = placeNode(shard, root, index);
    const count = placeCount(shard, root, index);
    bytes += verifyNode(shard, node);
    assert(count > 0, 'list chain: an empty node');
    assert(
      countRun(shard.bytes, runStart(shard, node), runEnd(shard, node)) === count,
      'list chain: a count',
    );
    elements += count;
  }
  assert(elements === words[word + Root.Elements], 'list chain: elements');
  return bytes;
}

export function describeChain(shard: Shard, root: number): string {
  const word = root >> 2;
  const nodes = chainNodes(shard, root);
  let used = 0;
  for (let index = 0; index < nodes; index++) used += runBytes(shard, placeNode(shard, root, index));
  return (
    `chain of ${chainLength(shard, root)} elements in ${nodes} nodes, ${used} bytes of entries ` +
    `in ${chainBytesUsed(shard, root)}, directory of ${shard.words[word + Root.Capacity]} places`
  );
}
