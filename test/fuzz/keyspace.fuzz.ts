/** Random operations on a keyspace of two small shards against a Map of what it should hold: strings that come, grow,
 *  shrink, expire, are copied and removed, in several databases, often with no memory left. */

import { Bytes } from '../../src/base/bytes.ts';
import { Prng } from '../support/prng.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { allocate, free } from '../../src/memory/allocator.ts';
import { createShardHeads, createShardMemory, Head, Shard } from '../../src/memory/shard.ts';
import { clearDatabase, clearShard } from '../../src/store/clearing.ts';
import { copyRecord } from '../../src/store/copying.ts';
import { Key } from '../../src/store/key.ts';
import { KEEP_EXPIRY, Keyspace } from '../../src/store/keyspace.ts';
import {
  expiryAtMs,
  itemCas,
  itemClientFlags,
  keyAt,
  keyBytes,
  valueAt,
  valueBytes,
} from '../../src/store/record.ts';
import { Status } from '../../src/store/status.ts';
import { collectRecords, expireSlice, randomRecord } from '../../src/store/walking.ts';
import { resizeValue } from '../../src/store/record-room.ts';

const SHARD_BYTES = 2 << 20;
const DATABASES = 3;
const KEY_COUNT = 3000;
const VERIFY_EVERY = 500;
const BUFFER_BYTES = 1 << 20;

interface Entry {
  value: Buffer;
  expiryMs: number;
  clientFlags: number;
}

export class KeyspaceFuzz {
  refusedCount = 0;
  readonly keyspace: Keyspace;
  private readonly control = ControlBlock.create(1, DATABASES);
  private readonly random: Prng;
  private readonly model = new Map<string, Entry>();
  private readonly key: Key;
  private readonly otherKey: Key;
  /** Where the bytes of keys and values come from, as from a client: keys in the first page, values behind. */
  private readonly input = Bytes.allocate(BUFFER_BYTES);
  private readonly otherInput = Bytes.allocate(4096);
  private readonly junk: { shard: Shard; at: number }[] = [];
  private nowMs = 1_700_000_000_000;
  private growShare = 60;
  private valueBytesMax = 100;

