/**
 * The control block: one SharedArrayBuffer for what all threads share beside the shards.
 *
 *  control block
 *   byte 0         64 KiB                                        64 KiB + workers x CONTROL_WORKER_BYTES
 *        +---------+---------------------------------------------+
 *        | words   | per worker: counters, command counters and times |
 *        +---------+---------------------------------------------+
 *
 *  Ownership: a worker's counters are doubles written by that worker alone and read by anyone without a lock. The
 *  database map changes only while every shard lock is held, and so may be read under any one of them. The other words
 *  are reached through Atomics. Keep in step with: error-counts.ts, which owns bytes 16384 to 32768, and save-board.ts,
 *  which owns words 1088 to 1695 and 8192 to 9215.
 */

/** Word offsets in the first 64 KiB. */
export const enum Control {
  /** Last client id given out. */
  ClientId = 0,
  /** Connections open now, over all workers. */
  ClientCount = 1,
  /** Unix time in seconds of the last counter reset, and of the start. */
  StartedAtS = 3,
  /** Non-zero while the server loads its data. */
  Loading = 4,
  /** Peak of used memory in bytes: a double at words 6-7. */
  PeakBytes = 6,
  /** Raised with every flush_all of memcached: a delayed one that is no longer the last does nothing. */
  MemcachedFlushOrder = 8,
  /** Id that the next entry of the slow log gets. */
  SlowLogId = 24,
  /** The same for the logs of large requests and replies. */
  LargeRequestLogId = 25,
  LargeReplyLogId = 26,
  /** Raised with every change of the database map. On a cache line apart from what changes often. */
  DatabaseMapVersion = 32,
  /** Logical database to physical database, DATABASE_COUNT_MAX words. */
  DatabaseMap = 64,
  /** Mean time to live in ms of a physical database's keys that expire: doubles from this double on, by database.
   *  Sampled and written by worker 0 alone. */
  AverageTtl = 1024,
}

/** Counters of one worker, each a double. */
export const enum Counter {
  CommandsProcessed = 0,
  ConnectionsReceived = 1,
  RejectedConnections = 2,
  NetInputBytes = 3,
  NetOutputBytes = 4,
  KeyspaceHits = 5,
  KeyspaceMisses = 6,
  ExpiredKeys = 7,
  EvictedKeys = 8,
  ErrorReplies = 9,
  BlockedClients = 10,
  ConnectedClients = 11,
  /** Operations in the last sampling period, per second. */
  OpsPerSecond = 12,
  InputKbps = 13,
  OutputKbps = 14,
  ExpireCycleUs = 15,
  OutputBufferClosed = 16,
  QueryBufferClosed = 17,
  ReadsProcessed = 18,
  WritesProcessed = 19,
  UnexpectedErrors = 20,
  AccessDeniedAuth = 21,
  AccessDeniedCommand = 28,
  AccessDeniedKey = 29,
  AccessDeniedChannel = 30,
  /** Fields of hashes whose time had come. */
  ExpiredFields = 22,
  /** Removed values whose memory was freed later. */
  LazyFreed = 31,
  /** Clients that listen to something. */
  PubSubClients = 23,
  /** Clients whose reads are tracked, and what is tracked for them. */
  TrackingClients = 24,
  TrackedKeys = 25,
  TrackedItems = 26,
  TrackedPrefixes = 27,
  /** Active defragmentation: microseconds, and records moved. */
  DefragmentUs = 58,
  DefragmentMoves = 59,
  /** Bytes that the worker may add before it looks at used memory again. */
  ReservedBytes = 60,
  /** Milliseconds during which there has been more than maxmemory: in all, and since it began. Worker 0's. */
  EvictionExceededMs = 61,
  EvictionExceededNowMs = 62,
  /** What the worker's connections hold: buffers, output not taken, queued transactions. Sampled once a second. */
  ClientBytes = 63,
  MemcachedFirst = 32,
  Count = 64,
}

/** Counters of one command in one worker, each a double. */
export const enum CommandCounter {
  Calls = 0,
  Usec = 1,
  Rejected = 2,
  Failed = 3,
  /** Calls whose time is in Usec. */
  Timed = 4,
  Count = 5,
}

export const COMMAND_COUNT_MAX = 512;
const WORKERS_AT_BYTES = 65536;
/** Buckets of a command's times, whose limits double from 1 us: see server/info/command-times.ts. */
export const TIME_BUCKETS = 22;
const COMMAND_DOUBLES = COMMAND_COUNT_MAX * CommandCounter.Count;
const WORKER_DOUBLES = Counter.Count + COMMAND_DOUBLES + COMMAND_COUNT_MAX * TIME_BUCKETS;

export class ControlBlock {
  readonly memory: SharedArrayBuffer;
  readonly workerCount: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.words = new Int32Array(memory);
    this.doubles = new Float64Array(memory);
    this.workerCount = (memory.byteLength - WORKERS_AT_BYTES) / (WORKER_DOUBLES * 8);
  }

  /** A fresh block for `workerCount` workers, with the identity database map. */
  static create(workerCount: number, databaseCount: number): ControlBlock {
    const control = new ControlBlock(
      new SharedArrayBuffer(WORKERS_AT_BYTES + workerCount * WORKER_DOUBLES * 8),
    );
    for (let database = 0; database < databaseCount; database++) {
      control.words[Control.DatabaseMap + database] = database;
    }
    control.words[Control.StartedAtS] = Math.floor(Date.now() / 1000);
    return control;
  }

  /** The counters of one worker: index them with Counter. */
  counters(worker: number): Float64Array {
    return new Float64Array(this.memory, WORKERS_AT_BYTES + worker * WORKER_DOUBLES * 8, Counter.Count);
  }

  /** The command counters of one worker: index them with command id x CommandCounter.Count + CommandCounter. */
  commandCounters(worker: number): Float64Array {
    const at = WORKERS_AT_BYTES + (worker * WORKER_DOUBLES + Counter.Count) * 8;
    return new Float64Array(this.memory, at, COMMAND_COUNT_MAX * CommandCounter.Count);
  }

  /** How often the commands of one worker took so long: index it with command id x TIME_BUCKETS + bucket. */
  commandTimes(worker: number): Float64Array {
    const at = WORKERS_AT_BYTES + (worker * WORKER_DOUBLES + Counter.Count + COMMAND_DOUBLES) * 8;
    return new Float64Array(this.memory, at, COMMAND_COUNT_MAX * TIME_BUCKETS);
  }

  /** Sum of a counter over all workers. */
  total(counter: Counter): number {
    let sum = 0;
    for (let worker = 0; worker < this.workerCount; worker++) {
      sum += this.doubles[(WORKERS_AT_BYTES >> 3) + worker * WORKER_DOUBLES + counter]!;
    }
    return sum;
  }
}
