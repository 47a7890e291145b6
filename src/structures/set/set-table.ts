/**
 * Large sets: a table of members (member-table.ts) whose blocks hold the text and nothing else.
 *
 *  block, byte 0          1 or 5
 *              +----------+------+
 *              | length   | text |
 *              +----------+------+
 *  Invariants: no two members are equal. Ownership: the table holds the only reference to a block. Lock: the shard's.
 *  Cost: the block, and 10.5 to 12 bytes of the table (table.ts).
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { allocate, blockBytes, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  copyMembers,
  findMember,
  freeMembersSlice,
  memberByteCount,
  memberTextAt,
  memberTextBytes,
  visitMembers,
  writeMemberText,
} from '../member-table.ts';
import { describeTable, insertEntry, removeSlot, slotRef, tableBytesUsed, verifyTable } from '../table.ts';

/** A block that holds this text. Returns its offset, or 0: no room. */
export function createSetMember(shard: Shard, source: Bytes, at: number, byteCount: number): number {
  const block = allocate(shard, memberTextBytes(byteCount));
  if (block !== 0) writeMemberText(shard, block, source, at, byteCount);
  return block;
}

/** Adds a text (the caller knows it is not there). False, nothing changed: the shard is full. */
export function addSetMember(
  shard: Shard,
  table: number,
  hash: number,
  source: Bytes,
  at: number,
  byteCount: number,
): boolean {
  const block = createSetMember(shard, source, at, byteCount);
  if (block === 0) return false;
  if (insertEntry(shard, table, hash, block) !== 0) return true;
  free(shard, block);
  return false;
}

/** The slot of a text, or 0. */
export function findSetMember(
  shard: Shard,
  table: number,
  hash: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  return findMember(shard, table, 0, hash, source, at, byteCount);
}

/** Takes out the member in a slot. */
export function removeSetMember(shard: Shard, table: number, slot: number): void {
  const block = slotRef(shard, slot);
  removeSlot(shard, table, slot);
  free(shard, block);
}

function setMemberBytes(shard: Shard, block: number): number {
  return memberTextBytes(memberByteCount(shard, block));
}

/** How the keyspace treats a large set (store/structure-kinds.ts). */
export const setTableKind = {
  freeSlice: freeMembersSlice,
  copy: (from: Shard, root: number, to: Shard): number => copyMembers(from, root, to, setMemberBytes),
  verify: verifySetTable,
  bytesUsed: setTableBytesUsed,
  describe: describeTable,
};

function setTableBytesUsed(shard: Shard, table: number): number {
  let bytes = tableBytesUsed(shard, table);
  visitMembers(shard, table, (_hash, block) => {
    bytes += blockBytes(setMemberBytes(shard, block));
  });
  return bytes;
}

/** Walks table and blocks and asserts every invariant. Returns the bytes of all of them. */
function verifySetTable(shard: Shard, table: number): number {
  const count = verifyTable(shard, table);
  let bytes = tableBytesUsed(shard, table);
  let visited = 0;
  let lastHash = -1;
  let ofHash = new Set<string>();
  visitMembers(shard, table, (hash, block) => {
    const needed = blockBytes(setMemberBytes(shard, block));
    assert(usableBytes(shard, block) === needed, 'set table: size of a block');
    if (hash !== lastHash) ofHash = new Set();
    lastHash = hash;
    const at = memberTextAt(shard, block);
    const text = shard.bytes.u8.toString('latin1', at, at + memberByteCount(shard, block));
    assert(!ofHash.has(text), 'set table: a member twice');
    ofHash.add(text);
    bytes += needed;
    visited++;
  });
  assert(count > 0 && visited === count, 'set table: count');
  return bytes;
}
