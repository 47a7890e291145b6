/** Ranks in sorted sets, and the ranges that scores or texts delimit: each becomes a span of ranks, counted from 0. */
import type { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import {
  behindPackedScore,
  comparePacked,
  findPacked,
  firstPacked,
  nextPacked,
  packedAtRank,
  packedScoreAt,
  readPackedScore,
} from '../../structures/sorted-set/packed-scores.ts';
import {
  blockScore,
  findScored,
  rankOfBlock,
  removeRanks,
  treeOf,
} from '../../structures/sorted-set/scored-members.ts';
import { countBelowScore, countBelowText } from '../../structures/sorted-set/score-tree.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { rootOf, valueAt, valueBytes } from '../record.ts';
import { closeGap, isPacked, Removal, sortedSetLength } from './sorted-set.ts';

/** Scores from `min` to `max`. */
export class ScoreRange {
  min = 0;
  max = 0;
  minExclusive = false;
  maxExclusive = false;
}

/** Where a range of texts ends: at a text of the request, or below or above all there are. */
export class TextBound {
  kind: 'lowest' | 'text' | 'highest' = 'lowest';
  isExclusive = false;
  at = 0;
  byteCount = 0;
}

/** Members that stand side by side. */
export class RankSpan {
  first = 0;
  count = 0;

  /** From rank `first` to before rank `end`. */
  set(first: number, end: number): void {
    this.first = first;
    this.count = Math.max(end - first, 0);
  }
}

/** The score of the member whose rank was asked for last. */
export const scratchRank = { score: 0 };
const scratchElement = new Element();
const scratchText = new EntryText();

/** The rank of a member of the sorted set found under `key`, from the lowest, or -1; its score is left in `scratchRank`. */
export function findRank(keyspace: Keyspace, key: Key, source: Bytes, at: number, byteCount: number): number {
  const { shard, record } = key;
  if (isPacked(shard, record)) return rankInPacked(shard, record, source, at, byteCount);
  const root = rootOf(shard, record);
  const hash = keyspace.memberHash(source, at, byteCount);
  const block = findScored(shard, root, hash, source, at, byteCount);
  if (block === 0) return -1;
  scratchRank.score = blockScore(shard, block);
  return rankOfBlock(shard, root, block);
}

function rankInPacked(shard: Shard, record: number, source: Bytes, at: number, byteCount: number): number {
  const { bytes } = shard;
  const value = valueAt(shard, record);
  encodeElement(scratchElement, source, at, byteCount);
  const found = findPacked(bytes, value, value + valueBytes(shard, record), scratchElement);
  if (found === 0) return -1;
  scratchRank.score = readPackedScore(bytes, packedScoreAt(bytes, found));
  let rank = 0;
  for (let entry = firstPacked(value); entry < found; entry = nextPacked(bytes, entry)) rank++;
  return rank;
}

/** Sets `span` to the members whose scores are in `range`. */
export function spanOfScores(shard: Shard, record: number, range: ScoreRange, span: RankSpan): void {
  const { min, max, minExclusive, maxExclusive } = range;
  const isEmpty = min > max || (min === max && (minExclusive || maxExclusive));
  if (isEmpty) return span.set(0, 0);
  const first = countBelow(shard, record, min, minExclusive);
  span.set(first, countBelow(shard, record, max, !maxExclusive));
}

/** How many members have a score below this one, or with `inclusive` at most this one. */
function countBelow(shard: Shard, record: number, score: number, inclusive: boolean): number {
  if (!isPacked(shard, record)) {
    return countBelowScore(shard, treeOf(rootOf(shard, record)), score, inclusive);
  }
  const { bytes } = shard;
  const value = valueAt(shard, record);
  const end = value + valueBytes(shard, record);
  let count = 0;
  for (let entry = firstPacked(value); entry < end; count++) {
    const scoreAt = packedScoreAt(bytes, entry);
    const other = readPackedScore(bytes, scoreAt);
    if (other > score || (!inclusive && other === score)) break;
    entry = behindPackedScore(bytes, scoreAt);
  }
  return count;
}

/**
 * Sets `span` to the members between two texts that lie in `source`. Means something only where all scores are equal, as
 * in Redis.
 */
export function spanOfTexts(
  shard: Shard,
  record: number,
  source: Bytes,
  min: TextBound,
  max: TextBound,
  span: RankSpan,
): void {
  const first = countBelowBound(shard, record, source, min, min.isExclusive);
  span.set(first, countBelowBound(shard, record, source, max, !max.isExclusive));
}

function countBelowBound(
  shard: Shard,
  record: number,
  source: Bytes,
  bound: TextBound,
  inclusive: boolean,
): number {
  if (bound.kind === 'lowest') return 0;
  if (bound.kind === 'highest') return sortedSetLength(shard, record);
  const { at, byteCount } = bound;
  if (!isPacked(shard, record)) {
    return countBelowText(shard, treeOf(rootOf(shard, record)), source, at, byteCount, inclusive);
  }
  const value = valueAt(shard, record);
  const end = value + valueBytes(shard, record);
  let count = 0;
  for (let entry = firstPacked(value); entry < end; count++) {
    const order = comparePacked(shard.bytes, entry, source, at, byteCount);
    if (order > 0 || (!inclusive && order === 0)) break;
    entry = nextPacked(shard.bytes, entry);
  }
  return count;
}

/**
 * Removes a span of members, which is not empty, from the sorted set found under `key`, and the key with the last of
 * them. The caller calls `touched` unless the key is gone, which did.
 */
export function removeSpan(keyspace: Keyspace, key: Key, span: RankSpan): Removal {
  const { shard, record } = key;
  const { first, count } = span;
  if (count === sortedSetLength(shard, record)) {
    keyspace.remove(key);
    return Removal.Emptied;
  }
  if (isPacked(shard, record)) {
    const from = packedAtRank(shard.bytes, valueAt(shard, record), first);
    let to = from;
    for (let i = 0; i < count; i++) to = nextPacked(shard.bytes, to);
    closeGap(key, from, to, count);
  } else {
    const hashOf = ({ bytes, at, byteCount }: EntryText): number => keyspace.memberHash(bytes, at, byteCount);
    removeRanks(shard, rootOf(shard, record), first, count, scratchText, hashOf);
  }
  return Removal.Removed;
}
