/** Random waits for few keys against queues that are plain arrays: clients that come, are served, give up and are freed,
 *  databases that change places, often with no memory left for another wait. */

import { Bytes } from '../../src/base/bytes.ts';
import { allocate, free } from '../../src/memory/allocator.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { createShardHeads, createShardMemory, Head, Shard } from '../../src/memory/shard.ts';
import { Interests, Wait } from '../../src/store/interests.ts';
import { Key } from '../../src/store/key.ts';
import { Keyspace } from '../../src/store/keyspace.ts';
import { ValueType } from '../../src/store/record.ts';
import { Prng } from '../support/prng.ts';

const DATABASES = 3;
const KEY_COUNT = 60;
const KEYS_MAX = 5;
const VERIFY_EVERY = 200;
/** Down to the size of an entry. */
const JUNK_BYTES = [4096, 320, 64, 24];

interface WaitModel {
  readonly at: number;
  readonly type: ValueType;
  readonly needed: number;
  readonly operation: number;
  readonly count: number;
  readonly version: 2 | 3;
  /** Null: nothing is to be moved. */
  readonly destination: string | null;
}

export class InterestsFuzz {
  refusedCount = 0;
  claimedCount = 0;
  readonly interests: Interests;
  private readonly keyspace: Keyspace;
  private readonly random: Prng;
  /** Physical database and name, joined by a space, to those who wait, the oldest first. */
  private readonly queues = new Map<string, WaitModel[]>();
  private readonly waiting = new Map<number, WaitModel>();
  private readonly served: number[] = [];
  private readonly wait = new Wait();
  private readonly key: Key;
  private readonly junk: number[] = [];

  constructor(seed: number) {
    this.random = new Prng(seed);
    const heads = createShardHeads(5);
    const shards = [0, 1, 2, 3].map((index) => new Shard(index, createShardMemory(1 << 20), heads));
    const control = ControlBlock.create(1, DATABASES);
    this.keyspace = new Keyspace(shards, control, control.counters(0), { k0: seed | 0, k1: 7 });
    this.interests = new Interests(new Shard(4, createShardMemory(1 << 20), heads), this.keyspace);
    this.key = new Key(shards[0]!);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    for (const at of this.waiting.keys()) this.cancel(at);
    for (const at of this.served.splice(0)) this.interests.release(at);
    for (const at of this.junk.splice(0)) free(this.interests.shard, at);
    this.verify();
    for (const { heads, head } of this.keyspace.shards) {
      if (heads[head + Head.Interests] !== 0) throw new Error('interests of nobody');
    }
  }

  private step(): void {
    const choice = this.random.below(1000);
    if (choice < 2) this.exchangeDatabases();
    else if (choice < 4) this.startFamine();
    else if (choice < 30) this.relieve();
    else if (choice < 130) this.cancelOne();
    else if (choice < 250) this.releaseOne();
    else if (choice < 600) this.claim();
    else this.register();
  }

  private name(number: number): string {
    return `${number}`.padEnd(1 + ((number * 7) % 40), '.');
  }

  private register(): void {
    const { random, wait } = this;
    const database = random.below(DATABASES);
    const names = Array.from({ length: 1 + random.below(KEYS_MAX) }, () =>
      this.name(random.below(KEY_COUNT)),
    );
    const destination = random.below(4) === 0 ? this.name(random.below(KEY_COUNT)) : null;
    wait.worker = random.below(8);
    wait.type = random.below(2) === 0 ? ValueType.List : ValueType.SortedSet;
    wait.operation = random.below(256);
    wait.count = random.below(2 ** 31);
    wait.needed = 1 + random.below(3);
    wait.version = random.below(2) === 0 ? 2 : 3;
    wait.destinationBytes = -1;
    if (destination !== null) wait.setDestination(Bytes.fromText(destination), 0, destination.length);
    const args = new Int32Array(names.length * 2);
    let at = 0;
    names.forEach((name, index) => {
      args.set([at, name.length], index * 2);
      at += name.length;
    });
    const source = Bytes.fromText(names.join(''));
    const model = { ...wait, destination };
    if (this.interests.register(wait, { source, args, first: 0, count: names.length, database }) === 0) {
      this.refusedCount++;
      return;
    }
    const entry: WaitModel = { ...model, at: wait.at };
    this.waiting.set(wait.at, entry);
    for (const name of new Set(names)) this.queue(`${database} ${name}`).push(entry);
  }

  private queue(name: string): WaitModel[] {
    let queue = this.queues.get(name);
    if (queue === undefined) this.queues.set(name, (queue = []));
    return queue;
  }

