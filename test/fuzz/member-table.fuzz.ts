/** Random operations on a table of members against a Map, with heads and tails of several sizes, texts of every length
 *  class, hashes that collide, and now and then no memory. Whole tables are copied and freed in between. */

import { Bytes } from '../../src/base/bytes.ts';
import { hashBytes } from '../../src/base/hash.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import {
  copyMembers,
  findMember,
  freeMembersSlice,
  memberByteCount,
  memberTextAt,
  memberTextBytes,
  pointAtMember,
  randomMemberSlot,
  visitMembers,
  writeMemberText,
} from '../../src/structures/member-table.ts';
import { EntryText } from '../../src/structures/packed-entry.ts';
import {
  createTable,
  freeTable,
  insertEntry,
  removeSlot,
  slotRef,
  tableBytesUsed,
  tableCount,
  verifyTable,
} from '../../src/structures/table.ts';
import { Prng } from '../support/prng.ts';

const SHARD_BYTES = 2 << 20;
const PHASE_OPERATIONS = 2000;
const VERIFY_EVERY = 500;
/** Words of head and tail: what a hash or a sorted set might keep there. */
const SHAPES = [
  { headBytes: 0, tailBytes: 0 },
  { headBytes: 8, tailBytes: 0 },
  { headBytes: 0, tailBytes: 5 },
  { headBytes: 12, tailBytes: 300 },
] as const;
const LENGTHS = [0, 1, 5, 20, 60, 252, 253, 254, 255, 256, 5000];

export class MemberTableFuzz {
  refusedCount = 0;
  copyCount = 0;
  private readonly random: Prng;
  private readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  private readonly otherShard = new Shard(1, createShardMemory(SHARD_BYTES));
  private table = 0;
  /** Texts of the members, in latin1, and the byte that fills their heads and tails. */
  private readonly model = new Map<string, number>();
  private readonly input = Bytes.allocate(8192);
  private readonly text = new EntryText();
  private readonly junk: { shard: Shard; at: number }[] = [];
  private headBytes = 0;
  private tailBytes = 0;
  private hashMask = 0x7fffffff;
  private growShare = 60;

