/** Random set commands on a server of two small shards against JavaScript's sets: every encoding, limits that change,
 *  sets combined, stored, moved, copied, and often no memory left, when a command must change nothing. A SSCAN walks along. */

import { allocate, free } from '../../src/memory/allocator.ts';
import type { Shard } from '../../src/memory/shard.ts';
import { parseReply, type Reply } from '../support/reply.ts';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const SHARD_BYTES = 2 << 20;
const KEYS = Array.from({ length: 12 }, (_, i) => `set ${i}`);
const PHASE_OPERATIONS = 1000;
const VERIFY_EVERY = 250;
const INTEGERS = ['-9223372036854775808', '9223372036854775807', '4294967296', '-70000', '32768'];
/** Entries of integers, entries and bytes of texts up to which sets stay in records. */
const LIMITS = [
  [512, 128, 64],
  [4, 8, 12],
  [0, 0, 0],
  [20, 3, 200],
  [100_000, 70_000, 3000],
] as const;

type Draw = (random: Prng) => string;
const MEMBERS: readonly Draw[] = [
  (random) => String(random.below(100)),
  (random) => String(random.below(100_000) - 50_000),
  (random) => INTEGERS[random.below(INTEGERS.length)]!,
  (random) => `m${random.below(300)}`,
  (random) => `member number ${random.below(5000)}`,
  (random) => String.fromCharCode(random.below(256)).repeat(random.below(300)),
];

export class SetFuzz {
  refusedCount = 0;
  readonly server = new TestServer({ shardCount: 2, shardBytes: SHARD_BYTES });
  private readonly random: Prng;
  private model = new Map<string, Set<string>>();
  private readonly junk: { shard: Shard; at: number }[] = [];
  private member: Draw = MEMBERS[0]!;
  private growShare = 60;
  private scan: { key: string; cursor: string; staying: Set<string>; seen: Set<string> } | null = null;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  /** SPOP and its kin draw from Math.random, which is made to depend on the seed too. */
  run(operationCount: number): void {
    const original = Math.random;
    Math.random = () => this.random.next32() / 2 ** 32;
    try {
      this.runSeeded(operationCount);
    } finally {
      Math.random = original;
    }
  }

  private runSeeded(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.startPhase();
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    this.relieve(Infinity);
    this.server.run('FLUSHALL');
    this.model.clear();
    this.verify();
  }

  private startPhase(): void {
    const { random } = this;
    const [integerSetEntries, setEntries, setValueBytes] = LIMITS[random.below(LIMITS.length)]!;
    Object.assign(this.server.engine.keyspace.packedLimits, { integerSetEntries, setEntries, setValueBytes });
    this.member = MEMBERS[random.below(MEMBERS.length)]!;
    this.growShare = [30, 55, 80][random.below(3)]!;
  }

  private step(): void {
    const { random } = this;
    const choice = random.below(1000);
    if (choice < 4) this.startFamine();
    else if (choice < 60) this.relieve(random.below(60));
    else if (choice < 100) this.scanOn();
    else if (choice < 150) this.ask();
    else if (choice < 250) this.combine();
    else if (choice < 330) this.pop();
    else if (choice < 400) this.move();
    else if (choice < 450) this.copyOrRename();
    else if (choice < 470) this.remove();
    else if (random.below(100) < this.growShare) this.add();
    else this.takeOut();
  }

