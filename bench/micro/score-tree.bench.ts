/** The tree of a large sorted set by itself: an entry's rank, the entry of a rank, an entry moved to another score, and the
 *  bytes each takes. Scores are all different, so that no texts are compared. */

import { allocate } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { SCORE_BYTES } from '../../src/structures/sorted-set/score-node.ts';
import { treeBytesUsed } from '../../src/structures/sorted-set/score-tree-check.ts';
import {
  addEntry,
  initTree,
  moveEntry,
  placeRef,
  rankOfEntry,
  seekRank,
  TREE_BYTES,
  TreePlace,
} from '../../src/structures/sorted-set/score-tree.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

const OPERATION_COUNT = 4096;
const SAMPLE_COUNT = OPERATION_COUNT * 64;
/** A member block of a score and an empty text. */
const BLOCK_BYTES = 16;

interface Filled {
  readonly shard: Shard;
  readonly tree: number;
  readonly scores: Float64Array;
  readonly blocks: Int32Array;
  readonly sample: Int32Array;
}

/** One of 2^52: no two are equal. */
function drawScore(random: Prng): number {
  return random.next32() + random.below(2 ** 20) / 2 ** 20;
}

function fill(entryCount: number): Filled {
  const random = new Prng(entryCount);
  const shard = new Shard(0, createShardMemory());
  const tree = allocate(shard, TREE_BYTES);
  initTree(shard, tree);
  const scores = new Float64Array(entryCount);
  const blocks = new Int32Array(entryCount);
  for (let i = 0; i < entryCount; i++) {
    scores[i] = drawScore(random);
    blocks[i] = allocate(shard, BLOCK_BYTES);
    shard.bytes.u8[blocks[i]! + SCORE_BYTES] = 0;
    addEntry(shard, tree, scores[i]!, blocks[i]!);
  }
  const sample = Int32Array.from({ length: SAMPLE_COUNT }, () => random.below(entryCount));
  return { shard, tree, scores, blocks, sample };
}

function rank(entryCount: number): Prepare {
  return () => {
    const { shard, tree, scores, blocks, sample } = fill(entryCount);
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        const entry = sample[i]!;
        mixed ^= rankOfEntry(shard, tree, scores[entry]!, blocks[entry]!);
      }
      return mixed;
    }
    const extra = { bytesPerEntry: treeBytesUsed(shard, tree) / entryCount };
    return { run, operationCount: OPERATION_COUNT, extra };
  };
}

function seek(entryCount: number): Prepare {
  return () => {
    const { shard, tree, sample } = fill(entryCount);
    const place = new TreePlace();
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        seekRank(shard, tree, sample[i]!, place);
        mixed ^= placeRef(shard, place);
      }
      return mixed;
    }
    return { run, operationCount: OPERATION_COUNT };
  };
}

function move(entryCount: number): Prepare {
  return () => {
    const { shard, tree, scores, blocks, sample } = fill(entryCount);
    const random = new Prng(1);
    let first = 0;
    function run(): number {
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        const entry = sample[i]!;
        const score = drawScore(random);
        moveEntry(shard, tree, scores[entry]!, blocks[entry]!, score);
        scores[entry] = score;
      }
      return tree;
    }
    return { run, operationCount: OPERATION_COUNT };
  };
}

const variants: Record<string, Prepare> = {};
for (const entryCount of [1_000, 100_000, 1_000_000]) {
  variants[`rank among ${entryCount}`] = rank(entryCount);
  variants[`seek among ${entryCount}`] = seek(entryCount);
  variants[`move among ${entryCount}`] = move(entryCount);
}
await runVariants('score-tree', variants);
