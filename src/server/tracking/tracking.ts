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
import { Bytes } from '../../base/bytes.ts';
import type { ClientTracking, TrackingMode } from '../../commands/connection/tracking.ts';
import type { Command } from '../../commands/registry.ts';
import { type Client, Flag, Gate, KeyFlag } from '../../commands/row.ts';
import { Counter } from '../../memory/control.ts';
import { Head, Interest } from '../../memory/shard.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { TrackedKeys } from '../../store/tracked-keys.ts';
import type { TrackingBoard } from '../../store/tracking-board.ts';
import type { Deliveries } from '../clients/deliveries.ts';
import { Broadcasts } from './broadcasts.ts';
import {
  brokenMessage,
  formatKeys,
  formatNull,
  KeyInvalidation,
  type Told,
  toldMessage,
} from './invalidation.ts';
import { RedirectLetters } from './redirect-letters.ts';

/** What is so with a client that tracks. */
export interface Tracked {
  mode: TrackingMode;
  prefixes: string[];
  isBroken: boolean;
  isCachingGiven: boolean;
}

/** A client that can track, or be told in another's place. */
export interface TrackingClient extends Client, Told {
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

/** What a client is told around a reply. */
interface Gathered {
  readonly before: Uint8Array[];
  readonly behind: Uint8Array[];
  /** Hashes of the keys just read. Of another key of the same hash it is told behind the reply too. */
  readonly reads: ReadonlySet<number>;
}

const NO_SOURCE = Bytes.allocate(0);
/** Keys forgotten when there is no memory for another. */
const EVICTED_FOR_ROOM = 64;

export class Tracking implements ClientTracking {
  private readonly setup: TrackingSetup;
  private readonly counters: Float64Array;
  readonly keys: TrackedKeys;
  private readonly broadcasts: Broadcasts;
  private readonly redirects: RedirectLetters;
  /** Keys that may be remembered. */
  keysMax = Infinity;
  private clientCount = 0;
  /** Workers that have mail of which they are still to be told. */
  private readonly mailed = new Set<number>();
  /** Whose command is being run, when it tracks. */
  private running: TrackingClient | null = null;
  /** Hashes of the keys that it has read or is reading; those from `readsFrom` on lie in `readSource`, where the other two
   *  tell. */
  private readonly readHashes: number[] = [];
  private readonly readAts: number[] = [];
  private readonly readBytes: number[] = [];
  private readSource = NO_SOURCE;
  private readsFrom = 0;
  /** What it is to be told behind the reply: keys, or null when everything was removed. */
  private readonly own: (string | null)[] = [];
  /** While set, what it is told is gathered: what comes before the reply, and what behind. */
  private gathered: Gathered | null = null;
  private readonly invalidation = new KeyInvalidation();
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
    const { board, workerCount, workerIndex } = this.setup;
    if (this.isFlushing) return;
    const { bytes, at, byteCount } = key;
    const hash = this.textHash(bytes, at, byteCount, key.database, key.hash);
    const slot = board.slotOf(hash);
    if (!board.concernsAny(slot)) return;
    const origin = this.running?.id ?? 0;
    for (let worker = 0; worker < workerCount; worker++) {
      if (!board.concerns(worker, slot)) continue;
      if (worker === workerIndex) this.invalidate(hash, bytes, at, byteCount, origin);
      else if (board.post(worker, bytes, at, byteCount, origin)) this.noteMail(worker);
    }
  }

  /** The hash of a key's text alone: `hash`, that of the key in its physical database, where that is the first. */
  private textHash(bytes: Bytes, at: number, byteCount: number, database: number, hash: number): number {
    return database === 0 ? hash : this.setup.keyspace.memberHash(bytes, at, byteCount);
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
    const mail = board.take();
    if (mail === null) return this.invalidateAll();
    const { bytes, letters } = mail;
    for (const { at, byteCount, origin } of letters) {
      if (byteCount < 0) this.invalidateAll();
      else
        this.invalidate(this.setup.keyspace.memberHash(bytes, at, byteCount), bytes, at, byteCount, origin);
    }
  }

  private invalidate(hash: number, bytes: Bytes, at: number, byteCount: number, origin: number): void {
    if (!this.broadcasts.isEmpty) this.noteBroadcast(latin1Of(bytes, at, byteCount), origin);
    const count = this.keys.take(hash, bytes, at, byteCount);
    if (count > 0) this.tellTaken(count, hash, bytes, at, byteCount, origin);
  }

  private noteBroadcast(key: string, origin: number): void {
    if (this.broadcasts.note(key, origin)) this.setup.deliveries.mark();
  }

