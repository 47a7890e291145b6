import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Bytes } from '../../src/base/bytes.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { clearDatabase, clearShard } from '../../src/store/clearing.ts';
import { copyRecord, moveRecord } from '../../src/store/copying.ts';
import { Key } from '../../src/store/key.ts';
import { KEEP_EXPIRY, Keyspace } from '../../src/store/keyspace.ts';
import { expiryAtMs, keyAt, keyBytes, valueAt, valueBytes } from '../../src/store/record.ts';
import { Status } from '../../src/store/status.ts';
import { collectRecords, expireSlice, randomRecord, randomShard } from '../../src/store/walking.ts';

const DATABASE_COUNT = 3;
const START_MS = 1_000_000;

interface Entry {
  value: string;
  whenMs: number;
}

/** A keyspace beside a plain model of what it must hold. */
class Pair {
  readonly keyspace: Keyspace;
  readonly key: Key;
  readonly other: Key;
  /** Physical database and name, joined by a slash. */
  readonly model = new Map<string, Entry>();

  constructor(shardBytes = 4 << 20) {
    const control = ControlBlock.create(1, DATABASE_COUNT);
    const shards = [0, 1, 2, 3].map((index) => new Shard(index, createShardMemory(shardBytes)));
    this.keyspace = new Keyspace(shards, control, control.counters(0), { k0: 5, k1: 6 });
    this.keyspace.setTime(START_MS);
    this.key = new Key(shards[0]!);
    this.other = new Key(shards[0]!);
  }

  locate(key: Key, database: number, name: string): Key {
    const bytes = Bytes.fromText(name);
    this.keyspace.locate(key, bytes, 0, bytes.u8.length, database);
    return key;
  }

  put(database: number, name: string, value: string, whenMs: number): void {
    const bytes = Bytes.fromText(value);
    const status = this.keyspace.putString(
      this.locate(this.key, database, name),
      bytes,
      0,
      bytes.u8.length,
      whenMs,
    );
    expect(status).toBe(Status.Ok);
    const old = this.live(database, name);
    this.model.set(`${database}/${name}`, {
      value,
      whenMs: whenMs === KEEP_EXPIRY ? (old?.whenMs ?? 0) : whenMs,
    });
  }

  /** The model's live entry; forgets one whose time has come. */
  live(database: number, name: string): Entry | undefined {
    const entry = this.model.get(`${database}/${name}`);
    if (entry === undefined || entry.whenMs === 0 || entry.whenMs >= this.keyspace.nowMs) return entry;
    this.model.delete(`${database}/${name}`);
    return undefined;
  }

  remove(database: number, name: string): void {
    const found = this.keyspace.find(this.locate(this.key, database, name)) !== 0;
    expect(found).toBe(this.live(database, name) !== undefined);
    if (found) this.keyspace.remove(this.key);
    this.model.delete(`${database}/${name}`);
  }

  copy(from: [number, string], to: [number, string], isMove: boolean): void {
    const { keyspace, key, other, model } = this;
    if (from.join('/') === to.join('/')) return;
    const found = keyspace.find(this.locate(key, ...from)) !== 0;
    const entry = this.live(...from);
    expect(found).toBe(entry !== undefined);
    if (entry === undefined) return;
    this.locate(other, ...to);
    const status = isMove
      ? moveRecord(keyspace, key, other)
      : copyRecord(keyspace, key, other, expiryAtMs(key.shard, key.record));
    expect(status).toBe(Status.Ok);
    model.set(to.join('/'), { ...entry });
    if (isMove) model.delete(from.join('/'));
  }

  clear(database: number): void {
    for (const shard of this.keyspace.shards) clearDatabase(this.keyspace, shard, database, this.key);
    for (const name of this.model.keys()) if (name.startsWith(`${database}/`)) this.model.delete(name);
    expect(this.keyspace.keyCount(database)).toBe(0);
  }

  expireAll(): void {
    for (const shard of this.keyspace.shards) {
      // Twice the entries: the first slice may start in the middle.
      for (let slice = 0; slice < 8; slice++) expireSlice(this.keyspace, shard, 1000, this.key);
    }
    for (const name of this.model.keys()) {
      const slash = name.indexOf('/');
      this.live(Number(name.slice(0, slash)), name.slice(slash + 1));
    }
    for (let database = 0; database < DATABASE_COUNT; database++) {
      const names = [...this.model.keys()].filter((name) => name.startsWith(`${database}/`));
      expect(this.keyspace.keyCount(database)).toBe(names.length);
    }
  }

  /** Asserts that a walk finds exactly what the model holds, and every invariant. */
  verify(): void {
    const { keyspace } = this;
    const found = new Map<string, Entry>();
    for (const shard of keyspace.shards) {
      keyspace.verifyShard(shard);
      for (let database = 0; database < DATABASE_COUNT; database++) {
        for (let hash = 0; hash >= 0;) {
          const records: number[] = [];
          hash = collectRecords(keyspace, shard, database, hash, 3, records);
          for (const record of records) {
            const name = `${database}/${text(shard, keyAt(shard, record), keyBytes(shard, record))}`;
            expect(found.has(name)).toBe(false);
            found.set(name, {
              value: text(shard, valueAt(shard, record), valueBytes(shard, record)),
              whenMs: expiryAtMs(shard, record),
            });
          }
        }
      }
    }
    const expected = [...this.model].filter(([, { whenMs }]) => whenMs === 0 || whenMs >= keyspace.nowMs);
    expect(new Map([...found].toSorted())).toEqual(new Map(expected.toSorted()));
  }
}

function text(shard: Shard, at: number, byteCount: number): string {
  return shard.bytes.u8.toString('utf8', at, at + byteCount);
}

