/**
 * One client connection: its input until it is whole requests, its output until the socket has taken it. What a
 * protocol adds (how requests look) is in the subclasses. Lives and dies with one worker.
 *
 * Input lies in the engine's shared buffer while a read is being served; only the start of a request that is not
 * complete yet is kept, in a buffer of the connection's own that grows by factors, at most to what the request
 * announced, so that a large value is copied a constant number of times and an announcement alone costs nothing.
 * While the client has a backlog of output, or is parked, none of its input is executed. With a backlog it is not read
 * from either; a parked one is, up to a limit, because a socket that is not read from does not tell when it is closed.
 */
import type { Socket } from 'bun';
import { assert } from '../../base/assert.ts';
import { Bytes, copyBytes } from '../../base/bytes.ts';
import { Control, Counter } from '../../memory/control.ts';
import type { Permissions } from '../../commands/acl/permissions.ts';
import type { User } from '../../commands/acl/user.ts';
import { DEFAULT_USER } from '../../commands/acl/user-table.ts';
import type { Command } from '../../commands/registry.ts';
import { Gate, type Parked } from '../../commands/row.ts';
import { ReplyTooLargeError, type RespWriter } from '../../protocol/resp-writer.ts';
import { Backlog } from './backlog.ts';
import type { Batch } from './batch.ts';
import { formatClientLine } from './client-line.ts';
import type { ParkableClient } from '../parkable-client.ts';
import type { BufferLimit } from '../config/config.ts';
import type { Engine } from '../engine.ts';
import { log } from '../log.ts';
import type { Subscriptions } from '../pubsub/subscriptions.ts';
import type { Transaction, WatchedKey } from '../transactions/transaction.ts';
import type { Tracked } from '../tracking/tracking.ts';

/** The part of Bun's socket that a connection uses. */
export type ClientSocket = Pick<
  Socket<unknown>,
  'write' | 'end' | 'terminate' | 'pause' | 'resume' | 'remoteAddress'
> & {
  /** Sockets of Bun have it, though their type does not say so. */
  readonly fd?: number;
};

/** Replies are handed to the socket when they pass this, and at the end of each read. */
const FLUSH_BYTES = 1 << 20;
const PENDING_BYTES_MIN = 4096;
/** More of an incomplete request than this is not copied to the shared input again with every read. */
const PENDING_COPIED_BYTES_MAX = 16384;
/** A client that must wait is read from until it has sent this much: so it is noticed when it leaves. */
const WAITING_INPUT_BYTES_MAX = 1 << 20;

export abstract class Connection implements ParkableClient {
  readonly id: number;
  readonly engine: Engine;
  readonly socket: ClientSocket;
  /** Client and server address as CLIENT LIST prints them. */
  readonly address: string;
  readonly localAddress: string;
  readonly createdAtMs: number;
  gates: number = Gate.None;
  lastActiveMs: number;
  lastCommand: Command | null = null;
  subscriptions: Subscriptions | null = null;
  tracking: Tracked | null = null;
  transaction: Transaction | null = null;
  watched: Map<string, WatchedKey> | null = null;
  database = 0;
  version: 2 | 3 = 2;
  name = '';
  libraryName = '';
  libraryVersion = '';
  account = DEFAULT_USER;
  authenticated: boolean;
  permissions: Permissions | null = null;
  /** It has said who it is. Else it is let in only as long as that need not be said. */
  private hasLoggedIn: boolean;
  noTouch = false;
  noEvict = false;
  replyMode: 'on' | 'off' | 'skip' | 'skip-next' = 'on';
  closed = false;
  /** What it is sent is kept until a record is durable (server/journal/recording.ts). */
  isHeld = false;
  heldNumber = 0;
  /** The input must wait: the client is parked, or held back by CLIENT PAUSE. */
  waiting = false;
  blocked = false;
  private closing = false;
  /** The client has closed its half: it sends no more, but may still read. */
  private peerEnded = false;
  /** Bytes of a request that is not complete, or of input that must wait: pending[pendingAt, pendingEnd). */
  private pending: Bytes | null = null;
  private pendingAt = 0;
  private pendingEnd = 0;
  /** Least bytes the incomplete request takes, counted from its start; set by `readRequests`. */
  protected neededBytes = 0;
  private readonly backlog = new Backlog();
  /** Out-of-band messages not handed to the socket yet. */
  private deliveries: Uint8Array[] | null = null;
  private deliveriesBytes = 0;
  /** They were more than it may be owed, and have been dropped: it will be closed. */
  private isOverLimit = false;
  /** What it is told behind them, together with others. */
  private batch: Batch | null = null;
  /** The last one that is for nobody else. */
  private ownBatch: Batch | null = null;
  /** Since when the backlog has exceeded the soft limit; 0 while it does not. */
  private overSoftLimitSinceMs = 0;

