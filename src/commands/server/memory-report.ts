/** MEMORY DOCTOR: how the memory is used, in words. */
import { formatMemoryHuman } from '../../base/memory-size.ts';

export interface MemoryFigures {
  /** Live blocks of all shards, which maxmemory limits, and the most there have been. */
  readonly usedBytes: number;
  readonly peakBytes: number;
  /** Pages with such blocks, and with those that are free but not given back. */
  readonly activeBytes: number;
  readonly residentBytes: number;
  readonly rssBytes: number;
  readonly clientsBytes: number;
  readonly keyCount: number;
  /** 0 for none. */
  readonly limitBytes: number;
}

/** With less data than this its shares say nothing. */
const SMALL_BYTES = 5 << 20;
const PEAK_FACTOR = 1.5;
const FRAGMENTATION_MAX = 1.4;
const FULL_SHARE = 0.9;

/** What is notable about the figures. */
export function adviseOnMemory(figures: MemoryFigures): string {
  const { usedBytes, peakBytes, activeBytes, residentBytes, limitBytes } = figures;
  if (usedBytes < SMALL_BYTES) return 'There is too little data to say anything about its memory.\n';
  const found: string[] = [];
  if (peakBytes > usedBytes * PEAK_FACTOR) {
    found.push(
      `Peak: there was much more data once, ${formatMemoryHuman(peakBytes)} against ${formatMemoryHuman(usedBytes)} now.`,
    );
  }
  if (activeBytes > usedBytes * FRAGMENTATION_MAX) {
    found.push(
      `Fragmentation: the pages in use have ${formatMemoryHuman(activeBytes - usedBytes)} of room that only new values fill.`,
    );
  }
  if (residentBytes > activeBytes * FRAGMENTATION_MAX) {
    found.push(
      `Free pages: ${formatMemoryHuman(residentBytes - activeBytes)} go back to the system soon; MEMORY PURGE does it at once.`,
    );
  }
  if (limitBytes > 0 && usedBytes > limitBytes * FULL_SHARE) {
    found.push(
      `Limit: more than ${FULL_SHARE * 100} % of maxmemory is used; beyond it keys are evicted, or writes refused.`,
    );
  }
  return found.length === 0 ? 'Nothing about the memory is notable.\n' : `${found.join('\n')}\n`;
}
