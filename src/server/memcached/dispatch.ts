/**
 * The dispatcher of memcached's protocol: one command line, with its data block if it has one, in; one reply out. Makes
 * the checks that its row asks for, takes the lock of its key, runs the handler, gives the lock back. Shares keyspace,
 * reply buffer, memory check and CLIENT PAUSE with the dispatcher of the Redis protocol.
 */
import { AssertionError } from '../../base/assert.ts';
import { Bytes } from '../../base/bytes.ts';
import { Control, Counter } from '../../memory/control.ts';
import { lockShardUnlessBusy, unlockShard } from '../../memory/lock.ts';
import { LineResult, MemcacheReader } from '../../protocol/memcache-reader.ts';
import { MemcacheWriter } from '../../protocol/memcache-writer.ts';
import { ReplyTooLargeError } from '../../protocol/resp-writer.ts';
import { clearDatabase } from '../../store/clearing.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { MemcachedRegistry } from '../../commands/memcached/memcached.ts';
import { ItemRequest } from '../../commands/memcached/request.ts';
import {
  type MemcachedCall,
  type MemcachedClient,
  MemcachedEvent,
  MemcachedRoute,
  type MemcachedRow,
  Parsed,
} from '../../commands/memcached/row.ts';
import type { Server } from '../../commands/row.ts';
import type { Dispatcher } from '../dispatch.ts';
import { log } from '../log.ts';
import { Observer } from '../observer.ts';
import { mayRun, mayRunNow } from './access.ts';
import { MemcachedAhead } from './ahead.ts';
import { likeRedis } from './like-redis.ts';
import { authenticate } from './authentication.ts';
import { ShardLocks } from '../shard-locks.ts';

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
/** The values of one `get` together. The reply of a command is whole before any of it is sent. */
const REPLY_BYTES_MAX = 256 << 20;
const BUSY = 'SERVER_ERROR busy running a script';
/** When a flush that is due finds a script that holds the shards, it is tried again after this long. */
const FLUSH_AGAIN_MS = 100;
/** setTimeout takes at most this much: a longer delay is waited for in parts. */
const TIMER_MS_MAX = 0x7fffffff;

/** Answers of `execute` beside the position behind the request. */
export const enum ExecuteResult {
  /** The request has not arrived as a whole. */
  Incomplete = LineResult.Incomplete,
  /** What comes is no request: the connection is to be closed. */
  Malformed = LineResult.TooLong,
  /** It must wait for the end of a CLIENT PAUSE. */
  Paused = -2,
}

