/** Random commands on sorted sets, on a server of two small shards, against Maps: both encodings, limits that change,
 *  results stored, moved, copied, and often no memory left, when a command must change nothing. */

import { allocate, free } from '../../src/memory/allocator.ts';
import type { Shard } from '../../src/memory/shard.ts';
import { parseReply, type Reply } from '../support/reply.ts';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const SHARD_BYTES = 16 << 20;
const KEYS = Array.from({ length: 10 }, (_, i) => `sorted set ${i}`);
const PHASE_OPERATIONS = 1000;
const VERIFY_EVERY = 250;
/** Entries, and bytes of a member, up to which sorted sets stay in records. */
const LIMITS = [
  [128, 64],
  [8, 12],
  [0, 64],
  [1000, 300],
] as const;

type Scores = Map<string, number>;
type Pair = readonly [member: string, score: number];

const MEMBERS: readonly ((random: Prng) => string)[] = [
  (random) => String(random.below(2000) - 1000),
  (random) => `m${random.below(300)}`,
  (random) => `member number ${random.below(3000)}`,
  (random) => String.fromCharCode(random.below(256)).repeat(random.below(200)),
];
const SCORES: readonly ((random: Prng) => number)[] = [
  (random) => random.below(10),
  (random) => random.below(100_000) - 50_000,
  (random) => random.next32() / 1024,
  (random) => [Infinity, -Infinity, 1e300, 5e-324, 2 ** 31, -1.5][random.below(6)]!,
];

function compare([a, x]: Pair, [b, y]: Pair): number {
  return x === y ? Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')) : x < y ? -1 : 1;
}