  constructor(engine: Engine, socket: ClientSocket, address: string, localAddress: string) {
    this.engine = engine;
    this.socket = socket;
    this.address = address;
    this.localAddress = localAddress;
    this.id = Atomics.add(engine.control.words, Control.ClientId, 1) + 1;
    this.createdAtMs = Date.now();
    this.lastActiveMs = this.createdAtMs;
    this.hasLoggedIn = !engine.users.needsAuthentication;
    this.authenticated = this.hasLoggedIn;
    this.renewPermissions();
    engine.clients.set(this.id, this);
  }

  /**
   * Runs the requests in `input[at, end)` until they end, one must wait, or the output must be flushed first. Returns
   * the position behind the last request run. `moved`: the bytes do not lie where they lay at the last call.
   */
  protected abstract readRequests(input: Bytes, at: number, end: number, moved: boolean): number;

  describe(): string {
    return formatClientLine(this, Date.now());
  }

  get isLocal(): boolean {
    return this.address.startsWith('/') || /^(127\.0\.0\.1|\[::1\]):/.test(this.address);
  }

  /** As CLIENT LIST and CLIENT KILL tell clients apart. */
  get type(): 'normal' | 'master' | 'replica' | 'pubsub' {
    return this.subscriptions === null ? 'normal' : 'pubsub';
  }

  /** Bytes of a request not yet complete. */
  get pendingBytes(): number {
    return this.pendingEnd - this.pendingAt;
  }

  /** Size of the buffer that holds it. */
  get pendingCapacityBytes(): number {
    return this.pending === null ? 0 : this.pending.u8.length;
  }

  get isClosing(): boolean {
    return this.closing;
  }

  /** Replies, or parts of such, that the socket has not taken. */
  get outputCount(): number {
    return this.backlog.partCount;
  }

  /** Bytes of output the socket has not taken. */
  get outputBytes(): number {
    return this.backlog.byteCount;
  }

  /** True when the next request must not be run now. */
  protected get mustStop(): boolean {
    return this.waiting || this.closing || this.backlog.byteCount > 0;
  }

  /** The socket has delivered `chunk`. */
  receive(chunk: Buffer): void {
    const engine = this.engine;
    engine.keyspace.counters[Counter.NetInputBytes]! += chunk.length;
    engine.keyspace.counters[Counter.ReadsProcessed]!++;
    if (this.closing) return;
    engine.beginRead();
    this.lastActiveMs = engine.keyspace.nowMs;
    const input = engine.input;
    if (this.pending !== null && (this.mustStop || this.pendingBytes > PENDING_COPIED_BYTES_MAX)) {
      const moved = this.appendPending(chunk);
      if (!this.mustStop) this.runPending(moved);
      return;
    }
    assert(this.pendingBytes + chunk.length <= input.u8.length, 'a read is larger than the input buffer');
    let end = 0;
    if (this.pending !== null) {
      end = this.pending.u8.copy(input.u8, 0, this.pendingAt, this.pendingEnd);
      this.dropPending();
    }
    end += chunk.copy(input.u8, end);
    this.runShared(input, end);
  }

  private runShared(input: Bytes, end: number): void {
    let at = 0;
    if (!this.mustStop) at = this.run(input, 0, end, true);
    if (at < end && !this.closing) {
      this.pending = Bytes.allocate(Math.max(PENDING_BYTES_MIN, end - at));
      this.pendingEnd = input.u8.copy(this.pending.u8, 0, at, end);
      this.pendingAt = 0;
    }
  }

