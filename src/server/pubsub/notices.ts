/**
 * Keyspace notifications (`notify-keyspace-events`): what happens to keys is published like any message, to the channels
 * `__keyspace@<db>__:<key>` and `__keyevent@<db>__:<event>`. A command's changes are gathered while it runs and told when
 * its locks have been given back; a key whose time has come is told of by whoever removes it, under the lock of its
 * shard.
 */
import { Bytes } from '../../base/bytes.ts';
import type { PubSub } from '../../commands/pubsub/door.ts';
import type { Command } from '../../commands/registry.ts';
import { Control } from '../../memory/control.ts';
import { Head, Interest } from '../../memory/shard.ts';
import { Subject } from '../../store/audience.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { ShownRequest } from '../monitor/monitor-line.ts';
import { Observer } from '../observer.ts';
import { type KeyEvent, keyEvents, toldFirst } from './key-events.ts';

/** Classes of events that `A` stands for. */
const ALL_CLASSES = 'g$lshzxetd';
const EVICTED: KeyEvent = { letter: 'e', word: 'evicted' };
const EXPIRED: KeyEvent = { letter: 'x', word: 'expired' };

interface Touched {
  readonly key: string;
  /** Physical. */
  readonly database: number;
  exists: boolean;
}

/** By database and key, in the order of the first change. */
type TouchedKeys = Map<string, Touched>;

export class Notices {
  private readonly keyspace: Keyspace;
  private readonly pubsub: PubSub;
  private readonly state: { observers: number };
  private databaseCount = 0;
  private letters = '';
  private isOn = false;
  /** What the command being run has changed; null while there is none. */
  private touched: TouchedKeys | null = null;
  private isExpiring = false;

  /** `state` is what the dispatcher looks at. */
  constructor(keyspace: Keyspace, pubsub: PubSub, state: { observers: number }) {
    this.keyspace = keyspace;
    this.pubsub = pubsub;
    this.state = state;
  }

  /** Takes the letters of the setting. */
  configure(setting: string, databaseCount: number): void {
    this.letters = setting.replace('A', ALL_CLASSES);
    this.databaseCount = databaseCount;
    const isOn = /[KE]/.test(this.letters) && this.letters.length > 1;
    if (isOn === this.isOn) return;
    this.isOn = isOn;
    const { keyspace, state } = this;
    if (isOn) state.observers |= Observer.Notices;
    else state.observers &= ~Observer.Notices;
    keyspace.onExpired = isOn ? (key) => this.onRemoved(key, EXPIRED) : null;
    keyspace.onEvicted = isOn ? (key) => this.onRemoved(key, EVICTED) : null;
    const interest = isOn ? Interest.Everything : -Interest.Everything;
    for (const { heads, head } of keyspace.shards) Atomics.add(heads, head + Head.Interests, interest);
  }

  /** A key of a shard that is locked has changed. */
  onTouched(key: Key): void {
    const { touched } = this;
    const isExpiring = this.isExpiring;
    this.isExpiring = false;
    if (touched === null || isExpiring) return;
    const { database, record } = key;
    const name = key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount);
    const place = `${database} ${name}`;
    const known = touched.get(place);
    if (known === undefined) touched.set(place, { key: name, database, exists: record !== 0 });
    else known.exists = record !== 0;
  }

  /** The server itself is about to remove the key. */
  private onRemoved(key: Key, event: KeyEvent): void {
    this.isExpiring = true;
    this.tell(key.database, key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount), event);
  }

  /** Before a command. Returns what `end` is to be given behind it. */
  begin(): TouchedKeys | null {
    const outer = this.touched;
    this.touched = new Map();
    return outer;
  }

  /** Behind a command that may have been run within another: tells what it has changed. */
  end(outer: TouchedKeys | null, { name: command }: Command, request: ShownRequest): void {
    const touched = [...this.touched!.values()];
    this.touched = outer;
    if (touched.length === 0) return;
    const words = wordsOf(request);
    const isReversed = touched.length === 2 && touched[1]!.key === toldFirst(command, words);
    for (const { key, database, exists } of isReversed ? touched.reverse() : touched) {
      for (const event of keyEvents({ command, words, key, exists })) this.tell(database, key, event);
    }
  }

  private tell(physical: number, key: string, { letter, word }: KeyEvent): void {
    if (!this.letters.includes(letter)) return;
    const database = this.logicalDatabase(physical);
    if (this.letters.includes('K')) this.send(`__keyspace@${database}__:${key}`, word);
    if (this.letters.includes('E')) this.send(`__keyevent@${database}__:${word}`, key);
  }

  private send(channel: string, message: string): void {
    const bytes = Bytes.allocate(channel.length + message.length);
    bytes.u8.write(channel + message, 'latin1');
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

function wordsOf({ source, args, count }: ShownRequest): string[] {
  const words: string[] = [];
  for (let index = 0; index < count; index++) {
    const start = args[index * 2]!;
    words.push(source.u8.toString('latin1', start, start + args[index * 2 + 1]!));
  }
  return words;
}
