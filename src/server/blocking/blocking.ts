/**
 * Blocking commands, the side of those who serve: whoever gives something to a key for which clients wait takes it for
 * the one that has waited longest, while still under the locks of the command, and leaves the reply with that client's
 * worker. So no other client comes in between, and each element goes to one client only.
 */
import { assert } from '../../base/assert.ts';
import { ReplyTooLargeError, RespWriter } from '../../protocol/resp-writer.ts';
import { elementCount } from '../../store/element-count.ts';
import { type Interests, type KeyArguments, Wait } from '../../store/interests.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { recordType, ValueType } from '../../store/record.ts';
import { serveWait, waitEffect } from '../../commands/serve-wait.ts';
import { isStreamWaitOver } from '../../commands/stream/waiting.ts';
import type { ServedWait } from '../../commands/waiting.ts';
import type { BlockRequest } from '../../commands/row.ts';
import type { Journal } from '../journal/journal.ts';
import type { Notices } from '../pubsub/notices.ts';
import type { ParkableClient } from '../parkable-client.ts';
import type { BlockedClients } from './blocked-clients.ts';
import { TOO_LARGE } from './outcome.ts';
import { ReadyKeys } from './ready-keys.ts';

/** Size of the scratch reply while replies are small. */
const REPLY_BYTES = 4096;
const POSTPONED_MS = 100;
/** A reply is sent behind none, but its writer keeps this much room. */
const REPLY_MARGIN_BYTES = 256;
/** What goes to another worker as text may be no longer. */
const REPLY_BYTES_MAX = 2 ** 30;
/** No value has more elements. A larger count might not be an integer any more when the journal spells it. */
const ELEMENTS_MAX = 2 ** 31 - 1;

export class Blocking {
  readonly interests: Interests;
  readonly clients: BlockedClients;
  private readonly workerIndex: number;
  private readonly keyspace: Keyspace;
  private readonly ready = new ReadyKeys();
  notices: Notices | null = null;
  /** What is ready, but whose locks a script keeps. */
  private readonly postponed = new ReadyKeys();
  private readonly served: ServedWait;
  private readonly asked = new Wait();

  constructor(keyspace: Keyspace, interests: Interests, clients: BlockedClients, workerIndex: number) {
    this.keyspace = keyspace;
    this.interests = interests;
    this.clients = clients;
    this.workerIndex = workerIndex;
    this.served = {
      keyspace,
      key: new Key(keyspace.shards[0]!),
      destination: new Key(keyspace.shards[0]!),
      wait: new Wait(),
      reply: new RespWriter(REPLY_BYTES),
    };
    keyspace.onTouched = (key) => this.onTouched(key);
    keyspace.onSwapped = (a, b) => this.onSwapped(a, b);
    const { onFlush } = keyspace;
    keyspace.onFlush = (isBeginning, database) => {
      onFlush(isBeginning, database);
      if (!isBeginning) this.onCleared(database);
    };
  }

  /** Whether keys were given something since the last `serve`. */
  get hasReady(): boolean {
    return !this.ready.isEmpty;
  }

  /** Lets `client` wait, whose command has found nothing; the shards of `keys` are locked. False: out of memory. */
  block(client: ParkableClient, request: BlockRequest, keys: KeyArguments): boolean {
    const wait = this.asked;
    wait.worker = this.workerIndex;
    wait.version = client.version;
    wait.type = request.type;
    wait.operation = request.operation;
    wait.count = Math.min(request.count, ELEMENTS_MAX);
    wait.needed = request.needed;
    wait.destinationBytes = -1;
    if (request.destination !== 0) {
      const { args, source } = keys;
      wait.setDestination(source, args[request.destination * 2]!, args[request.destination * 2 + 1]!);
    }
    const { parameters } = request;
    if (parameters !== undefined) wait.setDestination(parameters, 0, parameters.u8.length);
    if (this.interests.register(wait, keys) === 0) return false;
    this.clients.add(client, wait.at, request.timeoutMs);
    return true;
  }

  /**
   * Serves clients with what the command just run has given to keys; its locks are still held. `allLocked`: they are
   * those of all shards, which must be so when somebody waits to move something away from one of the keys.
   */
  serve(journal: Journal, allLocked: boolean, replyBytesMax: number): void {
    const { ready, keyspace, served } = this;
    served.reply.bytesMax = Math.min(replyBytesMax - REPLY_MARGIN_BYTES, REPLY_BYTES_MAX);
    try {
      while (ready.take(keyspace, served.key)) this.serveKey(journal, allLocked);
    } finally {
      ready.clear();
    }
  }

  /** A script keeps the locks that `serve` needs: nobody is to serve what is ready before `serve` is called again by `again`. */
  postpone(again: () => void): void {
    const { ready, postponed, keyspace } = this;
    const { key } = this.served;
    while (ready.take(keyspace, key)) postponed.add(key);
    ready.clear();
    setTimeout(() => {
      while (postponed.take(keyspace, key)) ready.add(key);
      postponed.clear();
      if (this.hasReady) again();
    }, POSTPONED_MS);
  }

  /** Each turn ends a wait, so that moves in a circle come to an end, too. */
  private serveKey(journal: Journal, allLocked: boolean): void {
    while (this.claim()) {
      assert(allLocked || !this.served.wait.isMove, 'blocking: a move without the lock of its destination');
      this.serveClaimed(journal);
    }
  }

  /** Ends the wait that is the next to be served with what is under the key, if there is one. */
  private claim(): boolean {
    const { keyspace, interests } = this;
    const { key, wait } = this.served;
    const record = keyspace.find(key);
    const count = record === 0 ? 0 : elementCount(key.shard, record);
    if (count > 0 && interests.claim(key, recordType(key.shard, record), count, wait)) return true;
    return interests.claimWhere(key, ValueType.Stream, isStreamWaitOver, wait);
  }

  private serveClaimed(journal: Journal): void {
    const { keyspace, served, clients } = this;
    const { key, wait, reply, destination } = served;
    if (wait.isMove) {
      keyspace.locate(destination, wait.destination, 0, wait.destinationBytes, key.database);
    }
    reply.at = 0;
    reply.version = wait.version;
    const errors = reply.errorCount;
    const { changes } = keyspace;
    const outer = this.notices?.beginServed() ?? null;
    let error = '';
    try {
      serveWait(served);
      if (reply.errorCount !== errors) error = reply.lastError;
    } catch (thrown) {
      if (!(thrown instanceof ReplyTooLargeError)) throw thrown;
      error = TOO_LARGE;
    }
    this.notices?.endServed(outer, () => waitEffect(served));
    if (keyspace.changes !== changes) journal.appendServed(served);
    const bytes = reply.bytes.u8.subarray(0, error === '' ? reply.at : 0);
    clients.deliver(wait.worker, { at: wait.at, bytes, error });
    reply.clear();
  }

  private onTouched(key: Key): void {
    // Who waits for a stream on behalf of a group is told when it is gone.
    if (this.interests.isAwaited(key.hash)) this.ready.add(key);
  }

  /** Everything is gone, and who waited for the streams among it is told. */
  private onCleared(database: number): void {
    const { keyspace, interests } = this;
    for (const key of interests.keysOf(database, () => new Key(keyspace.shards[0]!))) this.onTouched(key);
  }

  /** Two physical databases have exchanged their places; every lock is held. */
  private onSwapped(a: number, b: number): void {
    const { keyspace } = this;
    const keys = this.interests.exchangeDatabases(a, b, () => new Key(keyspace.shards[0]!));
    for (const key of keys) {
      keyspace.find(key);
      this.onTouched(key);
    }
  }
}
