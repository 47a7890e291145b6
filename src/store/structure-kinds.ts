/**
 * What the keyspace must be able to do with any value that has blocks of its own, whatever it is: free it part by part,
 * copy it to another shard, check it. A row per rooted encoding; each is implemented in the file that owns the layout.
 */
import { assert } from '../base/assert.ts';
import type { Shard } from '../memory/shard.ts';
import {
  copyFieldTable,
  describeFieldTable,
  fieldTableBytesUsed,
  freeFieldsSlice,
  verifyFieldTable,
} from '../structures/hash/field-table.ts';
import {
  chainBytesUsed,
  copyChain,
  describeChain,
  freeChainSlice,
  verifyChain,
} from '../structures/list/chain.ts';
import {
  copyScoredMembers,
  describeScoredMembers,
  freeScoredSlice,
  scoredBytesUsed,
  verifyScoredMembers,
} from '../structures/sorted-set/scored-members.ts';
import { setTableKind } from '../structures/set/set-table.ts';
import { streamKind } from '../structures/stream/stream-kind.ts';
import { Encoding } from './record.ts';

export interface StructureKind {
  /**
   * Frees about `elementCount` elements from the place `cursor` on, which is 0 at first. Returns where to go on, or -1:
   * all of it is gone, its root block too. In between the structure is good for nothing else.
   */
  freeSlice(shard: Shard, root: number, cursor: number, elementCount: number): number;
  /** A copy in `to`, which may be the same shard. Returns its root, or 0, nothing left behind: out of memory. */
  copy(from: Shard, root: number, to: Shard): number;
  /** Walks the structure and asserts every invariant. Returns the bytes of all its blocks. */
  verify(shard: Shard, root: number): number;
  /** Bytes of all its blocks. */
  bytesUsed(shard: Shard, root: number): number;
  /** One line for DEBUG and test failures. */
  describe(shard: Shard, root: number): string;
}

/** By encoding, from Encoding.Chain on. */
const KINDS: readonly StructureKind[] = [
  {
    freeSlice: freeChainSlice,
    copy: copyChain,
    verify: verifyChain,
    bytesUsed: chainBytesUsed,
    describe: describeChain,
  },
  setTableKind,
  {
    freeSlice: freeFieldsSlice,
    copy: copyFieldTable,
    verify: verifyFieldTable,
    bytesUsed: fieldTableBytesUsed,
    describe: describeFieldTable,
  },
  {
    freeSlice: freeScoredSlice,
    copy: copyScoredMembers,
    verify: verifyScoredMembers,
    bytesUsed: scoredBytesUsed,
    describe: describeScoredMembers,
  },
  streamKind,
];

/** How to treat values of a rooted encoding. */
export function structureKind(encoding: Encoding): StructureKind {
  const kind = KINDS[encoding - Encoding.Chain];
  assert(kind !== undefined, 'an encoding without a structure');
  return kind!;
}
