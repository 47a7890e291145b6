/**
 * Members of a set chosen at random, every one equally likely, and taken out. One: `randomPlace`, `pointAtPlace`,
 * `removeAtPlace`. Several different ones: `drawMembers`, which a reader can point at, and `removeDrawn`.
 */
import { Int64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  integerSetCount,
  readInteger,
  removeInteger,
  removeIntegers,
} from '../../structures/set/integer-set.ts';
import {
  drawMembers as drawFromTable,
  freeMembersSlice,
  pointAtMember,
  randomMemberSlot,
} from '../../structures/member-table.ts';
import type { EntryText } from '../../structures/packed-entry.ts';
import {
  packedMemberAt,
  packedSetCount,
  removePackedMember,
  removePackedMembers,
} from '../../structures/set/packed-set.ts';
import { removeSetMember } from '../../structures/set/set-table.ts';
import { findSlot, nextSlot, slotRef } from '../../structures/table.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, recordEncoding, rootOf, valueAt, valueBytes } from '../record.ts';
import { SetBuilder } from './builder.ts';
import { SetReader } from './reader.ts';
import { countMembers } from './set.ts';
import { resizeValue } from '../record-room.ts';

/** From this share of the members on, drawing walks all of them instead of choosing each: one in so many. */
const WALK_SHARE = 3;
/** A table that so many times as many members are drawn from as it keeps is looked at whether it can be a small set. */
const COMPACT_SHARE = 5;

const scratchInteger = new Int64();
const scratchPlaces: number[] = [];
const scratchReader = new SetReader();
const scratchBuilder = new SetBuilder();

/** Where a member chosen at random stands: valid until the set or, for a slot, its table is changed. Hot. */
export function randomPlace(shard: Shard, record: number): number {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) return randomMemberSlot(shard, rootOf(shard, record));
  const at = valueAt(shard, record);
  if (encoding === Encoding.IntegerSet) {
    return randomBelow(integerSetCount(shard.bytes, at, valueBytes(shard, record)));
  }
  return packedMemberAt(shard.bytes, at, randomBelow(packedSetCount(shard.bytes, at)));
}

function randomBelow(count: number): number {
  return Math.floor(Math.random() * count);
}

/** Points `text` at the member at a place of `randomPlace`. */
export function pointAtPlace(shard: Shard, record: number, place: number, text: EntryText): void {
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) pointAtMember(shard, slotRef(shard, place), text);
  else if (encoding === Encoding.Packed) text.point(shard.bytes, place);
  else {
    readInteger(shard.bytes, valueAt(shard, record), place, scratchInteger);
    text.setInteger(scratchInteger);
  }
}

/** Takes out the member at a place of `randomPlace` in the set found under `key`, which may be empty then. */
export function removeAtPlace(key: Key, place: number): void {
  const { shard, record } = key;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) return removeSetMember(shard, rootOf(shard, record), place);
  const at = valueAt(shard, record);
  const byteCount = valueBytes(shard, record);
  const remove = encoding === Encoding.Packed ? removePackedMember : removeInteger;
  resizeValue(key, remove(shard.bytes, at, byteCount, place), false);
}

/**
 * Chooses `count` different members, fewer than there are, and appends hash and place of each (as SetReader has them) to
 * `out`; `reader` must have been opened on the set in `record`.
 */
export function drawMembers(
  shard: Shard,
  record: number,
  reader: SetReader,
  count: number,
  out: number[],
): void {
  const size = countMembers(shard, record);
  const isTable = recordEncoding(shard, record) === Encoding.SetTable;
  if (isTable && count * WALK_SHARE < size) drawFromTable(shard, rootOf(shard, record), count, out);
  else drawWalking(reader, size, count, out);
}

/** Walks all members and takes each with the chance that makes every choice of so many equally likely (Knuth, 3.4.2, S). */
function drawWalking(reader: SetReader, size: number, count: number, out: number[]): void {
  let left = size;
  let wanted = count;
  while (wanted > 0 && reader.step()) {
    if (Math.random() * left < wanted) {
      out.push(reader.hash, reader.place);
      wanted--;
    }
    left--;
  }
}

/** Takes the members drawn out of the set found under `key`; some others are left. */
export function removeDrawn(keyspace: Keyspace, key: Key, drawn: readonly number[]): void {
  const { shard, record } = key;
  const encoding = recordEncoding(shard, record);
  if (encoding === Encoding.SetTable) {
    removeFromTable(shard, rootOf(shard, record), drawn);
    const drawnCount = drawn.length >> 1;
    if (drawnCount >= countMembers(shard, record) * COMPACT_SHARE) compactSet(keyspace, key);
    return;
  }
  const places = scratchPlaces;
  places.length = 0;
  for (let i = 1; i < drawn.length; i += 2) places.push(drawn[i]!);
  const at = valueAt(shard, record);
  const remove = encoding === Encoding.Packed ? removePackedMembers : removeIntegers;
  resizeValue(key, remove(shard.bytes, at, valueBytes(shard, record), places), false);
}

function removeFromTable(shard: Shard, table: number, drawn: readonly number[]): void {
  for (let i = 0; i < drawn.length; i += 2) {
    const hash = drawn[i]!;
    let slot = findSlot(shard, table, hash);
    while (slotRef(shard, slot) !== drawn[i + 1]) slot = nextSlot(shard, slot, hash);
    removeSetMember(shard, table, slot);
  }
}

/** Redis: what little a large SPOP leaves of a table is a small set again. Failing is harmless. */
function compactSet(keyspace: Keyspace, key: Key): void {
  const { shard, record } = key;
  const { integerSetEntries, setEntries } = keyspace.packedLimits;
  if (countMembers(shard, record) > Math.max(integerSetEntries, setEntries)) return;
  scratchReader.open(keyspace, shard, record);
  scratchBuilder.begin(keyspace, shard, Encoding.IntegerSet);
  const { text } = scratchReader;
  while (scratchBuilder.encoding !== Encoding.SetTable && scratchReader.next()) {
    if (!scratchBuilder.addNew(text.bytes, text.at, text.byteCount, scratchReader.hash)) break;
  }
  const table = rootOf(shard, record);
  if (scratchBuilder.replaceTable(key)) freeMembersSlice(shard, table, 0, Infinity);
  else scratchBuilder.abandon();
}
