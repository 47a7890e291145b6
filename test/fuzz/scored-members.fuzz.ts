/** Random operations on scored members - table and tree together - against a sorted array, with scores that come in
 *  order, at random, or nearly all equal, in a shard that is now and then so full that nothing can grow. */

import { Bytes, compareBytes } from '../../src/base/bytes.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { EntryText } from '../../src/structures/packed-entry.ts';
import {
  addScored,
  appendScored,
  blockScore,
  copyScoredMembers,
  createScoredMembers,
  findScored,
  freeScoredMembers,
  freeScoredSlice,
  pointAtBlock,
  rankOfBlock,
  removeRanks,
  removeScored,
  scoredBytesUsed,
  scoredCount,
  setBlockScore,
  treeOf,
  verifyScoredMembers,
} from '../../src/structures/sorted-set/scored-members.ts';
import {
  countBelowScore,
  placeRef,
  placeScore,
  seekRank,
  stepBack,
  stepForward,
  TreePlace,
} from '../../src/structures/sorted-set/score-tree.ts';
import { Prng } from '../support/prng.ts';

const SHARD_BYTES = 16 << 20;
const PHASE_OPERATIONS = 4000;
const MEMBERS_MAX = 30_000;
/** Members added in one go, at most: so that trees become high. */
const BURST = 20;
const HASH_KEY = { k0: 3, k1: 4 };

interface Member {
  readonly text: Buffer;
  readonly bytes: Bytes;
  score: number;
}

/** How scores are drawn in one phase; `step` counts operations. */
const SCORES: Record<string, (random: Prng, step: number) => number> = {
  'all over': (random) => random.next32() - 2 ** 31 + random.below(8) / 8,
  rising: (_, step) => step,
  falling: (_, step) => -step,
  'all equal': () => 7,
  'a few': (random) => random.below(5),
  'in a narrow place': (random) => 1000 + random.below(1000) / 1000,
  extremes: (random) => [Infinity, -Infinity, 0, -0, Number.MAX_VALUE, 5e-324][random.below(6)]!,
};

/** What a phase mostly does: shares of 100 for adding, removing one, popping, removing a range, moving. */
const MIXES = [
  [80, 5, 5, 1, 9],
  [40, 30, 5, 1, 24],
  [10, 70, 10, 2, 8],
  [30, 0, 68, 1, 1],
  [5, 0, 0, 0, 95],
  [50, 10, 10, 20, 10],
] as const;

function compare(a: Member, b: Member): number {
  if (a.score !== b.score) return a.score - b.score;
  return compareBytes(a.bytes, 0, a.text.length, b.bytes, 0, b.text.length);
}

