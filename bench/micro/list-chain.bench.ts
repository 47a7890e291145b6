/** The chain of a long list by itself: an element in at one end and out at the other, and one found by its index. */

import { Bytes } from '../../src/base/bytes.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  chainBytesUsed,
  ChainCursor,
  createChain,
  pushToChain,
  removeChainEnd,
  seekChain,
} from '../../src/structures/list/chain.ts';
import { Element, encodeElement } from '../../src/structures/packed-entry.ts';
import { Prng } from '../../test/support/prng.ts';
import { runVariants, type Prepare } from '../micro.ts';

/** As `list-max-listpack-size` is by default: nodes of 8 KiB. */
const NODE_LIMIT = -2;
const OPERATION_COUNT = 4096;

function fill(elementCount: number, byteCount: number): { shard: Shard; root: number; element: Element } {
  const shard = new Shard(0, createShardMemory());
  const element = new Element();
  encodeElement(element, Bytes.fromText('x'.repeat(byteCount)), 0, byteCount);
  const root = createChain(shard, element, NODE_LIMIT);
  for (let i = 1; i < elementCount; i++) pushToChain(shard, root, element, false, NODE_LIMIT);
  return { shard, root, element };
}

function queue(elementCount: number, byteCount: number): Prepare {
  return () => {
    const { shard, root, element } = fill(elementCount, byteCount);
    function run(): number {
      for (let i = 0; i < OPERATION_COUNT; i++) {
        pushToChain(shard, root, element, true, NODE_LIMIT);
        removeChainEnd(shard, root, false);
      }
      return root;
    }
    const extra = { bytesPerElement: chainBytesUsed(shard, root) / elementCount };
    return { run, operationCount: OPERATION_COUNT, extra };
  };
}

function seek(elementCount: number, byteCount: number): Prepare {
  return () => {
    const { shard, root } = fill(elementCount, byteCount);
    const random = new Prng(elementCount);
    const indexes = Int32Array.from({ length: OPERATION_COUNT }, () => random.below(elementCount));
    const cursor = new ChainCursor();
    function run(): number {
      let mixed = 0;
      for (let i = 0; i < OPERATION_COUNT; i++) {
        seekChain(shard, root, indexes[i]!, cursor);
        mixed ^= cursor.at;
      }
      return mixed;
    }
    return { run, operationCount: OPERATION_COUNT };
  };
}

const variants: Record<string, Prepare> = {};
for (const byteCount of [3, 20, 200]) {
  variants[`push and pop, 10000 elements of ${byteCount} bytes`] = queue(10_000, byteCount);
}
for (const elementCount of [10_000, 1_000_000]) {
  variants[`seek among ${elementCount} elements of 20 bytes`] = seek(elementCount, 20);
}
await runVariants('list-chain', variants);
