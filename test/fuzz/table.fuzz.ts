/** Random operations on a hash table against a Map, with hashes as they come and as an enemy would choose them, in a
 *  shard that is now and then so full that the table cannot grow. A SCAN walks along all the while. */

import { Prng } from '../support/prng.ts';
import { HASH_LIMIT } from '../../src/base/hash.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  collectEntries,
  createTable,
  findSlot,
  freeTable,
  insertEntry,
  nextSlot,
  randomSlot,
  removeSlot,
  setSlotRef,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../../src/structures/table.ts';

const SHARD_BYTES = 2 << 20;
const PHASE_OPERATIONS = 3000;
const ENTRIES_MAX = 40_000;

/** How hashes are drawn in one phase. */
const HASHES: Record<string, (random: Prng) => number> = {
  'all over': (random) => random.next32() >>> 1,
  'a narrow range': (random) => 0x31415926 + random.below(64),
  'the last few': (random) => HASH_LIMIT - 1 - random.below(4),
  'the first few': (random) => random.below(4),
  'one hash': () => 0x12345678,
  'the last hash': () => HASH_LIMIT - 1,
  'a few clusters': (random) => (random.below(8) * 0x0fffffff + random.below(200)) & 0x7fffffff,
  'one half': (random) => 0x40000000 + (random.next32() >>> 2),
  'the ends of segments': (random) => ((random.below(256) << 23) | 0x7fff00 | random.below(256)) >>> 0,
};

