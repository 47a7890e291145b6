/** Commands that visit shards one after the other, each under its lock. They change nothing. */
import { lockShardUnlessBusy, unlockShard } from '../memory/lock.ts';
import type { Shard } from '../memory/shard.ts';

/** A script has been running for long on a shard that the command was about to visit. */
export class ShardBusyError extends Error {}

/** Runs `visit` under the lock of `shard`. */
export function underLock(shard: Shard, visit: (shard: Shard) => boolean | void): boolean | void {
  if (!lockShardUnlessBusy(shard)) throw new ShardBusyError('a script holds the shard');
  try {
    return visit(shard);
  } finally {
    unlockShard(shard);
  }
}
