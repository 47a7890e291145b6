/** Random blocks in a small shard, each filled to its last byte with a pattern of its own: blocks that overlap, or
 *  bytes that the allocator writes into a block in use, show when the block is freed. */

import { Prng } from '../support/prng.ts';
import {
  allocate,
  blockBytes,
  free,
  resetAllocator,
  usableBytes,
  verifyAllocator,
} from '../../src/memory/allocator.ts';
import {
  PageKind,
  pageArgument,
  pageEntryWord,
  pageKind,
  pagesFor,
  returnRun,
  runPagesAt,
  takeTouchedRun,
} from '../../src/memory/pages.ts';
import { createShardMemory, Header, PAGE_BYTES, Shard } from '../../src/memory/shard.ts';

const SHARD_BYTES = 8 << 20;
const VERIFY_EVERY = 64;
/** A phase wants the shard to have about so many blocks, or to be full. */
const PHASE_OPERATIONS = 2000;
const CLASS_BYTES_MAX = 32768;

interface Block {
  readonly at: number;
  readonly bytes: number;
  readonly fill: number;
}

/** How large blocks are asked for in one phase. */
const SIZES: ((random: Prng) => number)[] = [
  (random) => random.below(130),
  (random) => 1 + random.below(2048),
  (random) => 1 + random.below(40_000),
  (random) => 1 + random.below(600_000),
  (random) => 1 + random.below(2 ** (1 + random.below(20))),
  (random) => 24 + random.below(3) * 8,
];

export class AllocatorFuzz {
  readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  protected readonly random: Prng;
  protected readonly blocks: Block[] = [];
  /** Times the shard was full. */
  refusedCount = 0;
  private wantedShare = 0.5;
  private size = SIZES[0]!;
  private usedBytes = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.nextPhase();
      this.step(operation);
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    while (this.blocks.length > 0) this.freeRandom();
    this.verify();
    if (this.shard.words[Header.HeldPages] !== 0) throw new Error('pages are held when every block is freed');
  }

  private nextPhase(): void {
    const { random } = this;
    this.wantedShare = [0, 0.1, 0.5, 0.9, 1][random.below(5)]!;
    this.size = SIZES[random.below(SIZES.length)]!;
    if (random.below(10) === 0) this.reset();
  }

  protected step(_operation: number): void {
    const choice = this.random.below(100);
    if (choice === 0) return this.giveBackMemory();
    const isBelow = this.usedBytes < this.wantedShare * SHARD_BYTES;
    if (choice < (isBelow ? 70 : 30)) this.allocateOne();
    else this.freeRandom();
  }

  private allocateOne(): void {
    const { shard, random } = this;
    const wanted = this.size(random);
    const at = allocate(shard, wanted);
    if (at === 0) return this.checkRefusal(wanted);
    const bytes = blockBytes(wanted);
    if (bytes < wanted || usableBytes(shard, at) !== bytes) throw new Error(`block of ${wanted} bytes`);
    if (at % 8 !== 0 || at + bytes > SHARD_BYTES) throw new Error(`block at ${at}`);
    const fill = random.below(256);
    shard.bytes.u8.fill(fill, at, at + bytes);
    this.blocks.push({ at, bytes, fill });
    this.usedBytes += bytes;
  }

  /** Only a shard without a run long enough may refuse, and nothing may have changed. */
  private checkRefusal(wanted: number): void {
    this.refusedCount++;
    this.verify();
    const pageCount = wanted > CLASS_BYTES_MAX ? pagesFor(wanted) : wanted > 8192 ? 64 : 16;
    if (longestFreeRun(this.shard.words) >= pageCount) {
      throw new Error(`refused ${wanted} bytes though ${pageCount} pages in a row are free`);
    }
    for (let i = 0; i < 20 && this.blocks.length > 0; i++) this.freeRandom();
  }

  protected freeRandom(): void {
    const { blocks, random, shard } = this;
    if (blocks.length === 0) return;
    const index = random.below(blocks.length);
    const block = blocks[index]!;
    blocks[index] = blocks.at(-1)!;
    blocks.pop();
    checkFill(shard, block);
    free(shard, block.at);
    this.usedBytes -= block.bytes;
  }

  private giveBackMemory(): void {
    const { shard, random } = this;
    const page = takeTouchedRun(shard.words, 1 + random.below(20), 1 + random.below(200));
    if (page === 0) return;
    const at = page * PAGE_BYTES;
    const isClean = random.below(4) !== 0;
    // What the system does: pages given back read as zeros.
    if (isClean) shard.bytes.u8.fill(0, at, at + runPagesAt(shard.words, page) * PAGE_BYTES);
    returnRun(shard.words, page, isClean);
  }

  private reset(): void {
    for (const block of this.blocks.splice(0)) checkFill(this.shard, block);
    resetAllocator(this.shard);
    this.usedBytes = 0;
  }

  verify(): void {
    if (verifyAllocator(this.shard) !== this.usedBytes)
      throw new Error('bytes in use are not those asked for');
    for (let i = 0; i < 8 && this.blocks.length > 0; i++) {
      checkFill(this.shard, this.blocks[this.random.below(this.blocks.length)]!);
    }
  }
}

function checkFill(shard: Shard, { at, bytes, fill }: Block): void {
  const content = shard.bytes.u8.subarray(at, at + bytes);
  if (!content.equals(Buffer.alloc(bytes, fill))) {
    throw new Error(`block of ${bytes} bytes at ${at} was overwritten`);
  }
}

/** Most pages in a row that are in no one's use, the untouched ones behind the top included. */
function longestFreeRun(words: Int32Array): number {
  const top = words[Header.TopPage]!;
  let longest = 0;
  let current = 0;
  for (let page = words[Header.FirstPage]!; page < top;) {
    const tag = words[pageEntryWord(page)]!;
    const pageCount = runPagesAt(words, page);
    current = pageKind(tag) === PageKind.Free ? current + pageArgument(tag) : 0;
    longest = Math.max(longest, current);
    page += pageCount;
  }
  return Math.max(longest, current + words[Header.PageCount]! - top);
}

export function fuzzAllocator(seed: number, operationCount: number): void {
  new AllocatorFuzz(seed).run(operationCount);
}
