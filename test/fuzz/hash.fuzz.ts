/** Random operations on a few hashes in two small shards against maps of what they should hold, in every encoding: fields
 *  that come, grow, expire and go, walks and draws, copies, active expiry, often with no memory left. */

import { Bytes } from '../../src/base/bytes.ts';
import { Prng } from '../support/prng.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { allocate, free } from '../../src/memory/allocator.ts';
import { createShardHeads, createShardMemory, Shard } from '../../src/memory/shard.ts';
import { copyRecord, moveRecord } from '../../src/store/copying.ts';
import { freeBuried, isGraveyardEmpty } from '../../src/store/graveyard.ts';
import {
  FieldStatus,
  fieldTime,
  findField,
  hashChanged,
  hashLength,
  KEEP_TIME,
  peekField,
  prepareTimes,
  removeField,
  setField,
  setFieldTime,
  TimeCondition,
  TimeStatus,
} from '../../src/store/hash/hash.ts';
import { HashSample, HashWalk, liveFieldCount } from '../../src/store/hash/walk.ts';
import { Key } from '../../src/store/key.ts';
import { Keyspace } from '../../src/store/keyspace.ts';
import { Status } from '../../src/store/status.ts';
import { expireSlice } from '../../src/store/walking.ts';
import { Element, encodeElement, EntryText } from '../../src/structures/packed-entry.ts';

const SHARD_BYTES = 2 << 20;
const KEY_COUNT = 6;
const VERIFY_EVERY = 300;
const PHASE_OPERATIONS = 1000;
const STEP_MS = 100;
const CONDITIONS = [
  TimeCondition.None,
  TimeCondition.IfNone,
  TimeCondition.IfSome,
  TimeCondition.IfLater,
  TimeCondition.IfEarlier,
];

interface Field {
  value: string;
  timeMs: number;
}

/** Fields by name. Those that have expired stay until something must have removed them. */
type Hash = Map<string, Field>;

export class HashFuzz {
  refusedCount = 0;
  private readonly keyspace: Keyspace;
  private readonly random: Prng;
  private readonly model = new Map<string, Hash>();
  private readonly key: Key;
  private readonly otherKey: Key;
  private readonly input = Bytes.allocate(1 << 20);
  private readonly field = new Element();
  private readonly value = new Element();
  private readonly text = new EntryText();
  private readonly walk = new HashWalk();
  private readonly sample = new HashSample();
  private readonly junk: { shard: Shard; at: number }[] = [];
  private baseMs = 1_700_000_000_000;
  private nowMs = this.baseMs;
  private growShare = 60;
  private fieldCount = 20;
  private valueBytesMax = 10;

  constructor(seed: number) {
    this.random = new Prng(seed);
    const heads = createShardHeads(2);
    const shards = [0, 1].map((index) => new Shard(index, createShardMemory(SHARD_BYTES), heads));
    const control = ControlBlock.create(1, 1);
    this.keyspace = new Keyspace(shards, control, control.counters(0), { k0: seed | 0, k1: 7 });
    this.keyspace.setTime(this.nowMs);
    this.key = new Key(shards[0]!);
    this.otherKey = new Key(shards[0]!);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.nextPhase();
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    for (const { shard, at } of this.junk.splice(0)) free(shard, at);
    this.verify();
  }

  private nextPhase(): void {
    const { random, keyspace } = this;
    this.growShare = [20, 50, 70, 90][random.below(4)]!;
    this.fieldCount = [5, 20, 100, 3000][random.below(4)]!;
    this.valueBytesMax = [4, 20, 100, 5000][random.below(4)]!;
    keyspace.packedLimits.hashEntries = [0, 3, 40, 512][random.below(4)]!;
    keyspace.packedLimits.hashValueBytes = [8, 64, 10_000][random.below(3)]!;
  }

