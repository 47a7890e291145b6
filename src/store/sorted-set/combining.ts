/**
 * Unions, intersections and differences of sorted sets. The outcome is made as scored members in a shard whose lock is
 * held, and then read and freed, or entered under a key: nothing is changed until all of it is there.
 */
import type { Shard } from '../../memory/shard.ts';
import { Element, encodeElement, type EntryText } from '../../structures/packed-entry.ts';
import {
  firstPacked,
  PackedScore,
  packedMemberBytes,
  PACKED_SCORES_EMPTY_BYTES,
  setPackedCount,
  writePackedMember,
} from '../../structures/sorted-set/packed-scores.ts';
import {
  addScored,
  addUnordered,
  appendScored,
  blockScore,
  createScoredMembers,
  findScored,
  freeScoredMembers,
  freeUnordered,
  orderMembers,
  scoredCount,
  setUnorderedScore,
} from '../../structures/sorted-set/scored-members.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { Encoding, valueAt, ValueType } from '../record.ts';
import { enterRooted, fitsPacked } from './sorted-set.ts';
import type { RankSpan } from './range.ts';
import type { ScoredSource } from './sources.ts';
import { SortedSetWalk } from './walk.ts';
import { Status } from '../status.ts';

export const enum Combination {
  Union,
  Intersection,
  Difference,
}

/** What becomes of a member's scores in several sources. */
export const enum Aggregate {
  Sum,
  Min,
  Max,
  /** Their weights are summed instead. */
  Count,
}

/** A source with the factor of its scores. `source` null: there was none under its key. */
export interface Operand {
  readonly source: ScoredSource | null;
  weight: number;
}

const scratchElement = new Element();
const scratchScore = new PackedScore();
const scratchWalk = new SortedSetWalk();

/** The score a member of an operand brings in. Redis: 0 times infinity is 0. */
function weigh(score: number, weight: number, aggregate: Aggregate): number {
  const weighed = aggregate === Aggregate.Count ? weight : score * weight;
  return weighed === weighed ? weighed : 0;
}

function join(a: number, b: number, aggregate: Aggregate): number {
  if (aggregate === Aggregate.Min) return b < a ? b : a;
  if (aggregate === Aggregate.Max) return b > a ? b : a;
  const sum = a + b;
  // Redis: infinity and minus infinity add up to 0.
  return sum === sum ? sum : 0;
}

/** Scored members in the making, in a shard. `root` is 0 after they were given up. */
export class ScoredMembersBuilder {
  readonly shard: Shard;
  readonly keyspace: Keyspace;
  root: number;
  /** Bytes of the longest text. */
  byteCountMax = 0;

  constructor(keyspace: Keyspace, shard: Shard) {
    this.keyspace = keyspace;
    this.shard = shard;
    this.root = createScoredMembers(shard);
  }

  get count(): number {
    return scoredCount(this.shard, this.root);
  }

  /** Adds a member that is not there yet. False: out of memory. */
  add(text: EntryText, score: number): boolean {
    const { bytes, at, byteCount } = text;
    if (byteCount > this.byteCountMax) this.byteCountMax = byteCount;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    return addScored(this.shard, this.root, hash, score, bytes, at, byteCount);
  }

  /** `add` for a member that stands behind all others. */
  append(text: EntryText, score: number): boolean {
    const { bytes, at, byteCount } = text;
    if (byteCount > this.byteCountMax) this.byteCountMax = byteCount;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    return appendScored(this.shard, this.root, hash, score, bytes, at, byteCount);
  }

  /** Adds a member, or joins the score with that of the one that is there; `order` is to follow. False: out of memory. */
  accumulate(text: EntryText, score: number, aggregate: Aggregate): boolean {
    const { shard, root } = this;
    const { bytes, at, byteCount } = text;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    const block = findScored(shard, root, hash, bytes, at, byteCount);
    if (block !== 0) {
      setUnorderedScore(shard, block, join(blockScore(shard, block), score, aggregate));
      return true;
    }
    if (byteCount > this.byteCountMax) this.byteCountMax = byteCount;
    return addUnordered(shard, root, hash, score, bytes, at, byteCount) !== 0;
  }

  /** Brings what was accumulated into its order. False: out of memory. */
  order(): boolean {
    return orderMembers(this.shard, this.root);
  }

  /** Frees everything. */
  drop(): void {
    if (this.root !== 0) freeScoredMembers(this.shard, this.root);
    this.root = 0;
  }

  /** `drop` where the members may not have been ordered. */
  dropUnordered(): void {
    freeUnordered(this.shard, this.root);
    this.root = 0;
  }
}

/** Combines the operands into new members in `shard`. Null, nothing left behind: out of memory. */
export function combine(
  keyspace: Keyspace,
  shard: Shard,
  operands: readonly Operand[],
  combination: Combination,
  aggregate: Aggregate,
): ScoredMembersBuilder | null {
  const into = new ScoredMembersBuilder(keyspace, shard);
  if (into.root === 0) return null;
  if (combination === Combination.Union) {
    if (accumulateAll(into, operands, aggregate) && into.order()) return into;
    into.dropUnordered();
    return null;
  }
  const isDone =
    combination === Combination.Difference ? subtract(into, operands) : intersect(into, operands, aggregate);
  if (isDone) return into;
  into.drop();
  return null;
}

function accumulateAll(
  into: ScoredMembersBuilder,
  operands: readonly Operand[],
  aggregate: Aggregate,
): boolean {
  for (const { source, weight } of operands) {
    if (source === null) continue;
    source.begin();
    while (source.next()) {
      if (!into.accumulate(source.text, weigh(source.score, weight, aggregate), aggregate)) return false;
    }
  }
  return true;
}

