/**
 * Keyspace notifications (`notify-keyspace-events`): so far of keys whose time has come, which is what schedulers and
 * session stores listen to. Each is published like any message, to the channels `__keyspace@<db>__:<key>` and
 * `__keyevent@<db>__:expired`, by whichever worker removes the key.
 */
import { Bytes } from '../../base/bytes.ts';
import type { PubSub } from '../../commands/pubsub/door.ts';
import { Control } from '../../memory/control.ts';
import { Subject } from '../../store/audience.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';

const EVENT = Buffer.from('expired');

export class ExpiryNotices {
  private readonly keyspace: Keyspace;
  private readonly pubsub: PubSub;
  private databaseCount = 0;
  private byKey = false;
  private byEvent = false;

  constructor(keyspace: Keyspace, pubsub: PubSub) {
    this.keyspace = keyspace;
    this.pubsub = pubsub;
  }

  /** Takes the letters of the setting. */
  configure(letters: string, databaseCount: number): void {
    const isOn = /[Ax]/.test(letters);
    this.databaseCount = databaseCount;
    this.byKey = isOn && letters.includes('K');
    this.byEvent = isOn && letters.includes('E');
    this.keyspace.onExpired = this.byKey || this.byEvent ? (key) => this.publish(key) : null;
  }

  /** The time of a key, whose shard is locked, has come. */
  private publish(key: Key): void {
    const name = Buffer.from(key.bytes.u8.subarray(key.at, key.at + key.byteCount));
    const database = this.logicalDatabase(key.database);
    if (this.byKey) this.send(Buffer.concat([Buffer.from(`__keyspace@${database}__:`), name]), EVENT);
    if (this.byEvent) this.send(Buffer.from(`__keyevent@${database}__:expired`), name);
  }

  private send(channel: Buffer, message: Buffer): void {
    const bytes = Bytes.allocate(channel.length + message.length);
    channel.copy(bytes.u8);
    message.copy(bytes.u8, channel.length);
    this.pubsub.publish(Subject.Channel, bytes, 0, channel.length, channel.length, message.length);
  }

  private logicalDatabase(physical: number): number {
    const { words } = this.keyspace.control;
    for (let logical = 0; logical < this.databaseCount; logical++) {
      if (words[Control.DatabaseMap + logical] === physical) return logical;
    }
    return 0;
  }
}