  private step(): void {
    const choice = this.random.below(1000);
    if (choice < 10) this.advanceTime();
    else if (choice < 14) this.startFamine();
    else if (choice < 60) this.relieve();
    else if (choice < 80) this.expireSome();
    else if (choice < 90) this.removeAll();
    else if (choice < 110) this.copy();
    else if (choice < 140) this.list();
    else if (choice < 160) this.draw();
    else if (choice < 170) this.freeBuried();
    else if (choice < 350) this.setTime();
    else if (choice < 450) this.look();
    else if (this.random.below(100) < this.growShare) this.put();
    else this.remove();
  }

  /** Finds a random hash; returns its name. Its fields are in the model under it, an empty map if there are none. */
  private find(key: Key = this.key): string {
    const name = `hash:${this.random.below(KEY_COUNT)}`;
    // Keys lie in the last page of the input, in front of it fields and values.
    const at = key === this.key ? 1_000_000 : 1_001_000;
    this.input.u8.write(name, at, 'latin1');
    this.keyspace.locate(key, this.input, at, name.length, 0);
    this.keyspace.find(key);
    if (!this.model.has(name)) this.model.set(name, new Map());
    return name;
  }

  private hashOf(name: string): Hash {
    return this.model.get(name)!;
  }

  private isLive({ timeMs }: Field): boolean {
    return timeMs === 0 || timeMs >= this.nowMs;
  }

  private live(hash: Hash, field: string): Field | undefined {
    const entry = hash.get(field);
    return entry !== undefined && this.isLive(entry) ? entry : undefined;
  }

  private liveFields(hash: Hash): [string, Field][] {
    return [...hash].filter(([, entry]) => this.isLive(entry));
  }

  private randomField(): string {
    const number = this.random.below(this.fieldCount);
    const text = number % 3 === 0 ? String(number * 7919) : `field:${number}`;
    encodeElement(this.field, this.input, 0, this.input.u8.write(text, 0, 'latin1'));
    return text;
  }

  private randomValue(): string {
    const { random } = this;
    const byteCount = random.below(this.valueBytesMax + 1);
    const text = random.below(3) === 0 ? String(random.next32()) : 'v'.repeat(byteCount);
    encodeElement(this.value, this.input, 4096, this.input.u8.write(text, 4096, 'latin1'));
    return text;
  }

  /** Steps, so that time often comes to the very millisecond of a field, or to the one after it. */
  private randomTime(): number {
    return this.baseMs + this.random.below(40) * STEP_MS;
  }

  private put(): void {
    const { random, keyspace, key } = this;
    const hash = this.hashOf(this.find());
    const field = this.randomField();
    const value = this.randomValue();
    const timeMs = [0, 0, 0, KEEP_TIME, this.randomTime()][random.below(5)]!;
    const old = this.live(hash, field);
    const status = setField(keyspace, key, this.field, this.value, timeMs);
    if (status === FieldStatus.OutOfMemory) return this.refused(hash);
    hashChanged(keyspace, key);
    if (status === FieldStatus.Added && old !== undefined)
      throw new Error('a field was added that was there');
    if (status === FieldStatus.Updated && !hash.has(field))
      throw new Error('a field was updated that was not');
    hash.set(field, { value, timeMs: timeMs === KEEP_TIME ? (old?.timeMs ?? 0) : timeMs });
    this.check(hash, field);
  }

  /** Nothing may have changed. */
  private refused(hash: Hash): void {
    this.refusedCount++;
    this.compare(hash);
    if (this.random.below(20) === 0) this.verify();
    if (this.random.below(4) === 0) this.relieve();
  }

  private remove(): void {
    const { keyspace, key } = this;
    const hash = this.hashOf(this.find());
    const field = this.randomField();
    const old = hash.get(field);
    const removed = removeField(keyspace, key, this.field);
    if (removed) hashChanged(keyspace, key);
    if (removed && old === undefined) throw new Error('a field was removed that was not there');
    if (!removed && old !== undefined && this.isLive(old)) throw new Error('a field was not found');
    hash.delete(field);
    this.checkKey(hash);
  }

