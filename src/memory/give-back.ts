/**
 * Gives the memory of free pages back to the system with madvise, through the C library. Bun maps a SharedArrayBuffer
 * as private anonymous memory, so MADV_DONTNEED frees its pages at once; they read as zeros when next touched.
 * Which pages are free, and at what offset, is for pages.ts to say. Cost: 70 us per MiB that was backed by memory. Where there is no such library nothing is given back.
 */
import { ptr } from 'bun:ffi';
import { assert } from '../base/assert.ts';
import { openLibc } from '../base/libc.ts';
import { pageAt, returnRun, runPagesAt, takeTouchedRun } from './pages.ts';
import { PAGE_BYTES, type Shard } from './shard.ts';

const MADV_DONTNEED = 4;
/** Shorter runs are not worth a system call and the page faults that follow: 64 KiB. */
const RUN_PAGES_MIN = 16;
/** Pages given back under one hold of the lock: 2 MiB, 0.15 ms. */
const RUN_PAGES_MAX = 512;

/** `madvise`: 0 is success. */
export type Advise = (address: number, byteCount: number, advice: number) => number;

/** The C library's madvise. Null where there is none: memory of free pages then stays for the next keys. */
export function openAdvise(): Advise | null {
  if (process.platform !== 'linux') return null;
  const libc = openLibc({ madvise: { args: ['ptr', 'usize', 'i32'], returns: 'i32' } } as const);
  if (libc === null) return null;
  return (address, byteCount, advice) => libc.symbols.madvise(address as never, byteCount, advice);
}

/** Gives back memory of the shards that one thread looks after. */
export class GiveBack {
  private advise: Advise | null;
  private readonly baseAddresses: readonly number[];

  /** `shards` by index; `advise` null gives nothing back. */
  constructor(shards: readonly Shard[], advise: Advise | null) {
    this.advise = advise;
    this.baseAddresses = advise === null ? [] : shards.map((shard) => ptr(shard.bytes.u8));
  }

  /** Whether there is any use in asking. */
  get isAvailable(): boolean {
    return this.advise !== null;
  }

  /**
   * Gives back one touched free run of a shard, at most 2 MiB and at most `bytesMax` of it. The shard's lock is held
   * all the while: without it the shard might be cleared, and the pages be in use again, before the system takes them.
   * Returns the bytes given back; 0: there is no more.
   */
  giveBackRun(shard: Shard, bytesMax = Infinity): number {
    const pagesMax = Math.min(RUN_PAGES_MAX, Math.floor(bytesMax / PAGE_BYTES));
    if (this.advise === null || pagesMax < RUN_PAGES_MIN) return 0;
    const page = takeTouchedRun(shard.words, RUN_PAGES_MIN, pagesMax);
    if (page === 0) return 0;
    const byteCount = runPagesAt(shard.words, page) * PAGE_BYTES;
    assert(byteCount > 0 && pageAt(page) + byteCount <= shard.memory.byteLength, 'give back: run');
    const address = this.baseAddresses[shard.index]! + pageAt(page);
    const isClean = this.advise(address, byteCount, MADV_DONTNEED) === 0;
    returnRun(shard.words, page, isClean);
    if (isClean) return byteCount;
    // The system refuses, as where its pages are larger than ours: it would refuse again.
    this.advise = null;
    return 0;
  }
}