/** The members of the first operand, which should be the shortest, that all others have. */
function intersect(into: ScoredMembersBuilder, operands: readonly Operand[], aggregate: Aggregate): boolean {
  const { source, weight } = operands[0]!;
  if (source === null) return true;
  source.begin();
  while (source.next()) {
    const score = scoreInAll(operands, weigh(source.score, weight, aggregate), aggregate);
    if (score === score && !into.add(source.text, score)) return false;
  }
  return true;
}

/** The joined scores of the member that the first operand has come to, or NaN: one of the others does not have it. */
function scoreInAll(operands: readonly Operand[], first: number, aggregate: Aggregate): number {
  const { bytes, at, byteCount } = operands[0]!.source!.text;
  let score = first;
  for (let index = 1; index < operands.length; index++) {
    const { source, weight } = operands[index]!;
    const other = source === null ? NaN : source.find(bytes, at, byteCount);
    if (other !== other) return NaN;
    score = join(score, aggregate === Aggregate.Count ? weight : other * weight, aggregate);
  }
  return score;
}

/** How many members all operands have in common, as far as `limit` (0: no limit). The first should be the shortest. */
export function countCommon(operands: readonly Operand[], limit: number): number {
  const { source } = operands[0]!;
  if (source === null) return 0;
  let count = 0;
  source.begin();
  while (source.next()) {
    const sum = scoreInAll(operands, 0, Aggregate.Count);
    if (sum !== sum) continue;
    count++;
    if (count === limit) break;
  }
  return count;
}

/** The members of the first operand that none of the others has, with their scores. */
function subtract(into: ScoredMembersBuilder, operands: readonly Operand[]): boolean {
  const { source } = operands[0]!;
  if (source === null) return true;
  source.begin();
  while (source.next()) {
    if (!isInOthers(operands) && !into.add(source.text, source.score)) return false;
  }
  return true;
}

function isInOthers(operands: readonly Operand[]): boolean {
  const { bytes, at, byteCount } = operands[0]!.source!.text;
  for (let index = 1; index < operands.length; index++) {
    const { source } = operands[index]!;
    if (source === null) continue;
    const score = source.find(bytes, at, byteCount);
    if (score === score) return true;
  }
  return false;
}

/**
 * A span of the sorted set `record` in `from` as new members in `shard`. Null, nothing left behind: out of memory.
 * Accepted: -0 stays -0 unless all of it is packed; in Redis it depends on how much was packed when it was added.
 */
export function copySpan(
  keyspace: Keyspace,
  shard: Shard,
  from: Shard,
  record: number,
  span: RankSpan,
): ScoredMembersBuilder | null {
  const into = new ScoredMembersBuilder(keyspace, shard);
  if (into.root === 0) return null;
  scratchWalk.begin(from, record, span.first, span.count, false);
  while (scratchWalk.next()) {
    if (into.append(scratchWalk.text, scratchWalk.score)) continue;
    into.drop();
    return null;
  }
  return into;
}

/**
 * Makes `key`, whatever it was, the sorted set of these members, or removes it where there are none, and calls `touched`.
 * They are gone then. OutOfMemory: nothing was changed, and they are gone too.
 */
export function storeMembers(keyspace: Keyspace, key: Key, members: ScoredMembersBuilder): Status {
  if (members.count === 0) {
    members.drop();
    if (keyspace.find(key) !== 0) keyspace.remove(key);
    return Status.Ok;
  }
  const isPacked = fitsPacked(keyspace, members.count, members.byteCountMax);
  const isDone = isPacked ? enterPacked(keyspace, key, members) : enterRooted(keyspace, key, members.root);
  if (isPacked || !isDone) members.drop();
  if (!isDone) return Status.OutOfMemory;
  keyspace.touched(key);
  return Status.Ok;
}

/** Enters a packed record of the members under `key`. False, nothing changed: out of memory. */
function enterPacked(keyspace: Keyspace, key: Key, members: ScoredMembersBuilder): boolean {
  const { shard } = key;
  const { root, count } = members;
  const record = keyspace.prepareRecord(
    key,
    0,
    ValueType.SortedSet,
    Encoding.Packed,
    packedBytesOf(shard, root, count),
  );
  if (record === 0) return false;
  const value = valueAt(shard, record);
  setPackedCount(shard.bytes, value, count);
  let at = firstPacked(value);
  scratchWalk.beginTree(shard, root, 0, count, false);
  while (encodeNext()) {
    writePackedMember(scratchElement, scratchScore, shard.bytes, at);
    at += packedMemberBytes(scratchElement, scratchScore);
  }
  return keyspace.enterRecord(key, record) === Status.Ok;
}

function packedBytesOf(shard: Shard, root: number, count: number): number {
  let byteCount = PACKED_SCORES_EMPTY_BYTES;
  scratchWalk.beginTree(shard, root, 0, count, false);
  while (encodeNext()) byteCount += packedMemberBytes(scratchElement, scratchScore);
  return byteCount;
}

/** Goes on with `scratchWalk` and encodes what it has come to. False: there is no more. */
function encodeNext(): boolean {
  if (!scratchWalk.next()) return false;
  const { bytes, at, byteCount } = scratchWalk.text;
  encodeElement(scratchElement, bytes, at, byteCount);
  scratchScore.encode(scratchWalk.score);
  return true;
}
