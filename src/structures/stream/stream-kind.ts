/**
 * Streams as what the keyspace must be able to do with any value: freed part by part, copied, checked. The layout is that of
 * stream-log.ts and groups.ts; the root block is the log's.
 *
 *        root ──► directory ──► nodes of entries
 *          └────► directory ──► groups ──► pending list, consumers ──► pending list
 */
import { free } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { copyGroups, freeLastGroup, groupCount, groupsBytesUsed, verifyGroups } from './groups.ts';
import { copyLog, freeNodes, logBytesUsed, streamLength, streamNodes, verifyLog } from './stream-log.ts';

/** Frees about `elementCount` entries, then the groups, one by one. See StructureKind. */
function freeStreamSlice(shard: Shard, root: number, _cursor: number, elementCount: number): number {
  if (freeNodes(shard, root, elementCount)) return 1;
  do {
    if (!freeLastGroup(shard, root)) {
      free(shard, root);
      return -1;
    }
  } while (elementCount === Infinity || groupCount(shard, root) === 0);
  return 1;
}

function copyStream(from: Shard, root: number, to: Shard): number {
  const copy = copyLog(from, root, to);
  if (copy === 0 || copyGroups(from, root, to, copy)) return copy;
  freeStreamSlice(to, copy, 0, Infinity);
  return 0;
}

export const streamKind = {
  freeSlice: freeStreamSlice,
  copy: copyStream,
  verify: (shard: Shard, root: number) => verifyLog(shard, root) + verifyGroups(shard, root),
  bytesUsed: (shard: Shard, root: number) => logBytesUsed(shard, root) + groupsBytesUsed(shard, root),
  describe: (shard: Shard, root: number) =>
    `stream of ${streamLength(shard, root)} entries in ${streamNodes(shard, root)} nodes, ${groupCount(shard, root)} groups`,
};