export class ScoredMembersFuzz {
  readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  root = createScoredMembers(this.shard);
  refusedCount = 0;
  private readonly random: Prng;
  /** What there should be, in order. */
  private readonly list: Member[] = [];
  private readonly byText = new Map<string, Member>();
  private readonly junk: number[] = [];
  private readonly text = new EntryText();
  private readonly place = new TreePlace();
  private scoreOf = SCORES['all over']!;
  private mix: readonly number[] = MIXES[0];
  private step = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    const names = Object.keys(SCORES);
    for (; this.step < operationCount; this.step++) {
      if (this.step % PHASE_OPERATIONS === 0) {
        this.scoreOf = SCORES[names[this.random.below(names.length)]!]!;
        this.mix = MIXES[this.random.below(MIXES.length)]!;
        this.verify();
      }
      this.operate();
      if (this.step % 2000 === 0) this.verify();
    }
    this.empty();
  }

  private operate(): void {
    const choice = this.random.below(1000);
    if (choice < 1) {
      if (this.random.below(4) === 0) this.startFamine();
    } else if (choice < 6) this.relieve();
    else if (choice < 8) this.copy();
    else if (choice < 60) this.ask();
    else this.change();
  }

  private change(): void {
    let share = this.random.below(100);
    const [add, remove, pop, range] = this.mix;
    if ((share -= add!) < 0) for (let i = this.random.below(BURST); i >= 0; i--) this.addOne();
    else if ((share -= remove!) < 0) this.removeAt(this.random.below(this.list.length));
    else if ((share -= pop!) < 0) this.removeAt(this.random.below(4) === 0 ? this.list.length - 1 : 0);
    else if ((share -= range!) < 0) this.removeRange();
    else this.moveOne();
  }

  /** Place of a member in the list, there or not. */
  private indexOf(member: Member): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.list[middle]!, member) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private newMember(): Member {
    const length = this.random.below(20) === 0 ? this.random.below(400) : 1 + this.random.below(8);
    const text = Buffer.from(Array.from({ length }, () => 97 + this.random.below(26)));
    const bytes = Bytes.allocate(text.length);
    text.copy(bytes.u8);
    return { text, bytes, score: this.scoreOf(this.random, this.step) };
  }

  private hashOf(bytes: Bytes, at: number, byteCount: number): number {
    // Few hashes now and then: members then share them.
    return hashBytes(bytes.view, at, byteCount, HASH_KEY, 0) & ~15;
  }

  private addOne(): void {
    const member = this.newMember();
    const { bytes, text, score } = member;
    if (this.byText.has(text.toString('latin1')) || this.list.length >= MEMBERS_MAX) return;
    const { shard, root } = this;
    const hash = this.hashOf(bytes, 0, text.length);
    const index = this.indexOf(member);
    const isLast = index === this.list.length && this.random.below(2) === 0;
    const before = shard.usedBytes;
    const isAdded = (isLast ? appendScored : addScored)(shard, root, hash, score, bytes, 0, text.length);
    if (!isAdded) {
      // A segment of the table may have grown for it all the same.
      if (shard.usedBytes < before) throw new Error('an insert that failed has freed something');
      this.refuse();
      return;
    }
    this.list.splice(index, 0, member);
    this.byText.set(text.toString('latin1'), member);
  }

  private refuse(): void {
    this.refusedCount++;
    if (this.random.below(20) === 0) this.verify();
    if (this.random.below(10) === 0) this.relieve();
  }

  private blockOf({ bytes, text }: Member): number {
    const hash = this.hashOf(bytes, 0, text.length);
    const block = findScored(this.shard, this.root, hash, bytes, 0, text.length);
    if (block === 0) throw new Error(`member ${text.toString('latin1')} is lost`);
    return block;
  }

  private removeAt(index: number): void {
    const member = this.list[index];
    if (member === undefined) return;
    const hash = this.hashOf(member.bytes, 0, member.text.length);
    removeScored(this.shard, this.root, hash, this.blockOf(member));
    this.list.splice(index, 1);
    this.byText.delete(member.text.toString('latin1'));
  }

  private removeRange(): void {
    const length = this.list.length;
    if (length === 0) return;
    const first = this.random.below(length);
    const most = this.random.below(200) === 0 ? length : this.random.below(200);
    const count = Math.min(length - first, 1 + this.random.below(most + 1));
    removeRanks(this.shard, this.root, first, count, this.text, ({ bytes, at, byteCount }) =>
      this.hashOf(bytes, at, byteCount),
    );
    for (const { text } of this.list.splice(first, count)) this.byText.delete(text.toString('latin1'));
  }

  private moveOne(): void {
    if (this.list.length === 0) return;
    const index = this.random.below(this.list.length);
    const member = this.list[index]!;
    const near = member.score + (this.random.below(3) - 1) / 1024;
    const score = this.random.below(3) === 0 && near === near ? near : this.scoreOf(this.random, this.step);
    if (score === member.score) return;
    if (!setBlockScore(this.shard, this.root, this.blockOf(member), score)) return this.refuse();
    this.list.splice(index, 1);
    member.score = score;
    this.list.splice(this.indexOf(member), 0, member);
  }

  /** Ranks, counts and walks from somewhere must be those of the list. */
  private ask(): void {
    const { shard, root, list, random, place } = this;
    if (list.length === 0) return;
    const rank = random.below(list.length);
    const member = list[rank]!;
    if (rankOfBlock(shard, root, this.blockOf(member)) !== rank) throw new Error('rank');
    const below = countBelowScore(shard, treeOf(root), member.score, false);
    const upTo = countBelowScore(shard, treeOf(root), member.score, true);
    if (below > rank || upTo <= rank) throw new Error('count below a score');
    if (below > 0 && list[below - 1]!.score >= member.score) throw new Error('too many below a score');
    if (upTo < list.length && list[upTo]!.score <= member.score) throw new Error('too few up to a score');
    seekRank(shard, treeOf(root), rank, place);
    const isForward = random.below(2) === 0;
    for (let steps = random.below(150), at = rank; steps >= 0; steps--) {
      this.checkPlace(list[at]!);
      at += isForward ? 1 : -1;
      const isMore = isForward ? stepForward(shard, place) : stepBack(shard, place);
      if (isMore !== (at >= 0 && at < list.length)) throw new Error('the end of a walk');
      if (!isMore) break;
    }
  }

  private checkPlace(member: Member): void {
    pointAtBlock(this.shard, placeRef(this.shard, this.place), this.text);
    if (this.text.toString() !== member.text.toString('latin1')) throw new Error('walk: another member');
    if (!Object.is(placeScore(this.shard, this.place), member.score)) throw new Error('walk: score');
  }

  /** Copies everything, and lets the copy take the place of the original. */
  private copy(): void {
    const { shard, root } = this;
    const before = shard.usedBytes;
    const copy = copyScoredMembers(shard, root, shard);
    if (copy === 0) {
      if (shard.usedBytes !== before) throw new Error('a copy that failed leaves blocks behind');
      return this.refuse();
    }
    for (let cursor = 0; cursor >= 0;)
      cursor = freeScoredSlice(shard, root, cursor, 1 + this.random.below(500));
    this.root = copy;
  }

  /** Fills the shard, so that whatever is asked for next is refused. */
  private startFamine(): void {
    for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
      for (let at = allocate(this.shard, bytes); at !== 0; at = allocate(this.shard, bytes))
        this.junk.push(at);
    }
  }

  /** Frees a part of what fills the shard: enough for some of the allocations of an insert, and not for others. */
  private relieve(): void {
    const count = this.random.below(3) === 0 ? this.junk.length : this.random.below(40);
    for (let i = 0; i < count && this.junk.length > 0; i++) {
      const index = this.random.below(this.junk.length);
      free(this.shard, this.junk[index]!);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  private empty(): void {
    for (const at of this.junk.splice(0)) free(this.shard, at);
    this.verify();
    if (this.random.below(2) === 0)
      while (this.list.length > 0) this.removeAt(this.random.below(this.list.length));
    this.verify();
    freeScoredMembers(this.shard, this.root);
    if (verifyAllocator(this.shard) !== 0) throw new Error('blocks are left behind');
  }

  verify(): void {
    const { shard, root, list } = this;
    const junkBytes = verifyAllocator(shard) - verifyScoredMembers(shard, root);
    if ((junkBytes === 0) !== (this.junk.length === 0)) throw new Error('bytes');
    if (scoredBytesUsed(shard, root) !== verifyScoredMembers(shard, root)) throw new Error('bytes used');
    if (scoredCount(shard, root) !== list.length) throw new Error('members are lost or invented');
    for (let i = 0; i < 20 && list.length > 0; i++) {
      const member = list[this.random.below(list.length)]!;
      if (!Object.is(blockScore(shard, this.blockOf(member)), member.score)) throw new Error('score');
    }
    if (list.length === 0) return;
    seekRank(shard, treeOf(root), 0, this.place);
    for (const member of list) {
      this.checkPlace(member);
      stepForward(shard, this.place);
    }
  }
}

export function fuzzScoredMembers(seed: number, operationCount: number): void {
  new ScoredMembersFuzz(seed).run(operationCount);
}
