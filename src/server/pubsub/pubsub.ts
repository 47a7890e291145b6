/**
 * Publish and subscribe, one worker's part. Who listens here is known here; who listens at all, in shared memory
 * (store/audience.ts), by which a publisher counts its listeners. Those of its own worker are handed a message at once;
 * to the others it goes by letter, all messages of a read in one. So the messages of one publisher arrive in its order.
 */
import { Bytes, equalBytes } from '../../base/bytes.ts';
import { globMatch } from '../../base/glob.ts';
import type { PubSub } from '../../commands/pubsub/door.ts';
import { type Client, Gate } from '../../commands/row.ts';
import { Counter } from '../../memory/control.ts';
import { type Audience, Subject } from '../../store/audience.ts';
import type { Deliveries } from '../clients/deliveries.ts';
import { Floods, Flow } from './floods.ts';
import type { Published } from './message.ts';
import { type Subscriber, Subscription, Subscriptions, Topic } from './subscriptions.ts';

/** Sends text to another worker. */
export type SendText = (worker: number, text: string) => void;

/** A letter is sent at once when it is longer, also while a command runs: a script may publish more than there is memory. */
const LETTER_BYTES_MAX = 2 ** 24;
/** Instead of a message's length: who listens is to be cut off, for it is owed too much. */
const CUT = -1;
/** While more than this is under way to a worker, who publishes to it has to wait. */
const UNDER_WAY_KILOBYTES_MAX = 64 << 10;
/** How often it is looked whether they need wait no longer. */
const WAIT_MS = 2;

const NO_SOURCE = Bytes.allocate(0);

/** A client that can be held back. */
export interface Publisher {
  readonly waiting: boolean;
  hold(): void;
  release(): void;
}

export class LocalPubSub implements PubSub {
  private readonly audience: Audience;
  private readonly workerIndex: number;
  private readonly counters: Float64Array;
  private readonly deliveries: Deliveries;
  private readonly send: SendText;
  private readonly topics: readonly Map<string, Topic>[] = [new Map(), new Map(), new Map()];
  /** What was published to last here. */
  private last: Topic | null = null;
  /** The message being handed to those who hear it. */
  private readonly message: Published = {
    source: NO_SOURCE,
    at: 0,
    byteCount: 0,
    messageAt: 0,
    messageBytes: 0,
    number: 0,
    isByPattern: false,
  };
  private readonly letters = new Map<number, string>();
  private readonly floods = new Floods();
  /** What a client that listens may be owed, 0 for any amount. */
  listenerBytesMax = 0;
  /** Something was published to other workers since `published`. */
  hasPublished = false;
  /** Workers that do not keep up with what is published here. */
  private readonly slowWorkers = new Set<number>();
  private readonly held: Publisher[] = [];

  constructor(
    audience: Audience,
    workerIndex: number,
    counters: Float64Array,
    deliveries: Deliveries,
    send: SendText,
  ) {
    this.audience = audience;
    this.workerIndex = workerIndex;
    this.counters = counters;
    this.deliveries = deliveries;
    this.send = send;
    deliveries.whenFlushed(() => this.endTurn());
  }

  subscribe(client: Client, subject: Subject, name: Buffer): boolean {
    const subscriber = client as Subscriber;
    const key = name.toString('latin1');
    if (subscriber.subscriptions?.bySubject[subject]!.has(key) === true) return true;
    const known = this.topics[subject]!.get(key);
    const topic = known ?? new Topic(subject, key, name);
    const after = this.audience.join(subject, topic.text, 0, name.length, this.workerIndex);
    if (after < 0) return false;
    if (known === undefined) this.topics[subject]!.set(key, topic);
    if (subscriber.subscriptions === null) {
      subscriber.subscriptions = new Subscriptions();
      subscriber.gates |= Gate.Subscribed;
      this.counters[Counter.PubSubClients]!++;
    }
    const subscription = new Subscription(subscriber, topic, after);
    subscriber.subscriptions.bySubject[subject]!.set(key, subscription);
    topic.add(subscription);
    return true;
  }

