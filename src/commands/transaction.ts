/** Transactions: commands queued by MULTI and run by EXEC as one, if nothing WATCHed has changed. */
import { OUT_OF_MEMORY } from './replies.ts';
import { type Call, type Client, type Family, Flag, Gate, key, KeyFlag } from './row.ts';

/** What commands ask of the part of the server that queues and runs. */
export interface Transactions {
  begin(client: Client): void;
  /** Runs what `client` has queued, and replies. */
  execute(client: Client): void;
  /** Forgets what it has queued, and what it watches. */
  discard(client: Client): void;
  /** Lets it watch the key of argument `index`, whose shard is locked. False: out of memory. */
  watch(call: Call, index: number): boolean;
  unwatch(client: Client): void;
}

const FLAGS = Flag.NoScript | Flag.Loading | Flag.Stale;

export const transactionFamily: Family = {
  group: 'transactions',
  rows: [
    {
      name: 'MULTI',
      since: '1.2.0',
      arity: 1,
      flags: FLAGS | Flag.Fast | Flag.NoMulti | Flag.AllowBusy,
      acl: ['transaction'],
      summary: 'Starts a transaction: what follows is queued until EXEC.',
      run: multiCommand,
    },
    {
      name: 'EXEC',
      since: '1.2.0',
      arity: 1,
      flags: FLAGS | Flag.SkipSlowlog,
      acl: ['transaction'],
      summary: 'Runs what is queued as one, unless a watched key has changed.',
      run: execCommand,
    },
    {
      name: 'DISCARD',
      since: '2.0.0',
      arity: 1,
      flags: FLAGS | Flag.Fast | Flag.AllowBusy,
      acl: ['transaction'],
      summary: 'Forgets what is queued, and what is watched.',
      run: discardCommand,
    },
    {
      name: 'WATCH',
      since: '2.2.0',
      arity: -2,
      flags: FLAGS | Flag.Fast | Flag.NoMulti | Flag.AllowBusy,
      acl: ['transaction'],
      keys: [key(1, KeyFlag.ReadOnly, -1)],
      summary: 'Makes the next EXEC do nothing if one of these keys has changed by then.',
      run: watchCommand,
    },
    {
      name: 'UNWATCH',
      since: '2.2.0',
      arity: 1,
      flags: FLAGS | Flag.Fast | Flag.AllowBusy,
      acl: ['transaction'],
      summary: 'Forgets what is watched.',
      run: unwatchCommand,
    },
  ],
};

function isInTransaction({ client }: Call): boolean {
  return (client.gates & Gate.Transaction) !== 0;
}

function multiCommand(call: Call): void {
  if (isInTransaction(call)) return call.reply.error('ERR MULTI calls can not be nested');
  call.server.transactions.begin(call.client);
  call.reply.ok();
}

function execCommand(call: Call): void {
  if (!isInTransaction(call)) return call.reply.error('ERR EXEC without MULTI');
  call.server.transactions.execute(call.client);
}

function discardCommand(call: Call): void {
  if (!isInTransaction(call)) return call.reply.error('ERR DISCARD without MULTI');
  call.server.transactions.discard(call.client);
  call.reply.ok();
}

function watchCommand(call: Call): void {
  if (isInTransaction(call)) return call.reply.error('ERR WATCH inside MULTI is not allowed');
  for (let index = 1; index < call.count; index++) {
    if (!call.server.transactions.watch(call, index)) return call.reply.error(OUT_OF_MEMORY);
  }
  call.reply.ok();
}

function unwatchCommand(call: Call): void {
  call.server.transactions.unwatch(call.client);
  call.reply.ok();
}
