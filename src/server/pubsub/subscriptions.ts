/** Who of one worker's clients listens to what. */
import { Bytes } from '../../base/bytes.ts';
import type { Client } from '../../commands/row.ts';
import { Subject } from '../../store/audience.ts';
import type { Batch } from '../clients/batch.ts';
import type { Deliveries, Receiver } from '../clients/deliveries.ts';
import { MessageHeads, type Published } from './message.ts';

/** A client that can listen. */
export interface Subscriber extends Client, Receiver {
  /** What it listens to; null while that is nothing. */
  subscriptions: Subscriptions | null;
  /** Tells it all that is written to `batch` while that is open. False: it is to be told nothing any more. */
  join(batch: Batch): boolean;
  /** Closes it: it has not taken what it was told. Not while a command runs. */
  exceedOutputLimit(): void;
}

/** What clients here listen to. */
export class Topic {
  readonly subject: Subject;
  /** Its name, byte for byte as latin1. */
  readonly key: string;
  readonly name: Buffer;
  /** The same for those who want it so. */
  readonly text: Bytes;
  readonly listeners: Subscription[] = [];
  private madeHeads: MessageHeads | null = null;
  /** Number of the last message that one of the listeners must not hear. */
  private afterMax = 0;
  /** Batches that all who listen have joined, by the version they speak; null when they have not, or nobody speaks it. */
  private resp2: Batch | null = null;
  private resp3: Batch | null = null;

  constructor(subject: Subject, key: string, name: Buffer) {
    this.subject = subject;
    this.key = key;
    this.text = Bytes.allocate(name.length);
    this.name = this.text.u8;
    name.copy(this.name);
  }

  /** Made for the first message: of many names most may never have one. */
  get heads(): MessageHeads {
    return (this.madeHeads ??= new MessageHeads(this.subject, this.name));
  }

  /** Adds a listener. */
  add(subscription: Subscription): void {
    subscription.place = this.listeners.length;
    this.listeners.push(subscription);
    this.afterMax = Math.max(this.afterMax, subscription.after);
    this.endBatches();
  }

  /** Takes a listener out, the last one taking its place. */
  remove(subscription: Subscription): void {
    this.endBatches();
    const last = this.listeners.pop()!;
    if (last === subscription) return;
    this.listeners[subscription.place] = last;
    last.place = subscription.place;
  }

  /** Tells all who listened when the message was published. */
  tell(published: Published, deliveries: Deliveries): void {
    if (published.messageBytes < 0) return this.cutEach(published.number);
    if (!this.hasBatches && !this.openBatches(published.number, deliveries)) return this.tellEach(published);
    const channelBytes = published.isByPattern ? published.byteCount : -1;
    const byteCount = this.heads.byteCount(channelBytes, published.messageBytes);
    if (this.resp2 !== null) this.write(2, this.resp2, published, byteCount);
    if (this.resp3 !== null) this.write(3, this.resp3, published, byteCount);
  }

  private write(version: 2 | 3, batch: Batch, published: Published, byteCount: number): void {
    this.heads.write(version, batch.add(byteCount), batch.end - byteCount, published);
    if (batch.isLarge) batch.seal();
  }

  private get hasBatches(): boolean {
    const { resp2, resp3 } = this;
    if (resp2 === null && resp3 === null) return false;
    return (resp2 === null || resp2.isOpen) && (resp3 === null || resp3.isOpen);
  }

  /** False: somebody who listens must not hear the message, or is told within the replies being written. */
  private openBatches(publication: number, deliveries: Deliveries): boolean {
    const { listeners } = this;
    this.endBatches();
    if (publication <= this.afterMax) return false;
    for (let i = 0; i < listeners.length; i++) {
      if (listeners[i]!.client === deliveries.served) return false;
    }
    const resp2 = deliveries.openBatch();
    const resp3 = deliveries.openBatch();
    for (let i = 0; i < listeners.length; i++) {
      const { client } = listeners[i]!;
      if (client.version === 3) {
        if (client.join(resp3)) this.resp3 = resp3;
      } else if (client.join(resp2)) this.resp2 = resp2;
    }
    return true;
  }

  /** What follows is not for the same clients. */
  private endBatches(): void {
    this.resp2?.seal();
    this.resp3?.seal();
    this.resp2 = null;
    this.resp3 = null;
  }

  /** Who listened to the message has been owed more than it may. */
  private cutEach(publication: number): void {
    // A copy: who is cut off leaves.
    for (const { client, after } of this.listeners.slice())
      if (publication > after) client.exceedOutputLimit();
  }

  private tellEach(published: Published): void {
    const { listeners } = this;
    let resp2: Uint8Array | null = null;
    let resp3: Uint8Array | null = null;
    for (let i = 0; i < listeners.length; i++) {
      const { client, after } = listeners[i]!;
      if (published.number <= after) continue;
      if (client.version === 3) client.deliver((resp3 ??= this.format(3, published)));
      else client.deliver((resp2 ??= this.format(2, published)));
    }
  }

  private format(version: 2 | 3, published: Published): Uint8Array {
    const channelBytes = published.isByPattern ? published.byteCount : -1;
    const into = Bytes.allocate(this.heads.byteCount(channelBytes, published.messageBytes));
    this.heads.write(version, into, 0, published);
    return into.u8;
  }
}

/** One client listens to one topic. */
export class Subscription {
  readonly client: Subscriber;
  readonly topic: Topic;
  /** Number of the last message published before. */
  readonly after: number;
  /** Where it stands among the listeners. */
  place = 0;

  constructor(client: Subscriber, topic: Topic, after: number) {
    this.client = client;
    this.topic = topic;
    this.after = after;
  }
}

/** What one client listens to, by subject and name, in the order in which it began to. */
export class Subscriptions {
  readonly bySubject: readonly Map<string, Subscription>[] = [new Map(), new Map(), new Map()];

  /** Whether there is nothing. */
  get isEmpty(): boolean {
    return this.bySubject.every((subscriptions) => subscriptions.size === 0);
  }

  countOf(subject: Subject): number {
    return this.bySubject[subject]!.size;
  }
}
