/**
 * Client-side caching, one worker's part. What its clients read is remembered here, and what they are told comes from
 * here. Whoever changes a key, on any worker, looks at the board that workers share (store/tracking-board.ts) and leaves
 * the key's name in the mailboxes of the workers it concerns.
 *
 * Order. A client that caches must not see the reply to a read before it is told of what was changed earlier: so the
 * mailbox is emptied before each of its commands, and again behind it, when what came meanwhile is told before the reply,
 * except about the keys just read, of which nobody can tell any more whether the old or the new value was read. A client
 * is told of its own changes behind the reply, as in Redis.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { ClientTracking, TrackingMode } from '../../commands/connection/tracking.ts';
import type { Command } from '../../commands/registry.ts';
import { type Client, Flag, Gate, KeyFlag } from '../../commands/row.ts';
import { Counter } from '../../memory/control.ts';
import { Head, Interest } from '../../memory/shard.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { TrackingBoard } from '../../store/tracking-board.ts';
import type { Deliveries } from '../clients/deliveries.ts';
import { Broadcasts } from './broadcasts.ts';
import { brokenMessage, formatKeys, formatNull, toldMessage } from './invalidation.ts';
import { RedirectLetters } from './redirect-letters.ts';
import { TrackedKeys } from './tracked-keys.ts';

/** What is so with a client that tracks. */
export interface Tracked {
  mode: TrackingMode;
  prefixes: string[];
  isBroken: boolean;
  isCachingGiven: boolean;
}

/** A client that can track, or be told in another's place. */
export interface TrackingClient extends Client {
  /** What it listens to, if anything. */
  readonly subscriptions: object | null;
  tracking: Tracked | null;
}

/** What tracking needs of the server around it. */
export interface TrackingSetup {
  readonly workerIndex: number;
  readonly workerCount: number;
  readonly board: TrackingBoard;
  readonly keyspace: Keyspace;
  readonly deliveries: Deliveries;
  /** The clients of this worker by id. */
  readonly clients: ReadonlyMap<number, TrackingClient>;
  readonly findWorker: (clientId: number) => Promise<number>;
  /** Tells another worker that it has mail. */
  readonly sendMail: (worker: number) => void;
  /** Sends text about clients told in place of others: see RedirectLetters. */
  readonly sendRedirect: (worker: number, text: string) => void;
}

export class Tracking implements ClientTracking {
  private readonly setup: TrackingSetup;
  private readonly counters: Float64Array;
  private readonly keys: TrackedKeys;
  private readonly broadcasts: Broadcasts;
  private readonly redirects: RedirectLetters;
  /** Keys that may be remembered. */
  keysMax = Infinity;
  private clientCount = 0;
  /** Workers that have mail of which they are still to be told. */
  private readonly mailed = new Set<number>();
  /** Whose command is being run, when it tracks. */
  private running: TrackingClient | null = null;
  /** Keys that it has read or is reading, from `readsFrom` on, and the slots of the board's filter for them. */
  private readonly reads: string[] = [];
  private readonly readSlots: number[] = [];
  private readsFrom = 0;
  /** What it is to be told behind the reply: keys, or null when everything was removed. */
  private readonly own: (string | null)[] = [];
  /** While set, what it is told is gathered: what comes before the reply, and what behind. */
  private gathered: { before: Uint8Array[]; behind: Uint8Array[] } | null = null;
  private isFlushing = false;

  constructor(setup: TrackingSetup) {
    this.setup = setup;
    const { keyspace, deliveries } = setup;
    this.counters = keyspace.counters;
    this.keys = new TrackedKeys(setup.board, this.counters);
    this.broadcasts = new Broadcasts(this.counters);
    this.redirects = new RedirectLetters(setup.sendRedirect);
    deliveries.whenFlushed(() => this.sendAll());
    const others = keyspace.onTouched;
    keyspace.onTouched = (key) => {
      others(key);
      this.onTouched(key);
    };
  }

  isHere(clientId: number): boolean {
    return this.setup.clients.has(clientId);
  }

  findWorker(clientId: number): Promise<number> {
    return this.setup.findWorker(clientId);
  }

  stateOf(client: Client): Tracked | null {
    return (client as TrackingClient).tracking;
  }

  enable(client: Client, mode: TrackingMode, prefixes: readonly string[]): void {
    const tracker = client as TrackingClient;
    const added = mode.isBroadcast && prefixes.length === 0 ? [''] : prefixes;
    const all = new Set([...(tracker.tracking?.prefixes ?? []), ...added]);
    if (tracker.tracking === null) this.count(1);
    tracker.tracking = { mode, prefixes: [...all].sort(), isBroken: false, isCachingGiven: false };
    client.gates |= Gate.Tracking;
    for (const prefix of added) this.broadcasts.add(prefix, client.id);
    this.setup.board.setBroadcast(!this.broadcasts.isEmpty);
  }