  /** Runs what can be run of the pending input. `moved`: see readRequests. */
  private runPending(moved: boolean): void {
    const pending = this.pending;
    if (pending === null) return;
    const at = this.run(pending, this.pendingAt, this.pendingEnd, moved);
    // A request may have closed the connection, and so dropped what follows it.
    if (this.pending === null) return;
    this.pendingAt = at;
    if (at === this.pendingEnd) this.dropPending();
  }

  /** Runs requests, flushing as output grows. Returns the position behind the last one run. */
  private run(input: Bytes, at: number, end: number, moved: boolean): number {
    const { outbox, keyspace, deliveries } = this.engine;
    if (this.hasDeliveries) {
      // They come before the replies to what it asks now.
      outbox.flush();
      if (this.mustStop) return at;
    }
    deliveries.served = this;
    const position = this.runServed(input, at, end, moved);
    deliveries.served = null;
    this.engine.recording?.served(this);
    if (this.engine.pubsub.hasPublished) this.engine.pubsub.published(this);
    if (this.mustStop) outbox.flushWith(this);
    else outbox.finish(this, keyspace.nowMs);
    return position;
  }

  private runServed(input: Bytes, at: number, end: number, moved: boolean): number {
    const { outbox } = this.engine;
    let position = this.readRequests(input, at, end, moved);
    while (this.engine.dispatcher.reply.at >= FLUSH_BYTES) {
      this.engine.recording?.served(this);
      outbox.flushWith(this);
      if (this.mustStop) return position;
      position = this.readRequests(input, position, end, true);
    }
    return position;
  }

  /** True when `readRequests` should return so that the output can be flushed. */
  protected get outputIsLarge(): boolean {
    return this.engine.dispatcher.reply.at >= FLUSH_BYTES;
  }

  protected dropPending(): void {
    if (this.pending !== null) this.engine.gaveUpBuffer(this.pending.u8.length);
    this.pending = null;
    this.pendingAt = 0;
    this.pendingEnd = 0;
  }

  /** Keeps `chunk` behind the pending input. True when that had to be moved to make room. */
  private appendPending(chunk: Buffer): boolean {
    const byteCount = this.pendingBytes + chunk.length;
    if (byteCount > this.engine.queryBytesMax) {
      log.warn(`closing client ${this.id}: its request exceeds client-query-buffer-limit`);
      this.engine.keyspace.counters[Counter.QueryBufferClosed]!++;
      this.terminate();
      return false;
    }
    if (this.waiting && byteCount > WAITING_INPUT_BYTES_MAX) this.socket.pause();
    const moved = this.pendingEnd + chunk.length > this.pending!.u8.length && this.makeRoom(byteCount);
    this.pendingEnd += chunk.copy(this.pending!.u8, this.pendingEnd);
    return moved;
  }

  /** Moves the pending input to the start of a buffer that takes `byteCount`. True when its positions changed. */
  private makeRoom(byteCount: number): boolean {
    const old = this.pending!;
    const moved = this.pendingAt > 0;
    // Growing by a quarter at the least keeps the copying linear, however small the pieces that input comes in. Of
    // what is allocated only the pages written to are committed.
    if (byteCount > old.u8.length) {
      const announced = Math.max(this.neededBytes, byteCount + Math.floor(byteCount / 4));
      this.pending = Bytes.allocate(Math.min(byteCount * 4, announced, this.engine.queryBytesMax));
      this.engine.gaveUpBuffer(old.u8.length);
    }
    this.pendingEnd = old.u8.copy(this.pending!.u8, 0, this.pendingAt, this.pendingEnd);
    this.pendingAt = 0;
    return moved;
  }

