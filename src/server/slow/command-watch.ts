/**
 * Notices commands that take long, for SLOWLOG and LATENCY, without a clock reading per command: one costs about 45 ns,
 * and a GET in a pipeline 300.
 *
 * The clock is read once per batch of requests (at most 32 of a read), and after each command that can take long at
 * all: all but the brief ones (`Command.isBrief`: one key, a constant amount of work), and those too when request or
 * reply are bulky. So what is measured is the time since the last reading: the command's own, and that of the brief
 * ones of its batch that ran just before it, which is some microseconds. Where the threshold is so low that this would
 * matter the clock is read after every command.
 *
 * What a brief command waits for a shard that another worker's slow command holds is not its own slowness and not
 * noticed: that other command is.
 */
import { type Call, Flag } from '../../commands/row.ts';
import type { Command } from '../../commands/registry.ts';
import type { LatencyEvents } from './latency-events.ts';
import type { SlowClient, SlowLog } from './slow-log.ts';

/** After which commands the clock is read. */
export const enum Watching {
  Nothing = 0,
  /** After those that can take long. */
  Suspects = 1,
  Everything = 2,
}

/** A request or a reply from this many bytes on takes time whatever the command. */
const BULKY_BYTES = 16384;
/** With a lower threshold every command is timed. */
const SUSPECTS_FROM_US = 1000;

/** Whether the request just run, or its reply that begins at `replyStart`, is so large that it takes time. */
export function isBulky({ args, count, reply }: Call, replyStart: number): boolean {
  const last = count * 2 - 2;
  const requestBytes = args[last]! + args[last + 1]! - args[0]!;
  return requestBytes >= BULKY_BYTES || reply.at - replyStart >= BULKY_BYTES;
}

export class CommandWatch {
  private readonly slowLog: SlowLog;
  private readonly latency: LatencyEvents;
  /** Commands that take so long are logged; negative: none. */
  private thresholdUs = -1;
  private readAtMs = 0;

  constructor(slowLog: SlowLog, latency: LatencyEvents) {
    this.slowLog = slowLog;
    this.latency = latency;
  }

  /** Takes the thresholds over. Returns what must be watched for them. */
  configure(thresholdUs: number, slowLogLengthMax: number, latencyMs: number): Watching {
    this.thresholdUs = thresholdUs;
    this.slowLog.lengthMax = slowLogLengthMax;
    this.slowLog.trim();
    this.latency.thresholdMs = latencyMs;
    if (latencyMs > 0 || (thresholdUs >= 0 && thresholdUs < SUSPECTS_FROM_US)) return Watching.Everything;
    return thresholdUs < 0 ? Watching.Nothing : Watching.Suspects;
  }

  /** Requests are about to be run. */
  begin(): void {
    this.readAtMs = performance.now();
  }

  /** `command` has been run by `call`. */
  look(call: Call, command: Command, client: SlowClient): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.readAtMs;
    this.readAtMs = nowMs;
    const elapsedUs = elapsedMs * 1000;
    if (this.thresholdUs >= 0 && elapsedUs >= this.thresholdUs && (command.flags & Flag.SkipSlowlog) === 0) {
      this.slowLog.add(call, command, client, elapsedUs);
    }
    const event = (command.flags & Flag.Fast) !== 0 ? 'fast-command' : 'command';
    this.latency.addIfLong(event, elapsedMs);
  }
}
