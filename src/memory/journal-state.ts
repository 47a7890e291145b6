/**
 * What all threads share about the journal beside its rings: one small SharedArrayBuffer of words, each on a cache line
 * of its own where threads write it often.
 *
 *  journal state, 32-bit words
 *   word 0           16          32          48         64        65       66      67
 *        +-----------+-----------+-----------+----------+---------+--------+-------+-------+
 *        | last      | durable   | consumed  | keeper   | waits   | mode   | error | ...   |
 *        | number    | number    | number    | asleep   | for it  |        | number|       |
 *        +-----------+-----------+-----------+----------+---------+--------+-------+-------+
 *   word 80 + i: worker i wants to be told when the durable number has grown; behind them 32 doubles: figures for INFO
 *
 *  Numbers count records and wrap at 2^32; they are compared by their difference, which is always small.
 *  Ownership: the last number is taken by workers while they hold the locks of what they record, so that the order of
 *  numbers is the order of changes for every key. Durable, consumed and error are the keeper's. All are reached through
 *  Atomics.
 */
export const enum JournalWord {
  /** Number of the last record of any worker. */
  LastNumber = 0,
  /** Every record up to this one is as safe as `appendfsync` demands. */
  DurableNumber = 16,
  /** Every record up to this one has left its ring. */
  ConsumedNumber = 32,
  /** 1: the keeper must be told when there is something to read. */
  KeeperAsleep = 48,
  /** 1: replies wait until what they are about is durable (`appendfsync always`). */
  HoldsReplies = 65,
  /** errno of a write that failed and was not made good yet; 0: all is well. */
  WriteError = 66,
  /** First of one word a worker: 1 when it waits for the durable number to grow. */
  Waiting = 80,
}

/** What INFO tells of the append-only file: doubles that the keeper writes. Times are Unix seconds. */
export const enum JournalFigure {
  IsOn = 0,
  IsRewriting = 1,
  IsRewriteScheduled = 2,
  RewriteStartedS = 3,
  /** How long the last rewrite took, -1: there was none. */
  RewriteSeconds = 4,
  HasRewriteFailed = 5,
  Rewrites = 6,
  FailuresInSeries = 7,
  HasWriteFailed = 8,
  CurrentBytes = 9,
  BaseBytes = 10,
  BufferBytes = 11,
  PendingSyncs = 12,
  DelayedSyncs = 13,
  Count = 32,
}

const WORKERS_MAX = 1024;

/** Memory for the state of a journal: nothing was recorded yet. */
export function createJournalState(): SharedArrayBuffer {
  const state = new SharedArrayBuffer((JournalWord.Waiting + WORKERS_MAX) * 4 + JournalFigure.Count * 8);
  journalFigures(state)[JournalFigure.RewriteSeconds] = -1;
  return state;
}

/** Whether number `a` is `b` or a later one. */
export function isNumberReached(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}

/** The figures in a journal's state: index them with JournalFigure. */
export function journalFigures(state: SharedArrayBuffer): Float64Array {
  return new Float64Array(state, (JournalWord.Waiting + WORKERS_MAX) * 4, JournalFigure.Count);
}