  private claim(): void {
    const database = this.random.below(DATABASES);
    const name = this.name(this.random.below(KEY_COUNT));
    const type = this.random.below(2) === 0 ? ValueType.List : ValueType.SortedSet;
    const count = 1 + this.random.below(3);
    const bytes = Bytes.fromText(name);
    this.keyspace.locate(this.key, bytes, 0, name.length, database);
    const queue = this.queue(`${database} ${name}`);
    const movesAway = queue.some(({ destination }) => destination !== null);
    if (this.interests.awaitsMove(this.key) !== movesAway) throw new Error(`${name}: moves`);
    if (queue.length > 0 && !this.interests.isAwaited(this.key.hash)) throw new Error(`${name}: not awaited`);
    const expected = queue.find((wait) => wait.type === type && wait.needed <= count);
    const isClaimed = this.interests.claim(this.key, type, count, this.wait);
    if (isClaimed !== (expected !== undefined)) throw new Error(`${name}: claimed ${isClaimed}`);
    if (expected === undefined) return;
    this.compare(expected);
    this.forget(expected);
    this.served.push(expected.at);
    this.claimedCount++;
  }

  private compare(expected: WaitModel): void {
    const { wait } = this;
    const { destination, ...fields } = expected;
    for (const [field, value] of Object.entries(fields)) {
      if (field in wait && typeof value === 'number' && field !== 'destinationBytes') {
        if (wait[field as keyof Wait] !== value) throw new Error(`${field} of a wait`);
      }
    }
    const found =
      wait.destinationBytes < 0 ? null : wait.destination.u8.toString('latin1', 0, wait.destinationBytes);
    if (found !== destination) throw new Error('destination of a wait');
  }

  private forget(wait: WaitModel): void {
    this.waiting.delete(wait.at);
    for (const queue of this.queues.values()) {
      const place = queue.indexOf(wait);
      if (place >= 0) queue.splice(place, 1);
    }
  }

  private cancelOne(): void {
    const all = [...this.waiting.keys()];
    if (all.length > 0) this.cancel(all[this.random.below(all.length)]!);
    // One that has been claimed cannot be cancelled any more.
    if (this.served.length > 0 && this.interests.cancel(this.served[0]!)) throw new Error('cancelled twice');
  }

  private cancel(at: number): void {
    if (!this.interests.cancel(at)) throw new Error('a wait cannot be cancelled');
    this.forget(this.waiting.get(at)!);
  }

  private releaseOne(): void {
    const at = this.served.shift();
    if (at !== undefined) this.interests.release(at);
  }

  private exchangeDatabases(): void {
    const a = this.random.below(DATABASES);
    const b = this.random.below(DATABASES);
    const keys = this.interests.exchangeDatabases(a, b, () => new Key(this.keyspace.shards[0]!));
    if (a === b) return;
    const moved = [...this.queues].filter(
      ([name, queue]) => queue.length > 0 && [a, b].includes(Number(name.split(' ')[0])),
    );
    if (keys.length !== moved.length) throw new Error('keys that changed their database');
    const old = new Map(this.queues);
    this.queues.clear();
    for (const [name, queue] of old) {
      const [database, text] = name.split(' ') as [string, string];
      const other = Number(database) === a ? b : Number(database) === b ? a : Number(database);
      this.queues.set(`${other} ${text}`, queue);
    }
  }

  /** Takes all the memory there is. */
  private startFamine(): void {
    for (const byteCount of JUNK_BYTES) {
      for (let at = allocate(this.interests.shard, byteCount); at !== 0;) {
        this.junk.push(at);
        at = allocate(this.interests.shard, byteCount);
      }
    }
  }

  private relieve(): void {
    for (let i = 0; i < 5 && this.junk.length > 0; i++) {
      const index = this.random.below(this.junk.length);
      free(this.interests.shard, this.junk[index]!);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
    if (this.random.below(40) === 0) for (const at of this.junk.splice(0)) free(this.interests.shard, at);
  }

  private verify(): void {
    const { shard } = this.interests;
    // The checker wants every block to be of the table.
    const hasFamine = this.junk.length > 0;
    for (const at of this.junk.splice(0)) free(shard, at);
    if (this.interests.verify() !== this.waiting.size) throw new Error('count of waits');
    if (hasFamine) this.startFamine();
  }
}

export function fuzzInterests(seed: number, operationCount: number): void {
  new InterestsFuzz(seed).run(operationCount);
}
