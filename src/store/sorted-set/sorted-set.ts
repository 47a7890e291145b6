/**
 * Sorted sets: members with scores, packed in the record while they are few and short, else scored members
 * (structures/sorted-set/scored-members.ts). Members are put, found and removed here, one by one; range.ts knows ranks
 * and ranges, walk.ts walks. NaN stands for the score of a member that is not there.
 */
import { assert } from '../../base/assert.ts';
import type { Bytes } from '../../base/bytes.ts';
import { hasRoomFor } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import {
  behindPackedScore,
  findPacked,
  firstPacked,
  packedAtRank,
  packedCount,
  PackedScore,
  packedMemberBytes,
  packedScoreAt,
  PACKED_SCORES_EMPTY_BYTES,
  PACKED_SCORES_MAX,
  placeInPacked,
  readPackedScore,
  setPackedCount,
  writePackedMember,
} from '../../structures/sorted-set/packed-scores.ts';
import {
  addScored,
  appendScored,
  blockScore,
  createScoredMembers,
  findScored,
  freeScoredMembers,
  pointAtBlock,
  removeScored,
  removeScoredExtreme,
  scoredBlockBytes,
  scoredCount,
  scoredGrowthBytes,
  setBlockScore,
  treeOf,
} from '../../structures/sorted-set/scored-members.ts';
import { placeRef, placeScore, seekExtreme, TreePlace } from '../../structures/sorted-set/score-tree.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import {
  Encoding,
  recordEncoding,
  ROOT_BYTES,
  rootOf,
  valueAt,
  valueBytes,
  ValueType,
  writeRoot,
} from '../record.ts';
import { Status } from '../status.ts';
import { becomeRooted, resizeValue } from '../record-room.ts';

/** When a member is put, and how. Flags. */
export const enum When {
  Always = 0,
  /** Only one that is not there yet. */
  Missing = 1,
  /** Only one that is there. */
  Existing = 2,
  /** One that is there only if its score rises, or falls. */
  Greater = 4,
  Less = 8,
  /** The score is added to the one that is there. */
  Increment = 16,
}

/** What became of a put. */
export const enum Put {
  /** The conditions do not hold. */
  Refused,
  Added,
  Updated,
  /** The member had that score already. */
  Same,
  /** The sum is not a number; nothing was changed. */
  NotANumber,
  /** Nothing was changed. */
  OutOfMemory,
}

/** What became of a removal. */
export const enum Removal {
  Missing,
  Removed,
  /** That was the last member: the key is gone. */
  Emptied,
}

/** The score that the last `putScore` has left its member with. */
export const scratchPut = { score: 0 };

const scratchElement = new Element();
const scratchScore = new PackedScore();
const scratchText = new EntryText();
const scratchPlace = new TreePlace();

export function sortedSetLength(shard: Shard, record: number): number {
  if (isPacked(shard, record)) return packedCount(shard.bytes, valueAt(shard, record));
  return scoredCount(shard, rootOf(shard, record));
}

export function isPacked(shard: Shard, record: number): boolean {
  return recordEncoding(shard, record) === Encoding.Packed;
}

/**
 * Puts the member `source[at, at + byteCount)` with `score`, which is a number, into the sorted set found under `key`, or
 * into a new one. `when` has When's flags. The caller calls `touched` if it added or updated anything. Hot.
 */
export function putScore(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  score: number,
  when: number,
): Put {
  if (key.record === 0) {
    if ((when & When.Existing) !== 0) return Put.Refused;
    scratchPut.score = score;
    return createSortedSet(keyspace, key, source, at, byteCount, score) ? Put.Added : Put.OutOfMemory;
  }
  if (isPacked(key.shard, key.record)) return putPacked(keyspace, key, source, at, byteCount, score, when);
  return putInTree(keyspace, key, source, at, byteCount, score, when);
}

/** What to do with a member whose score is `current`; the new score is left in `scratchPut`. */
function decide(current: number, score: number, when: number): Put {
  if ((when & When.Missing) !== 0) return Put.Refused;
  const wanted = (when & When.Increment) !== 0 ? current + score : score;
  if (wanted !== wanted) return Put.NotANumber;
  if ((when & When.Less) !== 0 && wanted >= current) return Put.Refused;
  if ((when & When.Greater) !== 0 && wanted <= current) return Put.Refused;
  scratchPut.score = wanted;
  return wanted === current ? Put.Same : Put.Updated;
}

