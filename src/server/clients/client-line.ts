/** One client as CLIENT LIST prints it: the fields of Redis 7.4, in their order, by which scripts cut the line apart. */
import type { Command } from '../../commands/registry.ts';
import type { TrackingState } from '../../commands/connection/tracking.ts';
import { Gate } from '../../commands/row.ts';
import { Subject } from '../../store/audience.ts';
import type { Subscriptions } from '../pubsub/subscriptions.ts';
import type { Transaction } from '../transactions/transaction.ts';

/** What the line tells; a Connection has it all. */
export interface ClientFacts {
  readonly id: number;
  readonly address: string;
  readonly localAddress: string;
  readonly socket: { readonly fd?: number };
  readonly name: string;
  readonly createdAtMs: number;
  readonly lastActiveMs: number;
  readonly database: number;
  readonly version: 2 | 3;
  readonly user: string;
  readonly libraryName: string;
  readonly libraryVersion: string;
  readonly noEvict: boolean;
  readonly noTouch: boolean;
  readonly gates: number;
  readonly subscriptions: Subscriptions | null;
  readonly tracking: TrackingState | null;
  readonly waiting: boolean;
  readonly isClosing: boolean;
  readonly lastCommand: Command | null;
  readonly transaction: Transaction | null;
  readonly watched: ReadonlyMap<string, unknown> | null;
  readonly pendingBytes: number;
  readonly pendingCapacityBytes: number;
  readonly outputCount: number;
  readonly outputBytes: number;
}

/** Measured growth of resident memory per idle connection, rounded. */
const CONNECTION_BYTES = 2048;

/** Memory that one client holds. */
export function clientBytes(
  client: Pick<ClientFacts, 'pendingCapacityBytes' | 'outputBytes' | 'transaction'>,
): number {
  const queuedBytes = client.transaction?.byteCount ?? 0;
  return CONNECTION_BYTES + client.pendingCapacityBytes + client.outputBytes + queuedBytes;
}

/** The line without its end. */
export function formatClientLine(client: ClientFacts, nowMs: number): string {
  const fields: [name: string, value: string | number][] = [
    ['id', client.id],
    ['addr', client.address],
    ['laddr', client.localAddress],
    ['fd', client.socket.fd ?? -1],
    ['name', client.name],
    ['age', secondsBetween(client.createdAtMs, nowMs)],
    ['idle', secondsBetween(client.lastActiveMs, nowMs)],
    ['flags', flagLetters(client)],
    ['db', client.database],
    ['sub', client.subscriptions?.countOf(Subject.Channel) ?? 0],
    ['psub', client.subscriptions?.countOf(Subject.Pattern) ?? 0],
    ['ssub', client.subscriptions?.countOf(Subject.ShardChannel) ?? 0],
    ['multi', client.transaction === null ? -1 : client.transaction.count],
    ['watch', client.watched?.size ?? 0],
    ['qbuf', client.pendingBytes],
    ['qbuf-free', client.pendingCapacityBytes - client.pendingBytes],
    // Arguments are read where they lie in the input, and replies are built in a buffer that all clients share.
    ['argv-mem', 0],
    ['multi-mem', client.transaction?.byteCount ?? 0],
    ['rbs', 0],
    ['rbp', 0],
    ['obl', 0],
    ['oll', client.outputCount],
    ['omem', client.outputBytes],
    ['tot-mem', clientBytes(client)],
    ['events', client.outputBytes > 0 ? 'w' : 'r'],
    ['cmd', client.lastCommand?.name ?? 'NULL'],
    ['user', client.user],
    ['redir', client.tracking === null ? -1 : client.tracking.mode.redirect],
    ['resp', client.version],
    ['lib-name', client.libraryName],
    ['lib-ver', client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(' ');
}

function secondsBetween(earlierMs: number, laterMs: number): number {
  return Math.max(Math.floor((laterMs - earlierMs) / 1000), 0);
}

/** The letters of `flags`: 'N' when there are none. */
export function flagLetters(client: ClientFacts): string {
  let letters = '';
  if ((client.gates & Gate.Monitor) !== 0) letters += 'O';
  if (client.subscriptions !== null) letters += 'P';
  if (client.transaction !== null) letters += 'x';
  if (client.waiting) letters += 'b';
  if (client.tracking !== null) letters += 't';
  if (client.tracking?.isBroken === true) letters += 'R';
  if (client.tracking?.mode.isBroadcast === true) letters += 'B';
  if (client.isClosing) letters += 'c';
  if (client.address.startsWith('/')) letters += 'U';
  if (client.noEvict) letters += 'e';
  if (client.noTouch) letters += 'T';
  return letters === '' ? 'N' : letters;
}
