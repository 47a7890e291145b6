/** Pending entries that may be taken over by whoever reads next (XREADGROUP's CLAIM of Redis 8.4). */
import type { Shard } from '../../memory/shard.ts';
import {
  deliveredMs,
  earliestDelivery,
  groupPending,
  groupPendingCount,
  isUnowned,
  setEarliestDelivery,
  unownedCount,
} from '../../structures/stream/groups.ts';
import { Pending, PendingWalk } from '../../structures/stream/pending-list.ts';
import { loadId, StreamId } from '../../structures/stream/stream-id.ts';
import { hasEntry } from '../../structures/stream/stream-log.ts';

/** One that may be taken over, and its place in the order: what was given back, in turn, then what has waited longest. */
export interface Claimable {
  readonly id: StreamId;
  readonly order: number;
}

const NONE: readonly Claimable[] = [];

/**
 * The pending entries of a group that have been idle for `idleMs`, or were given back, in the order in which they are to
 * be taken over; at most `countMax`. Those that are no longer in the stream are passed over. Mostly told without a look at
 * any; else it looks at all that are pending.
 */
export function findClaimable(
  shard: Shard,
  root: number,
  group: number,
  idleMs: number,
  nowMs: number,
  countMax: number,
): readonly Claimable[] {
  if (unownedCount(shard, group) === 0 && !(nowMs - earliestDelivery(shard, group) >= idleMs)) return NONE;
  if (groupPendingCount(shard, group) === 0) return NONE;
  const found: Claimable[] = [];
  const list = groupPending(group);
  const id = scratchId;
  let earliestMs = Infinity;
  id.setZero();
  scratchWalk.start(shard, list, Pending.Words, id);
  for (
    let word = scratchWalk.next(shard, list, Pending.Words);
    word !== 0;
    word = scratchWalk.next(shard, list, Pending.Words)
  ) {
    const isFree = isUnowned(shard, word);
    if (!isFree) {
      const ms = deliveredMs(shard, word);
      if (ms < earliestMs) earliestMs = ms;
      if (!(nowMs - ms >= idleMs)) continue;
    }
    loadId(shard.words, word, id);
    if (!hasEntry(shard, root, id)) continue;
    const copy = new StreamId();
    copy.set(id);
    found.push({ id: copy, order: shard.doubles[(word + Pending.DeliveredMs) >> 1]! });
  }
  setEarliestDelivery(shard, group, earliestMs);
  found.sort((a, b) => a.order - b.order);
  return found.length > countMax ? found.slice(0, countMax) : found;
}

const scratchId = new StreamId();
const scratchWalk = new PendingWalk();