export class SortedSetFuzz {
  refusedCount = 0;
  readonly server = new TestServer({ shardCount: 2, shardBytes: SHARD_BYTES });
  private readonly random: Prng;
  private readonly model = new Map<string, Scores>();
  private readonly junk: { shard: Shard; at: number }[] = [];
  private member = MEMBERS[0]!;
  private score = SCORES[0]!;
  private growShare = 60;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.startPhase();
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    this.relieve(Infinity);
    this.verify();
    this.server.run('FLUSHALL');
    this.server.verify();
  }

  private startPhase(): void {
    const { random } = this;
    const [sortedSetEntries, sortedSetValueBytes] = LIMITS[random.below(LIMITS.length)]!;
    Object.assign(this.server.engine.keyspace.packedLimits, { sortedSetEntries, sortedSetValueBytes });
    this.member = MEMBERS[random.below(MEMBERS.length)]!;
    this.score = SCORES[random.below(SCORES.length)]!;
    this.growShare = [30, 55, 80][random.below(3)]!;
  }

  private step(): void {
    const { random } = this;
    const choice = random.below(1000);
    if (choice < 2) this.startFamine();
    else if (choice < 40) this.relieve(random.below(4) === 0 ? Infinity : random.below(60));
    else if (choice < 160) this.ask();
    else if (choice < 240) this.combine();
    else if (choice < 320) this.pop();
    else if (choice < 380) this.removeRange();
    else if (choice < 440) this.storeRange();
    else if (choice < 500) this.copyOrRename();
    else if (choice < 600) this.increment();
    else if (random.below(100) < this.growShare) this.add();
    else this.takeOut();
  }

  /** Runs a command. Undefined: out of memory. */
  private call(...parts: (string | number)[]): Reply | undefined {
    const reply = this.server.run(...parts.map((part) => Buffer.from(spell(part), 'latin1')));
    const { value } = parseReply(reply)!;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    if (!value.error.startsWith('OOM ')) throw new Error(`${parts.join(' ').slice(0, 200)}: ${value.error}`);
    this.refusedCount++;
    return undefined;
  }

  private expect(what: string, actual: unknown, expected: unknown): void {
    if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`);
  }

  private key(): string {
    return KEYS[this.random.below(KEYS.length)]!;
  }

  /** Where a result goes, which may well be smaller than what was there: mostly one of two, so that others can grow. */
  private resultKey(): string {
    return this.random.below(8) === 0 ? this.key() : KEYS[this.random.below(2)]!;
  }

  private scores(key: string): Scores {
    return this.model.get(key) ?? new Map();
  }

  private put(key: string, scores: Scores): void {
    if (scores.size === 0) this.model.delete(key);
    else this.model.set(key, scores);
  }

  private ordered(key: string): Pair[] {
    return [...this.scores(key)].toSorted(compare);
  }

  private add(): void {
    const { random } = this;
    const key = this.key();
    const count = random.below(3) > 0 ? 1 : 1 + random.below(random.below(5) === 0 ? 400 : 10);
    const after = new Map(this.scores(key));
    const pairs = Array.from({ length: count }, () => [this.score(random), this.member(random)] as const);
    for (const [score, member] of pairs) after.set(member, score);
    const added = this.call('ZADD', key, ...pairs.flat());
    if (added === undefined) return this.compare(key);
    this.expect('ZADD', added, after.size - this.scores(key).size);
    this.put(key, after);
  }

  private increment(): void {
    const key = this.key();
    const members = [...this.scores(key).keys()];
    const isOld = members.length > 0 && this.random.below(3) > 0;
    const member = isOld ? members[this.random.below(members.length)]! : this.member(this.random);
    const by = this.random.below(100) - 50 + this.random.below(4) / 4;
    const sum = this.call('ZINCRBY', key, by, member);
    if (sum === undefined) return this.compare(key);
    const expected = (this.scores(key).get(member) ?? 0) + by;
    this.expect('ZINCRBY', Number(String(sum).replace('inf', 'Infinity')), expected);
    this.put(key, new Map(this.scores(key)).set(member, expected));
  }

  private takeOut(): void {
    const key = this.key();
    const after = new Map(this.scores(key));
    const members = [...after.keys()].slice(0, this.random.below(4));
    members.push(this.member(this.random));
    for (const member of members) after.delete(member);
    this.expect('ZREM', this.call('ZREM', key, ...members), this.scores(key).size - after.size);
    this.put(key, after);
  }

  private ask(): void {
    const key = this.key();
    const pairs = this.ordered(key);
    this.expect('ZCARD', this.call('ZCARD', key), pairs.length);
    if (pairs.length === 0) return;
    const rank = this.random.below(pairs.length);
    const [member, score] = pairs[rank]!;
    this.expect('ZRANK', this.call('ZRANK', key, member), rank);
    this.expect('ZREVRANK', this.call('ZREVRANK', key, member), pairs.length - 1 - rank);
    const atLeast = pairs.filter(([, other]) => other >= score).length;
    this.expect('ZCOUNT', this.call('ZCOUNT', key, score, '+inf'), atLeast);
    const last = rank + this.random.below(100);
    const members = pairs.map(([name]) => name);
    this.compareLists('ZRANGE', this.call('ZRANGE', key, rank, last), members.slice(rank, last + 1));
    const down = members.toReversed().slice(rank, last + 1);
    this.compareLists('ZREVRANGE', this.call('ZREVRANGE', key, rank, last), down);
  }

  private pop(): void {
    const key = this.key();
    const pairs = this.ordered(key);
    const count = this.random.below(this.random.below(20) === 0 ? pairs.length + 3 : 4);
    const fromMax = this.random.below(2) === 0;
    if (fromMax) pairs.reverse();
    const popped = pairs.slice(0, count).flatMap(([member, score]) => [member, spell(score)]);
    const reply = this.call(fromMax ? 'ZPOPMAX' : 'ZPOPMIN', key, count) as string[];
    this.compareLists('ZPOP', reply.map(asScore), popped.map(asScore));
    this.put(key, new Map(pairs.slice(count)));
  }

  private removeRange(): void {
    const key = this.key();
    const pairs = this.ordered(key);
    const first = this.random.below(pairs.length + 1);
    const count = 1 + this.random.below(this.random.below(30) === 0 ? 500 : 5);
    const removed = this.call('ZREMRANGEBYRANK', key, first, first + count - 1);
    this.expect('ZREMRANGEBYRANK', removed, pairs.splice(first, count).length);
    this.put(key, new Map(pairs));
  }

  private storeRange(): void {
    const from = this.key();
    const to = this.resultKey();
    const first = this.random.below(10);
    const last = first + this.random.below(300);
    const span = this.ordered(from).slice(first, last + 1);
    const stored = this.call('ZRANGESTORE', to, from, first, last);
    if (stored !== undefined) {
      this.expect('ZRANGESTORE', stored, span.length);
      this.put(to, new Map(span));
    }
    this.compare(to);
  }

  private combine(): void {
    const keys = Array.from({ length: 1 + this.random.below(3) }, () => this.key());
    const name = ['ZUNION', 'ZINTER', 'ZDIFF'][this.random.below(3)]!;
    const result = combined(
      name,
      keys.map((key) => this.scores(key)),
    );
    const options = name === 'ZDIFF' ? [] : ['AGGREGATE', 'MAX'];
    if (this.random.below(2) === 0) {
      const reply = this.call(name, keys.length, ...keys, ...options);
      const expected = [...result].toSorted(compare).map(([member]) => member);
      if (reply !== undefined) this.compareLists(name, reply, expected);
      return;
    }
    const into = this.resultKey();
    const stored = this.call(`${name}STORE`, into, keys.length, ...keys, ...options);
    if (stored !== undefined) {
      this.expect(`${name}STORE`, stored, result.size);
      this.put(into, result);
    }
    this.compare(into);
  }

  private copyOrRename(): void {
    const from = this.key();
    const to = this.resultKey();
    if (from === to || !this.model.has(from)) return;
    const isCopy = this.random.below(2) === 0;
    const done = isCopy ? this.call('COPY', from, to, 'REPLACE') : this.call('RENAME', from, to);
    if (done !== undefined) {
      this.put(to, new Map(this.scores(from)));
      if (!isCopy) this.put(from, new Map());
    }
    this.compare(from);
    this.compare(to);
  }

  private compare(key: string): void {
    const reply = this.call('ZRANGE', key, 0, -1, 'WITHSCORES') as string[];
    const expected = this.ordered(key).flatMap(([member, score]) => [member, spell(score)]);
    this.compareLists(key, reply.map(asScore), expected.map(asScore));
  }

  private compareLists(what: string, actual: unknown, expected: readonly string[]): void {
    this.expect(what, JSON.stringify(actual), JSON.stringify(expected));
  }

  private startFamine(): void {
    for (const shard of this.server.engine.keyspace.shards) {
      for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
        for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes))
          this.junk.push({ shard, at });
      }
    }
  }

  private relieve(count: number): void {
    for (let i = 0; i < count && this.junk.length > 0; i++) {
      const index = this.random.below(this.junk.length);
      const { shard, at } = this.junk[index]!;
      free(shard, at);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  private verify(): void {
    for (const key of KEYS) this.compare(key);
    // The checker wants every block to belong to a key.
    if (this.junk.length === 0) this.server.verify();
  }
}

/** As Redis spells a score in a request. */
function spell(part: string | number): string {
  return String(part).replace('Infinity', 'inf');
}

/** Every second text of a listing is a score: spelled in one way. */
function asScore(text: string, index: number): string {
  return index % 2 === 0 ? text : String(Number(text.replace('inf', 'Infinity')));
}

function combined(name: string, [first, ...others]: readonly Scores[]): Scores {
  const result: Scores = new Map(first);
  for (const other of others) {
    if (name === 'ZUNION') {
      for (const [member, score] of other)
        result.set(member, Math.max(result.get(member) ?? -Infinity, score));
      continue;
    }
    for (const [member, score] of result) {
      const theirs = other.get(member);
      if ((theirs === undefined) === (name === 'ZINTER')) result.delete(member);
      else if (theirs !== undefined) result.set(member, Math.max(score, theirs));
    }
  }
  return result;
}

export function fuzzSortedSets(seed: number, operationCount: number): void {
  new SortedSetFuzz(seed).run(operationCount);
}
