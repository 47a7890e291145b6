/** Counting, combining and searching the bits of strings of 16 MiB, which begin at a byte that is no word's first. */

import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { countBits, findBit } from '../../src/store/bitmap/bits.ts';
import { combineBits, Combination } from '../../src/store/bitmap/combination.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

const STRING_BYTES = 16 << 20;
const FIRST_AT = (32 << 20) + 3;
const SECOND_AT = (64 << 20) + 1;
const TARGET_AT = (96 << 20) + 2;

/** A shard of two strings of random bits. One operation is one byte: a GB/s is a nanosecond's reciprocal. */
function overStrings(work: (shard: Shard) => number): Prepare {
  return () => {
    const shard = new Shard(0, createShardMemory(256 << 20));
    const random = new Prng(1);
    for (let i = FIRST_AT >> 2; i < (SECOND_AT + STRING_BYTES) >> 2; i++)
      shard.words[i] = random.below(2 ** 31) * 2;
    return { run: () => work(shard), operationCount: STRING_BYTES };
  };
}

function combining(kind: Combination): Prepare {
  return overStrings((shard) => {
    const sources = [FIRST_AT, SECOND_AT].map((at) => ({ shard, at, byteCount: STRING_BYTES }));
    combineBits(kind, sources, shard, TARGET_AT, STRING_BYTES);
    return shard.words[TARGET_AT >> 2]!;
  });
}

await runVariants('bitmap', {
  'count 16 MiB': overStrings((shard) => countBits(shard, FIRST_AT, STRING_BYTES)),
  'and of two of 16 MiB': combining(Combination.And),
  'exactly one of two of 16 MiB': combining(Combination.ExactlyOne),
  'search 16 MiB of zeros': overStrings((shard) => findBit(shard, 128 << 20, 0, STRING_BYTES * 8, 1)),
});