  disable(client: Client): void {
    const tracker = client as TrackingClient;
    if (tracker.tracking === null) return;
    for (const prefix of tracker.tracking.prefixes) this.broadcasts.remove(prefix, client.id);
    this.setup.board.setBroadcast(!this.broadcasts.isEmpty);
    tracker.tracking = null;
    client.gates &= ~Gate.Tracking;
    this.count(-1);
  }

  /** Counts clients. With the first, changes begin to be looked at everywhere; with the last, all is forgotten. */
  private count(change: number): void {
    const { board, keyspace } = this.setup;
    const was = this.clientCount;
    this.clientCount += change;
    this.counters[Counter.TrackingClients] = this.clientCount;
    const isTracking = this.clientCount > 0;
    if (was > 0 === isTracking) return;
    board.setTracking(isTracking);
    const interest = isTracking ? Interest.Everything : -Interest.Everything;
    for (const { heads, head } of keyspace.shards) Atomics.add(heads, head + Head.Interests, interest);
    if (!isTracking) this.keys.clear();
  }

  /** A key was changed by this worker; its shard is locked. */
  private onTouched(key: Key): void {
    const { board, keyspace, workerCount, workerIndex } = this.setup;
    const slot = board.slotOf(keyspace.memberHash(key.bytes, key.at, key.byteCount));
    if (this.isFlushing || !board.concernsAny(slot)) return;
    const origin = this.running?.id ?? 0;
    for (let worker = 0; worker < workerCount; worker++) {
      if (!board.concerns(worker, slot)) continue;
      if (worker === workerIndex) {
        this.invalidate(key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount), origin);
      } else if (board.post(worker, key.bytes, key.at, key.byteCount, origin)) this.noteMail(worker);
    }
  }

  flush(isBeginning: boolean): void {
    this.isFlushing = isBeginning;
    if (isBeginning) return;
    const { board, workerCount, workerIndex } = this.setup;
    const origin = this.running?.id ?? 0;
    for (let worker = 0; worker < workerCount; worker++) {
      if (!board.isTracking(worker)) continue;
      if (worker === workerIndex) this.invalidateAll();
      else if (board.postFlush(worker, origin)) this.noteMail(worker);
    }
  }

  private noteMail(worker: number): void {
    this.mailed.add(worker);
    this.setup.deliveries.mark();
  }

  /** Looks what others have changed. */
  readMail(): void {
    const { board } = this.setup;
    if (!board.hasMail) return;
    const letters = board.take();
    if (letters === null) return this.invalidateAll();
    for (const { key, origin } of letters) {
      if (key === null) this.invalidateAll();
      else this.invalidate(key, origin);
    }
  }

  private invalidate(key: string, origin: number): void {
    if (this.broadcasts.note(key, origin)) this.setup.deliveries.mark();
    for (const id of this.keys.take(key)) {
      const client = this.setup.clients.get(id);
      const mode = client?.tracking?.mode;
      if (client === undefined || mode === undefined || mode.isBroadcast) continue;
      if (mode.noLoop && id === origin) continue;
      if (client === this.running && this.gathered === null) this.own.push(key);
      else this.tell(client, formatKeys([key]), this.gathered !== null && this.reads.includes(key));
    }
  }

  private invalidateAll(): void {
    this.keys.clear();
    for (const client of this.setup.clients.values()) {
      if (client.tracking === null) continue;
      if (client === this.running && this.gathered === null) this.own.push(null);
      else this.tell(client, formatNull(client.version), false);
      if (client === this.running && this.gathered !== null) this.tellAgain(client);
    }
  }

  /** What a client has just read may be older than that everything was removed, and nothing will tell it so any more. */
  private tellAgain(client: TrackingClient): void {
    const hasRead = this.reads.length > 0 || client.tracking!.mode.isBroadcast;
    if (hasRead) this.tell(client, formatNull(client.version), true);
  }

  /** Tells a client that tracks, or the one in its place, what has changed: an array of keys, or null. */
  private tell(client: TrackingClient, keys: Uint8Array, isBehind: boolean): void {
    const { mode } = client.tracking!;
    if (mode.redirect !== 0) return this.tellOther(client, keys);
    const message = toldMessage(client, keys, false);
    if (message === null) return;
    if (client !== this.running || this.gathered === null) client.deliver(message);
    else if (isBehind) this.gathered.behind.push(message);
    else this.gathered.before.push(message);
  }

  private tellOther(client: TrackingClient, keys: Uint8Array): void {
    const { clients, workerIndex, deliveries } = this.setup;
    const { redirect, redirectWorker } = client.tracking!.mode;
    if (redirectWorker !== workerIndex) {
      this.redirects.write(redirectWorker, { target: redirect, source: client.id, from: workerIndex, keys });
      deliveries.mark();
      return;
    }
    const target = clients.get(redirect);
    if (target === undefined) this.breakRedirect(client.id);
    else deliverTo(target, keys);
  }

  /** The client to be told in place of this one is gone. */
  private breakRedirect(clientId: number): void {
    const client = this.setup.clients.get(clientId);
    if (client === undefined || client.tracking === null) return;
    client.tracking.isBroken = true;
    if (client.version === 3) client.deliver(brokenMessage(client.tracking.mode.redirect));
  }

  /** Another worker tells a client of this one in place of one of its own, or that a client of its own is gone. */
  receiveRedirects(text: string): void {
    const { clients, deliveries } = this.setup;
    for (const letter of this.redirects.parse(text)) {
      const target = clients.get(letter.target);
      if (letter.keys === null) this.breakRedirect(letter.target);
      else if (target !== undefined) deliverTo(target, letter.keys);
      else {
        this.redirects.writeGone(letter.from, letter.source);
        deliveries.mark();
      }
    }
  }

  /** Everything that is to go out: to other workers, and to those who are told of all changes. */
  private sendAll(): void {
    const { clients, sendMail } = this.setup;
    for (const worker of this.mailed) sendMail(worker);
    this.mailed.clear();
    this.broadcasts.tell(
      (id) => clients.get(id)?.tracking?.mode.noLoop !== true,
      (id, keys) => {
        const client = clients.get(id);
        if (client?.tracking?.mode.isBroadcast === true) this.tell(client, formatKeys(keys), false);
      },
    );
    this.redirects.send();
  }

  /** Before a command of a client that tracks. False: it is one within another, and nothing is to be done behind it. */
  begin(client: Client): boolean {
    if (this.running !== null) return false;
    this.readMail();
    this.running = client as TrackingClient;
    return true;
  }

  /** Before a command, also one within another, reads its keys: positions and KeyFlag sets, pair by pair. */
  expectReads(
    client: Client,
    command: Command,
    positions: readonly number[],
    source: Bytes,
    args: Int32Array,
  ): void {
    this.readsFrom = this.reads.length;
    if (!this.mustRemember(client as TrackingClient, command)) return;
    const { board, keyspace } = this.setup;
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) !== 0) continue;
      const at = args[positions[i]! * 2]!;
      const byteCount = args[positions[i]! * 2 + 1]!;
      const slot = board.slotOf(keyspace.memberHash(source, at, byteCount));
      this.keys.expect(slot);
      this.readSlots.push(slot);
      this.reads.push(source.u8.toString('latin1', at, at + byteCount));
    }
  }

  private mustRemember({ tracking }: TrackingClient, command: Command): boolean {
    if (tracking === null || (command.flags & Flag.ReadOnly) === 0) return false;
    // Redis: scripts are remembered by what they read.
    if ((command.flags & (Flag.PubSub | Flag.SkipMonitor)) !== 0) return false;
    const { mode, isCachingGiven } = tracking;
    if (mode.isBroadcast || (mode.isOptIn && !isCachingGiven)) return false;
    return !(mode.isOptOut && isCachingGiven);
  }

  /** Behind the command: what it has read is remembered. */
  rememberReads(client: Client): void {
    const { reads, readSlots } = this;
    for (let i = this.readsFrom; i < reads.length; i++)
      this.keys.remember(reads[i]!, readSlots[i]!, client.id);
    this.readsFrom = reads.length;
    while (this.keys.size > this.keysMax) this.invalidate(this.keys.oldest!, 0);
  }

  /** Behind a command for which `begin` was true, whose reply begins at `start`: tells its client what has changed. */
  end(client: Client, command: Command, reply: RespWriter, start: number): void {
    const tracker = client as TrackingClient;
    if (this.setup.board.hasMail) this.tellAround(tracker, reply, start);
    this.running = null;
    this.reads.length = 0;
    this.readSlots.length = 0;
    if (this.own.length > 0) this.tellOwn(tracker);
    // Redis: CLIENT CACHING is about the next command, or the next transaction.
    if (tracker.tracking === null || (client.gates & Gate.Transaction) !== 0) return;
    if (!command.name.startsWith('client|')) tracker.tracking.isCachingGiven = false;
  }

  private tellAround(client: TrackingClient, reply: RespWriter, start: number): void {
    const gathered: { before: Uint8Array[]; behind: Uint8Array[] } = { before: [], behind: [] };
    this.gathered = gathered;
    this.readMail();
    this.gathered = null;
    if (client.replyMode === 'on' && gathered.before.length > 0) {
      reply.before(start, () => {
        for (const message of gathered.before) reply.whole(message);
      });
    } else for (const message of gathered.before) client.deliver(message);
    for (const message of gathered.behind) client.deliver(message);
  }

  private tellOwn(client: TrackingClient): void {
    for (const key of this.own.splice(0)) {
      if (client.tracking === null) continue;
      this.tell(client, key === null ? formatNull(client.version) : formatKeys([key]), false);
    }
  }
}

/** Tells a client in place of another. */
function deliverTo(target: TrackingClient, keys: Uint8Array): void {
  const message = toldMessage(target, keys, true);
  if (message !== null) target.deliver(message);
}
