/** Deleting entries of streams with regard to what groups know of them (Redis 8.2). */
import type { Shard } from '../../memory/shard.ts';
import {
  acknowledge,
  findInGroup,
  groupAt,
  groupCount,
  groupLastId,
} from '../../structures/stream/groups.ts';
import { compareIds, StreamId } from '../../structures/stream/stream-id.ts';
import {
  countInWholeNodes,
  deleteEntry,
  streamLength,
  StreamWalk,
  type Trim,
  trimStream,
} from '../../structures/stream/stream-log.ts';

/** What becomes of pending entries that are deleted. */
export const enum References {
  Keep,
  /** They are taken off all groups. */
  Delete,
  /** Entries that some group has not acknowledged, or not even been given, are not deleted. */
  Acknowledged,
}

/** Whether every group has been given the entry and has it not pending. */
function isAcknowledged(shard: Shard, root: number, id: StreamId): boolean {
  for (let i = groupCount(shard, root) - 1; i >= 0; i--) {
    const group = groupAt(shard, root, i);
    groupLastId(shard, group, scratchLast);
    if (compareIds(id, scratchLast) > 0 || findInGroup(shard, group, id) !== 0) return false;
  }
  return true;
}

/** Deletes an entry. False: what groups know of it keeps it. */
export function deleteWith(shard: Shard, root: number, id: StreamId, references: References): boolean {
  if (references === References.Acknowledged && !isAcknowledged(shard, root, id)) return false;
  if (references === References.Delete) {
    for (let i = groupCount(shard, root) - 1; i >= 0; i--) acknowledge(shard, groupAt(shard, root, i), id);
  }
  deleteEntry(shard, root, id);
  return true;
}

/**
 * Removes the oldest entries that may go. Returns how many. What is kept for a group's sake is passed over: newer ones go
 * in its place, until the stream is as short as it should be.
 */
export function trimWith(shard: Shard, root: number, trim: Trim, references: References): number {
  if (references === References.Keep || groupCount(shard, root) === 0) return trimStream(shard, root, trim);
  const seenMax = trim.isApproximate ? countInWholeNodes(shard, root, trim) : Infinity;
  const { minId } = trim;
  let removed = 0;
  scratchNext.setZero();
  for (let seen = 0; seen < seenMax; seen++) {
    if (minId === null && streamLength(shard, root) <= trim.lengthMax) break;
    // The walk does not outlive a deletion.
    scratchWalk.startForward(shard, root, scratchNext);
    if (!scratchWalk.next() || (minId !== null && compareIds(scratchWalk.id, minId) >= 0)) break;
    scratchNext.set(scratchWalk.id);
    if (deleteWith(shard, root, scratchNext, references)) removed++;
    if (!scratchNext.increment()) break;
  }
  return removed;
}

const scratchWalk = new StreamWalk();
const scratchNext = new StreamId();
const scratchLast = new StreamId();