  /** Tells the `count` clients in `keys.taken` that a key has changed. */
  private tellTaken(
    count: number,
    hash: number,
    bytes: Bytes,
    at: number,
    byteCount: number,
    origin: number,
  ): void {
    const { clients } = this.setup;
    const { taken } = this.keys;
    this.invalidation.begin(bytes, at, byteCount);
    for (let i = 0; i < count; i++) {
      const client = clients.get(taken[i]!);
      const mode = client?.tracking?.mode;
      if (client === undefined || mode === undefined || mode.isBroadcast) continue;
      if (mode.noLoop && client.id === origin) continue;
      if (client !== this.running) this.tellKey(client, mode);
      else if (this.gathered === null) this.own.push(latin1Of(bytes, at, byteCount));
      else this.tell(client, this.invalidation.keys(), this.gathered.reads.has(hash));
    }
    this.invalidation.end();
  }

  /** Hot: tells a client, or the one in its place, of the key of `invalidation`. */
  private tellKey(client: TrackingClient, mode: TrackingMode): void {
    if (mode.redirect === 0) return this.invalidation.tell(client, false);
    if (mode.redirectWorker !== this.setup.workerIndex)
      return this.tellOther(client, this.invalidation.keys());
    const target = this.setup.clients.get(mode.redirect);
    if (target === undefined) this.breakRedirect(client.id);
    else this.invalidation.tell(target, true);
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
    const hasRead = this.readHashes.length > 0 || client.tracking!.mode.isBroadcast;
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

  /** Before a command that `remembers`, also one within another, reads its keys: positions and KeyFlag sets, pair by pair. */
  expectReads(positions: readonly number[], source: Bytes, args: Int32Array): void {
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) !== 0) continue;
      this.expectRead(source, args[positions[i]! * 2]!, args[positions[i]! * 2 + 1]!, -1, -1);
    }
  }

  /** The same for one key, whose hash in physical database `database` is `hash`, or -1: it is not known. */
  expectRead(source: Bytes, at: number, byteCount: number, hash: number, database: number): void {
    const textHash = this.textHash(source, at, byteCount, hash < 0 ? -1 : database, hash);
    this.readSource = source;
    this.keys.expect(textHash);
    this.readHashes.push(textHash);
    this.readAts.push(at);
    this.readBytes.push(byteCount);
  }

  /** Whether what the command reads is to be remembered. */
  remembers(client: Client, command: Command): boolean {
    const { tracking } = client as TrackingClient;
    if (tracking === null || (command.flags & Flag.ReadOnly) === 0) return false;
    // Redis: scripts are remembered by what they read.
    if ((command.flags & (Flag.PubSub | Flag.SkipMonitor)) !== 0) return false;
    const { mode, isCachingGiven } = tracking;
    if (mode.isBroadcast || (mode.isOptIn && !isCachingGiven)) return false;
    return !(mode.isOptOut && isCachingGiven);
  }

  /** Behind the command: what it has read is remembered. */
  rememberReads(client: Client): void {
    const { readHashes, readAts, readBytes, readSource, keys } = this;
    for (let i = this.readsFrom; i < readHashes.length; i++) {
      const hash = readHashes[i]!;
      if (keys.remember(hash, readSource, readAts[i]!, readBytes[i]!, client.id)) continue;
      this.makeRoom();
      keys.expect(hash);
      if (keys.remember(hash, readSource, readAts[i]!, readBytes[i]!, client.id)) continue;
      // So the client must not rely on what it has read.
      this.own.push(latin1Of(readSource, readAts[i]!, readBytes[i]!));
    }
    this.readsFrom = readHashes.length;
    this.readSource = NO_SOURCE;
    while (keys.size > this.keysMax) this.evict();
  }

  /** There is no memory for another key. */
  private makeRoom(): void {
    for (let i = 0; i < EVICTED_FOR_ROOM && this.keys.size > 0; i++) this.evict();
  }

  /** Redis: of any key who had read it is told as if it had changed. */
  private evict(): void {
    const { text, count } = this.keys.takeAny()!;
    const byteCount = text.u8.length;
    this.tellTaken(count, this.setup.keyspace.memberHash(text, 0, byteCount), text, 0, byteCount, 0);
  }

  /** Behind a command for which `begin` was true, whose reply begins at `start`: tells its client what has changed. */
  end(client: Client, command: Command, reply: RespWriter, start: number): void {
    const tracker = client as TrackingClient;
    if (this.setup.board.hasMail) this.tellAround(tracker, reply, start);
    this.running = null;
    this.readHashes.length = 0;
    this.readAts.length = 0;
    this.readBytes.length = 0;
    this.readsFrom = 0;
    if (this.own.length > 0) this.tellOwn(tracker);
    // Redis: CLIENT CACHING is about the next command, or the next transaction.
    if (tracker.tracking === null || (client.gates & Gate.Transaction) !== 0) return;
    if (tracker.tracking.isCachingGiven && !command.name.startsWith('client|')) {
      tracker.tracking.isCachingGiven = false;
    }
  }

  /** Asserts every invariant of what is remembered, while no command runs. */
  verify(): void {
    this.keys.verify();
  }

  private tellAround(client: TrackingClient, reply: RespWriter, start: number): void {
    const gathered: Gathered = { before: [], behind: [], reads: new Set(this.readHashes) };
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

function latin1Of({ u8 }: Bytes, at: number, byteCount: number): string {
  return u8.toString('latin1', at, at + byteCount);
}