  constructor(seed: number) {
    this.random = new Prng(seed);
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % PHASE_OPERATIONS === 0) this.startPhase();
      this.step();
      if (operation % VERIFY_EVERY === 0) this.verify(this.shard, this.table);
    }
    this.dropTable();
    this.relieve(Infinity);
    for (const shard of [this.shard, this.otherShard]) {
      if (verifyAllocator(shard) !== 0) throw new Error('blocks are left behind');
    }
  }

  private startPhase(): void {
    const { random } = this;
    if (this.table !== 0) this.dropTable();
    const { headBytes, tailBytes } = SHAPES[random.below(SHAPES.length)]!;
    this.headBytes = headBytes;
    this.tailBytes = tailBytes;
    // All bits, or so few that many members have one hash; of the high bits, which lead to segments, or of the low ones.
    this.hashMask = [0x7fffffff, 0x7fffffff, 0x7f000000, 0x7f, 0][random.below(5)]!;
    this.growShare = [20, 55, 80, 95][random.below(4)]!;
    while (this.table === 0) {
      this.table = createTable(this.shard);
      if (this.table === 0) this.relieve(Infinity);
    }
  }

  private step(): void {
    const { random } = this;
    const choice = random.below(1000);
    if (choice < 2) this.startFamine();
    else if (choice < 20) this.relieve(random.below(40));
    else if (choice < 30) this.copy();
    else if (choice < 80) this.draw();
    else if (choice < 200) this.find(this.chooseText());
    else if (random.below(100) < this.growShare) this.add(this.chooseText());
    else this.remove();
  }

  /** One of few texts of each length, so that many are met again. Leaves it at the beginning of `input`. */
  private chooseText(): string {
    const { random, input } = this;
    const byteCount = LENGTHS[random.below(random.below(4) === 0 ? LENGTHS.length : 4)]!;
    const number = random.below(300);
    input.u8.fill(number & 0xff, 0, byteCount);
    if (byteCount > 3) input.u8.writeUInt16LE(number, byteCount - 2);
    return input.u8.toString('latin1', 0, byteCount);
  }

  private hashOf(byteCount: number): number {
    return hashBytes(this.input.view, 0, byteCount, { k0: 3, k1: 4 }, 0) & this.hashMask;
  }

  /** The slot of the text at the beginning of `input`, which must be there or not as in the model. */
  private find(text: string): number {
    const { shard, input } = this;
    const { length } = text;
    const slot = findMember(shard, this.table, this.headBytes, this.hashOf(length), input, 0, length);
    if ((slot !== 0) !== this.model.has(text)) throw new Error(slot === 0 ? 'lost' : 'invented');
    if (slot !== 0) this.compare(shard, slotRef(shard, slot), text);
    return slot;
  }

  private compare(shard: Shard, block: number, text: string): void {
    const { headBytes, tailBytes } = this;
    const fill = this.model.get(text);
    const at = block + headBytes;
    pointAtMember(shard, at, this.text);
    if (fill === undefined || this.text.toString() !== text) throw new Error('another text');
    const tail = memberTextAt(shard, at) + memberByteCount(shard, at);
    const { u8 } = shard.bytes;
    const around = [...u8.subarray(block, at), ...u8.subarray(tail, tail + tailBytes)];
    if (around.some((byte) => byte !== fill)) throw new Error('head or tail');
  }

  private blockBytesOf(shard: Shard, block: number): number {
    return this.headBytes + memberTextBytes(memberByteCount(shard, block + this.headBytes)) + this.tailBytes;
  }

  private add(text: string): void {
    if (this.find(text) !== 0) return;
    const { shard, input, headBytes, tailBytes } = this;
    const { length } = text;
    const block = allocate(shard, headBytes + memberTextBytes(length) + tailBytes);
    if (block === 0) return this.refuse(text);
    const fill = this.random.below(256);
    shard.bytes.u8.fill(fill, block, block + headBytes);
    const end = writeMemberText(shard, block + headBytes, input, 0, length);
    shard.bytes.u8.fill(fill, end, end + tailBytes);
    if (insertEntry(shard, this.table, this.hashOf(length), block) === 0) {
      free(shard, block);
      return this.refuse(text);
    }
    this.model.set(text, fill);
    this.find(text);
  }

  private refuse(text: string): void {
    this.refusedCount++;
    this.find(text);
    if (this.random.below(4) === 0) this.relieve(20);
  }

  private remove(): void {
    const slot = this.find(this.chooseText());
    if (slot === 0) return;
    const { shard } = this;
    const block = slotRef(shard, slot);
    pointAtMember(shard, block + this.headBytes, this.text);
    this.model.delete(this.text.toString());
    removeSlot(shard, this.table, slot);
    free(shard, block);
  }

  private draw(): void {
    if (this.model.size === 0) return;
    const { shard } = this;
    const slot = randomMemberSlot(shard, this.table);
    const block = slotRef(shard, slot);
    if (block === 0) throw new Error('an empty slot was drawn');
    pointAtMember(shard, block + this.headBytes, this.text);
    this.compare(shard, block, this.text.toString());
  }

  /** Copies the table, within the shard or to the other, and frees the copy or goes on with it. */
  private copy(): void {
    const { shard, random } = this;
    const to = random.below(2) === 0 ? shard : this.otherShard;
    const before = verifyAllocator(to);
    const copy = copyMembers(shard, this.table, to, (from, block) => this.blockBytesOf(from, block));
    if (copy === 0) {
      this.refusedCount++;
      if (verifyAllocator(to) !== before) throw new Error('a failed copy leaves blocks');
      return;
    }
    this.copyCount++;
    this.verify(to, copy);
    if (to === shard && random.below(2) === 0) {
      this.freeAll(shard, this.table);
      this.table = copy;
    } else this.freeAll(to, copy);
  }

  private freeAll(shard: Shard, table: number): void {
    let cursor = 0;
    while (cursor >= 0) {
      const next = freeMembersSlice(shard, table, cursor, 1 + this.random.below(200));
      if (next >= 0 && next <= cursor) throw new Error('the cursor does not advance');
      cursor = next;
    }
  }

  private dropTable(): void {
    if (this.model.size === 0) freeTable(this.shard, this.table);
    else this.freeAll(this.shard, this.table);
    this.table = 0;
    this.model.clear();
  }

  private startFamine(): void {
    for (const shard of [this.shard, this.otherShard]) {
      if (this.random.below(2) === 0) continue;
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

  /** Checks the table in `shard` against the model, and that all its blocks are accounted for. */
  private verify(shard: Shard, table: number): void {
    verifyAllocator(shard);
    if (verifyTable(shard, table) !== this.model.size) throw new Error('members are lost or invented');
    if (tableCount(shard, table) !== this.model.size) throw new Error('count');
    let bytes = tableBytesUsed(shard, table);
    const seen = new Set<string>();
    let lastHash = 0;
    visitMembers(shard, table, (hash, block) => {
      if (hash < lastHash) throw new Error('hashes out of order');
      lastHash = hash;
      pointAtMember(shard, block + this.headBytes, this.text);
      const text = this.text.toString();
      this.compare(shard, block, text);
      seen.add(text);
      bytes += this.blockBytesOf(shard, block);
    });
    if (seen.size !== this.model.size) throw new Error('a member is visited twice, or not at all');
    if (bytes > shard.usedBytes) throw new Error('more bytes than are allocated');
  }
}

export function fuzzMemberTable(seed: number, operationCount: number): void {
  new MemberTableFuzz(seed).run(operationCount);
}