  unsubscribe(client: Client, subject: Subject, name: Buffer): void {
    const { subscriptions } = client as Subscriber;
    const subscription = subscriptions?.bySubject[subject]!.get(name.toString('latin1'));
    if (subscription !== undefined) this.end(subscription);
  }

  unsubscribeAll(client: Client): void {
    for (const subscriptions of (client as Subscriber).subscriptions?.bySubject ?? []) {
      for (const subscription of subscriptions.values()) this.end(subscription);
    }
  }

  private end(subscription: Subscription): void {
    const { client, topic } = subscription;
    const subscriptions = client.subscriptions!;
    subscriptions.bySubject[topic.subject]!.delete(topic.key);
    topic.remove(subscription);
    const isLast = topic.listeners.length === 0;
    if (isLast) this.topics[topic.subject]!.delete(topic.key);
    this.audience.leave(topic.subject, topic.text, topic.name.length, this.workerIndex, isLast);
    if (!subscriptions.isEmpty) return;
    client.subscriptions = null;
    client.gates &= ~Gate.Subscribed;
    this.counters[Counter.PubSubClients]!--;
  }

  namesOf(client: Client, subject: Subject): Buffer[] {
    const subscriptions = (client as Subscriber).subscriptions?.bySubject[subject];
    return subscriptions === undefined ? [] : [...subscriptions.values()].map(({ topic }) => topic.name);
  }

  countOf(client: Client, subject: Subject): number {
    return (client as Subscriber).subscriptions?.countOf(subject) ?? 0;
  }

  publish(
    subject: Subject.Channel | Subject.ShardChannel,
    source: Bytes,
    at: number,
    byteCount: number,
    messageAt: number,
    messageBytes: number,
  ): number {
    const { audience, message } = this;
    const count = audience.publish(subject, source, at, byteCount);
    if (count === 0) return 0;
    const channel = this.channelName(source, at, byteCount);
    const { publication, workers } = audience;
    let isHere = false;
    for (let word = 0; word < workers.length; word++) {
      for (let bits = workers[word]!; bits !== 0; bits &= bits - 1) {
        const worker = word * 32 + 31 - Math.clz32(bits & -bits);
        if (worker === this.workerIndex) isHere = true;
        else {
          const flow = this.floods.isOn
            ? this.floods.count(worker, subject, channel, messageBytes, this.listenerBytesMax)
            : Flow.Passes;
          if (flow === Flow.IsOver) continue;
          const isCut = flow === Flow.IsCut;
          const text = isCut ? '' : source.u8.toString('latin1', messageAt, messageAt + messageBytes);
          const head = `${subject} ${publication} ${byteCount} ${isCut ? CUT : messageBytes}`;
          this.write(worker, `${head}\n${channel}${text}`);
        }
      }
    }
    if (!isHere) return count;
    message.source = source;
    message.at = at;
    message.byteCount = byteCount;
    message.messageAt = messageAt;
    message.messageBytes = messageBytes;
    message.number = publication;
    this.deliverHere(subject, channel);
    return count;
  }

  /** As latin1. Who publishes does so again, to the same channel mostly. */
  private channelName(source: Bytes, at: number, byteCount: number): string {
    const { last } = this;
    const isLast = last !== null && last.name.length === byteCount;
    if (isLast && equalBytes(source, at, last.text, 0, byteCount)) return last.key;
    return source.u8.toString('latin1', at, at + byteCount);
  }

  private write(worker: number, text: string): void {
    const letter = (this.letters.get(worker) ?? '') + text;
    this.letters.set(worker, letter);
    this.hasPublished = true;
    if (letter.length > LETTER_BYTES_MAX) {
      this.sendLetters();
      this.floods.isOn = true;
    }
    this.deliveries.mark();
  }

