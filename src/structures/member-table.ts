/**
 * Tables of members: what sets, hashes and sorted sets share once they have outgrown a packed block. A table
 * (table.ts) leads from the hash of a member's text to one block per member.
 *
 *  member block
 *   byte 0                 headBytes                     the text's end
 *        +-----------------+--------------+--------------+---------------+
 *        | head, fixed     | length, 1 or | text         | tail          |
 *        | (its owner's)   | 5 bytes      |              | (its owner's) |
 *        +-----------------+--------------+--------------+---------------+
 *   length: one byte up to 253; else the byte 254 and 4 bytes, little-endian.
 *
 *  The size of head and tail, and what is in them, is for the file that owns the type: none and none for sets.
 *  Ownership: the table holds the only reference, unless the owner keeps others beside it. Lock: the shard's.
 *  Cost: a find compares texts only where all 31 bits of the hash agree: two or three cache lines.
 */
import { type Bytes, copyBytes, equalBytes } from '../base/bytes.ts';
import { allocate, free } from '../memory/allocator.ts';
import type { Shard } from '../memory/shard.ts';
import type { EntryText } from './packed-entry.ts';
import {
  aimSlot,
  collectEntries,
  createTableFor,
  findSlot,
  freeTable,
  glanceRef,
  glanceSlot,
  insertEntry,
  nextSlot,
  randomSlot,
  slotRef,
  tableCount,
  tableDepth,
  tableDirectory,
} from './table.ts';

const SHORT_MAX = 253;
const LONG_LEAD = 254;
/** Entries looked at in one go. */
const WALK_ENTRIES = 256;
/** A draw fails one time in two, or nineteen in twenty where many were removed: so often in a row hardly ever. */
const DRAWS_MAX = 500;
/** Slots looked at in one round of `drawMembers`. */
const AIMS_MAX = 256;
/** Members that `fetchMembers` takes at once. */
export const FETCH_AHEAD_MEMBERS = 32;

/** Bytes that a text of `byteCount` bytes takes in a block, its length included. */
export function memberTextBytes(byteCount: number): number {
  return byteCount <= SHORT_MAX ? 1 + byteCount : 5 + byteCount;
}

/** Writes length and text at `at`. Returns the position behind them. */
export function writeMemberText(
  shard: Shard,
  at: number,
  source: Bytes,
  sourceAt: number,
  byteCount: number,
): number {
  const { u8, view } = shard.bytes;
  let textAt = at + 1;
  if (byteCount <= SHORT_MAX) u8[at] = byteCount;
  else {
    u8[at] = LONG_LEAD;
    view.setInt32(at + 1, byteCount, true);
    textAt = at + 5;
  }
  if (source === shard.bytes) u8.copyWithin(textAt, sourceAt, sourceAt + byteCount);
  else copyBytes(source, sourceAt, shard.bytes, textAt, byteCount);
  return textAt + byteCount;
}

/** Length of the text whose length stands at `at`. */
export function memberByteCount(shard: Shard, at: number): number {
  const short = shard.bytes.u8[at]!;
  return short <= SHORT_MAX ? short : shard.bytes.view.getInt32(at + 1, true);
}

/** Where the text begins whose length stands at `at`. */
export function memberTextAt(shard: Shard, at: number): number {
  return shard.bytes.u8[at]! <= SHORT_MAX ? at + 1 : at + 5;
}

/** Points `text` at the text whose length stands at `at`. */
export function pointAtMember(shard: Shard, at: number, text: EntryText): void {
  text.set(shard.bytes, memberTextAt(shard, at), memberByteCount(shard, at));
}

/** The slot of the member with this text, whose hash is `hash`, or 0. `slotRef` gives its block. */
export function findMember(
  shard: Shard,
  table: number,
  headBytes: number,
  hash: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  let slot = findSlot(shard, table, hash);
  for (; slot !== 0; slot = nextSlot(shard, slot, hash)) {
    const length = slotRef(shard, slot) + headBytes;
    if (memberByteCount(shard, length) !== byteCount) continue;
    if (equalBytes(shard.bytes, memberTextAt(shard, length), source, at, byteCount)) return slot;
  }
  return 0;
}

/** The slot of a member, every one of them equally likely; there is at least one. Cost: about two cache lines. */
export function randomMemberSlot(shard: Shard, table: number): number {
  for (let draws = 0; draws < DRAWS_MAX; draws++) {
    const slot = randomSlot(shard, table, Math.random() * 2 ** 32);
    if (slot !== 0) return slot;
  }
  return countedMemberSlot(shard, table, Math.floor(Math.random() * tableCount(shard, table)));
}

/**
 * Draws `count` different members, of which there are far more, and appends hash and block of each to `out`. Aimed at
 * and looked at in rounds, so that the waits for memory overlap.
 */
export function drawMembers(shard: Shard, table: number, count: number, out: number[]): void {
  const words = shard.words;
  const drawn = new Set<number>();
  const slots: number[] = [];
  while (drawn.size < count) {
    slots.length = 0;
    const aims = Math.min((count - drawn.size) * 2 + 4, AIMS_MAX);
    for (let i = 0; i < aims; i++) {
      const slot = aimSlot(shard, table, Math.random() * 2 ** 32);
      if (slot !== 0) slots.push(slot);
    }
    fetchBlocksOf(shard, slots);
    for (let i = 0; i < slots.length && drawn.size < count; i++) {
      const block = slotRef(shard, slots[i]!);
      if (block === 0 || drawn.has(block)) continue;
      drawn.add(block);
      out.push(words[slots[i]!]!, block);
    }
  }
}

