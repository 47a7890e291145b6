/** What commands ask of the part of the server that knows who listens to what. */
import type { Bytes } from '../../base/bytes.ts';
import type { Subject } from '../../store/audience.ts';
import type { Client } from '../row.ts';

/** Publishing and listening, over all workers; nothing here waits. */
export interface PubSub {
  /** Lets `client` listen to `name`, if it does not already. False: out of memory. */
  subscribe(client: Client, subject: Subject, name: Buffer): boolean;
  unsubscribe(client: Client, subject: Subject, name: Buffer): void;
  unsubscribeAll(client: Client): void;
  /** What `client` listens to. */
  namesOf(client: Client, subject: Subject): Buffer[];
  /** To how many names of a subject it listens. */
  countOf(client: Client, subject: Subject): number;
  /**
   * Sends the message `source[messageAt, messageAt + messageBytes)` to whoever listens to the channel
   * `source[at, at + byteCount)`. Returns how many clients that are.
   */
  publish(
    subject: Subject.Channel | Subject.ShardChannel,
    source: Bytes,
    at: number,
    byteCount: number,
    messageAt: number,
    messageBytes: number,
  ): number;
  /** How many clients listen to a name of a subject. */
  listenerCount(subject: Subject, source: Bytes, at: number, byteCount: number): number;
  /** The names of a subject that somebody listens to. */
  names(subject: Subject): Buffer[];
  nameCount(subject: Subject): number;
}
