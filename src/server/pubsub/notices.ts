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
import { type KeyEvent, keyEvents, madeAnew, toldFirst } from './key-events.ts';

/** Classes of events that `A` stands for. */
const ALL_CLASSES = 'g$lshzxetd';
const ADDED: KeyEvent = { letter: 'n', word: 'new' };
const MISSED: KeyEvent = { letter: 'm', word: 'keymiss' };
const EVICTED: KeyEvent = { letter: 'e', word: 'evicted' };
const EXPIRED: KeyEvent = { letter: 'x', word: 'expired' };

interface Touched {
  readonly key: string;
  /** Physical. */
  readonly database: number;
  exists: boolean;
  /** It was not there before... */
  isNew: boolean;
  /** ...or it was, and has been removed meanwhile. */
  wasThere: boolean;
  isTouched: boolean;
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
  /** What is to be told when the command being run has been told of. */
  private readonly later: (() => void)[] = [];

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
    const { keyspace, state } = this;
    keyspace.onAdded = isOn && this.letters.includes('n') ? (key) => this.onAdded(key) : null;
    keyspace.onDropped = keyspace.onAdded === null ? null : (key) => this.onDropped(key);
    keyspace.onMissed = isOn && this.letters.includes('m') ? (key) => this.tellAt(key, MISSED) : null;
    if (isOn === this.isOn) return;
    this.isOn = isOn;
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
    const { size } = touched;
    const entry = this.entryOf(touched, key);
    entry.exists = key.record !== 0;
    if (entry.isTouched) return;
    entry.isTouched = true;
    if (touched.size !== size) return;
    // Behind those that were touched before, though it was added or dropped earlier.
    const place = placeOf(entry.database, entry.key);
    touched.delete(place);
    touched.set(place, entry);
  }

  private onDropped(key: Key): void {
    if (this.touched !== null) this.entryOf(this.touched, key).wasThere = true;
  }

  private onAdded(key: Key): void {
    if (this.touched === null) this.tellAt(key, ADDED);
    else {
      const entry = this.entryOf(this.touched, key);
      entry.isNew = !entry.wasThere;
    }
  }

  private entryOf(touched: TouchedKeys, { database, bytes, at, byteCount }: Key): Touched {
    const key = bytes.u8.toString('latin1', at, at + byteCount);
    const place = placeOf(database, key);
    let entry = touched.get(place);
    if (entry === undefined) {
      entry = { key, database, exists: true, isNew: false, wasThere: false, isTouched: false };
      touched.set(place, entry);
    }
    return entry;
  }

  /** The server itself is about to remove the key. */
  private onRemoved(key: Key, event: KeyEvent): void {
    this.isExpiring = true;
    this.tellAt(key, event);
  }

  private tellAt(key: Key, event: KeyEvent): void {
    this.tell(key.database, key.bytes.u8.toString('latin1', key.at, key.at + key.byteCount), event);
  }

  /** Before a command. Returns what `end` is to be given behind it. */
  begin(): TouchedKeys | null {
    const outer = this.touched;
    this.touched = new Map();
    return outer;
  }

  /** Behind a command that may have been run within another: tells what it has changed. */
  end(outer: TouchedKeys | null, { name }: Command, request: ShownRequest): void {
    if (this.touched!.size === 0) this.touched = outer;
    else this.endWith(outer, name, wordsOf(request));
    for (const tell of this.later.splice(0)) tell();
  }

  /** Before something is done for a client that has waited, within the command that lets it be done. */
  beginServed(): TouchedKeys | null {
    return this.isOn ? this.begin() : null;
  }

  /** It was done as the request `effect` does it: that is told of behind what the command itself has changed. */
  endServed(outer: TouchedKeys | null, effect: () => readonly (string | Uint8Array)[]): void {
    if (!this.isOn || this.touched === null) return;
    const texts = effect().map((word) =>
      typeof word === 'string' ? word : Buffer.from(word).toString('latin1'),
    );
    const served = this.touched;
    this.touched = outer;
    this.later.push(() => {
      const before = this.touched;
      this.touched = served;
      this.endWith(before, texts[0]!.toLowerCase(), texts);
    });
  }

  /** Behind a command of memcached that does to its key what the Redis command of these words does. */
  endItem(outer: TouchedKeys | null, words: readonly string[]): void {
    this.endWith(outer, words[0]!, words);
  }

  private endWith(outer: TouchedKeys | null, command: string, words: readonly string[]): void {
    const touched = [...this.touched!.values()].filter(({ isTouched }) => isTouched);
    this.touched = outer;
    const isReversed = touched.length === 2 && touched[1]!.key === toldFirst(command, words);
    const anew = madeAnew(command, words);
    // Redis: a key that is made anew is told of first.
    for (const { key, database } of touched) if (key === anew) this.tell(database, key, ADDED);
    for (const { key, database, exists, isNew } of isReversed ? touched.reverse() : touched) {
      if (isNew && key !== anew) this.tell(database, key, ADDED);
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

function placeOf(database: number, key: string): string {
  return `${database} ${key}`;
}

function wordsOf({ source, args, count }: ShownRequest): string[] {
  const words: string[] = [];
  for (let index = 0; index < count; index++) {
    const start = args[index * 2]!;
    words.push(source.u8.toString('latin1', start, start + args[index * 2 + 1]!));
  }
  return words;
}