  private look(): void {
    const { keyspace, key, random } = this;
    const hash = this.hashOf(this.find());
    const field = this.randomField();
    const expected = this.live(hash, field);
    const isThere =
      random.below(2) === 0
        ? peekField(keyspace, key, this.field, this.text)
        : findField(keyspace, key, this.field, this.text);
    if (isThere !== (expected !== undefined)) throw new Error(`${field}: ${isThere ? 'invented' : 'lost'}`);
    if (isThere && this.text.toString() !== expected!.value) throw new Error(`${field}: wrong value`);
    this.checkKey(hash);
  }

  private check(hash: Hash, field: string): void {
    const expected = this.live(hash, field);
    if (!peekField(this.keyspace, this.key, this.field, this.text)) {
      if (expected !== undefined) throw new Error(`${field}: lost`);
    } else if (this.text.toString() !== expected?.value) throw new Error(`${field}: wrong value`);
    const timeMs = fieldTime(this.keyspace, this.key, this.field);
    if (timeMs !== (expected?.timeMs ?? -1)) throw new Error(`${field}: wrong time`);
  }

  private checkKey(hash: Hash): void {
    const { key } = this;
    if (key.record === 0 && this.liveFields(hash).length > 0) throw new Error('a hash is lost');
    if (key.record !== 0 && hash.size === 0) throw new Error('an empty hash is there');
    if (key.record === 0) hash.clear();
  }

  private setTime(): void {
    const { keyspace, key, random } = this;
    const hash = this.hashOf(this.find());
    const field = this.randomField();
    if (key.record === 0) return;
    const timeMs = random.below(4) === 0 ? 0 : this.randomTime();
    const condition = CONDITIONS[random.below(CONDITIONS.length)]!;
    if (timeMs !== 0 && !prepareTimes(key)) return this.refused(hash);
    const entry = this.live(hash, field);
    const status = setFieldTime(keyspace, key, this.field, timeMs, condition);
    if (status === TimeStatus.OutOfMemory) return this.refused(hash);
    if (status === TimeStatus.Set) hashChanged(keyspace, key);
    const expected =
      entry === undefined
        ? TimeStatus.Missing
        : mayChange(entry.timeMs, timeMs, condition)
          ? TimeStatus.Set
          : TimeStatus.Refused;
    if (status !== expected) throw new Error(`${field}: time status ${status} and not ${expected}`);
    if (status === TimeStatus.Set) entry!.timeMs = timeMs;
    this.check(hash, field);
  }

  /** Walks the whole hash, in one go or by slices, and compares it with the model. */
  private list(): void {
    const hash = this.hashOf(this.find());
    this.compare(hash);
    const { key, keyspace, random } = this;
    if (key.record === 0) return;
    const seen = new Set<string>();
    for (let cursor = 0, count = 0; count === 0 || cursor !== 0; count++) {
      cursor = this.walk.beginSlice(keyspace, key, cursor, 1 + random.below(50));
      while (this.walk.next()) {
        this.walk.pointAtField(this.walk.place, this.text);
        if (seen.has(this.text.toString())) throw new Error('a scan returns a field twice');
        seen.add(this.text.toString());
      }
    }
    if (seen.size !== this.liveFields(hash).length) throw new Error('a scan misses fields');
  }

  private compare(hash: Hash): void {
    const { key, keyspace, walk, text } = this;
    const live = this.liveFields(hash);
    this.checkKey(hash);
    if (key.record === 0) return;
    let count = 0;
    walk.begin(keyspace, key);
    for (; walk.next(); count++) {
      walk.pointAtField(walk.place, text);
      const expected = this.live(hash, text.toString());
      walk.pointAtValue(walk.place, text);
      if (text.toString() !== expected?.value) throw new Error('a walk returns a wrong value');
    }
    if (count !== live.length) throw new Error(`a walk returns ${count} fields of ${live.length}`);
    if (liveFieldCount(keyspace, key) !== count) throw new Error('live count');
    if (hashLength(key.shard, key.record) < count) throw new Error('length');
  }