function putInTree(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  score: number,
  when: number,
): Put {
  const { shard } = key;
  const root = rootOf(shard, key.record);
  const hash = keyspace.memberHash(source, at, byteCount);
  const block = findScored(shard, root, hash, source, at, byteCount);
  if (block !== 0) {
    const outcome = decide(blockScore(shard, block), score, when);
    if (outcome !== Put.Updated) return outcome;
    return setBlockScore(shard, root, block, scratchPut.score) ? Put.Updated : Put.OutOfMemory;
  }
  if ((when & When.Existing) !== 0) return Put.Refused;
  scratchPut.score = score;
  return addScored(shard, root, hash, score, source, at, byteCount) ? Put.Added : Put.OutOfMemory;
}

function putPacked(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  score: number,
  when: number,
): Put {
  const { shard } = key;
  const { bytes } = shard;
  const value = valueAt(shard, key.record);
  encodeElement(scratchElement, source, at, byteCount);
  const entry = findPacked(bytes, value, value + valueBytes(shard, key.record), scratchElement);
  if (entry !== 0) {
    const outcome = decide(readPackedScore(bytes, packedScoreAt(bytes, entry)), score, when);
    if (outcome !== Put.Updated) return outcome;
    return updatePacked(key, entry, scratchPut.score) ? Put.Updated : Put.OutOfMemory;
  }
  if ((when & When.Existing) !== 0) return Put.Refused;
  scratchPut.score = score;
  const isDone = fitsPacked(keyspace, packedCount(bytes, value) + 1, byteCount)
    ? insertPacked(key, score)
    : convertAndAdd(keyspace, key, source, at, byteCount, score);
  return isDone ? Put.Added : Put.OutOfMemory;
}

/** Whether a sorted set of so many members, none of them longer than that, is to be packed. */
export function fitsPacked(keyspace: Keyspace, count: number, byteCountMax: number): boolean {
  const { sortedSetEntries, sortedSetValueBytes } = keyspace.packedLimits;
  return count <= sortedSetEntries && count <= PACKED_SCORES_MAX && byteCountMax <= sortedSetValueBytes;
}

/** Makes `key`, under which there is nothing, a sorted set of one member. False, nothing changed: out of memory. */
function createSortedSet(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  score: number,
): boolean {
  if (!fitsPacked(keyspace, 1, byteCount)) {
    const { shard } = key;
    const root = createScoredMembers(shard);
    if (root === 0) return false;
    const hash = keyspace.memberHash(source, at, byteCount);
    const isAdded = addScored(shard, root, hash, score, source, at, byteCount);
    if (isAdded && enterRooted(keyspace, key, root)) return true;
    freeScoredMembers(shard, root);
    return false;
  }
  encodeElement(scratchElement, source, at, byteCount);
  scratchScore.encode(score);
  const size = PACKED_SCORES_EMPTY_BYTES + packedMemberBytes(scratchElement, scratchScore);
  const record = keyspace.prepareRecord(key, 0, ValueType.SortedSet, Encoding.Packed, size);
  if (record === 0) return false;
  const { shard } = key;
  const value = valueAt(shard, record);
  setPackedCount(shard.bytes, value, 1);
  writePackedMember(scratchElement, scratchScore, shard.bytes, firstPacked(value));
  return keyspace.enterRecord(key, record) === Status.Ok;
}

/** Makes `key`, whatever it was, the sorted set whose scored members begin at `root`. False, nothing changed: no memory. */
export function enterRooted(keyspace: Keyspace, key: Key, root: number, flags = 0): boolean {
  const { shard } = key;
  const encoding = Encoding.SortedSetTree;
  const record = keyspace.prepareRecord(key, flags, ValueType.SortedSet, encoding, ROOT_BYTES);
  if (record === 0) return false;
  writeRoot(shard, record, root);
  return keyspace.enterRecord(key, record) === Status.Ok;
}

/** Inserts `scratchElement`. False, nothing changed: out of memory. */
function insertPacked(key: Key, score: number): boolean {
  const { shard } = key;
  const { bytes } = shard;
  scratchScore.encode(score);
  const added = packedMemberBytes(scratchElement, scratchScore);
  const oldBytes = valueBytes(shard, key.record);
  const oldValue = valueAt(shard, key.record);
  const place = placeInPacked(bytes, oldValue, oldValue + oldBytes, score, scratchElement) - oldValue;
  if (resizeValue(key, oldBytes + added, false) === 0) return false;
  const value = valueAt(shard, key.record);
  const at = value + place;
  if (place < oldBytes) bytes.u8.copyWithin(at + added, at, value + oldBytes);
  writePackedMember(scratchElement, scratchScore, bytes, at);
  setPackedCount(bytes, value, packedCount(bytes, value) + 1);
  return true;
}