/**
 * Aims at as many slots as `out` is long, with every one of them equally likely, and puts their blocks into it, 0 for an
 * empty one. In rounds, so that the waits for memory overlap.
 */
export function aimBlocks(shard: Shard, table: number, out: Int32Array): void {
  const words = shard.words;
  let sum = 0;
  for (let i = 0; i < out.length; i++) out[i] = aimSlot(shard, table, Math.random() * 2 ** 32);
  for (let i = 0; i < out.length; i++) if (out[i] !== 0) out[i] = slotRef(shard, out[i]!);
  for (let i = 0; i < out.length; i++) sum ^= words[out[i]! >> 2]!;
  fetched.sum = sum;
}

/** Reads slots and then the blocks they lead to, in loops that wait for nothing in between. */
function fetchBlocksOf(shard: Shard, slots: readonly number[]): void {
  const words = shard.words;
  let sum = 0;
  for (let i = 0; i < slots.length; i++) sum ^= slotRef(shard, slots[i]!);
  for (let i = 0; i < slots.length; i++) sum ^= words[slotRef(shard, slots[i]!) >> 2]!;
  fetched.sum = sum;
}

/** Keeps reads whose only purpose is to fetch memory from being optimised away. */
const fetched = { sum: 0 };
const glanced = new Int32Array(FETCH_AHEAD_MEMBERS);

/**
 * Reads the slots and blocks that the first `count` of `hashes` lead to, so that finds right after it wait for nothing: up
 * to FETCH_AHEAD_MEMBERS.
 */
export function fetchMembers(shard: Shard, table: number, hashes: Int32Array, count: number): void {
  const words = shard.words;
  const directory = tableDirectory(shard, table);
  const depth = tableDepth(shard, table);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    const slot = glanceSlot(words, directory, depth, hashes[i]!);
    glanced[i] = slot;
    sum ^= words[slot]!;
  }
  for (let i = 0; i < count; i++) sum ^= words[glanceRef(words, glanced[i]!, hashes[i]!) >>> 2]!;
  fetched.sum = sum;
}

/** The slot of the member that `index` others stand before. */
function countedMemberSlot(shard: Shard, table: number, index: number): number {
  const entries: number[] = [];
  let left = index;
  for (let hash = 0; ; left -= entries.length >> 1) {
    entries.length = 0;
    hash = collectEntries(shard, table, hash, WALK_ENTRIES, entries);
    if (left * 2 >= entries.length) continue;
    let slot = findSlot(shard, table, entries[left * 2]!);
    while (slotRef(shard, slot) !== entries[left * 2 + 1]) slot = nextSlot(shard, slot, entries[left * 2]!);
    return slot;
  }
}

/**
 * Frees about `count` member blocks from the hash `cursor` on, and behind the last of them the table too. Returns the
 * cursor to go on with, or -1: all is gone. In between the table still holds the freed references.
 */
export function freeMembersSlice(shard: Shard, table: number, cursor: number, count: number): number {
  const entries: number[] = [];
  let next = cursor;
  for (let freed = 0; freed < count && next >= 0; freed += entries.length >> 1) {
    entries.length = 0;
    next = collectEntries(shard, table, next, Math.min(count - freed, WALK_ENTRIES), entries);
    for (let i = 1; i < entries.length; i += 2) free(shard, entries[i]!);
  }
  if (next < 0) freeTable(shard, table);
  return next;
}

/**
 * Copies a table and its member blocks, whose sizes `blockBytesOf` tells, to another shard or the same. Returns the new
 * table, or 0, nothing left behind: out of memory.
 */
export function copyMembers(
  from: Shard,
  table: number,
  to: Shard,
  blockBytesOf: (shard: Shard, at: number) => number,
): number {
  const copy = createTableFor(to, tableCount(from, table));
  if (copy === 0) return 0;
  const entries: number[] = [];
  for (let hash = 0; hash >= 0;) {
    entries.length = 0;
    hash = collectEntries(from, table, hash, WALK_ENTRIES, entries);
    for (let i = 0; i < entries.length; i += 2) {
      const block = copyBlock(from, entries[i + 1]!, to, blockBytesOf(from, entries[i + 1]!));
      if (block !== 0 && insertEntry(to, copy, entries[i]!, block) !== 0) continue;
      if (block !== 0) free(to, block);
      freeMembersSlice(to, copy, 0, Infinity);
      return 0;
    }
  }
  return copy;
}

function copyBlock(from: Shard, at: number, to: Shard, byteCount: number): number {
  const block = allocate(to, byteCount);
  if (block === 0) return 0;
  if (from === to) from.bytes.u8.copyWithin(block, at, at + byteCount);
  else copyBytes(from.bytes, at, to.bytes, block, byteCount);
  return block;
}

/** Runs `visit` for the hash and block of every member, in the order of the hashes: for checkers and for cold paths. */
export function visitMembers(
  shard: Shard,
  table: number,
  visit: (hash: number, block: number) => void,
): void {
  const entries: number[] = [];
  for (let hash = 0; hash >= 0;) {
    entries.length = 0;
    hash = collectEntries(shard, table, hash, WALK_ENTRIES, entries);
    for (let i = 0; i < entries.length; i += 2) visit(entries[i]!, entries[i + 1]!);
  }
}
