/**
 * Who listens to what: for every channel, pattern and shard channel how many clients listen to it, and on which workers.
 * So a publisher can tell at once how many will hear it, and knows whom to send it to. It lies in a shard of its own
 * behind those that hold data.
 *
 *  name listened to, under the hash of its text in the table of patterns (Header.PatternTable) or in that of the others
 *   word 0         1            2       3              7
 *        +---------+------------+-------+--------------+------
 *        | subject | text bytes | count | workers      | text
 *        |         |            |       | 4 x 32 bits  |
 *        +---------+------------+-------+--------------+------
 *   count: clients of all workers.  workers: one bit for each worker that has one of them.
 *
 *  Header.NameCounts: how many names there are of each subject. Header.PatternVersion: raised when a pattern comes or
 *  goes, so that each worker can keep a copy of their texts. Header.AudienceVersion: raised when anybody comes or goes, so
 *  that a worker that publishes again to the same channel need not look for who listens. Header.Publications: number of the last message; a client
 *  hears those with a higher number than there was when it came, so that none reaches it that was published before.
 *
 *  Header.MessagesUnderWay: kilobytes of messages sent to each worker which it has not taken yet, counted with Atomics, so
 *  that a publisher can wait for a worker that does not keep up.
 *
 *  Lock: everything else here changes under the lock of this shard, the last of all to be taken; the counts may be read
 *  without it.  Costs: 28 bytes and its text a name, about 10 in the table. The shard bounds all of it: when it is full
 *  nobody can begin to listen to what nobody listened to.
 */
