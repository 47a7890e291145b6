/** Every fuzzer by name: scripts/fuzz.ts runs one for long, fuzzers.test.ts all of them briefly. */

import { fuzzAllocator } from './allocator.fuzz.ts';
import { leakCanary, overrunCanary } from './canary.fuzz.ts';
import { fuzzKeyspace } from './keyspace.fuzz.ts';
import { fuzzList } from './list.fuzz.ts';
import { fuzzResp } from './resp.fuzz.ts';
import { fuzzTable } from './table.fuzz.ts';

export interface FuzzerRow {
  /** Makes `operationCount` random operations that depend on `seed` alone; throws at the first that goes wrong. */
  readonly run: (seed: number, operationCount: number) => void;
  /** Operations of a run in the tests: a second or so. */
  readonly testOperations: number;
  /** It has a planted mistake and must fail. */
  readonly isCanary?: boolean;
}

export const FUZZERS: Readonly<Record<string, FuzzerRow>> = {
  allocator: { run: fuzzAllocator, testOperations: 100_000 },
  table: { run: fuzzTable, testOperations: 100_000 },
  list: { run: fuzzList, testOperations: 10_000 },
  keyspace: { run: fuzzKeyspace, testOperations: 60_000 },
  resp: { run: fuzzResp, testOperations: 3_000 },
  'canary-overrun': { run: overrunCanary, testOperations: 20_000, isCanary: true },
  'canary-leak': { run: leakCanary, testOperations: 20_000, isCanary: true },
};
