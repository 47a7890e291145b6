/** The table of a large set by itself: members found, missed, added and removed, and the bytes each takes. */

import { Bytes } from '../../src/base/bytes.ts';
import { HASH_LIMIT } from '../../src/base/hash.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { addSetMember, findSetMember, removeSetMember } from '../../src/structures/set/set-table.ts';
import { createTable } from '../../src/structures/table.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

const MEMBER_BYTES = 20;
const OPERATION_COUNT = 4096;
/** One run goes on in the sample where the last one ended: the branch predictor cannot learn it. */
const SAMPLE_COUNT = OPERATION_COUNT * 64;

interface Filled {
  readonly shard: Shard;
  readonly table: number;
  /** The members' texts, one after the other, and their hashes. */
  readonly texts: Bytes;
  readonly hashes: Int32Array;
  readonly sample: Int32Array;
}

function fill(memberCount: number): Filled {
  const random = new Prng(memberCount);
  const shard = new Shard(0, createShardMemory());
  const table = createTable(shard);
  const texts = Bytes.allocate(memberCount * MEMBER_BYTES);
  const hashes = new Int32Array(memberCount);
  for (let i = 0; i < memberCount; i++) {
    texts.u8.write(`element:${String(i).padStart(12, '0')}`, i * MEMBER_BYTES, 'latin1');
    hashes[i] = random.below(HASH_LIMIT);
    addSetMember(shard, table, hashes[i]!, texts, i * MEMBER_BYTES, MEMBER_BYTES);
  }
  const sample = Int32Array.from({ length: SAMPLE_COUNT }, () => random.below(memberCount));
  return { shard, table, texts, hashes, sample };
}

function find(memberCount: number): Prepare {
  return () => {
    const { shard, table, texts, hashes, sample } = fill(memberCount);
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        const member = sample[i]!;
        mixed ^= findSetMember(shard, table, hashes[member]!, texts, member * MEMBER_BYTES, MEMBER_BYTES);
      }
      return mixed;
    }
    return { run, operationCount: OPERATION_COUNT, extra: { bytesPerMember: shard.usedBytes / memberCount } };
  };
}

function miss(memberCount: number): Prepare {
  return () => {
    const { shard, table, texts, sample } = fill(memberCount);
    const random = new Prng(1);
    const others = Int32Array.from({ length: SAMPLE_COUNT }, () => random.below(HASH_LIMIT));
    let first = 0;
    function run(): number {
      let mixed = 0;
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        mixed ^= findSetMember(shard, table, others[i]!, texts, sample[i]! * MEMBER_BYTES, MEMBER_BYTES);
      }
      return mixed;
    }
    return { run, operationCount: OPERATION_COUNT };
  };
}

function replace(memberCount: number): Prepare {
  return () => {
    const { shard, table, texts, hashes, sample } = fill(memberCount);
    let first = 0;
    function run(): number {
      first = (first + OPERATION_COUNT) % SAMPLE_COUNT;
      for (let i = first; i < first + OPERATION_COUNT; i++) {
        const member = sample[i]!;
        const hash = hashes[member]!;
        const at = member * MEMBER_BYTES;
        removeSetMember(shard, table, findSetMember(shard, table, hash, texts, at, MEMBER_BYTES));
        addSetMember(shard, table, hash, texts, at, MEMBER_BYTES);
      }
      return table;
    }
    return { run, operationCount: OPERATION_COUNT };
  };
}

const variants: Record<string, Prepare> = {};
for (const memberCount of [1_000, 100_000, 1_000_000]) {
  variants[`find among ${memberCount}`] = find(memberCount);
  variants[`miss among ${memberCount}`] = miss(memberCount);
  variants[`remove and add among ${memberCount}`] = replace(memberCount);
}
await runVariants('member-table', variants);
