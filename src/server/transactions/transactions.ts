/**
 * MULTI, EXEC and WATCH for the clients of one worker. A transaction takes the locks of the shards of all that it uses
 * and watches before its first command and gives them back behind its last, so that nobody sees a part of it.
 */
import { Bytes } from '../../base/bytes.ts';
import type { Command } from '../../commands/registry.ts';
import { type Call, type Client, Flag, Gate } from '../../commands/row.ts';
import type { ClientTransactions } from '../../commands/transaction/transaction.ts';
import type { Interests } from '../../store/interests.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Shard } from '../../memory/shard.ts';
import type { Dispatcher, ParkableClient } from '../dispatch.ts';
import { Request } from '../request.ts';
import { LateReplies } from './late-replies.ts';
import { Transaction } from './transaction.ts';
import { WatchList } from './watch-list.ts';

const NOT_BEGUN = 'ERR EXEC without MULTI';
const REFUSED = 'EXECABORT Transaction discarded because of previous errors.';

export class Transactions implements ClientTransactions {
  private readonly dispatcher: Dispatcher;
  private readonly keyspace: Keyspace;
  private readonly interests: Interests;
  private readonly request: Request;
  private readonly key: Key;
  /** What the requests queued by one client may take. */
  queueBytesMax = Infinity;

  constructor(dispatcher: Dispatcher) {
    const { keyspace } = dispatcher;
    this.dispatcher = dispatcher;
    this.keyspace = keyspace;
    this.interests = dispatcher.interests;
    this.request = new Request(dispatcher.source);
    this.key = new Key(keyspace.shards[0]!);
    this.listen();
  }

  /** Every change of a key comes by here: also what expires, and what goes when everything goes. */
  private listen(): void {
    const { keyspace, interests } = this;
    const { onTouched, onSwapped } = keyspace;
    keyspace.onTouched = (key) => {
      onTouched(key);
      interests.touch(key);
    };
    keyspace.onClearing = (shard) => this.touchExisting(shard);
    keyspace.onSwapped = (a, b) => {
      this.touchSwapped(a, b);
      onSwapped(a, b);
    };
  }

  /** Before a shard is emptied. Redis: a watched key that is not there has not changed. */
  private touchExisting(shard: Shard): void {
    for (const key of this.watchedKeys(shard)) if (this.keyspace.find(key) !== 0) this.interests.touch(key);
  }

  /** Redis: of two exchanged databases, a watched key has changed if it is in either. Every lock is held. */
  private touchSwapped(a: number, b: number): void {
    if (a === b) return;
    const { keyspace, interests, key: other } = this;
    for (const key of this.watchedKeys(null)) {
      if (key.database !== a && key.database !== b) continue;
      const isHere = keyspace.find(key) !== 0;
      keyspace.locate(other, key.bytes, key.at, key.byteCount, key.database === a ? b : a);
      if (keyspace.find(other) !== 0 || isHere) interests.touch(key);
    }
  }

  private watchedKeys(shard: Shard | null): Key[] {
    return this.interests.watchedKeys(shard, () => new Key(this.keyspace.shards[0]!));
  }

  begin(client: Client): void {
    (client as ParkableClient).transaction = new Transaction();
    client.gates |= Gate.Transaction;
  }

  isOpen(client: Client): boolean {
    return (client as ParkableClient).transaction !== null;
  }

  discard(client: Client): void {
    (client as ParkableClient).transaction = null;
    client.gates &= ~Gate.Transaction;
    this.unwatch(client);
  }

  /** EXEC itself was refused. Returns the error that says so. */
  abort(client: Client, reason: string): string {
    this.discard(client);
    return `EXECABORT Transaction discarded because of: ${reason.replace(/^ERR /, '')}`;
  }

  watch(call: Call, index: number): boolean {
    const { keyspace, key } = call;
    const client = call.client as ParkableClient;
    call.locate(index, key);
    // Redis: a key whose time had come before does not expire while it is watched. Here it goes before.
    keyspace.find(key);
    const argument = call.copyArgument(index);
    const text = new Bytes(argument.buffer, argument.byteOffset, argument.length);
    client.watches ??= new WatchList(this.interests);
    return client.watches.add(key, text, client.database);
  }

  unwatch(client: Client): void {
    const { watches } = client as ParkableClient;
    if (watches === null) return;
    watches.clear();
    (client as ParkableClient).watches = null;
  }

  /** Ends the connection of a client that queues too much. */
  checkSize(client: ParkableClient): void {
    if (client.transaction!.byteCount > this.queueBytesMax) client.refuseInput();
  }

  execute(call: Call): void {
    const client = call.client as ParkableClient;
    const { transaction, watches } = client;
    if (transaction === null) return call.reply.error(NOT_BEGUN);
    if (transaction.isRefused) {
      this.discard(client);
      return call.reply.error(REFUSED);
    }
    client.gates &= ~Gate.Transaction;
    const { dispatcher } = this;
    this.lock(transaction, watches);
    try {
      if (watches !== null && this.isTouched(watches)) call.reply.nilArray();
      else {
        this.unwatch(client);
        this.runAll(transaction, client);
      }
    } finally {
      dispatcher.releaseAndServe();
    }
    this.discard(client);
  }

  /** Takes the locks of all that is queued and watched. */
  private lock(transaction: Transaction, watches: WatchList | null): void {
    const { dispatcher } = this;
    if (transaction.locksAll) return dispatcher.lockAll();
    const { source, args, count } = dispatcher;
    dispatcher.lockWanted(
      () => {
        this.wantQueued(transaction, () => false);
        if (watches !== null) this.wantWatched(watches);
      },
      () =>
        this.wantQueued(
          transaction,
          (command) => (command.flags & Flag.Write) !== 0 && dispatcher.mayMove(command),
        ),
    );
    Object.assign(dispatcher, { source, args, count });
  }

  /** Wants the shards of what is queued, and looks at each request with keys, until `look` returns true. */
  private wantQueued(transaction: Transaction, look: (command: Command) => boolean): boolean {
    const { dispatcher } = this;
    for (let index = 0; index < transaction.count; index++) {
      const command = transaction.load(index, dispatcher);
      if (command.keys.length === 0) continue;
      dispatcher.keyLocks.want(dispatcher, command);
      if (look(command)) return true;
    }
    return false;
  }

  private wantWatched(watches: WatchList): void {
    const { keyspace, key } = this;
    for (const { key: text, database } of watches.all) {
      keyspace.locate(key, text, 0, text.u8.length, keyspace.physicalDatabase(database));
      this.dispatcher.keyLocks.locks.want(key.shard.index);
    }
  }

  /** Also what has expired counts, whether or not anybody has looked at it since. */
  private isTouched(watches: WatchList): boolean {
    const { keyspace, key } = this;
    for (const { key: text, database } of watches.all) {
      keyspace.locate(key, text, 0, text.u8.length, keyspace.physicalDatabase(database));
      keyspace.find(key);
    }
    return watches.isTouched;
  }

  private runAll(transaction: Transaction, client: ParkableClient): void {
    const { dispatcher, request } = this;
    const { reply, journal } = dispatcher;
    const start = reply.at;
    const late = new LateReplies();
    dispatcher.lateReplies = late;
    reply.array(transaction.count);
    journal.beginGroup?.();
    for (let index = 0; index < transaction.count; index++) {
      transaction.loadRequest(index, request);
      dispatcher.runHeld(request, reply, client);
    }
    journal.endGroup?.();
    dispatcher.lateReplies = null;
    if (!late.isEmpty) late.finish(reply, start, client.park());
  }
}
