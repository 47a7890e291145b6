/** Random operations on a chain of nodes against an array: at its ends, in the middle, by range and by value, under every
 *  kind of limit, in a shard that is now and then so full that nothing can grow. */

import { Bytes } from '../../src/base/bytes.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  chainBytesUsed,
  ChainCursor,
  chainEndAt,
  chainLength,
  chainNodes,
  copyChain,
  createChain,
  describeChain,
  freeChainSlice,
  placeNode,
  pushToChain,
  removeChainEnd,
  seekChain,
  verifyChain,
} from '../../src/structures/list/chain.ts';
import {
  insertInChain,
  removeChainRange,
  removeMatches,
  replaceInChain,
} from '../../src/structures/list/edit.ts';
import { runEnd, runStart } from '../../src/structures/list/node.ts';
import { nextEntry } from '../../src/structures/list/pack.ts';
import { Element, encodeElement, EntryText } from '../../src/structures/packed-entry.ts';
import { Prng } from '../support/prng.ts';

const SHARD_BYTES = 8 << 20;
const PHASE_OPERATIONS = 1000;
const LENGTH_MAX = 6000;
const TEXT_BYTES_MAX = 20_000;
/** Values of list-max-listpack-size. */
const LIMITS = [-2, -1, -5, 0, 1, 3, 40, 1000];

/** How long texts are in one phase. */
const LENGTHS: Record<string, (random: Prng) => number> = {
  short: (random) => random.below(20),
  equal: () => 16,
  mixed: (random) => (random.below(10) === 0 ? random.below(3000) : random.below(60)),
  'too long for a node': (random) =>
    random.below(3) === 0 ? random.below(TEXT_BYTES_MAX) : random.below(10),
};