  private draw(): void {
    const { key, keyspace, sample, text } = this;
    const hash = this.hashOf(this.find());
    if (key.record === 0) return;
    sample.begin(keyspace, key);
    if (sample.liveCount !== this.liveFields(hash).length) throw new Error('live count of a sample');
    for (let i = 0; i < 5 && sample.liveCount > 0; i++) {
      sample.walk.pointAtField(sample.draw(), text);
      if (this.live(hash, text.toString()) === undefined) throw new Error('a draw returns a stranger');
    }
  }

  private removeAll(): void {
    const name = this.find();
    if (this.key.record !== 0) this.keyspace.remove(this.key);
    this.model.set(name, new Map());
  }

  private copy(): void {
    const { key, otherKey, keyspace } = this;
    const from = this.find();
    const to = this.find(otherKey);
    if (key.record === 0 || from === to) return;
    keyspace.find(key);
    const moves = this.random.below(3) === 0;
    const status = moves ? moveRecord(keyspace, key, otherKey) : copyRecord(keyspace, key, otherKey, 0);
    if (status !== Status.Ok) {
      keyspace.find(key);
      return this.refused(this.hashOf(from));
    }
    this.model.set(to, new Map([...this.hashOf(from)].map(([field, entry]) => [field, { ...entry }])));
    if (moves) this.model.set(from, new Map());
    this.key.record = 0;
  }

  private advanceTime(): void {
    this.baseMs += this.random.below(15) * STEP_MS;
    this.nowMs = Math.max(this.nowMs, this.baseMs + this.random.below(2));
    this.keyspace.setTime(this.nowMs);
  }

  /** Active expiry: at last everything that has expired is gone. */
  private expireSome(): void {
    const { keyspace, key, random } = this;
    const rounds = random.below(4) === 0 ? 200 : 1;
    for (let round = 0; round < rounds; round++) {
      for (const shard of keyspace.shards) expireSlice(keyspace, shard, 1 + random.below(400), key);
    }
    if (rounds === 1) return;
    for (const hash of this.model.values()) {
      for (const [field, entry] of hash) if (!this.isLive(entry)) hash.delete(field);
    }
    for (const [name, hash] of this.model) {
      this.input.u8.write(name, 1_000_000, 'latin1');
      keyspace.locate(key, this.input, 1_000_000, name.length, 0);
      const record = keyspace.find(key);
      const length = record === 0 ? 0 : hashLength(key.shard, record);
      if (length !== hash.size) throw new Error(`${length} fields of ${hash.size} are left by active expiry`);
    }
  }

  private freeBuried(): void {
    for (const shard of this.keyspace.shards) {
      if (!isGraveyardEmpty(shard)) freeBuried(shard, 1 + this.random.below(1000));
    }
  }

  private startFamine(): void {
    for (const shard of this.keyspace.shards) {
      for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
        for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes)) {
          this.junk.push({ shard, at });
        }
      }
    }
  }

  private relieve(): void {
    const { junk, random } = this;
    const count = random.below(4) === 0 ? junk.length : random.below(40);
    for (let i = 0; i < count && junk.length > 0; i++) {
      const index = random.below(junk.length);
      free(junk[index]!.shard, junk[index]!.at);
      junk[index] = junk.at(-1)!;
      junk.pop();
    }
  }

  /** The checker counts every block, so what fills the shards is freed first. */
  verify(): void {
    for (const { shard, at } of this.junk.splice(0)) free(shard, at);
    for (const shard of this.keyspace.shards) this.keyspace.verifyShard(shard);
  }
}

function mayChange(oldMs: number, timeMs: number, condition: TimeCondition): boolean {
  if (timeMs === 0) return oldMs !== 0;
  if (condition === TimeCondition.IfNone) return oldMs === 0;
  if (condition === TimeCondition.IfSome) return oldMs !== 0;
  if (condition === TimeCondition.IfLater) return oldMs !== 0 && timeMs > oldMs;
  return condition === TimeCondition.None || oldMs === 0 || timeMs < oldMs;
}

export function fuzzHash(seed: number, operationCount: number): void {
  new HashFuzz(seed).run(operationCount);
}