/** Gives the member at `entry`, which is `scratchElement`, another score. False, nothing changed: out of memory. */
function updatePacked(key: Key, entry: number, score: number): boolean {
  const { shard } = key;
  const { bytes } = shard;
  const { u8 } = bytes;
  scratchScore.encode(score);
  const oldValue = valueAt(shard, key.record);
  const byteCount = valueBytes(shard, key.record);
  const oldSize = behindPackedScore(bytes, packedScoreAt(bytes, entry)) - entry;
  const newSize = packedMemberBytes(scratchElement, scratchScore);
  const growth = newSize - oldSize;
  const place = placeInPacked(bytes, oldValue, oldValue + byteCount, score, scratchElement) - oldValue;
  if (growth > 0 && resizeValue(key, byteCount + growth, false) === 0) return false;
  const value = valueAt(shard, key.record);
  const from = entry - oldValue + value;
  const to = place + value;
  const end = value + byteCount;
  // Behind both places everything shifts by the growth; between them, by the size of the member.
  const tail = to > from ? to : from + oldSize;
  if (growth > 0) u8.copyWithin(tail + growth, tail, end);
  if (to > from) {
    const middle = from + oldSize;
    if (to > middle) u8.copyWithin(from, middle, to);
    writePackedMember(scratchElement, scratchScore, bytes, to - oldSize);
  } else {
    if (from > to) u8.copyWithin(to + newSize, to, from);
    writePackedMember(scratchElement, scratchScore, bytes, to);
  }
  if (growth < 0) {
    u8.copyWithin(tail + growth, tail, end);
    resizeValue(key, byteCount + growth, false);
  }
  return true;
}

/** Makes a packed sorted set scored members and adds one. False, nothing changed: out of memory. */
function convertAndAdd(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
  score: number,
): boolean {
  const { shard } = key;
  const root = unpack(keyspace, shard, key.record);
  if (root === 0) return false;
  const hash = keyspace.memberHash(source, at, byteCount);
  if (!addScored(shard, root, hash, score, source, at, byteCount)) {
    freeScoredMembers(shard, root);
    return false;
  }
  becomeRooted(key, Encoding.SortedSetTree, root);
  return true;
}

/** Scored members like those of a packed record. 0: out of memory. */
function unpack(keyspace: Keyspace, shard: Shard, record: number): number {
  const root = createScoredMembers(shard);
  if (root === 0) return 0;
  const { bytes } = shard;
  const text = scratchText;
  const end = valueAt(shard, record) + valueBytes(shard, record);
  for (let entry = firstPacked(valueAt(shard, record)); entry < end;) {
    const scoreAt = packedScoreAt(bytes, entry);
    text.point(bytes, entry);
    const hash = keyspace.memberHash(text.bytes, text.at, text.byteCount);
    const score = readPackedScore(bytes, scoreAt);
    if (!appendScored(shard, root, hash, score, text.bytes, text.at, text.byteCount)) {
      freeScoredMembers(shard, root);
      return 0;
    }
    entry = behindPackedScore(bytes, scoreAt);
  }
  return root;
}

/**
 * Whether `memberCount` members that have `byteCount` bytes in all, the longest `byteCountMax`, can surely be put one
 * after the other into the sorted set found under `key`, or a new one.
 */
export function hasRoomForMembers(
  keyspace: Keyspace,
  key: Key,
  memberCount: number,
  byteCount: number,
  byteCountMax: number,
): boolean {
  const { shard, record } = key;
  const length = record === 0 ? 0 : sortedSetLength(shard, record);
  const inlineBytes = (record === 0 ? 0 : valueBytes(shard, record)) + byteCount + memberCount * 24 + 1024;
  const willBePacked =
    (record === 0 || isPacked(shard, record)) && fitsPacked(keyspace, length + memberCount, byteCountMax);
  if (willBePacked) return hasRoomFor(shard, inlineBytes * 2);
  const blocksBytes = byteCount + memberCount * scoredBlockBytes(8);
  if (record !== 0 && !isPacked(shard, record)) {
    return hasRoomFor(shard, blocksBytes + scoredGrowthBytes(shard, rootOf(shard, record), memberCount));
  }
  return hasRoomFor(shard, inlineBytes * 2 + blocksBytes + (length + memberCount) * 256 + 65_536);
}

/** The score of a member of the sorted set `record` found under `key`, or NaN. */
export function findScore(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  return scoreIn(keyspace, key.shard, key.record, source, at, byteCount);
}