  /** Hands a part of the output buffer to the socket. False: it did not take all, and the rest is kept. */
  send(from: number, to: number): boolean {
    const { dispatcher, keyspace } = this.engine;
    const reply = dispatcher.reply;
    keyspace.counters[Counter.NetOutputBytes]! += to - from;
    keyspace.counters[Counter.WritesProcessed]!++;
    if (this.closed) return true;
    if (this.isHeld) return this.keepHeld(reply, from, to);
    const taken = this.backlog.byteCount === 0 ? this.socket.write(reply.bytes.u8, from, to - from) : 0;
    // The client has reset the connection. Bun need not tell of that again when the socket is paused.
    if (taken < 0) this.terminate();
    if (this.closed || taken === to - from) return true;
    this.keepOutput(reply, from + taken, to);
    return false;
  }

  /** The socket need not rest meanwhile: that is over soon, and what it brings is kept. */
  private keepHeld(reply: RespWriter, from: number, to: number): false {
    this.backlog.append(reply.take(from, to));
    return false;
  }

  releaseOutput(): void {
    if (this.backlog.byteCount === 0) return;
    this.drain();
    if (this.closed || this.backlog.byteCount === 0) return;
    this.socket.pause();
    this.checkOutputLimits(Date.now());
  }

  private keepOutput(reply: RespWriter, from: number, to: number): void {
    const rest = reply.take(from, to);
    this.backlog.append(rest);
    this.socket.pause();
    this.checkOutputLimits(Date.now());
  }

  /**
   * Sends `bytes`, which nobody changes any more, behind the replies written so far, though the client has not asked for
   * them. May be called while any command runs, under locks.
   */
  deliver(bytes: Uint8Array): void {
    const { deliveries } = this.engine;
    if (this.closing || this.isOverLimit) return;
    if (deliveries.served === this) return this.deliverServed(bytes);
    if (this.batch !== null) this.leaveBatch();
    else if (this.deliveries === null) deliveries.add(this);
    this.keepDelivery(bytes);
  }

  private get hasDeliveries(): boolean {
    return this.deliveries !== null || this.batch !== null;
  }

  private keepDelivery(bytes: Uint8Array): void {
    this.deliveries ??= [];
    this.deliveriesBytes += bytes.length;
    if (!this.isOverHardLimit(this.deliveriesBytes)) {
      this.deliveries.push(bytes);
      return;
    }
    this.deliveries.length = 0;
    this.isOverLimit = true;
  }

  /**
   * Like `deliver`, with all that is written to `batch` as long as it is open. Not while the client is being served. False:
   * it is to be told nothing any more.
   */
  join(batch: Batch): boolean {
    if (this.closing) return false;
    if (this.batch !== null) this.leaveBatch();
    else if (this.deliveries === null) this.engine.deliveries.add(this);
    if (!this.isOverLimit) this.batch = batch;
    return !this.isOverLimit;
  }

  /** `deliver` for what is short, and may be written to again: messages one behind the other are gathered in one batch. */
  deliverCopy(message: Bytes, byteCount: number): void {
    const { deliveries } = this.engine;
    if (this.closing) return;
    if (deliveries.served === this) return this.deliverServed(Buffer.from(message.u8.subarray(0, byteCount)));
    let { batch } = this;
    if (batch === null || batch !== this.ownBatch || !batch.isOpen || batch.isLarge) {
      batch = deliveries.openBatch();
      if (!this.join(batch)) return;
      this.ownBatch = batch;
    }
    copyBytes(message, 0, batch.add(byteCount), batch.end - byteCount, byteCount);
  }

  private leaveBatch(): void {
    const batch = this.batch!;
    this.batch = null;
    batch.seal();
    this.keepDelivery(batch.content);
  }

  /** Redis: what a client tells itself comes before the reply to the command that does, and also with replies off. */
  private deliverServed(bytes: Uint8Array): void {
    const { dispatcher, outbox } = this.engine;
    if (this.replyMode !== 'on') return dispatcher.keepPush(bytes);
    const { reply } = outbox;
    try {
      if (this.isOverHardLimit(reply.at - outbox.start)) throw new ReplyTooLargeError('too many messages');
      reply.whole(bytes);
    } catch (error) {
      if (!(error instanceof ReplyTooLargeError)) throw error;
      // Not from within a command.
      queueMicrotask(() => this.exceedOutputLimit());
    }
  }

