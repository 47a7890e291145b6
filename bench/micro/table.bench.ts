/** The hash table by itself: finds, misses, growth, and the bytes each entry takes. References are made up. */

import { Prng } from '../../test/support/prng.ts';
import { HASH_LIMIT } from '../../src/base/hash.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  createTable,
  findSlot,
  freeTable,
  insertEntry,
  removeSlot,
  slotRef,
  tableBytesUsed,
} from '../../src/structures/table.ts';
import { runVariants, type Prepare } from '../micro.ts';

/** One run makes so many finds; the next goes on behind them in the sample. Were they the same every time, the branch
 *  predictor would know them by heart: 4 ns instead of 15 for a find among 1,000. */
const FIND_COUNT = 4096;
const SAMPLE_COUNT = FIND_COUNT * 64;

interface Filled {
  readonly shard: Shard;
  readonly table: number;
  readonly hashes: Int32Array;
  readonly sample: Int32Array;
}

function fill(entryCount: number): Filled {
  const random = new Prng(entryCount);
  const shard = new Shard(0, createShardMemory());
  const table = createTable(shard);
  const hashes = new Int32Array(entryCount);
  for (let i = 0; i < entryCount; i++) {
    hashes[i] = random.below(HASH_LIMIT);
    insertEntry(shard, table, hashes[i]!, 8 + i * 8);
  }
  const sample = new Int32Array(SAMPLE_COUNT);
  for (let i = 0; i < SAMPLE_COUNT; i++) sample[i] = hashes[random.below(entryCount)]!;
  return { shard, table, hashes, sample };
}

function find(entryCount: number): Prepare {
  return () => {
    const { shard, table, sample } = fill(entryCount);
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + FIND_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + FIND_COUNT; i++)
        mixed ^= slotRef(shard, findSlot(shard, table, sample[i]!));
      return mixed;
    }
    const extra = { bytesPerEntry: tableBytesUsed(shard, table) / entryCount };
    return { run, operationCount: FIND_COUNT, extra };
  };
}

function miss(entryCount: number): Prepare {
  return () => {
    const { shard, table, sample } = fill(entryCount);
    // Another seed's hashes: almost none is in the table.
    const random = new Prng(entryCount + 1);
    for (let i = 0; i < SAMPLE_COUNT; i++) sample[i] = random.below(HASH_LIMIT);
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + FIND_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + FIND_COUNT; i++) mixed ^= findSlot(shard, table, sample[i]!);
      return mixed;
    }
    return { run, operationCount: FIND_COUNT };
  };
}

/** Removes and inserts again: a steady table. */
function replace(entryCount: number): Prepare {
  return () => {
    const { shard, table, sample } = fill(entryCount);
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + FIND_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + FIND_COUNT; i++) {
        const hash = sample[i]!;
        const slot = findSlot(shard, table, hash);
        const ref = slotRef(shard, slot);
        removeSlot(shard, table, slot);
        mixed ^= insertEntry(shard, table, hash, ref);
      }
      return mixed;
    }
    return { run, operationCount: FIND_COUNT };
  };
}

/** Grows a table from nothing, every split included. */
function grow(entryCount: number): Prepare {
  return () => {
    const { shard, hashes } = fill(entryCount);
    function run(): number {
      const table = createTable(shard);
      for (let i = 0; i < entryCount; i++) insertEntry(shard, table, hashes[i]!, 8);
      freeTable(shard, table);
      return table;
    }
    return { run, operationCount: entryCount };
  };
}

await runVariants('table', {
  'find in 1,000': find(1000),
  'find in 100,000': find(100_000),
  'find in 1,000,000': find(1_000_000),
  'miss in 100,000': miss(100_000),
  'remove and insert in 100,000': replace(100_000),
  'grow to 100,000': grow(100_000),
});