  private endTurn(): void {
    if (this.floods.isOn) this.floods.end();
    this.sendLetters();
  }

  private sendLetters(): void {
    if (this.letters.size === 0) return;
    for (const [worker, letter] of this.letters) {
      const underWay = this.audience.addUnderWay(worker, kilobytes(letter));
      this.send(worker, letter);
      if (underWay > UNDER_WAY_KILOBYTES_MAX) this.slowWorkers.add(worker);
    }
    this.letters.clear();
  }

  /** A client has published: its input is kept waiting while a worker does not keep up. */
  published(publisher: Publisher): void {
    this.hasPublished = false;
    if (this.slowWorkers.size === 0 || publisher.waiting) return;
    publisher.hold();
    this.held.push(publisher);
    if (this.held.length === 1) setTimeout(() => this.releaseHeld(), WAIT_MS);
  }

  private releaseHeld(): void {
    for (const worker of this.slowWorkers) {
      if (this.audience.underWay(worker) <= UNDER_WAY_KILOBYTES_MAX / 2) this.slowWorkers.delete(worker);
    }
    if (this.slowWorkers.size > 0) {
      setTimeout(() => this.releaseHeld(), WAIT_MS);
      return;
    }
    for (const publisher of this.held.splice(0)) publisher.release();
  }

  /** Messages of another worker's clients, as `publish` has written them one behind the other. */
  receive(letter: string): void {
    this.audience.addUnderWay(this.workerIndex, -kilobytes(letter));
    const { message } = this;
    const source = Bytes.allocate(letter.length);
    source.u8.write(letter, 'latin1');
    for (let start = 0; start < letter.length;) {
      const lineEnd = letter.indexOf('\n', start);
      const [subject, publication, channelBytes, messageBytes] = letter.slice(start, lineEnd).split(' ');
      message.source = source;
      message.at = lineEnd + 1;
      message.byteCount = Number(channelBytes);
      message.messageAt = message.at + message.byteCount;
      message.messageBytes = Number(messageBytes);
      message.number = Number(publication);
      start = message.messageAt + Math.max(message.messageBytes, 0);
      this.deliverHere(Number(subject), letter.slice(message.at, message.messageAt));
    }
  }

  /** Hands `message` to those who listen here. `channel`: its name. */
  private deliverHere(subject: Subject, channel: string): void {
    const { message, deliveries } = this;
    const topic =
      this.last !== null &&
      this.last.subject === subject &&
      this.last.key === channel &&
      this.last.listeners.length > 0
        ? this.last
        : this.topics[subject]!.get(channel);
    message.isByPattern = false;
    if (topic !== undefined) {
      this.last = topic;
      topic.tell(message, deliveries);
    }
    if (subject === Subject.Channel && this.topics[Subject.Pattern]!.size > 0) this.deliverByPattern();
    message.source = NO_SOURCE;
  }

  private deliverByPattern(): void {
    const { message, deliveries } = this;
    const { u8 } = message.source;
    const { at } = message;
    const end = at + message.byteCount;
    message.isByPattern = true;
    for (const topic of this.topics[Subject.Pattern]!.values()) {
      const { name } = topic;
      if (globMatch(name, 0, name.length, u8, at, end, false)) topic.tell(message, deliveries);
    }
  }

  listenerCount(subject: Subject, source: Bytes, at: number, byteCount: number): number {
    return this.audience.count(subject, source, at, byteCount);
  }

  names(subject: Subject): Buffer[] {
    return this.audience.names(subject);
  }

  nameCount(subject: Subject): number {
    return this.audience.nameCount(subject);
  }

  /** Walks who listens on any worker, and asserts every invariant. Returns how many listen, once for each name. */
  verify(): number {
    return this.audience.verify();
  }
}

function kilobytes(letter: string): number {
  return (letter.length >> 10) + 1;
}
