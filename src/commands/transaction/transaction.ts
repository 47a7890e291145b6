/** Transactions: commands that are queued and then run as one, if what the client watches has not changed meanwhile. */
import { type Call, type Client, type Family, Flag, key, KeyFlag } from '../row.ts';

/** What commands ask of the part of the server that queues and runs. */
export interface ClientTransactions {
  /** From now on, what `client` asks for is queued. */
  begin(client: Client): void;
  /** Whether the commands of `client` are being queued. */
  isOpen(client: Client): boolean;
  /** Ends the transaction, if there is one, with nothing run, and watches nothing any more. */
  discard(client: Client): void;
  /** `discard` for an EXEC that is refused for a reason. Returns the error's text. */
  abort(client: Client, reason: string): string;
  /** Watches the key that is argument `index`, whose shard is locked. False: out of memory. */
  watch(call: Call, index: number): boolean;
  unwatch(client: Client): void;
  /** Runs what is queued, and writes the reply. */
  execute(call: Call): void;
}

const FLAGS = Flag.NoScript | Flag.Loading | Flag.Stale;
const FAST = FLAGS | Flag.Fast | Flag.AllowBusy;
const OUT_OF_WATCHES = 'OOM no memory left for another watched key';

export const transactionFamily: Family = {
  group: 'transactions',
  rows: [
    {
      name: 'MULTI',
      since: '1.2.0',
      arity: 1,
      flags: FAST | Flag.NoMulti,
      acl: ['transaction'],
      summary: 'Begins to queue commands.',
      run: multiCommand,
    },
    {
      name: 'EXEC',
      since: '1.2.0',
      arity: 1,
      flags: FLAGS | Flag.SkipSlowlog,
      acl: ['transaction'],
      runsOthers: true,
      summary: 'Runs the commands queued as one.',
      run: execCommand,
    },
    {
      name: 'DISCARD',
      since: '2.0.0',
      arity: 1,
      flags: FAST,
      acl: ['transaction'],
      summary: 'Forgets the commands queued.',
      run: discardCommand,
    },
    {
      name: 'WATCH',
      since: '2.2.0',
      arity: -2,
      flags: FAST | Flag.NoMulti,
      acl: ['transaction'],
      keys: [key(1, KeyFlag.ReadOnly, -1)],
      summary: 'Lets the next transaction run only if the keys do not change before.',
      run: watchCommand,
    },
    {
      name: 'UNWATCH',
      since: '2.2.0',
      arity: 1,
      flags: FAST,
      acl: ['transaction'],
      summary: 'Forgets the keys watched.',
      run: unwatchCommand,
    },
  ],
};

function multiCommand({ client, reply, server }: Call): void {
  if (server.transactions.isOpen(client)) return reply.error('ERR MULTI calls can not be nested');
  server.transactions.begin(client);
  reply.ok();
}

function execCommand(call: Call): void {
  call.server.transactions.execute(call);
}

function discardCommand({ client, reply, server }: Call): void {
  if (!server.transactions.isOpen(client)) return reply.error('ERR DISCARD without MULTI');
  server.transactions.discard(client);
  reply.ok();
}

function watchCommand(call: Call): void {
  const { client, reply, server } = call;
  if (server.transactions.isOpen(client)) return reply.error('ERR WATCH inside MULTI is not allowed');
  for (let index = 1; index < call.count; index++) {
    if (!server.transactions.watch(call, index)) return reply.error(OUT_OF_WATCHES);
  }
  reply.ok();
}

function unwatchCommand({ client, reply, server }: Call): void {
  server.transactions.unwatch(client);
  reply.ok();
}