export class MemcachedDispatcher implements MemcachedCall {
  readonly keyspace: Keyspace;
  readonly server: Server;
  readonly key: Key;
  readonly reply: MemcacheWriter;
  readonly request: ItemRequest;
  source: Bytes;
  args: Int32Array;
  count = 0;
  client!: MemcachedClient;
  database = 0;
  itemBytesMax = 1 << 20;
  /** After Incomplete: bytes the request takes at least, counted from its start. */
  neededBytes = 0;
  /** Waits; tests put their own clock here. */
  schedule: (run: () => void, delayMs: number) => unknown = setTimeout;
  cancel: (timer: unknown) => void = (timer) => clearTimeout(timer as Timer);
  /** Of the last flush ordered here: only the last one counts, so there is never more than one timer. */
  private flushTimer: unknown = undefined;
  private readonly ahead = new MemcachedAhead();
  private readonly dispatcher: Dispatcher;
  private readonly reader = new MemcacheReader();
  private readonly registry = new MemcachedRegistry();
  private readonly locks: ShardLocks;
  private readonly counters: Float64Array;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    this.keyspace = dispatcher.keyspace;
    this.server = dispatcher.server;
    this.key = new Key(this.keyspace.shards[0]!);
    this.reply = new MemcacheWriter(dispatcher.reply);
    this.source = dispatcher.source;
    this.request = new ItemRequest(this.source);
    this.args = this.reader.args;
    this.locks = new ShardLocks(this.keyspace.shards);
    this.counters = this.keyspace.counters;
  }

  get memoryFull(): boolean {
    return this.dispatcher.memoryFull;
  }

  makeRoom(byteCount: number): boolean {
    this.dispatcher.guard.admit(byteCount);
    return !this.memoryFull;
  }

  /** Must be called before the first `execute` of an input whose bytes were not there before. */
  beginInput(): void {
    this.ahead.clear();
  }

  /**
   * Runs the request at `input[at, end)` and returns the position behind it, or an ExecuteResult. `scannedBytes`: so
   * many of its bytes are known to hold no line end. What is left of a refused data block is in
   * `request.swallowBytes`.
   */
  execute(input: Bytes, at: number, end: number, scannedBytes: number, client: MemcachedClient): number {
    const { reader, request } = this;
    this.neededBytes = 0;
    request.clear();
    if (at >= this.ahead.end) {
      this.ahead.prepare(input, at, end, this.keyspace, this.keyspace.physicalDatabase(0));
    }
    const next = reader.readLine(input, at, end, scannedBytes);
    if (next <= 0) return next;
    this.source = input;
    this.args = reader.args;
    this.count = reader.count;
    this.client = client;
    this.reply.out = this.dispatcher.reply;
    if (!client.authenticated) return this.logIn(at, next, end);
    const row = this.findRow();
    if (row === null) {
      this.reply.text('ERROR');
      return this.done(next);
    }
    if (this.dispatcher.pause.untilMs !== 0 && this.isPaused(row)) return ExecuteResult.Paused;
    const start = this.reply.out.at;
    const behind = this.runRow(row, at, next, end);
    if (request.noReply && !request.isMeta && behind > 0) this.reply.out.at = start;
    return behind;
  }

  /** The row of the line's verb, or null: memcached answers an unknown verb and a wrong number of tokens alike. */
  private findRow(): MemcachedRow | null {
    const { args, count } = this;
    if (count === 0) return null;
    const row = this.registry.find(this.source.u8, args[0]!, args[1]!);
    return row !== null && count >= row.tokensMin && count <= row.tokensMax ? row : null;
  }

  private done(position: number): number {
    this.counters[Counter.CommandsProcessed]!++;
    return position;
  }

  private isPaused(row: MemcachedRow): boolean {
    const { pause } = this.dispatcher;
    if (this.keyspace.nowMs >= pause.untilMs) return false;
    return row.writes || (pause.all && row.route !== MemcachedRoute.Here);
  }

  private logIn(at: number, next: number, end: number): number {
    const position = authenticate(this, next, end);
    if (position === ExecuteResult.Incomplete) this.neededBytes = end - at + 1;
    return position;
  }

  private runRow(row: MemcachedRow, at: number, next: number, end: number): number {
    if (row.writes) this.dispatcher.guard.admit(next - at);
    const parsed = row.parse === undefined ? Parsed.Run : row.parse(this);
    if (parsed !== Parsed.Run) {
      if (parsed === Parsed.RefusedAndDropped) this.runKeyOrRefuse(dropItem);
      return this.done(next);
    }
    const { permissions } = this.client;
    if (permissions !== null && !mayRun(this, row, permissions)) return this.done(next);
    if ((this.dispatcher.observers & Observer.State) !== 0 && !mayRunNow(this, row, this.dispatcher.state)) {
      return this.done(next);
    }
    switch (row.route) {
      case MemcachedRoute.EachKey:
        this.runEachKey(row);
        break;
      case MemcachedRoute.Store:
        return this.runStore(row, at, next, end);
      case MemcachedRoute.ByKey:
        this.runKeyOrRefuse(row.run);
        break;
      default:
        this.database = this.keyspace.physicalDatabase(0);
        row.run(this);
    }
    return this.done(next);
  }

  private runEachKey(row: MemcachedRow): void {
    const { args, count, request } = this;
    request.keySource = this.source;
    const { out } = this.reply;
    const start = out.at;
    for (let i = request.firstKey; i < count; i++) {
      request.keyAt = args[i * 2]!;
      request.keyBytes = args[i * 2 + 1]!;
      const wasRun = this.runKey(row.run);
      if (wasRun && out.at - start <= REPLY_BYTES_MAX) continue;
      out.at = start;
      return this.reply.text(wasRun ? 'SERVER_ERROR out of memory writing get response' : BUSY);
    }
    row.finish!(this);
  }

  private runStore(row: MemcachedRow, at: number, next: number, end: number): number {
    const { request } = this;
    const dataEnd = next + request.dataBytes;
    if (dataEnd + 2 > end) {
      this.neededBytes = dataEnd + 2 - at;
      return ExecuteResult.Incomplete;
    }
    request.dataAt = next;
    this.countEvent(MemcachedEvent.CommandSet);
    const { u8 } = this.source;
    if (u8[dataEnd] === CARRIAGE_RETURN && u8[dataEnd + 1] === LINE_FEED) this.runKeyOrRefuse(row.run);
    else this.reply.text('CLIENT_ERROR bad data chunk');
    return this.done(dataEnd + 2);
  }

  private runKeyOrRefuse(handler: (call: MemcachedCall) => void): void {
    if (!this.runKey(handler)) this.reply.text(BUSY);
  }

  /** Runs `handler` for the request's key, and tells of what it has changed. False: nothing was done. */
  private runKey(handler: (call: MemcachedCall) => void): boolean {
    const { notices, observers } = this.dispatcher;
    if (notices === null || (observers & Observer.Notices) === 0) return this.runLocked(handler);
    const outer = notices.begin();
    const wasRun = this.runLocked(handler);
    notices.endItem(outer, likeRedis(this.text(0), this.request.whenMs));
    return wasRun;
  }

  /**
   * Runs `handler` under the lock of the request's key. Hot: the path of get and set. False: a script keeps the shard
   * busy, nothing was done.
   */
  private runLocked(handler: (call: MemcachedCall) => void): boolean {
    const { keyspace, key, request } = this;
    const { words } = keyspace.control;
    for (;;) {
      const version = words[Control.DatabaseMapVersion]!;
      this.database = keyspace.physicalDatabase(0);
      const { keySource, keyAt, keyBytes } = request;
      let hash = this.ahead.hashOf(keySource, keyAt, keyBytes, this.database);
      if (hash < 0) hash = keyspace.hash(keySource, keyAt, keyBytes, this.database);
      keyspace.locateHashed(key, keySource, keyAt, keyBytes, this.database, hash);
      const { shard } = key;
      if (!lockShardUnlessBusy(shard)) return false;
      if (words[Control.DatabaseMapVersion] !== version) {
        unlockShard(shard);
        continue;
      }
      const { changes } = keyspace;
      try {
        handler(this);
        if (keyspace.changes !== changes) this.dispatcher.journal.appendItem(key);
      } catch (error) {
        unlockShard(shard);
        this.failed(error);
        return true;
      }
      unlockShard(shard);
      return true;
    }
  }

  /** A handler threw, which is our bug. A broken invariant of memory must be neither served nor saved: it goes on up. */
  private failed(error: unknown): void {
    if (error instanceof ReplyTooLargeError) return this.client.refuseReply();
    log.error(`memcached command ${this.text(0)} failed`, error);
    if (error instanceof AssertionError) throw error;
    this.counters[Counter.UnexpectedErrors]!++;
    this.reply.text('SERVER_ERROR internal error');
  }

  countEvent(event: MemcachedEvent): void {
    this.counters[Counter.MemcachedFirst + event]!++;
  }

  text(index: number): string {
    const start = this.args[index * 2]!;
    return this.source.u8.toString('latin1', start, start + this.args[index * 2 + 1]!);
  }

  /** Sets this worker's memcached statistics back to zero. */
  resetStatistics(): void {
    const first = Counter.MemcachedFirst;
    this.counters.fill(0, first, first + MemcachedEvent.Count);
  }

  flushLater(delayMs: number): boolean {
    const order = Atomics.add(this.keyspace.control.words, Control.MemcachedFlushOrder, 1) + 1;
    this.cancel(this.flushTimer);
    if (delayMs === 0) return this.flush();
    this.waitToFlush(order, Date.now() + delayMs);
    return true;
  }

  private waitToFlush(order: number, whenMs: number): void {
    this.flushTimer = this.schedule(
      () => {
        // A later flush_all, on whatever worker, has taken the place of this one.
        if (this.keyspace.control.words[Control.MemcachedFlushOrder] !== order) return;
        if (Date.now() < whenMs) this.waitToFlush(order, whenMs);
        else if (!this.flush()) this.waitToFlush(order, Date.now() + FLUSH_AGAIN_MS);
      },
      Math.min(Math.max(whenMs - Date.now(), 0), TIMER_MS_MAX),
    );
  }

  /** False: a script keeps the shards busy, nothing was done. */
  private flush(): boolean {
    this.locks.wantAll();
    if (!this.locks.lockWantedUnlessBusy()) return false;
    try {
      const database = this.keyspace.physicalDatabase(0);
      this.keyspace.onFlush(true, database);
      this.dispatcher.journal.appendFlush(database);
      for (const shard of this.keyspace.shards) clearDatabase(this.keyspace, shard, database, this.key);
      this.keyspace.onFlush(false, database);
    } finally {
      this.locks.release();
    }
    return true;
  }
}

function dropItem(call: MemcachedCall): void {
  if (call.keyspace.find(call.key) !== 0) call.keyspace.remove(call.key);
}