  private isOverHardLimit(byteCount: number): boolean {
    const { hardBytes } = this.outputLimit;
    return hardBytes > 0 && byteCount + this.backlog.byteCount > hardBytes;
  }

  sendDeliveries(): void {
    const { deliveries: parts, batch, engine } = this;
    const byteCount = this.deliveriesBytes + (batch === null ? 0 : batch.content.length);
    this.deliveries = null;
    this.deliveriesBytes = 0;
    this.batch = null;
    this.ownBatch = null;
    this.isOverLimit = false;
    if (this.closed) return;
    if (this.isOverHardLimit(byteCount)) return this.exceedOutputLimit();
    engine.keyspace.counters[Counter.NetOutputBytes]! += byteCount;
    engine.keyspace.counters[Counter.WritesProcessed]!++;
    if (batch !== null && (parts !== null || this.backlog.byteCount > 0)) {
      this.sendParts([...(parts ?? []), batch.kept], byteCount);
    } else if (parts !== null) this.sendParts(parts, byteCount);
    else if (batch !== null) this.sendBatch(batch, byteCount);
  }

  private sendBatch(batch: Batch, byteCount: number): void {
    const taken = this.socket.write(batch.content, 0, byteCount);
    if (taken < 0) return this.terminate();
    if (this.closed || taken === byteCount) return;
    this.keepDeliveries(batch.kept.subarray(taken));
  }

  private sendParts(parts: readonly Uint8Array[], byteCount: number): void {
    const { deliveries } = this.engine;
    if (this.backlog.byteCount > 0) {
      for (const part of parts) this.backlog.append(part);
      return this.checkOutputLimits(Date.now());
    }
    const joined = deliveries.join(parts, byteCount);
    const taken = this.socket.write(joined, 0, byteCount);
    if (taken < 0) return this.terminate();
    if (this.closed || taken === byteCount) return;
    const rest = joined.subarray(taken, byteCount);
    this.keepDeliveries(deliveries.isShared(joined) ? Buffer.from(rest) : rest);
  }

  /** The socket has not taken `rest`, which nobody changes any more. */
  private keepDeliveries(rest: Uint8Array): void {
    this.backlog.append(rest);
    this.socket.pause();
    this.checkOutputLimits(Date.now());
  }

  /** What its output may amount to. */
  private get outputLimit(): BufferLimit {
    return this.type === 'pubsub' ? this.engine.pubsubOutputLimit : this.engine.outputLimit;
  }

  /** Closes a client that has had too much unread output, or much of it for too long. */
  checkOutputLimits(nowMs: number): void {
    const { hardBytes, softBytes, softSeconds } = this.outputLimit;
    if (softBytes === 0 || this.backlog.byteCount <= softBytes) this.overSoftLimitSinceMs = 0;
    else if (this.overSoftLimitSinceMs === 0) this.overSoftLimitSinceMs = nowMs;
    const overSoftMs = this.overSoftLimitSinceMs === 0 ? 0 : nowMs - this.overSoftLimitSinceMs;
    const isOverHard = hardBytes > 0 && this.backlog.byteCount > hardBytes;
    if (isOverHard || (overSoftMs > 0 && overSoftMs > softSeconds * 1000)) this.exceedOutputLimit();
  }

  refuseReply(): void {
    if (this.outputLimit.hardBytes > 0) this.exceedOutputLimit();
    else this.engine.dispatcher.reply.error('ERR reply is too large');
  }

  exceedOutputLimit(): void {
    if (this.closed) return;
    log.warn(`closing client ${this.id}: its output exceeds client-output-buffer-limit`);
    this.engine.keyspace.counters[Counter.OutputBufferClosed]!++;
    this.terminate();
  }

  /** The socket can take output again. */
  drain(): void {
    // Bun also calls this for sockets that were never full.
    if (this.backlog.byteCount === 0 || this.isHeld) return;
    this.lastActiveMs = Date.now();
    const sent = this.backlog.send(
      (bytes, at, byteCount) => this.socket.write(bytes, at, byteCount),
      (byteCount) => this.engine.gaveUpBuffer(byteCount),
    );
    if (sent < 0) return this.terminate();
    if (this.backlog.byteCount > 0) return;
    this.overSoftLimitSinceMs = 0;
    if (this.waiting) return;
    if (this.closing) this.close();
    else this.goOn();
  }

