/** How the times of commands are spread: buckets whose limits double, in the control block, one set a command and
 *  worker. Of commands that are quick only a sample is timed, each for the runs that it stands for; what is told is
 *  scaled to the true number of calls. */
import type { CommandTimes } from '../../commands/latency-event.ts';
import type { Command } from '../../commands/registry.ts';
import { CommandCounter, type ControlBlock, TIME_BUCKETS } from '../../memory/control.ts';

/** Redis' histogram has two digits, so that the bucket that begins with 1024 ns ends 1/128 above. */
const FIRST_LIMIT_US = 1.024 * (1 + 1 / 128);

/** The bucket of a command that took so long. The last one takes whatever is longer. */
export function timeBucket(elapsedUs: number): number {
  if (elapsedUs <= FIRST_LIMIT_US) return 0;
  return Math.min(32 - Math.clz32(Math.min(elapsedUs / FIRST_LIMIT_US, 2 ** 31)), TIME_BUCKETS - 1);
}

/** The times of one command over all workers. */
export function commandTimes(control: ControlBlock, { id }: Command): CommandTimes {
  let calls = 0;
  const counts = Array.from({ length: TIME_BUCKETS }, () => 0);
  for (let worker = 0; worker < control.workerCount; worker++) {
    calls += control.commandCounters(worker)[id * CommandCounter.Count + CommandCounter.Calls]!;
    const times = control.commandTimes(worker);
    for (let bucket = 0; bucket < TIME_BUCKETS; bucket++)
      counts[bucket]! += times[id * TIME_BUCKETS + bucket]!;
  }
  const timed = counts.reduce((sum, count) => sum + count, 0);
  if (timed === 0) return { calls: 0, buckets: [] };
  const buckets: { limitUs: number; calls: number }[] = [];
  let seen = 0;
  counts.forEach((count, bucket) => {
    if (count === 0) return;
    seen += count;
    // Redis: the limit is the largest number of nanoseconds that falls into the bucket.
    const limitNs = Math.floor(FIRST_LIMIT_US * 1000 * 2 ** bucket) - 1;
    buckets.push({ limitUs: limitNs / 1000, calls: Math.round((seen / timed) * calls) });
  });
  return { calls, buckets };
}

/** The limit of the bucket in which the given percentile of the calls falls. */
export function percentileUs({ calls, buckets }: CommandTimes, percentile: number): number {
  const wanted = (percentile / 100) * calls;
  return (buckets.find((bucket) => bucket.calls >= wanted) ?? buckets.at(-1))?.limitUs ?? 0;
}