import { assert } from '../base/assert.ts';
import { Bytes, copyBytes, equalBytes } from '../base/bytes.ts';
import { globMatch } from '../base/glob.ts';
import { allocate, free, usableBytes, verifyAllocator } from '../memory/allocator.ts';
import { lockShard, unlockShard } from '../memory/lock.ts';
import { Head, Header, type Shard } from '../memory/shard.ts';
import {
  createTable,
  findSlot,
  insertEntry,
  nextSlot,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../structures/table.ts';
import { allRefs, slotOfRef } from '../structures/table-refs.ts';
import type { Keyspace } from './keyspace.ts';

/** What can be listened to. */
export const enum Subject {
  Channel = 0,
  Pattern = 1,
  ShardChannel = 2,
}

/** Word offsets in a name. */
const enum Name {
  Subject = 0,
  TextBytes = 1,
  Count = 2,
  Workers = 3,
  Bytes = 28,
}

/** Words of worker bits. */
const WORKER_WORDS = 4;
const SUBJECT_COUNT = 3;
assert(Name.Bytes === (Name.Workers + WORKER_WORDS) * 4, 'layout of a name');
assert(Header.Publications % 2 === 0, 'layout of the count of messages');

/** Memory of the shard of audiences: a million names and more. */
export const AUDIENCE_BYTES = 256 << 20;
/** How often patterns are matched without the lock before it is kept. */
const UNLOCKED_TRIES = 2;

/** Names of channels longer than this are looked for each time. */
const LAST_BYTES_MAX = 256;

/** A pattern as a worker remembers it. */
interface KnownPattern {
  /** Where it lies, as long as the version is the same. */
  readonly at: number;
  readonly text: Buffer;
}

export class Audience {
  readonly shard: Shard;
  private readonly keyspace: Keyspace;
  private patterns: KnownPattern[] = [];
  private patternVersion = 0;
  /** The patterns of this version that match the channel being published to, once `isMatched`. */
  private readonly matching: number[] = [];
  private isMatched = false;
  /** Of the last message published: its number, and the workers who have somebody that listens, one bit each. */
  publication = 0;
  readonly workers = new Int32Array(WORKER_WORDS);

  /** The channel of the last message, its length -1 where that is not kept, and how many heard it. */
  private readonly lastText = Bytes.allocate(LAST_BYTES_MAX);
  private lastBytes = -1;
  private lastSubject = Subject.Channel;
  private lastCount = 0;
  private lastVersion = 0;

  constructor(shard: Shard, keyspace: Keyspace) {
    this.shard = shard;
    this.keyspace = keyspace;
  }

  /**
   * A client of `worker` listens to what is called `bytes[at, at + byteCount)`. Returns the number of the last message
   * that it will not hear, or -1, nothing changed: out of memory.
   */
  join(subject: Subject, bytes: Bytes, at: number, byteCount: number, worker: number): number {
    const { shard } = this;
    lockShard(shard);
    const found = this.find(subject, bytes, at, byteCount);
    const name = found === 0 ? this.create(subject, bytes, at, byteCount) : found;
    let last = -1;
    if (name !== 0) {
      shard.words[Header.AudienceVersion]!++;
      shard.words[(name >> 2) + Name.Count]!++;
      shard.words[(name >> 2) + Name.Workers + (worker >> 5)]! |= 1 << (worker & 31);
      last = shard.doubles[Header.Publications >> 1]!;
    }
    unlockShard(shard);
    return last;
  }

  /** A client of `worker` does not listen any more; `isLast`: no other client of that worker does. */
  leave(subject: Subject, text: Bytes, byteCount: number, worker: number, isLast: boolean): void {
    const { shard } = this;
    lockShard(shard);
    const name = this.find(subject, text, 0, byteCount);
    assert(name !== 0, 'audience: nobody listens');
    const word = name >> 2;
    shard.words[Header.AudienceVersion]!++;
    if (isLast) shard.words[word + Name.Workers + (worker >> 5)]! &= ~(1 << (worker & 31));
    if (--shard.words[word + Name.Count]! === 0) this.remove(name);
    unlockShard(shard);
  }

  /**
   * A message to a channel: returns how many clients hear it, and sets `publication` and `workers`. Those who listen to
   * patterns count too, unless it is a shard channel.
   */
  publish(
    subject: Subject.Channel | Subject.ShardChannel,
    bytes: Bytes,
    at: number,
    byteCount: number,
  ): number {
    const { shard, workers, matching } = this;
    const withPatterns = subject === Subject.Channel;
    lockShard(shard);
    if (this.isLast(subject, bytes, at, byteCount)) {
      if (this.lastCount > 0) this.publication = ++shard.doubles[Header.Publications >> 1]!;
      unlockShard(shard);
      return this.lastCount;
    }
    workers.fill(0);
    // Patterns are matched without the lock: there may be many. With it when they keep changing meanwhile.
    for (
      let tries = 0;
      withPatterns && this.mustMatch(bytes, at, byteCount, tries < UNLOCKED_TRIES);
      tries++
    ) {
      lockShard(shard);
    }
    const name = this.find(subject, bytes, at, byteCount);
    let count = name === 0 ? 0 : this.addListeners(name);
    for (let i = 0; withPatterns && i < matching.length; i++) count += this.addListeners(matching[i]!);
    if (count > 0) this.publication = ++shard.doubles[Header.Publications >> 1]!;
    matching.length = 0;
    this.isMatched = false;
    this.keepLast(subject, bytes, at, byteCount, count);
    unlockShard(shard);
    return count;
  }

  /** Whether the last message was to the same channel, and who listens is the same: then `workers` still holds. */
  private isLast(subject: Subject, bytes: Bytes, at: number, byteCount: number): boolean {
    if (byteCount !== this.lastBytes || subject !== this.lastSubject) return false;
    if (this.shard.words[Header.AudienceVersion] !== this.lastVersion) return false;
    return equalBytes(bytes, at, this.lastText, 0, byteCount);
  }

  private keepLast(subject: Subject, bytes: Bytes, at: number, byteCount: number, count: number): void {
    this.lastBytes = byteCount <= LAST_BYTES_MAX ? byteCount : -1;
    if (byteCount > LAST_BYTES_MAX) return;
    copyBytes(bytes, at, this.lastText, 0, byteCount);
    this.lastSubject = subject;
    this.lastCount = count;
    this.lastVersion = this.shard.words[Header.AudienceVersion]!;
  }

  /** True: the lock was given back to match patterns, and must be taken again. */
  private mustMatch(bytes: Bytes, at: number, byteCount: number, mayUnlock: boolean): boolean {
    const { words } = this.shard;
    const isCurrent = words[Header.PatternVersion] === this.patternVersion;
    if (isCurrent && (this.isMatched || this.patterns.length === 0)) return false;
    if (!isCurrent) this.copyPatterns();
    if (mayUnlock) unlockShard(this.shard);
    this.matching.length = 0;
    for (const { at: name, text } of this.patterns) {
      if (globMatch(text, 0, text.length, bytes.u8, at, at + byteCount, false)) this.matching.push(name);
    }
    this.isMatched = true;
    return mayUnlock;
  }

  /** Texts that are known already are not copied again: most patterns stay when one comes or goes. */
  private copyPatterns(): void {
    const known = new Map(this.patterns.map((pattern) => [pattern.at, pattern]));
    this.patternVersion = this.shard.words[Header.PatternVersion]!;
    this.patterns = this.allNames(Subject.Pattern).map((at) => {
      const pattern = known.get(at);
      return pattern !== undefined && this.isText(at, pattern.text) ? pattern : { at, text: this.textOf(at) };
    });
  }

  private isText(name: number, text: Buffer): boolean {
    const { words, bytes } = this.shard;
    if (words[(name >> 2) + Name.TextBytes] !== text.length) return false;
    return bytes.u8.compare(text, 0, text.length, name + Name.Bytes, name + Name.Bytes + text.length) === 0;
  }

  private addListeners(name: number): number {
    const { words } = this.shard;
    const word = name >> 2;
    for (let i = 0; i < WORKER_WORDS; i++) this.workers[i]! |= words[word + Name.Workers + i]!;
    return words[word + Name.Count]!;
  }

  /** How many clients listen to a name. */
  count(subject: Subject, bytes: Bytes, at: number, byteCount: number): number {
    lockShard(this.shard);
    const name = this.find(subject, bytes, at, byteCount);
    const count = name === 0 ? 0 : this.shard.words[(name >> 2) + Name.Count]!;
    unlockShard(this.shard);
    return count;
  }

  /** The names of a subject that somebody listens to. */
  names(subject: Subject): Buffer[] {
    lockShard(this.shard);
    const texts = this.allNames(subject).map((name) => this.textOf(name));
    unlockShard(this.shard);
    return texts;
  }

  /** How many names of a subject somebody listens to. Needs no lock. */
  nameCount(subject: Subject): number {
    return Atomics.load(this.shard.words, Header.NameCounts + subject);
  }

  /** Messages of so many kilobytes have been sent to a worker, or taken by it (negative). Returns what is under way. */
  addUnderWay(worker: number, kilobytes: number): number {
    return Atomics.add(this.shard.words, Header.MessagesUnderWay + worker, kilobytes) + kilobytes;
  }

  /** Kilobytes of messages that a worker has still to take. */
  underWay(worker: number): number {
    return Atomics.load(this.shard.words, Header.MessagesUnderWay + worker);
  }

  private textOf(name: number): Buffer {
    const { words, bytes } = this.shard;
    const start = name + Name.Bytes;
    return Buffer.from(bytes.u8.subarray(start, start + words[(name >> 2) + Name.TextBytes]!));
  }

  private find(subject: Subject, bytes: Bytes, at: number, byteCount: number): number {
    const { shard } = this;
    const { words } = shard;
    const table = this.tableOf(subject);
    if (table === 0) return 0;
    const hash = this.keyspace.memberHash(bytes, at, byteCount);
    for (let slot = findSlot(shard, table, hash); slot !== 0; slot = nextSlot(shard, slot, hash)) {
      const name = slotRef(shard, slot);
      const word = name >> 2;
      if (words[word + Name.Subject] !== subject || words[word + Name.TextBytes] !== byteCount) continue;
      if (equalBytes(shard.bytes, name + Name.Bytes, bytes, at, byteCount)) return name;
    }
    return 0;
  }

  private tableOf(subject: Subject): number {
    const { words, heads, head } = this.shard;
    return subject === Subject.Pattern ? words[Header.PatternTable]! : heads[head + Head.Table]!;
  }

  private createTableOf(subject: Subject): void {
    const { shard } = this;
    const table = createTable(shard);
    if (subject === Subject.Pattern) shard.words[Header.PatternTable] = table;
    else shard.heads[shard.head + Head.Table] = table;
  }

  private create(subject: Subject, bytes: Bytes, at: number, byteCount: number): number {
    const { shard } = this;
    const { words } = shard;
    if (this.tableOf(subject) === 0) this.createTableOf(subject);
    const table = this.tableOf(subject);
    const name = table === 0 ? 0 : allocate(shard, Name.Bytes + byteCount);
    if (name === 0) return 0;
    if (insertEntry(shard, table, this.keyspace.memberHash(bytes, at, byteCount), name) === 0) {
      free(shard, name);
      return 0;
    }
    const word = name >> 2;
    words.fill(0, word, word + (Name.Bytes >> 2));
    words[word + Name.Subject] = subject;
    words[word + Name.TextBytes] = byteCount;
    copyBytes(bytes, at, shard.bytes, name + Name.Bytes, byteCount);
    this.countName(subject, 1);
    return name;
  }

  private remove(name: number): void {
    const { shard } = this;
    const { words } = shard;
    const byteCount = words[(name >> 2) + Name.TextBytes]!;
    const hash = this.keyspace.memberHash(shard.bytes, name + Name.Bytes, byteCount);
    const subject = words[(name >> 2) + Name.Subject]!;
    const table = this.tableOf(subject);
    removeSlot(shard, table, slotOfRef(shard, table, hash, name));
    this.countName(subject, -1);
    free(shard, name);
  }

  private countName(subject: Subject, change: number): void {
    const { words } = this.shard;
    words[Header.NameCounts + subject]! += change;
    if (subject === Subject.Pattern) words[Header.PatternVersion]!++;
  }

  private allNames(subject: Subject): number[] {
    const { shard } = this;
    return allRefs(shard, this.tableOf(subject)).filter(
      (name) => shard.words[(name >> 2) + Name.Subject] === subject,
    );
  }

  /** Walks everything and asserts every invariant. Returns how many clients listen, once for each name. */
  verify(): number {
    lockShard(this.shard);
    try {
      return this.verifyLocked();
    } finally {
      unlockShard(this.shard);
    }
  }

  private verifyLocked(): number {
    const { shard } = this;
    const used = verifyAllocator(shard);
    let blockBytes = 0;
    for (const table of [this.tableOf(Subject.Channel), this.tableOf(Subject.Pattern)]) {
      if (table === 0) continue;
      blockBytes += tableBytesUsed(shard, table);
      assert(verifyTable(shard, table) === tableCount(shard, table), 'audience: table count');
    }
    let listeners = 0;
    for (let subject = 0; subject < SUBJECT_COUNT; subject++) {
      const names = this.allNames(subject);
      assert(names.length === shard.words[Header.NameCounts + subject], 'audience: count of names');
      for (const name of names) {
        const word = name >> 2;
        const count = shard.words[word + Name.Count]!;
        const byteCount = shard.words[word + Name.TextBytes]!;
        assert(count > 0, 'audience: a name nobody listens to');
        assert(
          this.find(subject, shard.bytes, name + Name.Bytes, byteCount) === name,
          'audience: twin of a name',
        );
        blockBytes += usableBytes(shard, name);
        listeners += count;
      }
    }
    assert(blockBytes === used, 'audience: blocks that nobody owns');
    return listeners;
  }
}