  constructor(seed: number) {
    this.random = new Prng(seed);
    const heads = createShardHeads(2);
    const shards = [0, 1].map((index) => new Shard(index, createShardMemory(SHARD_BYTES), heads));
    this.keyspace = new Keyspace(shards, this.control, this.control.counters(0), { k0: seed | 0, k1: 99 });
    this.keyspace.setTime(this.nowMs);
    this.key = new Key(shards[0]!);
    this.otherKey = new Key(shards[0]!);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % 2000 === 0) {
        this.growShare = [20, 50, 70, 90][this.random.below(4)]!;
        this.valueBytesMax = [20, 200, 3000, 60_000][this.random.below(4)]!;
        for (const shard of this.keyspace.shards)
          shard.heads[shard.head + Head.Epoch] = this.random.below(256);
      }
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify();
    }
    this.empty();
  }

  private step(): void {
    const choice = this.random.below(1000);
    if (choice < 2) this.clear();
    else if (choice < 10) this.advanceTime();
    else if (choice < 14) this.startFamine();
    else if (choice < 60) this.relieve();
    else if (choice < 70) this.collect();
    else if (choice < 120) this.setExpiry();
    else if (choice < 160) this.ensureCas();
    else if (choice < 200) this.copy();
    else if (choice < 300) this.resize();
    else if (choice < 400) this.read();
    else if (choice < 450) this.stageTwo();
    else if (this.random.below(100) < this.growShare) this.put();
    else this.remove();
  }

  /** Points `key` at a random key in `input`; returns its name in the model. */
  private locate(key: Key, input: Bytes): string {
    const number = this.random.below(KEY_COUNT);
    // Few lengths from none to past a size class, so that keys of every alignment and of no bytes at all occur.
    const text = number === 0 ? '' : `${number}`.padEnd(1 + ((number * 7) % 40), '.');
    const database = this.random.below(DATABASES);
    input.u8.write(text, 0, 'latin1');
    this.keyspace.locate(key, input, 0, text.length, database);
    return `${database} ${text}`;
  }

  /** The live entry of the model, as `find` should answer. */
  private expected(name: string): Entry | undefined {
    const entry = this.model.get(name);
    if (entry === undefined || entry.expiryMs === 0 || entry.expiryMs >= this.nowMs) return entry;
    this.model.delete(name);
    return undefined;
  }

  /** Finds the key and compares it with the model; returns its entry when both have one. */
  private find(key: Key, name: string): Entry | undefined {
    const record = this.keyspace.find(key);
    const entry = this.expected(name);
    if ((record === 0) !== (entry === undefined))
      throw new Error(`${name}: ${record === 0 ? 'lost' : 'invented'}`);
    if (entry !== undefined) this.compare(key.shard, record, name, entry);
    return entry;
  }

  private compare(shard: Shard, record: number, name: string, entry: Entry): void {
    const at = valueAt(shard, record);
    const value = shard.bytes.u8.subarray(at, at + valueBytes(shard, record));
    if (!value.equals(entry.value)) throw new Error(`${name}: wrong value`);
    if (expiryAtMs(shard, record) !== entry.expiryMs) throw new Error(`${name}: wrong expiry`);
    if (itemClientFlags(shard, record) !== entry.clientFlags) throw new Error(`${name}: wrong client flags`);
  }

  private randomValue(): Buffer {
    const byteCount = this.random.below(this.valueBytesMax + 1);
    const value = Buffer.alloc(byteCount, this.random.below(256));
    if (byteCount > 0) value[byteCount - 1] = this.random.below(256);
    return value;
  }

  private randomExpiry(): number {
    return this.nowMs + this.random.below(5000);
  }

  private put(): void {
    const { random, keyspace, key } = this;
    const name = this.locate(key, this.input);
    const value = this.randomValue();
    value.copy(this.input.u8, 4096);
    const clientFlags = random.below(3) === 0 ? 1 + random.below(2 ** 32 - 1) : 0;
    const whenMs = [0, 0, KEEP_EXPIRY, this.randomExpiry()][random.below(4)]!;
    const old = this.expected(name);
    const status =
      random.below(2) === 0
        ? keyspace.putItem(key, this.input, 4096, value.length, whenMs, clientFlags)
        : keyspace.putString(key, this.input, 4096, value.length, whenMs);
    if (status === Status.OutOfMemory) return this.refused(name);
    const hasFlags = keyspace.find(key) !== 0 && itemClientFlags(key.shard, key.record) !== 0;
    if (hasFlags && itemClientFlags(key.shard, key.record) !== clientFlags) throw new Error('client flags');
    const expiryMs = whenMs === KEEP_EXPIRY ? (old?.expiryMs ?? 0) : whenMs;
    this.model.set(name, { value, expiryMs, clientFlags: hasFlags ? clientFlags : 0 });
    this.find(key, name);
  }

  /** Nothing may have changed. */
  private refused(name: string): void {
    this.refusedCount++;
    this.find(this.key, name);
    if (this.random.below(20) === 0) this.verify();
    if (this.random.below(4) === 0) this.relieve();
  }

  private read(): void {
    this.find(this.key, this.locate(this.key, this.input));
  }

  private remove(): void {
    const name = this.locate(this.key, this.input);
    if (this.find(this.key, name) === undefined) return;
    this.keyspace.remove(this.key);
    this.model.delete(name);
    this.find(this.key, name);
  }

  private resize(): void {
    const { key, random } = this;
    const name = this.locate(key, this.input);
    const entry = this.find(key, name);
    if (entry === undefined) return;
    const byteCount =
      random.below(2) === 0 ? random.below(this.valueBytesMax) : entry.value.length + random.below(50);
    const record = resizeValue(key, byteCount, random.below(2) === 0);
    if (record === 0) return this.refused(name);
    const value = Buffer.alloc(byteCount, random.below(256));
    entry.value.copy(value);
    const at = valueAt(key.shard, record) + Math.min(byteCount, entry.value.length);
    value.copy(key.shard.bytes.u8, at, Math.min(byteCount, entry.value.length));
    this.keyspace.touched(key);
    entry.value = value;
    this.find(key, name);
  }

  private setExpiry(): void {
    const name = this.locate(this.key, this.input);
    const entry = this.find(this.key, name);
    if (entry === undefined) return;
    const whenMs = this.random.below(3) === 0 ? 0 : this.randomExpiry();
    if (this.keyspace.setExpiry(this.key, whenMs) === Status.OutOfMemory) return this.refused(name);
    entry.expiryMs = whenMs;
    this.find(this.key, name);
  }

  private ensureCas(): void {
    const { key, keyspace } = this;
    const name = this.locate(key, this.input);
    const entry = this.find(key, name);
    if (entry === undefined) return;
    const cas = keyspace.ensureCas(key);
    if (cas === 0) return this.refused(name);
    if (keyspace.ensureCas(key) !== cas) throw new Error('cas changes by being asked for');
    this.find(key, name);
    keyspace.touched(key);
    if (itemCas(key.shard, key.record) <= cas) throw new Error('cas does not grow with a change');
  }

  private copy(): void {
    const { key, otherKey, keyspace } = this;
    const name = this.locate(key, this.input);
    const otherName = this.locate(otherKey, this.otherInput);
    // As the commands do: the target first, because finding it may remove it and move the slots.
    this.find(otherKey, otherName);
    const entry = this.find(key, name);
    if (entry === undefined || name === otherName) return;
    const status = copyRecord(keyspace, key, otherKey, entry.expiryMs);
    if (status === Status.OutOfMemory) return this.refused(name);
    this.model.set(otherName, { ...entry });
    this.find(otherKey, otherName);
    this.find(key, name);
  }

  /** Two keys set together or not at all, as MSET does it. */
  private stageTwo(): void {
    const { key, otherKey, keyspace } = this;
    const name = this.locate(key, this.input);
    const otherName = this.locate(otherKey, this.otherInput);
    if (name === otherName) return;
    const value = this.randomValue();
    value.copy(this.input.u8, 4096);
    const whenMs = this.random.below(2) === 0 ? 0 : this.randomExpiry();
    const record = keyspace.stageString(key, this.input, 4096, value.length, whenMs);
    if (record === 0) return this.refused(name);
    const other = keyspace.stageString(otherKey, this.input, 4096, value.length, whenMs);
    if (other === 0 || this.random.below(3) === 0) {
      if (other !== 0) keyspace.dropStaged(otherKey, other);
      keyspace.dropStaged(key, record);
    } else {
      keyspace.commitStaged(key, record);
      keyspace.commitStaged(otherKey, other);
      this.model.set(name, { value, expiryMs: whenMs, clientFlags: 0 });
      this.model.set(otherName, { value, expiryMs: whenMs, clientFlags: 0 });
    }
    this.find(otherKey, otherName);
    this.find(key, name);
  }

  private advanceTime(): void {
    this.nowMs += this.random.below(3000);
    this.keyspace.setTime(this.nowMs);
    for (const shard of this.keyspace.shards) {
      expireSlice(this.keyspace, shard, this.random.below(1000), this.key);
    }
  }

  /** A walk over one database returns exactly its live keys. */
  private collect(): void {
    const database = this.random.below(DATABASES);
    const records: number[] = [];
    let count = 0;
    for (const shard of this.keyspace.shards) {
      for (let hash = 0; hash >= 0;) {
        records.length = 0;
        hash = collectRecords(this.keyspace, shard, database, hash, 1 + this.random.below(200), records);
        for (const record of records) {
          const at = keyAt(shard, record);
          const name = `${database} ${shard.bytes.u8.toString('latin1', at, at + keyBytes(shard, record))}`;
          const entry = this.expected(name);
          if (entry === undefined) throw new Error(`${name}: a walk returns what is not there`);
          this.compare(shard, record, name, entry);
          count++;
        }
      }
      const random = randomRecord(this.keyspace, shard, database);
      if (random !== 0 && records.length === 0 && count === 0)
        throw new Error('a random key in an empty database');
    }
    let wanted = 0;
    for (const name of this.model.keys()) {
      if (name.startsWith(`${database} `) && this.expected(name) !== undefined) wanted++;
    }
    if (count !== wanted) throw new Error(`a walk returns ${count} keys of ${wanted}`);
  }

  private clear(): void {
    if (this.random.below(8) === 0) {
      this.model.clear();
      this.junk.length = 0;
      for (const shard of this.keyspace.shards) clearShard(this.keyspace, shard);
      return;
    }
    // Clearing a database that is the only one drops the whole shard, and with it what fills it here.
    this.relieveAll();
    const database = this.random.below(DATABASES);
    for (const shard of this.keyspace.shards) clearDatabase(this.keyspace, shard, database, this.key);
    for (const name of this.model.keys()) if (name.startsWith(`${database} `)) this.model.delete(name);
  }

  private startFamine(): void {
    for (const shard of this.keyspace.shards) {
      for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
        for (let at = allocate(shard, bytes); at !== 0; at = allocate(shard, bytes))
          this.junk.push({ shard, at });
      }
    }
  }

  private relieve(): void {
    for (let i = this.random.below(60); i > 0 && this.junk.length > 0; i--) {
      const index = this.random.below(this.junk.length);
      const { shard, at } = this.junk[index]!;
      free(shard, at);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  private relieveAll(): void {
    for (const { shard, at } of this.junk.splice(0)) free(shard, at);
  }

  /** Every block of a shard must have an owner, so what fills it is freed first. */
  verify(): void {
    this.relieveAll();
    let count = 0;
    for (const shard of this.keyspace.shards) count += this.keyspace.verifyShard(shard);
    let live = 0;
    for (const name of this.model.keys()) if (this.expected(name) !== undefined) live++;
    if (count < live) throw new Error(`${count} keys, of ${live} or more`);
  }

  private empty(): void {
    this.relieveAll();
    for (const shard of this.keyspace.shards) {
      for (let database = 0; database < DATABASES; database++) {
        clearDatabase(this.keyspace, shard, database, this.key);
      }
    }
    this.model.clear();
    this.verify();
    for (let database = 0; database < DATABASES; database++) {
      if (this.keyspace.keyCount(database) + this.keyspace.expiryCount(database) !== 0)
        throw new Error('counts');
    }
  }
}

export function fuzzKeyspace(seed: number, operationCount: number): void {
  new KeyspaceFuzz(seed).run(operationCount);
}