const database = fc.nat(DATABASE_COUNT - 1);
const name = fc.nat(40).map((number) => 'k'.repeat(number % 13) + number);
const value = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.nat(3000).map((count) => 'v'.repeat(count)),
);
const whenMs = fc.oneof(
  fc.constant(0),
  fc.constant(KEEP_EXPIRY),
  fc.nat(500).map((ms) => START_MS + ms),
);

const operation = fc.oneof(
  { weight: 8, arbitrary: fc.tuple(fc.constant('put' as const), database, name, value, whenMs) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('remove' as const), database, name) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('copy' as const), database, name, database, name) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('move' as const), database, name, database, name) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('expire' as const), database, name, fc.nat(500)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('wait' as const), fc.nat(60)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('expire all' as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('clear' as const), database) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function apply(pair: Pair, step: Operation): void {
  const { keyspace } = pair;
  switch (step[0]) {
    case 'put':
      return pair.put(step[1], step[2], step[3], step[4]);
    case 'remove':
      return pair.remove(step[1], step[2]);
    case 'copy':
    case 'move':
      return pair.copy([step[1], step[2]], [step[3], step[4]], step[0] === 'move');
    case 'expire': {
      const found = keyspace.find(pair.locate(pair.key, step[1], step[2])) !== 0;
      const entry = pair.live(step[1], step[2]);
      expect(found).toBe(entry !== undefined);
      if (entry === undefined) return;
      entry.whenMs = step[3] % 3 === 0 ? 0 : START_MS + step[3];
      expect(keyspace.setExpiry(pair.key, entry.whenMs)).toBe(Status.Ok);
      return;
    }
    case 'wait':
      return keyspace.setTime(keyspace.nowMs + step[1]);
    case 'expire all':
      return pair.expireAll();
    case 'clear':
      return pair.clear(step[1]);
  }
}

describe('Keyspace', () => {
  test('holds what a plain map holds, through random changes of keys, times and databases', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 120 }), (steps) => {
        const pair = new Pair();
        for (const step of steps) apply(pair, step);
        pair.verify();
      }),
      { numRuns: 200 },
    );
  });

  test('is whole after every single step', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40 }), (steps) => {
        const pair = new Pair();
        for (const step of steps) {
          apply(pair, step);
          pair.verify();
        }
      }),
      { numRuns: 40 },
    );
  });

  test('gives all memory back when its last key goes, whichever way', () => {
    const pair = new Pair(16 << 20);
    const fill = (): void => {
      for (let i = 0; i < 2000; i++)
        pair.put(i % DATABASE_COUNT, `key ${i}`, 'v'.repeat(i % 300), START_MS + 50);
    };
    const { keyspace } = pair;
    fill();
    for (const shard of keyspace.shards) clearShard(keyspace, shard);
    pair.model.clear();
    pair.verify();
    expect(keyspace.usedBytes()).toBe(0);
    fill();
    keyspace.setTime(START_MS + 51);
    pair.expireAll();
    pair.verify();
    expect(keyspace.keyCount(0) + keyspace.keyCount(1) + keyspace.keyCount(2)).toBe(0);
    keyspace.setTime(START_MS);
    fill();
    for (let number = 0; number < DATABASE_COUNT; number++) pair.clear(number);
    pair.verify();
    expect(keyspace.usedBytes()).toBe(0);
  });

  test('leaves everything as it was when a copy finds no room', () => {
    const pair = new Pair(1 << 20);
    const { keyspace, key, other } = pair;
    let taken = 0;
    pair.put(0, 'source', 'x'.repeat(20_000), START_MS + 100);
    for (;;) {
      expect(keyspace.find(pair.locate(key, 0, 'source'))).not.toBe(0);
      pair.locate(other, 1, `copy ${taken}`);
      if (copyRecord(keyspace, key, other, 0) !== Status.Ok) break;
      pair.model.set(`1/copy ${taken++}`, { value: 'x'.repeat(20_000), whenMs: 0 });
    }
    expect(taken).toBeGreaterThan(3);
    pair.verify();
  });

  test('a random record is live, of the database asked for, and any of them', () => {
    const pair = new Pair();
    const { keyspace } = pair;
    for (let i = 0; i < 300; i++) pair.put(0, `other ${i}`, 'v', 0);
    for (let i = 0; i < 20; i++) pair.put(1, `live ${i}`, 'v', 0);
    for (let i = 0; i < 20; i++) pair.put(1, `stale ${i}`, 'v', START_MS + 1);
    keyspace.setTime(START_MS + 2);
    const seen = new Set<string>();
    for (let tries = 0; tries < 5000; tries++) {
      const shard = keyspace.shards[randomShard(keyspace, 1)]!;
      const record = randomRecord(keyspace, shard, 1);
      if (record !== 0) seen.add(text(shard, keyAt(shard, record), keyBytes(shard, record)));
    }
    expect([...seen].every((found) => found.startsWith('live '))).toBe(true);
    expect(seen.size).toBe(20);
    expect(randomShard(keyspace, 2)).toBe(0);
    expect(randomRecord(keyspace, keyspace.shards[0]!, 2)).toBe(0);
  });

  test('exchanged databases keep their keys', () => {
    const { keyspace } = new Pair();
    keyspace.swapDatabases(0, 2);
    expect([0, 1, 2].map((logical) => keyspace.physicalDatabase(logical))).toEqual([2, 1, 0]);
    keyspace.swapDatabases(2, 1);
    expect([0, 1, 2].map((logical) => keyspace.physicalDatabase(logical))).toEqual([2, 0, 1]);
  });
});