/** The score of a member of a sorted set wherever it is, or NaN. */
export function scoreIn(
  keyspace: Keyspace,
  shard: Shard,
  record: number,
  source: Bytes,
  at: number,
  byteCount: number,
): number {
  if (!isPacked(shard, record)) {
    const hash = keyspace.memberHash(source, at, byteCount);
    const block = findScored(shard, rootOf(shard, record), hash, source, at, byteCount);
    return block === 0 ? NaN : blockScore(shard, block);
  }
  encodeElement(scratchElement, source, at, byteCount);
  const value = valueAt(shard, record);
  const { bytes } = shard;
  const entry = findPacked(bytes, value, value + valueBytes(shard, record), scratchElement);
  return entry === 0 ? NaN : readPackedScore(bytes, packedScoreAt(bytes, entry));
}

/** Points `text` at the member with the lowest or the highest score. Returns the score. */
export function pointAtExtreme(shard: Shard, record: number, fromMax: boolean, text: EntryText): number {
  if (isPacked(shard, record)) {
    const { bytes } = shard;
    const value = valueAt(shard, record);
    const entry = fromMax ? packedAtRank(bytes, value, packedCount(bytes, value) - 1) : firstPacked(value);
    text.point(bytes, entry);
    return readPackedScore(bytes, packedScoreAt(bytes, entry));
  }
  const root = rootOf(shard, record);
  seekExtreme(shard, treeOf(root), fromMax, scratchPlace);
  pointAtBlock(shard, placeRef(shard, scratchPlace), text);
  return placeScore(shard, scratchPlace);
}

/**
 * Removes the member with the lowest or the highest score, and the key with the last of them. The caller calls
 * `touched` unless the key is gone, which did.
 */
export function removeExtreme(keyspace: Keyspace, key: Key, fromMax: boolean): Removal {
  const { shard, record } = key;
  if (sortedSetLength(shard, record) === 1) {
    keyspace.remove(key);
    return Removal.Emptied;
  }
  if (isPacked(shard, record)) {
    const { bytes } = shard;
    const value = valueAt(shard, record);
    const entry = fromMax ? packedAtRank(bytes, value, packedCount(bytes, value) - 1) : firstPacked(value);
    closeGap(key, entry, behindPackedScore(bytes, packedScoreAt(bytes, entry)), 1);
    return Removal.Removed;
  }
  const root = rootOf(shard, record);
  seekExtreme(shard, treeOf(root), fromMax, scratchPlace);
  pointAtBlock(shard, placeRef(shard, scratchPlace), scratchText);
  const { bytes, at, byteCount } = scratchText;
  removeScoredExtreme(shard, root, fromMax, keyspace.memberHash(bytes, at, byteCount));
  return Removal.Removed;
}

/** Removes a member from the sorted set found under `key`. The caller calls `touched` unless the key is gone, which did. */
export function removeMember(
  keyspace: Keyspace,
  key: Key,
  source: Bytes,
  at: number,
  byteCount: number,
): Removal {
  const { shard, record } = key;
  if (isPacked(shard, record)) return removePacked(keyspace, key, source, at, byteCount);
  const root = rootOf(shard, record);
  const hash = keyspace.memberHash(source, at, byteCount);
  const block = findScored(shard, root, hash, source, at, byteCount);
  if (block === 0) return Removal.Missing;
  if (scoredCount(shard, root) === 1) {
    keyspace.remove(key);
    return Removal.Emptied;
  }
  removeScored(shard, root, hash, block);
  return Removal.Removed;
}

function removePacked(keyspace: Keyspace, key: Key, source: Bytes, at: number, byteCount: number): Removal {
  const { shard, record } = key;
  const { bytes } = shard;
  const value = valueAt(shard, record);
  encodeElement(scratchElement, source, at, byteCount);
  const entry = findPacked(bytes, value, value + valueBytes(shard, record), scratchElement);
  if (entry === 0) return Removal.Missing;
  if (packedCount(bytes, value) === 1) {
    keyspace.remove(key);
    return Removal.Emptied;
  }
  closeGap(key, entry, behindPackedScore(bytes, packedScoreAt(bytes, entry)), 1);
  return Removal.Removed;
}

/** Takes the bytes [from, to), which are `memberCount` members, out of the packed value found under `key`. */
export function closeGap(key: Key, from: number, to: number, memberCount: number): void {
  const { shard } = key;
  const { bytes } = shard;
  const value = valueAt(shard, key.record);
  const byteCount = valueBytes(shard, key.record);
  assert(from >= firstPacked(value) && to <= value + byteCount, 'sorted set: gap outside the value');
  if (to < value + byteCount) bytes.u8.copyWithin(from, to, value + byteCount);
  setPackedCount(bytes, value, packedCount(bytes, value) - memberCount);
  resizeValue(key, byteCount - (to - from), false);
}
