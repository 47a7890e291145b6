/**
 * Notices commands that take long, for SLOWLOG, COMMANDLOG and LATENCY, without a clock reading per command: one costs about 45 ns,
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
import type { CommandLogKind } from '../../commands/server/command-log.ts';
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
/** The head of a request, which its arguments do not count: `*`, their number, `$` and the length of the first. */
const HEAD_BYTES_MAX = 32;
/** What stands around an argument, and its share of the head of the request. */
const FRAME_BYTES_MAX = 32;
/** With a lower threshold every command is timed. */
const SUSPECTS_FROM_US = 1000;

/** Whether the request just run, or its reply that begins at `replyStart`, is so large that it takes time. */
export function isBulky({ args, count, reply }: Call, replyStart: number): boolean {
  const last = count * 2 - 2;
  const requestBytes = args[last]! + args[last + 1]! - args[0]!;
  return requestBytes >= BULKY_BYTES || reply.at - replyStart >= BULKY_BYTES;
}

export type CommandLogs = Readonly<Record<CommandLogKind, SlowLog>>;

export class CommandWatch {
  private readonly logs: CommandLogs;
  private readonly latency: LatencyEvents;
  private readAtMs = 0;

  constructor(logs: CommandLogs, latency: LatencyEvents) {
    this.logs = logs;
    this.latency = latency;
  }

  /** Takes the threshold over; those of the logs are set. Returns what must be watched for all of them. */
  configure(latencyMs: number): Watching {
    const { logs } = this;
    this.latency.thresholdMs = latencyMs;
    const slow = logs.slow.threshold;
    const sizes = [logs['large-request'].threshold, logs['large-reply'].threshold];
    if (latencyMs > 0 || isBelow(slow, SUSPECTS_FROM_US)) return Watching.Everything;
    if (sizes.some((size) => isBelow(size, BULKY_BYTES + HEAD_BYTES_MAX))) return Watching.Everything;
    return slow < 0 && sizes.every((size) => size < 0) ? Watching.Nothing : Watching.Suspects;
  }

  /** Requests are about to be run. */
  begin(): void {
    this.readAtMs = performance.now();
  }

  /** `command` has been run by `call`; its reply begins at `replyStart`. */
  look(call: Call, command: Command, client: SlowClient, replyStart: number): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.readAtMs;
    this.readAtMs = nowMs;
    if ((command.flags & Flag.SkipSlowlog) === 0) {
      const { slow, 'large-request': request, 'large-reply': reply } = this.logs;
      const elapsedUs = elapsedMs * 1000;
      const replyBytes = call.reply.at - replyStart;
      if (slow.threshold >= 0 && elapsedUs >= slow.threshold) slow.add(call, command, client, elapsedUs);
      if (request.threshold >= 0) this.lookAtRequest(call, command, client);
      if (reply.threshold >= 0 && replyBytes >= reply.threshold) reply.add(call, command, client, replyBytes);
    }
    const event = (command.flags & Flag.Fast) !== 0 ? 'fast-command' : 'command';
    this.latency.addIfLong(event, elapsedMs);
  }

  private lookAtRequest(call: Call, command: Command, client: SlowClient): void {
    const log = this.logs['large-request'];
    const { args, count } = call;
    const last = count * 2 - 2;
    // What a transaction has queued stands closer together than it came: then the framing is not in between.
    if (args[last]! + args[last + 1]! - args[0]! + count * FRAME_BYTES_MAX < log.threshold) return;
    const byteCount = requestBytes(call);
    if (byteCount >= log.threshold) log.add(call, command, client, byteCount);
  }
}

function isBelow(threshold: number, limit: number): boolean {
  return threshold >= 0 && threshold < limit;
}

/** The bytes that the request has as an array of bulk strings. */
function requestBytes({ args, count }: Call): number {
  let sum = 3 + String(count).length;
  for (let index = 0; index < count; index++) {
    const byteCount = args[index * 2 + 1]!;
    sum += byteCount + 5 + String(byteCount).length;
  }
  return sum;
}