export class ListFuzz {
  readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  refusedCount = 0;
  nodesMax = 0;
  private readonly random: Prng;
  private readonly model: string[] = [];
  /** 0: the list is empty, and there is no chain. */
  private root = 0;
  private limit = -2;
  private lengthOf: (random: Prng) => number = LENGTHS['short']!;
  private growthShare = 50;
  private readonly junk: number[] = [];
  private readonly source = Bytes.allocate(TEXT_BYTES_MAX);
  private readonly element = new Element();
  private readonly text = new EntryText();
  private readonly cursor = new ChainCursor();

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    const names = Object.keys(LENGTHS);
    const { random } = this;
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) {
        this.limit = LIMITS[random.below(LIMITS.length)]!;
        this.lengthOf = LENGTHS[names[random.below(names.length)]!]!;
        this.growthShare = [20, 50, 80, 95][random.below(4)]!;
      }
      this.step();
      if (operation % 200 === 0) this.verify();
    }
    this.empty();
  }

  private step(): void {
    const { random } = this;
    const choice = random.below(1000);
    if (choice === 0) this.startFamine();
    else if (choice < 6) this.relieve();
    else if (choice < 10) this.checkCopy();
    else if (choice < 100) this.checkAt(random.below(this.model.length));
    else if (random.below(100) < this.growthShare) this.grow();
    else this.shrink();
  }

  private grow(): void {
    const { random, model } = this;
    if (model.length > LENGTH_MAX) return this.removeRange();
    if (this.root === 0) return this.create();
    const choice = random.below(10);
    if (choice < 4) this.push(choice < 2);
    else if (choice < 7) this.insert();
    else this.replace();
  }

  private shrink(): void {
    const choice = this.random.below(10);
    if (this.root === 0) return;
    if (choice < 6) this.pop(choice < 3);
    else if (choice < 8) this.removeRange();
    else this.removeEqual();
  }

  /** Makes the scratch element one of a random text, which is returned. */
  private draw(): string {
    const { random, source } = this;
    const byteCount = this.lengthOf(random);
    const integer = String(random.below(70_000) - 1000);
    const text =
      random.below(4) === 0 ? integer : String.fromCharCode(97 + random.below(4)).repeat(byteCount);
    source.u8.write(text, 0, 'latin1');
    encodeElement(this.element, source, 0, text.length);
    return text;
  }

  private create(): void {
    const text = this.draw();
    this.root = createChain(this.shard, this.element, this.limit);
    if (this.root === 0) this.refused();
    else this.model.push(text);
  }

  private push(atFront: boolean): void {
    const text = this.draw();
    if (!pushToChain(this.shard, this.root, this.element, atFront, this.limit)) return this.refused();
    if (atFront) this.model.unshift(text);
    else this.model.push(text);
  }

  private insert(): void {
    const index = this.random.below(this.model.length);
    const text = this.draw();
    if (!insertInChain(this.shard, this.root, index, this.element, this.limit)) return this.refused();
    this.model.splice(index, 0, text);
  }

  private replace(): void {
    const index = this.random.below(this.model.length);
    const text = this.draw();
    if (!replaceInChain(this.shard, this.root, index, this.element, this.limit)) return this.refused();
    this.model[index] = text;
  }

  private refused(): void {
    this.refusedCount++;
    this.verify();
    if (this.random.below(10) === 0) this.relieve();
  }

  private pop(atFront: boolean): void {
    this.text.point(this.shard.bytes, chainEndAt(this.shard, this.root, atFront));
    const expected = atFront ? this.model.shift() : this.model.pop();
    if (this.text.toString() !== expected) throw new Error('the element at an end');
    if (this.model.length === 0) this.freeAll();
    else removeChainEnd(this.shard, this.root, atFront);
  }

  private removeRange(): void {
    const { random, model } = this;
    const index = random.below(model.length);
    const count = 1 + random.below(Math.min(model.length - index, random.below(8) === 0 ? 3000 : 5));
    model.splice(index, count);
    if (model.length === 0) this.freeAll();
    else removeChainRange(this.shard, this.root, index, count, this.limit);
  }

  private removeEqual(): void {
    const { random, model } = this;
    const text = random.below(2) === 0 ? this.draw() : model[random.below(model.length)]!;
    this.source.u8.write(text, 0, 'latin1');
    encodeElement(this.element, this.source, 0, text.length);
    const isBackward = random.below(2) === 0;
    const countMax = random.below(3) === 0 ? Infinity : 1 + random.below(3);
    const removed = removeMatches(this.shard, this.root, this.element, countMax, isBackward, this.limit);
    let expected = 0;
    for (; expected < countMax; expected++) {
      const index = isBackward ? model.lastIndexOf(text) : model.indexOf(text);
      if (index < 0) break;
      model.splice(index, 1);
    }
    if (removed !== expected) throw new Error(`${removed} elements removed instead of ${expected}`);
    if (model.length === 0) this.freeAll();
  }

  private freeAll(): void {
    let cursor = 0;
    while (cursor >= 0) cursor = freeChainSlice(this.shard, this.root, cursor, 1 + this.random.below(50));
    this.root = 0;
  }

  private checkAt(index: number): void {
    if (this.root === 0) return;
    seekChain(this.shard, this.root, index, this.cursor);
    this.text.point(this.shard.bytes, this.cursor.at);
    if (this.text.toString() !== this.model[index]) throw new Error(`element ${index}`);
  }

  private checkCopy(): void {
    if (this.root === 0) return;
    const before = verifyAllocator(this.shard);
    const copy = copyChain(this.shard, this.root, this.shard);
    if (copy !== 0) {
      verifyChain(this.shard, copy);
      this.compare(copy);
      freeChainSlice(this.shard, copy, 0, Infinity);
    }
    if (verifyAllocator(this.shard) !== before) throw new Error('a copy leaves blocks behind');
  }

  /** Fills the shard, so that whatever is asked for next is refused. */
  private startFamine(): void {
    for (let bytes = 1 << 20; bytes >= 8; bytes >>= 1) {
      for (let at = allocate(this.shard, bytes); at !== 0; at = allocate(this.shard, bytes))
        this.junk.push(at);
    }
  }

  /** Frees a part of what fills the shard: enough for some of the allocations of an operation, and not for others. */
  private relieve(): void {
    const count = this.random.below(4) === 0 ? this.junk.length : this.random.below(40);
    for (let i = 0; i < count && this.junk.length > 0; i++) {
      const index = this.random.below(this.junk.length);
      free(this.shard, this.junk[index]!);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  private empty(): void {
    this.verify();
    for (const at of this.junk.splice(0)) free(this.shard, at);
    if (this.root !== 0) this.freeAll();
    if (verifyAllocator(this.shard) !== 0) throw new Error('freeChainSlice leaves blocks behind');
  }

  verify(): void {
    const used = verifyAllocator(this.shard);
    if (this.root === 0) return;
    const bytes = verifyChain(this.shard, this.root);
    if (bytes !== chainBytesUsed(this.shard, this.root)) throw new Error('bytes of a chain');
    if (this.junk.length === 0 && used !== bytes) throw new Error('blocks that the chain does not own');
    this.nodesMax = Math.max(this.nodesMax, chainNodes(this.shard, this.root));
    this.compare(this.root);
  }

  private compare(root: number): void {
    const { shard, model, text } = this;
    if (chainLength(shard, root) !== model.length) throw new Error(`length: ${describeChain(shard, root)}`);
    let index = 0;
    for (let place = 0; place < chainNodes(shard, root); place++) {
      const node = placeNode(shard, root, place);
      for (let at = runStart(shard, node); at < runEnd(shard, node); at = nextEntry(shard.bytes, at)) {
        text.point(shard.bytes, at);
        if (text.toString() !== model[index++]) throw new Error(`element ${index - 1} differs`);
      }
    }
  }
}

export function fuzzList(seed: number, operationCount: number): void {
  new ListFuzz(seed).run(operationCount);
}