export class TableFuzz {
  readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  readonly table = createTable(this.shard);
  refusedCount = 0;
  peakBytes = 0;
  private readonly random: Prng;
  /** What the table should hold: references by hash, and every reference with its place in `list`. */
  private readonly model = new Map<number, Set<number>>();
  private readonly list: { hash: number; ref: number }[] = [];
  private nextRef = 8;
  private insertShare = 50;
  private hashOf: (random: Prng) => number = HASHES['all over']!;
  private readonly junk: number[] = [];
  private scan = new Scan();

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    const names = Object.keys(HASHES);
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) {
        this.insertShare = [5, 30, 50, 70, 95][this.random.below(5)]!;
        this.hashOf = HASHES[names[this.random.below(names.length)]!]!;
        this.verify();
      }
      this.step();
      if (operation % 500 === 0) this.verify();
    }
    this.empty();
  }

  private step(): void {
    const choice = this.random.below(1000);
    if (choice === 0) this.startFamine();
    else if (choice < 5) this.relieve();
    else if (choice < 60) this.scanOn();
    else if (choice < 100) this.checkHash(this.hashOf(this.random));
    else if (choice < 120) this.moveOne();
    else if (choice < 140) this.drawOne();
    else if (this.random.below(100) < this.insertShare && this.list.length < ENTRIES_MAX) this.insertOne();
    else this.removeOne();
  }

  private insertOne(): void {
    const hash = this.hashOf(this.random);
    const ref = this.nextRef;
    const slot = insertEntry(this.shard, this.table, hash, ref);
    if (slot === 0) {
      this.refusedCount++;
      this.verify();
      this.checkHash(hash);
      if (this.random.below(10) === 0) this.relieve();
      return;
    }
    if (slotRef(this.shard, slot) !== ref) throw new Error('insertEntry answers another slot');
    this.nextRef += 8;
    this.list.push({ hash, ref });
    const refs = this.model.get(hash);
    if (refs === undefined) this.model.set(hash, new Set([ref]));
    else refs.add(ref);
  }

  private removeOne(): void {
    const { list, random } = this;
    if (list.length === 0) return;
    const index = random.below(list.length);
    const { hash, ref } = list[index]!;
    list[index] = list.at(-1)!;
    list.pop();
    removeSlot(this.shard, this.table, this.slotOf(hash, ref));
    const refs = this.model.get(hash)!;
    refs.delete(ref);
    if (refs.size === 0) this.model.delete(hash);
    this.scan.forget(ref);
  }

  /** The slot of an entry that must be there. */
  private slotOf(hash: number, ref: number): number {
    const { shard } = this;
    let slot = findSlot(shard, this.table, hash);
    while (slot !== 0 && slotRef(shard, slot) !== ref) slot = nextSlot(shard, slot, hash);
    if (slot === 0) throw new Error(`entry ${ref} of hash ${hash} is lost`);
    return slot;
  }

  /** The references found under a hash must be those of the model. */
  private checkHash(hash: number): void {
    const found = new Set<number>();
    for (let slot = findSlot(this.shard, this.table, hash); slot !== 0;) {
      found.add(slotRef(this.shard, slot));
      slot = nextSlot(this.shard, slot, hash);
    }
    const wanted = this.model.get(hash) ?? new Set<number>();
    if (found.size !== wanted.size || !found.isSubsetOf(wanted)) throw new Error(`entries of hash ${hash}`);
  }

  private moveOne(): void {
    if (this.list.length === 0) return;
    const entry = this.list[this.random.below(this.list.length)]!;
    const ref = this.nextRef;
    this.nextRef += 8;
    setSlotRef(this.shard, this.slotOf(entry.hash, entry.ref), ref);
    const refs = this.model.get(entry.hash)!;
    refs.delete(entry.ref);
    refs.add(ref);
    this.scan.forget(entry.ref);
    entry.ref = ref;
  }

  private drawOne(): void {
    const slot = randomSlot(this.shard, this.table, this.random.next32());
    if (slot === 0) return;
    const ref = slotRef(this.shard, slot);
    if (!this.model.get(this.shard.words[slot]!)!.has(ref)) throw new Error('randomSlot answers a stranger');
  }

  /** One step of a walk in hash order while the table changes. */
  private scanOn(): void {
    if (this.scan.cursor < 0) {
      this.scan = new Scan();
      for (const { ref } of this.list) this.scan.present.add(ref);
      this.scan.firstNewRef = this.nextRef;
    }
    const out: number[] = [];
    const next = collectEntries(this.shard, this.table, this.scan.cursor, 1 + this.random.below(300), out);
    for (let i = 0; i < out.length; i += 2) {
      if (!this.model.get(out[i]!)?.has(out[i + 1]!)) throw new Error('collectEntries answers a stranger');
      this.scan.see(out[i + 1]!);
    }
    if (next >= 0 && next <= this.scan.cursor) throw new Error('the cursor does not advance');
    this.scan.cursor = next;
    if (next < 0) this.scan.finish();
  }

  /** Fills the shard, so that whatever the table asks for next is refused. */
  private startFamine(): void {
    for (let bytes = 1 << 19; bytes >= 8; bytes >>= 1) {
      for (let at = allocate(this.shard, bytes); at !== 0; at = allocate(this.shard, bytes))
        this.junk.push(at);
    }
  }

  /** Frees a part of what fills the shard: enough for some of the allocations of an insert, and not for others. */
  private relieve(): void {
    const count = this.random.below(4) === 0 ? this.junk.length : this.random.below(40);
    for (let i = 0; i < count && this.junk.length > 0; i++) {
      const index = this.random.below(this.junk.length);
      free(this.shard, this.junk[index]!);
      this.junk[index] = this.junk.at(-1)!;
      this.junk.pop();
    }
  }

  private empty(): void {
    for (const at of this.junk.splice(0)) free(this.shard, at);
    while (this.list.length > 0) this.removeOne();
    this.verify();
    freeTable(this.shard, this.table);
    if (verifyAllocator(this.shard) !== 0) throw new Error('freeTable leaves blocks behind');
  }

  verify(): void {
    verifyAllocator(this.shard);
    if (verifyTable(this.shard, this.table) !== this.list.length)
      throw new Error('entries are lost or invented');
    if (tableCount(this.shard, this.table) !== this.list.length) throw new Error('count');
    this.peakBytes = Math.max(this.peakBytes, tableBytesUsed(this.shard, this.table));
    for (let i = 0; i < 20 && this.list.length > 0; i++) {
      this.checkHash(this.list[this.random.below(this.list.length)]!.hash);
    }
  }
}

/** What a SCAN promises: every element that is there from its start to its end is returned, none twice. */
class Scan {
  /** -1: not under way. */
  cursor = -1;
  readonly present = new Set<number>();
  readonly seen = new Set<number>();
  firstNewRef = 0;

  constructor() {
    this.cursor = 0;
  }

  see(ref: number): void {
    if (this.seen.has(ref)) throw new Error(`a walk returns ${ref} twice`);
    this.seen.add(ref);
  }

  forget(ref: number): void {
    this.present.delete(ref);
  }

  finish(): void {
    if (!this.present.isSubsetOf(this.seen))
      throw new Error('a walk misses elements that were there throughout');
  }
}

export function fuzzTable(seed: number, operationCount: number): void {
  new TableFuzz(seed).run(operationCount);
}
