/** How often each command was called by this worker, how long it took, how often it failed. */
import { CommandCounter, type ControlBlock, Counter, TIME_BUCKETS } from '../../memory/control.ts';
import { ErrorCounts } from '../../memory/error-counts.ts';
import type { Command } from '../../commands/registry.ts';
import { timeBucket } from './command-times.ts';

/** One read in this many has each of its commands timed, and each of them stands for as many. */
const SAMPLE_READS = 16;
/** A command that takes longer than this on average is timed whenever it runs: the clock costs 1 % of that. */
const ALWAYS_TIMED_US = 8;

export class CommandMeter {
  private readonly counters: Float64Array;
  private readonly commandCounters: Float64Array;
  private readonly commandTimes: Float64Array;
  private readonly errorCounts: ErrorCounts;
  private readCount = 0;
  private isSampling = false;

  constructor(control: ControlBlock, workerIndex: number) {
    this.counters = control.counters(workerIndex);
    this.commandCounters = control.commandCounters(workerIndex);
    this.commandTimes = control.commandTimes(workerIndex);
    this.errorCounts = new ErrorCounts(control.memory);
  }

  /** Must be called once per read of a socket. */
  beginRead(): void {
    this.isSampling = ++this.readCount % SAMPLE_READS === 0;
  }

  /** Counts a call. Returns for how many calls its time is to stand, 0: it is not to be taken. Hot. */
  count(command: Command): number {
    const counters = this.commandCounters;
    const counter = command.id * CommandCounter.Count;
    const calls = counters[counter]! + 1;
    counters[counter] = calls;
    const isSlow =
      counters[counter + CommandCounter.Usec]! > counters[counter + CommandCounter.Timed]! * ALWAYS_TIMED_US;
    if (isSlow || calls === 1) return 1;
    return this.isSampling ? SAMPLE_READS : 0;
  }

  /** Adds the time of a call that stands for `weight` calls. Weighted so, the mean is right however often it was taken. */
  addTime(command: Command, elapsedMs: number, weight: number): void {
    const elapsedUs = elapsedMs * 1000;
    const counter = command.id * CommandCounter.Count;
    this.commandTimes[command.id * TIME_BUCKETS + timeBucket(elapsedUs)]! += weight;
    this.commandCounters[counter + CommandCounter.Usec]! += elapsedUs * weight;
    this.commandCounters[counter + CommandCounter.Timed]! += weight;
  }

  /** The command ran and replied with an error. */
  countFailed(command: Command): void {
    this.commandCounters[command.id * CommandCounter.Count + CommandCounter.Failed]!++;
  }

  /** The command was refused before it ran. */
  countRejected(command: Command): void {
    this.commandCounters[command.id * CommandCounter.Count + CommandCounter.Rejected]!++;
  }

  /** Counts an error reply by its code. */
  countError(text: string): void {
    this.counters[Counter.ErrorReplies]!++;
    this.errorCounts.count(text);
  }
}
