/**
 * Replies that wait in the worker's one output buffer until every socket that has become readable was read, and are then
 * sent one after the other.
 *
 *  output buffer
 *   byte 0              ends[0]            ends[1] = start          at
 *        +--------------+------------------+------------------------+
 *        | connections[0] | connections[1]   | being written          |
 *        +--------------+------------------+------------------------+
 *
 * Redis does so too (beforeSleep). A client that has to be woken costs the sender several microseconds; sent together,
 * the first reply wakes a client that is still awake when the others come. With 50 connections, pipeline 16 and a client
 * that is not the limit that is a fifth of a worker's time (MSET 2.2 -> 2.05 us, SET 1.50 -> 1.26).
 * A lone client would only wait longer, for the end of a turn costs about as much as a read. So replies are gathered
 * only while turns with several readable sockets are what happens; and none waits for more than about a millisecond.
 */
import type { RespWriter } from '../../protocol/resp-writer.ts';

/** A connection as far as the outbox knows it. */
export interface Sender {
  readonly id: number;
  /** Sends output[from, to). False: some of it had to be kept, in memory that is the connection's own. */
  send(from: number, to: number): boolean;
}

/** Reads after which it is decided anew whether to gather. */
const WINDOW_READS = 64;
/** Gathering that brought fewer replies a turn than this was not worth it... */
const REPLIES_PER_TURN_MIN = 2;
/** ...and is tried again after so many reads. */
const REST_READS = 1024;
/** Difference of two millisecond clocks from which replies are old. */
const OLD_MS = 2;

export class Outbox {
  /** The output buffer. */
  readonly reply: RespWriter;
  private readonly whenReleased: (byteCount: number) => void;
  /** Calls back at the end of the event loop's turn; tests put their own in its place. */
  schedule: (run: () => void) => void = setImmediate;
  /** Called when what waited has been sent. */
  whenSent: () => void = () => {};
  /** Something else than replies is to be sent then, which is always worth gathering: one client's requests have others
   *  told, and these may be many. */
  hasDeliveries = false;
  private readonly connections: Sender[] = [];
  private readonly ends: number[] = [];
  private count = 0;
  /** Where the first reply that waits begins. */
  private first = 0;
  /** Where the replies of the connection being served begin. */
  start = 0;
  private sinceMs = 0;
  private isScheduled = false;
  private gathers = false;
  /** Of the current window. */
  private reads = 0;
  private otherReads = 0;
  private turns = 0;
  private lastId = 0;
  private readonly endTurn = (): void => this.onTurnEnd();

  /** `whenReleased` is told of a buffer that had grown and is not needed any more. */
  constructor(reply: RespWriter, whenReleased: (byteCount: number) => void) {
    this.reply = reply;
    this.whenReleased = whenReleased;
  }

  /** `connection` has been served for now: what was written since is sent, at once or with the replies of others. */
  finish(connection: Sender, nowMs: number): void {
    this.watch(connection);
    this.take(connection);
    if (!this.gathers && !this.hasDeliveries) return this.flush();
    if (this.count === 1) this.sinceMs = nowMs;
    if (this.isScheduled || (this.count === 0 && !this.hasDeliveries)) return;
    this.sinceMs = nowMs;
    this.isScheduled = true;
    this.schedule(this.endTurn);
  }

  /** Sends what waits and what was written for `connection`. */
  flushWith(connection: Sender): void {
    this.take(connection);
    this.flush();
  }

  /** To be called with the time before a client is served: sends what should wait no longer. */
  flushOld(nowMs: number): void {
    if (nowMs - this.sinceMs < OLD_MS) return;
    if (this.count > 0 || this.hasDeliveries) this.flush();
  }

  private take(connection: Sender): void {
    const end = this.reply.at;
    if (end === this.start) return;
    this.connections[this.count] = connection;
    this.ends[this.count++] = end;
    this.start = end;
  }

  /** Whether what waits will be sent at the end of this turn of the event loop. */
  get willFlush(): boolean {
    return this.isScheduled;
  }

  /** Sends what waits. What is being written stays. */
  flush(): void {
    if (this.count > 0) this.sendAll(this.count);
    this.whenSent();
  }

  private sendAll(count: number): void {
    this.count = 0;
    let from = this.first;
    let isAllSent = true;
    for (let i = 0; i < count; i++) {
      const to = this.ends[i]!;
      if (!this.connections[i]!.send(from, to)) isAllSent = false;
      from = to;
    }
    this.first = this.start;
    if (this.reply.at === this.start) this.clear(isAllSent);
  }

  private clear(isAllSent: boolean): void {
    this.first = 0;
    this.start = 0;
    const released = this.reply.clear();
    if (isAllSent) this.whenReleased(released);
  }

  private onTurnEnd(): void {
    this.isScheduled = false;
    this.turns++;
    this.flush();
  }

  /** Decides whether to gather, by the last reads. */
  private watch(connection: Sender): void {
    if (connection.id !== this.lastId) this.otherReads++;
    this.lastId = connection.id;
    if (++this.reads < WINDOW_READS) return;
    const wasWorthIt = this.reads >= this.turns * REPLIES_PER_TURN_MIN;
    const tries = !this.gathers && this.otherReads >= WINDOW_READS / 2;
    this.reads = this.gathers && !wasWorthIt ? -REST_READS : 0;
    this.gathers = this.gathers ? wasWorthIt : tries;
    this.otherReads = 0;
    this.turns = 0;
  }
}
