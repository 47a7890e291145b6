/** Scored members by themselves: what sorted sets of many members cost beside commands, and the bytes each takes. */

import { Prng } from '../../test/support/prng.ts';
import { Bytes } from '../../src/base/bytes.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  addScored,
  createScoredMembers,
  findScored,
  freeScoredMembers,
  rankOfBlock,
  removeScored,
  scoredBytesUsed,
  setBlockScore,
  treeOf,
} from '../../src/structures/scored-members.ts';
import { placeRef, seekRank, stepForward, TreePlace } from '../../src/structures/score-tree.ts';
import { runVariants, type Prepare } from '../micro.ts';

const RUN_COUNT = 4096;
const HASH_KEY = { k0: 1, k1: 2 };
const NAME_BYTES = 16;
/** Scores are drawn from so many. */
const SCORE_SPAN = 2 ** 31;

class Filled {
  readonly shard = new Shard(0, createShardMemory());
  readonly root = createScoredMembers(this.shard);
  readonly random: Prng;
  private readonly name = Bytes.allocate(NAME_BYTES);

  constructor(readonly memberCount: number) {
    this.random = new Prng(memberCount);
    for (let number = 0; number < memberCount; number++) this.add(number, this.random.below(SCORE_SPAN));
  }

  private hashOf(number: number): number {
    this.name.u8.write(`member:${String(number).padStart(9, '0')}`, 'latin1');
    return hashBytes(this.name.view, 0, NAME_BYTES, HASH_KEY, 0);
  }

  add(number: number, score: number): void {
    const hash = this.hashOf(number);
    if (!addScored(this.shard, this.root, hash, score, this.name, 0, NAME_BYTES)) throw new Error('full');
  }

  blockOf(number: number): number {
    return findScored(this.shard, this.root, this.hashOf(number), this.name, 0, NAME_BYTES);
  }

  remove(number: number): void {
    removeScored(this.shard, this.root, this.hashOf(number), this.blockOf(number));
  }

  /** Blocks of members chosen at random. */
  sample(): Int32Array {
    return Int32Array.from({ length: RUN_COUNT * 16 }, () =>
      this.blockOf(this.random.below(this.memberCount)),
    );
  }

  get extra(): Record<string, number> {
    return { bytesPerEntry: scoredBytesUsed(this.shard, this.root) / this.memberCount };
  }
}

/** Does something to the block of a member chosen at random. */
function withBlocks(memberCount: number, visit: (filled: Filled, block: number) => number): Prepare {
  return () => {
    const filled = new Filled(memberCount);
    const { extra } = filled;
    const blocks = filled.sample();
    let first = 0;
    function run(): number {
      let mixed = 0;
      for (let i = first; i < first + RUN_COUNT; i++) mixed ^= visit(filled, blocks[i]!);
      first = (first + RUN_COUNT) % blocks.length;
      return mixed;
    }
    return { run, operationCount: RUN_COUNT, extra };
  };
}

function rank({ shard, root }: Filled, block: number): number {
  return rankOfBlock(shard, root, block);
}

function move({ shard, root, random }: Filled, block: number): number {
  return setBlockScore(shard, root, block, random.below(SCORE_SPAN)) ? 1 : 0;
}

const scratchPlace = new TreePlace();

function hundred({ shard, root, random, memberCount }: Filled): number {
  seekRank(shard, treeOf(root), random.below(memberCount - 100), scratchPlace);
  let mixed = 0;
  for (let i = 0; i < 100; i++) {
    mixed ^= placeRef(shard, scratchPlace);
    stepForward(shard, scratchPlace);
  }
  return mixed;
}

/** Members leave and come back, with another score. */
function churn(memberCount: number): Prepare {
  return () => {
    const filled = new Filled(memberCount);
    const { random, extra } = filled;
    function run(): void {
      for (let i = 0; i < RUN_COUNT; i++) {
        const number = random.below(memberCount);
        filled.remove(number);
        filled.add(number, random.below(SCORE_SPAN));
      }
    }
    return { run, operationCount: RUN_COUNT, extra };
  };
}

function build(memberCount: number): Prepare {
  return () => ({
    run: () => {
      const { shard, root } = new Filled(memberCount);
      freeScoredMembers(shard, root);
    },
    operationCount: memberCount,
  });
}

const variants: Record<string, Prepare> = {};
for (const memberCount of [10_000, 1_000_000]) {
  variants[`rank, ${memberCount} members`] = withBlocks(memberCount, rank);
  variants[`move, ${memberCount} members`] = withBlocks(memberCount, move);
  variants[`walk over 100, ${memberCount} members`] = withBlocks(memberCount, hundred);
  variants[`remove and add, ${memberCount} members`] = churn(memberCount);
  variants[`build and free, ${memberCount} members`] = build(memberCount);
}
await runVariants('scored-members', variants);