  /** Runs a command. Undefined: out of memory. */
  private call(...parts: (string | number)[]): Reply | undefined {
    const bytes = parts.map((part) => Buffer.from(String(part), 'latin1'));
    const reply = this.server.run(...bytes);
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

  private set(key: string): Set<string> {
    return this.model.get(key) ?? new Set();
  }

  private put(key: string, set: Set<string>): void {
    if (set.size === 0) this.model.delete(key);
    else this.model.set(key, set);
    if (this.scan?.key === key) this.scan.staying = this.scan.staying.intersection(set);
  }

  private members(): string[] {
    const { random } = this;
    const count = random.below(3) === 0 ? 1 : 1 + random.below(random.below(10) === 0 ? 400 : 20);
    const member = random.below(5) === 0 ? MEMBERS[random.below(MEMBERS.length)]! : this.member;
    return Array.from({ length: count }, () => member(random));
  }

  private add(): void {
    const key = this.key();
    const set = this.set(key);
    const members = this.members();
    const added = this.call('SADD', key, ...members);
    if (added === undefined) return this.compare(key);
    const after = set.union(new Set(members));
    this.expect('SADD', added, after.size - set.size);
    this.put(key, after);
  }

  private takeOut(): void {
    const key = this.key();
    const set = this.set(key);
    const members =
      this.random.below(2) === 0 ? [...set].slice(0, 1 + this.random.below(30)) : this.members();
    if (members.length === 0) return;
    const after = set.difference(new Set(members));
    this.expect('SREM', this.call('SREM', key, ...members), set.size - after.size);
    this.put(key, after);
  }

  private ask(): void {
    const key = this.key();
    const set = this.set(key);
    const members = [...this.members(), ...[...set].slice(0, 5)];
    const answers = this.call('SMISMEMBER', key, ...members) as number[];
    members.forEach((member, i) => this.expect('SMISMEMBER', answers[i] === 1, set.has(member)));
    this.expect('SCARD', this.call('SCARD', key), set.size);
    const drawn = this.call('SRANDMEMBER', key, this.random.below(40) - 20) as string[];
    for (const member of drawn) this.expect('SRANDMEMBER', set.has(member), true);
  }

  private pop(): void {
    const key = this.key();
    const set = this.set(key);
    const count = this.random.below(2) === 0 ? 1 : this.random.below(set.size + 3);
    const popped = this.call('SPOP', key, count) as string[];
    this.expect('SPOP', popped.length, Math.min(count, set.size));
    const after = set.difference(new Set(popped));
    this.expect('SPOP', after.size, set.size - popped.length);
    this.put(key, after);
    this.compare(key);
  }

  private move(): void {
    const from = this.key();
    const to = this.key();
    const member = [...this.set(from)][this.random.below(20)] ?? this.member(this.random);
    const moved = this.call('SMOVE', from, to, member);
    if (moved !== undefined) {
      this.expect('SMOVE', moved, this.set(from).has(member) ? 1 : 0);
      if (moved === 1) {
        this.put(from, this.set(from).difference(new Set([member])));
        this.put(to, this.set(to).union(new Set([member])));
      }
    }
    this.compare(from);
    this.compare(to);
  }

  private combine(): void {
    const { random } = this;
    const keys = Array.from({ length: 1 + random.below(random.below(5) === 0 ? 12 : 3) }, () => this.key());
    const name = ['SINTER', 'SUNION', 'SDIFF'][random.below(3)]!;
    const [first, ...others] = keys.map((key) => this.set(key));
    const result = others.reduce(
      (a, b) => (name === 'SINTER' ? a.intersection(b) : name === 'SUNION' ? a.union(b) : a.difference(b)),
      first!,
    );
    if (random.below(2) === 0) {
      this.compareSet(name, new Set(this.call(name, ...keys) as string[]), result);
      this.expect(`${name}CARD`, this.call(`${name}CARD`, keys.length, ...keys), result.size);
      return;
    }
    const into = this.key();
    const stored = this.call(`${name}STORE`, into, ...keys);
    if (stored !== undefined) {
      this.expect(`${name}STORE`, stored, result.size);
      // Its table is another one now.
      if (this.scan?.key === into) this.scan = null;
      this.put(into, new Set(result));
    }
    this.compare(into);
  }

  private copyOrRename(): void {
    const from = this.key();
    const to = this.key();
    if (from === to || !this.model.has(from)) return;
    const isCopy = this.random.below(2) === 0;
    const done = isCopy ? this.call('COPY', from, to, 'REPLACE') : this.call('RENAME', from, to);
    if (done !== undefined) {
      const set = new Set(this.set(from));
      if (this.scan?.key === to || this.scan?.key === from) this.scan = null;
      this.put(to, set);
      if (!isCopy) this.put(from, new Set());
    }
    this.compare(from);
    this.compare(to);
  }

  private remove(): void {
    const key = this.key();
    this.expect('UNLINK', this.call('UNLINK', key), this.model.has(key) ? 1 : 0);
    this.put(key, new Set());
  }

  /** What is there from the start of the walk to its end must be returned. */
  private scanOn(): void {
    if (this.scan === null) {
      const key = this.key();
      this.scan = { key, cursor: '0', staying: new Set(this.set(key)), seen: new Set() };
    }
    const { scan } = this;
    const [next, members] = this.call(
      'SSCAN',
      scan.key,
      scan.cursor,
      'COUNT',
      1 + this.random.below(100),
    ) as [string, string[]];
    const set = this.set(scan.key);
    for (const member of members) {
      this.expect('SSCAN', set.has(member), true);
      scan.seen.add(member);
    }
    scan.cursor = next;
    if (next !== '0') return;
    this.expect('SSCAN misses', scan.staying.difference(scan.seen).size, 0);
    this.scan = null;
  }

  private compare(key: string): void {
    this.compareSet(key, new Set(this.call('SMEMBERS', key) as string[]), this.set(key));
  }

  private compareSet(what: string, actual: Set<string>, expected: Set<string>): void {
    this.expect(`${what}: size`, actual.size, expected.size);
    this.expect(`${what}: strangers`, actual.difference(expected).size, 0);
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

export function fuzzSets(seed: number, operationCount: number): void {
  new SetFuzz(seed).run(operationCount);
}
