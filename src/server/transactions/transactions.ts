/**
 * Transactions of one worker's clients. EXEC takes the locks of all shards that its commands and watched keys need, in
 * ascending order, runs the commands under them one after the other, and gives them back: no other client on any worker
 * sees a part of it.
 */
import type { Command } from '../../commands/registry.ts';
import { Flag, Gate, type Call, type Client } from '../../commands/row.ts';
import { OUT_OF_MEMORY } from '../../commands/replies.ts';
import type { Transactions } from '../../commands/transaction.ts';
import { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Watches } from '../../store/watches.ts';
import type { Dispatcher } from '../dispatch.ts';
import { log } from '../log.ts';
import type { ParkableClient } from '../parkable-client.ts';
import { Transaction, type WatchedKey } from './transaction.ts';

/** So much may be queued without a look at the limit. */
const QUEUED_BYTES_FREE = 1 << 20;
const QUEUED = Buffer.from('+QUEUED\r\n');
/** Transactions kept for those to come. */
const IDLE_MAX = 64;
const ABORTED = 'EXECABORT Transaction discarded because of previous errors.';

export class LocalTransactions implements Transactions {
  private readonly dispatcher: Dispatcher;
  private readonly keyspace: Keyspace;
  private readonly watches: Watches;
  private readonly key: Key;
  private readonly idle: Transaction[] = [];

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
    (client as ParkableClient).transaction = this.idle.pop() ?? new Transaction();
    client.gates |= Gate.Transaction;
  }

  queue(call: Call, command: Command): void {
    const { id, transaction } = call.client as ParkableClient;
    transaction!.add(command, call.source, call.args, call.count);
    call.reply.raw(QUEUED);
    if (transaction!.byteCount <= QUEUED_BYTES_FREE) return;
    // Redis: what is queued counts as input that waits.
    if (transaction!.byteCount <= Number(call.server.setting('client-query-buffer-limit'))) return;
    log.warn(`closing client ${id}: its transaction exceeds client-query-buffer-limit`);
    call.client.closeAfterReply();
  }

  discard(client: Client): void {
    const { transaction } = client as ParkableClient;
    this.leave(client as ParkableClient);
    if (transaction !== null) this.recycle(transaction);
    this.unwatch(client);
  }

  private leave(client: ParkableClient): void {
    client.transaction = null;
    client.gates &= ~Gate.Transaction;
  }

  private recycle(transaction: Transaction): void {
    transaction.reset();
    if (this.idle.length < IDLE_MAX) this.idle.push(transaction);
  }

  abort(client: Client, reason: string): string {
    this.discard(client);
    return `EXECABORT Transaction discarded because of: ${reason.replace(/^ERR /, '')}`;
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
    const { transaction, watched } = client as ParkableClient;
    this.leave(client as ParkableClient);
    if (transaction!.isBroken) this.refuse(client, ABORTED);
    else if (this.mayGrow(transaction!) && this.isFullFor(transaction!)) {
      this.refuse(client, `EXECABORT Transaction discarded because of: ${OUT_OF_MEMORY}`);
    } else this.runAll(client as ParkableClient, transaction!, watched === null ? [] : [...watched.values()]);
    this.recycle(transaction!);
  }

  private isFullFor({ byteCount }: Transaction): boolean {
    const { guard } = this.dispatcher;
    guard.check(byteCount);
    return guard.isFull;
  }

  private mayGrow(transaction: Transaction): boolean {
    for (let index = 0; index < transaction.count; index++) {
      if ((transaction.at(index).command!.flags & Flag.DenyOom) !== 0) return true;
    }
    return false;
  }

  private refuse(client: Client, error: string): void {
    this.unwatch(client);
    this.dispatcher.reply.error(error);
  }

  private runAll(client: ParkableClient, transaction: Transaction, watched: readonly WatchedKey[]): void {
    const { dispatcher } = this;
    dispatcher.lockFor(() => this.wantLocks(transaction, watched));
    const held = dispatcher.hold();
    try {
      const hasChanged = watched.some((key) => this.hasChanged(key));
      this.unwatch(client);
      if (hasChanged) dispatcher.reply.nilArray();
      else {
        // Redis: for CLIENT INFO and its kin the client is still in its transaction.
        client.transaction = transaction;
        dispatcher.queueRun.run(dispatcher, client, transaction);
      }
    } finally {
      client.transaction = null;
      dispatcher.letGo(held);
    }
  }

  private wantLocks(transaction: Transaction, watched: readonly WatchedKey[]): void {
    const { dispatcher, watches } = this;
    for (const { at } of watched) dispatcher.locks.want(this.keyspace.shardIndexOf(watches.hashOf(at)));
    for (let index = 0; index < transaction.count; index++) {
      const request = transaction.at(index);
      if (needsAll(request.command!)) return dispatcher.locks.wantAll();
      dispatcher.wantKeysOf(request.command!, request);
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
function needsAll(command: Command): boolean {
  return command.needsAllLocks || command.name === 'select';
}
