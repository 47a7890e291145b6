import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { allocate, free, verifyAllocator } from '../../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../../src/memory/shard.ts';
import {
  chainBytesUsed,
  chainEndAt,
  chainLength,
  chainNodes,
  copyChain,
  createChain,
  describeChain,
  freeChainSlice,
  placeCount,
  placeNode,
  pushToChain,
  removeChainEnd,
  verifyChain,
} from '../../../src/structures/list/chain.ts';
import {
  insertInChain,
  removeChainRange,
  removeMatches,
  replaceInChain,
} from '../../../src/structures/list/edit.ts';
import { nodeBytesMax, nodeEntriesMax, runEnd, runStart } from '../../../src/structures/list/node.ts';
import { nextEntry } from '../../../src/structures/list/pack.ts';
import { Element, encodeElement, EntryText } from '../../../src/structures/packed-entry.ts';

/** A chain in a shard of its own, driven with texts. */
class Chain {
  readonly shard: Shard;
  readonly limit: number;
  root: number;

  constructor(limit: number, first: string, shardBytes = 16 << 20) {
    this.shard = new Shard(0, createShardMemory(shardBytes));
    this.limit = limit;
    this.root = createChain(this.shard, elementOf(first), limit);
    expect(this.root).not.toBe(0);
  }

  push(text: string, atFront = false): boolean {
    return pushToChain(this.shard, this.root, elementOf(text), atFront, this.limit);
  }

  pop(atFront = false): string {
    const text = new EntryText();
    text.point(this.shard.bytes, chainEndAt(this.shard, this.root, atFront));
    const copy = text.toString();
    removeChainEnd(this.shard, this.root, atFront);
    return copy;
  }

  insert(index: number, text: string): boolean {
    return insertInChain(this.shard, this.root, index, elementOf(text), this.limit);
  }

  replace(index: number, text: string): boolean {
    return replaceInChain(this.shard, this.root, index, elementOf(text), this.limit);
  }

  removeRange(index: number, count: number): void {
    removeChainRange(this.shard, this.root, index, count, this.limit);
  }

  removeMatches(text: string, countMax: number, isBackward: boolean): number {
    return removeMatches(this.shard, this.root, elementOf(text), countMax, isBackward, this.limit);
  }

  /** The texts, after a check of everything. */
  texts(): string[] {
    const { shard, root } = this;
    expect(verifyChain(shard, root)).toBe(chainBytesUsed(shard, root));
    expect(verifyAllocator(shard)).toBe(chainBytesUsed(shard, root));
    return textsOf(shard, root);
  }

  counts(): number[] {
    return Array.from({ length: chainNodes(this.shard, this.root) }, (_, index) =>
      placeCount(this.shard, this.root, index),
    );
  }
}

function elementOf(text: string): Element {
  const element = new Element();
  encodeElement(element, Bytes.fromText(text), 0, Buffer.byteLength(text));
  return element;
}

function textsOf(shard: Shard, root: number): string[] {
  const text = new EntryText();
  const texts: string[] = [];
  for (let index = 0; index < chainNodes(shard, root); index++) {
    const node = placeNode(shard, root, index);
    for (let at = runStart(shard, node); at < runEnd(shard, node); at = nextEntry(shard.bytes, at)) {
      text.point(shard.bytes, at);
      texts.push(text.toString());
    }
  }
  return texts;
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `element ${i}`);

function chainOf(limit: number, texts: readonly string[]): Chain {
  const chain = new Chain(limit, texts[0]!);
  for (const text of texts.slice(1)) chain.push(text);
  expect(chainLength(chain.shard, chain.root)).toBe(texts.length);
  return chain;
}

describe('the limits of a node', () => {
  test('are those of list-max-listpack-size', () => {
    expect([-1, -2, -3, -4, -5, -99, 0, 128].map(nodeBytesMax)).toEqual([
      4096, 8192, 16384, 32768, 65536, 65536, 8192, 8192,
    ]);
    expect([0, 1, 128].map(nodeEntriesMax)).toEqual([1, 1, 128]);
    expect(nodeEntriesMax(-2)).toBeGreaterThan(65536);
  });

  test('are kept', () => {
    expect(chainOf(3, numbers(8)).counts()).toEqual([3, 3, 2]);
    for (const limit of [-1, -2, -5]) {
      const chain = chainOf(limit, numbers(8_000));
      for (let index = 0; index < chainNodes(chain.shard, chain.root); index++) {
        const node = placeNode(chain.shard, chain.root, index);
        expect(runEnd(chain.shard, node) - node).toBeLessThanOrEqual(nodeBytesMax(limit));
      }
      expect(chain.texts()).toEqual(numbers(8_000));
    }
  });

  test('give an element that is too large a node of its own', () => {
    const large = 'x'.repeat(10_000);
    const chain = chainOf(-2, ['a', 'b', large, 'c', large, large, 'd']);
    expect(chain.counts()).toEqual([2, 1, 1, 1, 1, 1]);
    expect(chain.insert(1, large)).toBe(true);
    expect(chain.counts()).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(chain.texts()).toEqual(['a', large, 'b', large, 'c', large, large, 'd']);
  });
});

