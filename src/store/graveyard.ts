/**
 * The graveyard of a shard: records that no key leads to any more, whose structures are freed part by part, so that
 * removing a huge value holds the shard's lock for microseconds and not for as long as it is large.
 *
 *  buried record (the block stays as it is, its header says)
 *   byte 0      1      4       8         12
 *        +------+------+-------+---------+--------+
 *        | kind | ...  | next  | root    | cursor |   next = the record buried before it, 0 ends
 *        +------+------+-------+---------+--------+
 *  Ownership: the shard's header holds the first. Lock: the shard's. What is buried still counts as used memory.
 */
import { free } from '../memory/allocator.ts';
import { Header, type Shard } from '../memory/shard.ts';
import { recordEncoding, rootOf } from './record.ts';
import { structureKind } from './structure-kinds.ts';

/** Word offsets in a buried record. */
const enum Buried {
  Next = 1,
  Root = 2,
  Cursor = 3,
}

/** A value of about this many elements is freed at once: some tens of microseconds. */
const FREED_AT_ONCE = 256;

/**
 * Frees a record that is in no table any more and has a rooted value: at once if that is small, else bit by bit. Whether
 * something is left to be freed.
 */
export function buryRecord(shard: Shard, record: number): boolean {
  const root = rootOf(shard, record);
  const cursor = structureKind(recordEncoding(shard, record)).freeSlice(shard, root, 0, FREED_AT_ONCE);
  if (cursor < 0) {
    free(shard, record);
    return false;
  }
  const words = shard.words;
  const word = record >> 2;
  words[word + Buried.Next] = words[Header.Graveyard]!;
  words[word + Buried.Root] = root;
  words[word + Buried.Cursor] = cursor;
  words[Header.Graveyard] = record;
  words[Header.BuriedCount]!++;
  return true;
}

/** Whether anything is buried. May be asked without the lock. */
export function isGraveyardEmpty(shard: Shard): boolean {
  return shard.words[Header.Graveyard] === 0;
}

/** Frees about `elementCount` elements of what is buried. Whether a record is gone with it. */
export function freeBuried(shard: Shard, elementCount: number): boolean {
  const words = shard.words;
  const record = words[Header.Graveyard]!;
  if (record === 0) return false;
  const word = record >> 2;
  const kind = structureKind(recordEncoding(shard, record));
  const cursor = kind.freeSlice(
    shard,
    words[word + Buried.Root]!,
    words[word + Buried.Cursor]!,
    elementCount,
  );
  if (cursor >= 0) words[word + Buried.Cursor] = cursor;
  else {
    words[Header.Graveyard] = words[word + Buried.Next]!;
    words[Header.BuriedCount]!--;
    free(shard, record);
  }
  return cursor < 0;
}

/** Frees everything that is buried, however long it takes: for the checker. */
export function emptyGraveyard(shard: Shard): void {
  while (!isGraveyardEmpty(shard)) freeBuried(shard, Infinity);
}
