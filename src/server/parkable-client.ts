/** A client as the dispatcher sees it. */
import type { Command } from '../commands/registry.ts';
import type { Client, Parked } from '../commands/row.ts';
import type { Transaction, WatchedKey } from './transactions/transaction.ts';

/** A connection that can be made to wait for a reply. */
export interface ParkableClient extends Client {
  /** The last command asked for, for CLIENT LIST; null when there was none of that name. */
  lastCommand: Command | null;
  park(): Parked;
  /** As CLIENT LIST prints it. */
  readonly address: string;
  /** It waits for data, and nobody knows how long. */
  blocked: boolean;
  /** What it has queued since MULTI; null outside of a transaction. */
  transaction: Transaction | null;
  /** What it watches, by logical database and name, or null. */
  watched: Map<string, WatchedKey> | null;
  /** The reply under way, of which nothing has been sent, was given up: it grew larger than `RespWriter.bytesMax`. */
  refuseReply(): void;
}