describe.each([[-2], [-5], [4], [0]])('a chain under the limit %d', (limit) => {
  test('takes elements at both ends and gives them back', () => {
    const chain = new Chain(limit, 'middle');
    const model = ['middle'];
    for (const text of numbers(1500)) {
      chain.push(text);
      chain.push(text, true);
      model.push(text);
      model.unshift(text);
    }
    expect(chain.texts()).toEqual(model);
    const popped: string[] = [];
    const expected: string[] = [];
    while (model.length > 1) {
      const atFront = model.length % 3 === 0;
      popped.push(chain.pop(atFront));
      expected.push((atFront ? model.shift() : model.pop())!);
    }
    expect(popped).toEqual(expected);
    expect(chain.texts()).toEqual(model);
  });

  test('works as a queue in either direction without growing', () => {
    const chain = chainOf(limit, numbers(300));
    let bytesMax = 0;
    for (let round = 0; round < 20_000; round++) {
      const atFront = round >= 10_000;
      chain.push(`element ${round % 300}`, atFront);
      chain.pop(!atFront);
      bytesMax = Math.max(bytesMax, chain.shard.usedBytes);
    }
    expect(chain.texts().length).toBe(300);
    expect(bytesMax).toBeLessThan(nodeEntriesMax(limit) === 1 ? 80_000 : 200_000);
  });

  test('inserts, replaces and removes anywhere', () => {
    const chain = chainOf(limit, numbers(900));
    const model = numbers(900);
    for (let i = 0; i < 400; i++) {
      const index = (i * 7919) % model.length;
      expect(chain.insert(index, `new ${i}`)).toBe(true);
      model.splice(index, 0, `new ${i}`);
      const text = 'longer than before'.repeat(i % 7);
      expect(chain.replace((index * 3) % model.length, text)).toBe(true);
      model[(index * 3) % model.length] = text;
    }
    expect(chain.texts()).toEqual(model);
    for (let i = 0; i < 30; i++) {
      const index = (i * 104_729) % (model.length - 20);
      chain.removeRange(index, 1 + (i % 20));
      model.splice(index, 1 + (i % 20));
    }
    expect(chain.texts()).toEqual(model);
  });

  test('removes by value from either end', () => {
    const chain = chainOf(
      limit,
      numbers(600).flatMap((text) => ['same', text, 'same']),
    );
    expect(chain.removeMatches('same', 3, false)).toBe(3);
    expect(chain.removeMatches('same', 2, true)).toBe(2);
    expect(chain.removeMatches('missing', Infinity, false)).toBe(0);
    const texts = chain.texts();
    expect(texts.slice(0, 4)).toEqual(['element 0', 'element 1', 'same', 'same']);
    expect(texts.slice(-4)).toEqual(['same', 'element 598', 'same', 'element 599']);
    expect(chain.removeMatches('same', Infinity, true)).toBe(1195);
    expect(chain.texts()).toEqual(numbers(600));
  });

  test('is copied and freed in slices, leaving nothing behind', () => {
    const chain = chainOf(limit, numbers(2000));
    const used = chain.shard.usedBytes;
    const copy = copyChain(chain.shard, chain.root, chain.shard);
    expect(textsOf(chain.shard, copy)).toEqual(numbers(2000));
    expect(verifyChain(chain.shard, copy)).toBeLessThanOrEqual(used);
    for (let cursor = 0; cursor >= 0;) cursor = freeChainSlice(chain.shard, copy, cursor, 3);
    expect(chain.shard.usedBytes).toBe(used);
    const other = new Shard(0, createShardMemory(4 << 20));
    expect(textsOf(other, copyChain(chain.shard, chain.root, other))).toEqual(numbers(2000));
    freeChainSlice(chain.shard, chain.root, 0, Infinity);
    expect(verifyAllocator(chain.shard)).toBe(0);
  });
});

describe('a chain without memory', () => {
  /** Takes all that is left of a shard. */
  function fill(shard: Shard): number[] {
    const blocks: number[] = [];
    for (let bytes = 1 << 20; bytes >= 8; bytes >>= 1) {
      for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) blocks.push(at);
    }
    return blocks;
  }

  test('refuses what does not fit and stays as it was', () => {
    const chain = new Chain(-2, 'element 0', 2 << 20);
    for (const text of numbers(3000).slice(1)) chain.push(text);
    const blocks = fill(chain.shard);
    const large = 'x'.repeat(9000);
    expect(chain.push(large)).toBe(false);
    expect(chain.push(large, true)).toBe(false);
    expect(chain.insert(1500, large)).toBe(false);
    expect(chain.replace(1500, large)).toBe(false);
    expect(copyChain(chain.shard, chain.root, chain.shard)).toBe(0);
    // Splitting a node in the middle takes another one.
    expect(chain.insert(1500, 'x'.repeat(3000))).toBe(false);
    for (const at of blocks) free(chain.shard, at);
    expect(chain.texts()).toEqual(numbers(3000));
  });

  test('still gives elements back', () => {
    const chain = new Chain(-2, 'element 0', 2 << 20);
    for (const text of numbers(3000).slice(1)) chain.push(text);
    const blocks = fill(chain.shard);
    chain.removeRange(100, 2800);
    expect(chain.removeMatches('element 50', 1, false)).toBe(1);
    for (const at of blocks) free(chain.shard, at);
    expect(chain.texts().length).toBe(199);
  });
});

test('a chain that has shrunk gives its memory back', () => {
  const chain = chainOf(-2, numbers(20_000));
  const full = chain.shard.usedBytes;
  for (let i = 0; i < 19_900; i++) chain.pop(true);
  expect(chain.texts()).toEqual(numbers(20_000).slice(-100));
  expect(chain.shard.usedBytes).toBeLessThan(full / 20);
  const other = chainOf(-2, numbers(20_000));
  other.removeRange(10, 19_980);
  expect(other.texts().length).toBe(20);
  expect(other.shard.usedBytes).toBeLessThan(1500);
});

test('describeChain tells its sizes', () => {
  const chain = chainOf(2, numbers(5));
  expect(describeChain(chain.shard, chain.root)).toContain('5 elements in 3 nodes');
  expect(chainLength(chain.shard, chain.root)).toBe(5);
});
