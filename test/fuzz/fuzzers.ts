/** Every fuzzer by name: scripts/fuzz.ts runs one for long, fuzzers.test.ts all of them briefly. */

import { fuzzAllocator } from './allocator.fuzz.ts';
import { leakCanary, overrunCanary } from './canary.fuzz.ts';
import { fuzzInterests } from './interests.fuzz.ts';
import { fuzzHash } from './hash.fuzz.ts';
import { fuzzJournalRing } from './journal-ring.fuzz.ts';
import { fuzzKeyspace } from './keyspace.fuzz.ts';
import { fuzzMemberTable } from './member-table.fuzz.ts';
import { fuzzListChain } from './list-chain.fuzz.ts';
import { fuzzLists } from './list.fuzz.ts';
import { fuzzRdb } from './rdb.fuzz.ts';
import { fuzzResp } from './resp.fuzz.ts';
import { fuzzScoredMembers } from './scored-members.fuzz.ts';
import { fuzzSets } from './set.fuzz.ts';
import { fuzzSmallSets } from './small-set.fuzz.ts';
import { fuzzSortedSets } from './sorted-set.fuzz.ts';
import { fuzzStreams } from './stream.fuzz.ts';
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
  'member-table': { run: fuzzMemberTable, testOperations: 30_000 },
  'small-sets': { run: fuzzSmallSets, testOperations: 20_000 },
  sets: { run: fuzzSets, testOperations: 5_000 },
  'list-chain': { run: fuzzListChain, testOperations: 10_000 },
  lists: { run: fuzzLists, testOperations: 2_000 },
  keyspace: { run: fuzzKeyspace, testOperations: 60_000 },
  interests: { run: fuzzInterests, testOperations: 20_000 },
  'sorted-sets': { run: fuzzSortedSets, testOperations: 2_000 },
  'scored-members': { run: fuzzScoredMembers, testOperations: 8_000 },
  'journal-ring': { run: fuzzJournalRing, testOperations: 50_000 },
  hash: { run: fuzzHash, testOperations: 15_000 },
  streams: { run: fuzzStreams, testOperations: 9_000 },
  rdb: { run: fuzzRdb, testOperations: 2_000 },
  resp: { run: fuzzResp, testOperations: 3_000 },
  'canary-overrun': { run: overrunCanary, testOperations: 20_000, isCanary: true },
  'canary-leak': { run: leakCanary, testOperations: 20_000, isCanary: true },
};
