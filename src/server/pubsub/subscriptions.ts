/** Who of one worker's clients listens to what. */
import { Bytes } from '../../base/bytes.ts';
import type { Client } from '../../commands/row.ts';
import { Subject } from '../../store/audience.ts';
import { MessageHeads } from './message.ts';

/** A client that can listen. */
export interface Subscriber extends Client {
  /** What it listens to; null while that is nothing. */
  subscriptions: Subscriptions | null;
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
  }

  /** Takes a listener out, the last one taking its place. */
  remove(subscription: Subscription): void {
    const last = this.listeners.pop()!;
    if (last === subscription) return;
    this.listeners[subscription.place] = last;
    last.place = subscription.place;
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
