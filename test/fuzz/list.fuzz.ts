/** Random list commands on a server of two small shards against arrays: packed lists and chains, limits that change, lists
 *  moved, copied and renamed, and often no memory left, when a command must change nothing. */

import { allocate, free } from '../../src/memory/allocator.ts';
import type { Shard } from '../../src/memory/shard.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const SHARD_BYTES = 2 << 20;
const KEYS = Array.from({ length: 8 }, (_, i) => `list ${i}`);
const PHASE_OPERATIONS = 500;
const VERIFY_EVERY = 100;
const LENGTH_MAX = 2000;
/** Values of list-max-listpack-size. */
const LIMITS = [-2, -2, -1, -5, 0, 2, 30];

type Draw = (random: Prng) => string;
const TEXTS: readonly Draw[] = [
  (random) => String(random.below(200) - 20),
  (random) => `t${random.below(5)}`,
  (random) => String.fromCharCode(97 + random.below(3)).repeat(random.below(200)),
  (random) => 'x'.repeat(random.below(20) === 0 ? random.below(12_000) : random.below(4)),
];

export class ListFuzz {
  refusedCount = 0;
  readonly server = new TestServer({ shardCount: 2, shardBytes: SHARD_BYTES });
  private readonly random: Prng;
  private readonly model = new Map<string, string[]>();
  private readonly junk: { shard: Shard; at: number }[] = [];
  private text: Draw = TEXTS[0]!;
  private growShare = 60;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    const { random } = this;
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) {
        this.server.engine.keyspace.packedLimits.listNode = this.pick(LIMITS);
        this.text = this.pick(TEXTS);
        this.growShare = this.pick([30, 55, 80]);
      }
      const choice = random.below(1000);
      if (choice < 5) this.startFamine();
      else if (choice < 60) this.relieve(random.below(60));
      else if (choice < 160) this.move();
      else if (choice < 200) this.moveMany();
      else if (choice < 240) this.copyOrRename();
      else if (random.below(100) < this.growShare) this.grow();
      else this.shrink();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    this.relieve(Infinity);
    this.verify();
  }

  private pick<T>(list: readonly T[]): T {
    return list[this.random.below(list.length)]!;
  }

  private grow(): void {
    const { random } = this;
    const key = this.pick(KEYS);
    const list = [...(this.model.get(key) ?? [])];
    const text = this.text(random);
    if (list.length > LENGTH_MAX) return this.shrink();
    const choice = list.length === 0 ? 0 : random.below(4);
    if (choice < 2) this.push(key, list);
    else if (choice === 2) {
      const index = random.below(list.length);
      this.expect(key, list.with(index, text), 'OK', ['LSET', key, index, text]);
    } else {
      const pivot = this.pick(list);
      const isAfter = random.below(2) === 0;
      list.splice(list.indexOf(pivot) + (isAfter ? 1 : 0), 0, text);
      this.expect(key, list, list.length, ['LINSERT', key, isAfter ? 'AFTER' : 'BEFORE', pivot, text]);
    }
  }

  private push(key: string, list: string[]): void {
    const { random } = this;
    const count = 1 + random.below(random.below(5) === 0 ? 60 : 3);
    const texts = Array.from({ length: count }, () => this.text(random));
    const atFront = random.below(2) === 0;
    const after = atFront ? [...texts.toReversed(), ...list] : [...list, ...texts];
    this.expect(key, after, after.length, [atFront ? 'LPUSH' : 'RPUSH', key, ...texts]);
  }

  private shrink(): void {
    const { random } = this;
    const key = this.pick(KEYS);
    const list = [...(this.model.get(key) ?? [])];
    if (list.length === 0) return;
    const choice = random.below(6);
    if (choice < 2) {
      const text = choice === 0 ? list.shift()! : list.pop()!;
      this.expect(key, list, text, [choice === 0 ? 'LPOP' : 'RPOP', key]);
    } else if (choice === 2) {
      const taken = list.splice(0, 1 + random.below(20));
      this.expect(key, list, taken, ['LPOP', key, taken.length]);
    } else if (choice === 3) {
      const start = random.below(Math.min(list.length, 20));
      const end = -1 - random.below(20);
      const rest = list.slice(start, end === -1 ? undefined : end + 1);
      this.expect(key, rest, 'OK', ['LTRIM', key, start, end]);
    } else this.removeEqual(key, list);
  }

  private removeEqual(key: string, list: string[]): void {
    const { random } = this;
    const text = random.below(4) === 0 ? this.text(random) : this.pick(list);
    const count = random.below(5) - 2;
    let removed = 0;
    for (; count === 0 || removed < Math.abs(count); removed++) {
      const index = count < 0 ? list.lastIndexOf(text) : list.indexOf(text);
      if (index < 0) break;
      list.splice(index, 1);
    }
    this.expect(key, list, removed, ['LREM', key, count, text]);
  }

  private move(): void {
    const [from, to] = [this.pick(KEYS), this.pick(KEYS)];
    const [fromEnd, toEnd] = [this.pick(['LEFT', 'RIGHT']), this.pick(['LEFT', 'RIGHT'])];
    this.moveBlock(from, to, fromEnd, toEnd, 1, ['LMOVE', from, to, fromEnd, toEnd]);
  }

  private moveMany(): void {
    const [from, to] = [this.pick(KEYS), this.pick(KEYS)];
    const [fromEnd, toEnd] = [this.pick(['LEFT', 'RIGHT']), this.pick(['LEFT', 'RIGHT'])];
    const count = 1 + this.random.below(60);
    const order = this.pick(['OBO', 'BULK']);
    this.moveBlock(from, to, fromEnd, toEnd, count, [
      'LMOVEM',
      from,
      to,
      fromEnd,
      toEnd,
      'COUNT',
      count,
      order,
    ]);
  }

  private moveBlock(
    from: string,
    to: string,
    fromEnd: string,
    toEnd: string,
    count: number,
    command: (string | number)[],
  ): void {
    const source = [...(this.model.get(from) ?? [])];
    const moved = fromEnd === 'LEFT' ? source.splice(0, count) : source.splice(-count, count);
    if (command.at(-1) === 'OBO' && fromEnd === toEnd) moved.reverse();
    const target = from === to ? source : [...(this.model.get(to) ?? [])];
    const after = toEnd === 'LEFT' ? [...moved, ...target] : [...target, ...moved];
    const reply = command[0] === 'LMOVEM' ? (moved.length > 0 ? moved : null) : (moved[0] ?? null);
    const isDone = this.issue(command, reply);
    if (!isDone) return;
    this.keep(from, source);
    if (moved.length > 0) this.keep(to, after);
    this.compare(from);
    this.compare(to);
  }

  private copyOrRename(): void {
    const [from, to] = [this.pick(KEYS), this.pick(KEYS)];
    const list = this.model.get(from);
    if (list === undefined || from === to) return;
    const isCopy = this.random.below(2) === 0;
    const command = isCopy ? ['COPY', from, to, 'REPLACE'] : ['RENAME', from, to];
    if (!this.issue(command, isCopy ? 1 : 'OK')) return;
    this.keep(to, list);
    if (!isCopy) this.keep(from, []);
    this.compare(to);
  }

  /** Runs a command that makes the list at `key` into `after` and answers `reply`, or changes nothing for lack of memory. */
  private expect(key: string, after: string[], reply: Reply, command: (string | number)[]): void {
    if (this.issue(command, reply)) this.keep(key, after);
    this.compare(key);
  }

  private keep(key: string, list: string[]): void {
    if (list.length === 0) this.model.delete(key);
    else this.model.set(key, list);
  }

  /** False: it was refused for lack of memory. */
  private issue(command: (string | number)[], expected: Reply): boolean {
    const reply = replyValue(this.server.run(...command));
    if (typeof reply === 'object' && reply !== null && 'error' in reply && reply.error.startsWith('OOM')) {
      this.refusedCount++;
      for (const key of KEYS) this.compare(key);
      if (this.random.below(10) === 0) this.relieve(20);
      return false;
    }
    if (!Bun.deepEquals(reply, expected)) {
      const words = command.join(' ').slice(0, 200);
      throw new Error(
        `${words}: ${JSON.stringify(reply).slice(0, 200)}, not ${JSON.stringify(expected).slice(0, 200)}`,
      );
    }
    return true;
  }

  private compare(key: string): void {
    const reply = replyValue(this.server.run('LRANGE', key, 0, -1));
    if (!Bun.deepEquals(reply, this.model.get(key) ?? [])) throw new Error(`the elements of ${key}`);
  }

  /** Fills the shards, so that whatever is asked for next is refused. */
  private startFamine(): void {
    for (const shard of this.server.engine.keyspace.shards) {
      for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
        for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) {
          this.junk.push({ shard, at });
        }
      }
    }
  }

  private relieve(countMax: number): void {
    for (let count = 0; count < countMax && this.junk.length > 0; count++) {
      const index = this.random.below(this.junk.length);
      const { shard, at } = this.junk[index]!;
      free(shard, at);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  /** The checker wants to know every block, so it is asked only when none is junk. */
  private verify(): void {
    for (const key of KEYS) this.compare(key);
    if (this.junk.length === 0) this.server.verify();
  }
}

export function fuzzLists(seed: number, operationCount: number): void {
  new ListFuzz(seed).run(operationCount);
}
