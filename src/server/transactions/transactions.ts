/**
 * Transactions of one worker's clients. EXEC takes the locks of all shards that its commands and watched keys need, in
 * ascending order, runs the commands under them one after the other, and gives them back: no other client on any worker
 * sees a part of it.
 */
import { Flag, Gate, type Call, type Client } from '../../commands/row.ts';
import { OUT_OF_MEMORY } from '../../commands/replies.ts';
import type { Transactions } from '../../commands/transaction.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Watches } from '../../store/watches.ts';
import type { Dispatcher } from '../dispatch.ts';
import type { ParkableClient } from '../parkable-client.ts';
import { type Queued, Transaction, type WatchedKey } from './transaction.ts';

const ABORTED = 'EXECABORT Transaction discarded because of previous errors.';

export class LocalTransactions implements Transactions {
  private readonly dispatcher: Dispatcher;
  private readonly keyspace: Keyspace;
  private readonly watches: Watches;
  private readonly key: Key;

  constructor(dispatcher: Dispatcher, watches: Watches) {
    this.dispatcher = dispatcher;
    this.keyspace = dispatcher.keyspace;
    this.watches = watches;
    this.key = new Key(this.keyspace.shards[0]!);
    this.hearOfChanges();
  }

  private hearOfChanges(): void {
    const { keyspace, watches, key } = this;
    const { onTouched, onFlush, onSwapped } = keyspace;
    keyspace.onTouched = (touched) => {
      onTouched(touched);
      watches.touched(touched);
    };
    keyspace.onFlush = (isBeginning, database) => {
      onFlush(isBeginning, database);
      if (isBeginning) watches.beforeFlush(database, key);
    };
    keyspace.onSwapped = (a, b) => {
      onSwapped(a, b);
      watches.swapped(a, b, key);
    };
  }

  /** Asserts every invariant of what is watched (store/watches.ts). Returns how many keys that are. */
  verify(): number {
    return this.watches.verify();
  }

  begin(client: Client): void {
    (client as ParkableClient).transaction = new Transaction();
    client.gates |= Gate.Transaction;
  }

  discard(client: Client): void {
    (client as ParkableClient).transaction = null;
    client.gates &= ~Gate.Transaction;
    this.unwatch(client);
  }

  watch(call: Call, index: number): boolean {
    const client = call.client as ParkableClient;
    const { key } = this;
    call.locate(index, key);
    const name = `${client.database} ${key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount)}`;
    client.watched ??= new Map();
    if (client.watched.has(name)) return true;
    // What has expired already is no more, and does not change by being removed.
    this.keyspace.find(key);
    const at = this.watches.watch(key);
    if (at === 0) return false;
    client.watched.set(name, { at, version: this.watches.version(at) });
    return true;
  }

  unwatch(client: Client): void {
    const { watched } = client as ParkableClient;
    (client as ParkableClient).watched = null;
    for (const { at } of watched?.values() ?? []) this.watches.unwatch(at);
  }

  execute(client: Client): void {
    const { dispatcher } = this;
    const { transaction, watched } = client as ParkableClient;
    const { queued, isBroken } = transaction!;
    (client as ParkableClient).transaction = null;
    client.gates &= ~Gate.Transaction;
    if (isBroken) this.refuse(client, ABORTED);
    else if (dispatcher.memoryFull && queued.some(({ command }) => (command.flags & Flag.DenyOom) !== 0)) {
      this.refuse(client, `EXECABORT Transaction discarded because of: ${OUT_OF_MEMORY}`);
    } else this.runAll(client as ParkableClient, queued, [...(watched?.values() ?? [])]);
  }

  private refuse(client: Client, error: string): void {
    this.unwatch(client);
    this.dispatcher.reply.error(error);
  }

  private runAll(client: ParkableClient, queued: readonly Queued[], watched: readonly WatchedKey[]): void {
    const { dispatcher, watches } = this;
    dispatcher.lockFor(() => {
      for (const { at } of watched) dispatcher.wantHash(watches.hashOf(at));
      if (queued.some(needsAll)) dispatcher.wantAll();
      else for (const { command, request } of queued) dispatcher.wantKeysOf(command, request);
    });
    const held = dispatcher.hold();
    try {
      const hasChanged = watched.some((key) => this.hasChanged(key));
      this.unwatch(client);
      if (hasChanged) dispatcher.reply.nilArray();
      else dispatcher.runQueued(client, queued);
    } finally {
      dispatcher.letGo(held);
    }
  }

  private hasChanged({ at, version }: WatchedKey): boolean {
    // Its time may have come without anybody having looked.
    this.watches.locate(at, this.key);
    this.keyspace.find(this.key);
    return this.watches.version(at) !== version;
  }
}

/** Whether only running the command can tell which shards it needs, or its keys are in a database chosen before it. */
function needsAll({ command }: Queued): boolean {
  return command.needsAllLocks || command.name === 'select';
}