  /** Runs the input that had to wait, then lets the socket deliver more. */
  private goOn(): void {
    this.engine.beginRead();
    this.runPending(true);
    if (this.mustStop || this.closed) return;
    if (this.peerEnded) this.close();
    else this.socket.resume();
  }

  /** The client will send nothing more. It still gets an answer that is under way, but nothing that may take long. */
  onEnd(): void {
    this.peerEnded = true;
    this.engine.outbox.flush();
    const awaitsAnswer = this.waiting && !this.blocked && !this.engine.clientPause.holds(this);
    if (!awaitsAnswer && this.backlog.byteCount === 0) this.close();
  }

  /** Makes later input wait until `resume` is called on the result. */
  park(): Parked {
    this.hold();
    // CLIENT REPLY SKIP is about this command, and over by the time of its reply.
    const isSilent = this.replyMode === 'off' || this.replyMode === 'skip';
    return {
      resume: (write) => {
        if (this.closed) return;
        this.lastActiveMs = Date.now();
        const { outbox, dispatcher } = this.engine;
        const { reply } = dispatcher;
        if (this.hasDeliveries) outbox.flush();
        if (this.closed) return;
        assert(reply.at === outbox.start, "a client was resumed in the midst of another's requests");
        reply.version = this.version;
        const start = reply.at;
        const errors = reply.errorCount;
        write(reply);
        if (reply.errorCount !== errors) this.engine.dispatcher.countError();
        if (isSilent) reply.at = start;
        this.engine.recording?.servedByOthers(this);
        outbox.flushWith(this);
        this.release();
      },
    };
  }

  get user(): string {
    return Buffer.from(this.account, 'latin1').toString();
  }

  logIn(user: User): void {
    this.account = user.name;
    this.hasLoggedIn = true;
    this.renewPermissions();
  }

  logOut(): void {
    this.account = DEFAULT_USER;
    this.hasLoggedIn = !this.engine.users.needsAuthentication;
    this.renewPermissions();
  }

  /** The users have changed, or the client's has become another one. */
  renewPermissions(): void {
    const { users } = this.engine;
    // Redis: a client that came in while no password was needed stays in; one that never gave it is let in meanwhile.
    this.authenticated = this.hasLoggedIn || !users.needsAuthentication;
    this.permissions = users.permissionsOf(users.get(this.account) ?? users.default);
  }

  /** Makes later input wait until `release`. */
  hold(): void {
    this.waiting = true;
  }

  /** Lets input that `hold` made wait go on. */
  release(): void {
    this.waiting = false;
    if (this.closed) return;
    if (this.closing) this.closeAfterReply();
    else if (this.backlog.byteCount === 0) this.goOn();
  }

  closeAfterReply(): void {
    this.closing = true;
    this.dropPending();
    queueMicrotask(() => {
      if (this.backlog.byteCount === 0 && !this.waiting) this.close();
    });
  }

  /** Closes the connection; output that the socket has not taken is lost. */
  close(): void {
    this.engine.outbox.flush();
    if (this.closed) return;
    // A client that does not read could keep what the socket has taken for ever: it gets a reset instead.
    if (this.backlog.byteCount > 0) this.socket.terminate();
    else this.socket.end();
    this.onClose();
  }

  /** Closes the connection at once, with a reset. */
  terminate(): void {
    if (this.closed) return;
    this.socket.terminate();
    this.onClose();
  }

  /** The socket is gone. */
  onClose(): void {
    if (this.closed) return;
    this.closed = true;
    this.closing = true;
    this.dropPending();
    this.backlog.clear();
    this.deliveries = null;
    this.batch = null;
    this.engine.forget(this);
    this.engine.keyspace.counters[Counter.ConnectedClients]!--;
    Atomics.sub(this.engine.control.words, Control.ClientCount, 1);
  }
}
