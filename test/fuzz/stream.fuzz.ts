/** Random operations on a stream and its groups against plain arrays and maps, in a shard that is now and then so full that
 *  nothing can grow. */

import { Bytes } from '../../src/base/bytes.ts';
import { allocate, free, verifyAllocator } from '../../src/memory/allocator.ts';
import { createShardMemory, Shard } from '../../src/memory/shard.ts';
import { EntryText } from '../../src/structures/packed-entry.ts';
import {
  acknowledge,
  assignPending,
  consumerPendingCount,
  createConsumer,
  createGroup,
  destroyGroup,
  findConsumer,
  findGroup,
  groupPending,
  groupPendingCount,
  removeConsumer,
} from '../../src/structures/stream/groups.ts';
import { Pending, PendingWalk } from '../../src/structures/stream/pending-list.ts';
import { streamKind } from '../../src/structures/stream/stream-kind.ts';
import { StreamId } from '../../src/structures/stream/stream-id.ts';
import {
  appendToStream,
  createStream,
  deleteEntry,
  hasEntry,
  streamLength,
  StreamWalk,
  trimStream,
} from '../../src/structures/stream/stream-log.ts';
import { loadId } from '../../src/structures/stream/stream-id.ts';
import { Prng } from '../support/prng.ts';

const SHARD_BYTES = 8 << 20;
const PHASE_OPERATIONS = 3000;
const VERIFY_EVERY = 50;
const NAMES = ['a', 'b', 'c'] as const;
const LIMITS = [
  { streamNodeBytes: 4096, streamNodeEntries: 100 },
  { streamNodeBytes: 0, streamNodeEntries: 3 },
  { streamNodeBytes: 300, streamNodeEntries: 0 },
];

interface Entry {
  readonly id: string;
  readonly fields: readonly string[];
}

/** What a group is like: of each pending id the consumer. */
interface Group {
  readonly consumers: Set<string>;
  readonly pending: Map<string, string>;
}

function check(condition: boolean, text: string): void {
  if (!condition) throw new Error(text);
}

/** Makes `operationCount` random operations; throws at the first that goes wrong. */
export function fuzzStreams(seed: number, operationCount: number): void {
  const random = new Prng(seed);
  for (let done = 0; done < operationCount; done += PHASE_OPERATIONS) {
    const phase = new Phase(random);
    const count = Math.min(PHASE_OPERATIONS, operationCount - done);
    for (let i = 0; i < count; i++) {
      phase.step();
      if (i % VERIFY_EVERY === 0) phase.verify();
    }
    phase.end();
  }
}

class Phase {
  private readonly shard = new Shard(0, createShardMemory(SHARD_BYTES));
  private readonly random: Prng;
  private readonly limits: (typeof LIMITS)[number];
  private root: number;
  private entries: Entry[] = [];
  private readonly groups = new Map<string, Group>();
  private readonly last = new StreamId();
  private ballast: number[] = [];

  constructor(random: Prng) {
    this.random = random;
    this.limits = LIMITS[random.below(LIMITS.length)]!;
    this.root = createStream(this.shard);
  }

  step(): void {
    const { random } = this;
    const kind = random.below(20);
    if (kind < 8) this.append();
    else if (kind < 10) this.delete();
    else if (kind === 10) this.trim();
    else if (kind < 14) this.assign();
    else if (kind < 16) this.acknowledge();
    else if (kind === 16) this.changeGroups();
    else if (kind === 17) this.walk(random.below(2) === 0);
    else if (kind === 18 && random.below(20) === 0) this.copy();
    else if (kind === 19 && random.below(60) === 0) this.fill();
  }

  private text(): string {
    const { random } = this;
    return random.below(3) === 0
      ? `${random.next32()}`
      : 'x'.repeat(random.below(random.below(20) === 0 ? 500 : 20));
  }

  private append(): void {
    const { random, shard, last } = this;
    const id = new StreamId();
    id.set(last);
    const kind = random.below(10);
    if (kind === 0) id.setWords(id.msHi, id.msLo, id.seqHi, (id.seqLo | 0xffff) >>> 0);
    else if (kind === 1) id.msLo = (id.msLo + random.below(100_000)) | 0;
    else if (kind === 2 && random.below(50) === 0) id.msHi = (id.msHi + 1) | 0;
    id.increment();
    const fields = Array.from({ length: random.below(8) === 0 ? 6 : 2 }, (_, i) =>
      i % 2 === 0 ? `f${i + (random.below(9) === 0 ? 1 : 0)}` : this.text(),
    );
    const source = Bytes.fromText(`${fields.join('')} `);
    const args = new Int32Array(fields.length * 2);
    for (let i = 0, at = 0; i < fields.length; at += fields[i]!.length, i++)
      args.set([at, fields[i]!.length], i * 2);
    const request = { source, args, first: 0, count: fields.length / 2 };
    if (!appendToStream(shard, this.root, id, request, this.limits)) return this.release();
    last.set(id);
    this.entries.push({ id: id.toString(), fields });
  }

  /** The id of an entry, mostly of one that is there. */
  private someId(): StreamId {
    const { random, entries } = this;
    const text =
      entries.length === 0 || random.below(10) === 0 ? '5-5' : entries[random.below(entries.length)]!.id;
    return idOf(text);
  }

  private delete(): void {
    const id = this.someId();
    const index = this.entries.findIndex((entry) => entry.id === id.toString());
    check(hasEntry(this.shard, this.root, id) === index >= 0, 'an entry that is not there');
    check(deleteEntry(this.shard, this.root, id) === index >= 0, 'deletion of an entry');
    if (index >= 0) this.entries.splice(index, 1);
  }

  private trim(): void {
    const { random, entries } = this;
    const isApproximate = random.below(2) === 0;
    const minId = random.below(2) === 0 ? this.someId() : null;
    const lengthMax = Math.max(entries.length - random.below(300), 0);
    const before =
      minId === null ? entries.length - lengthMax : entries.findIndex(({ id }) => !isBefore(idOf(id), minId));
    const most = before < 0 ? entries.length : before;
    const removed = trimStream(this.shard, this.root, { lengthMax, minId, isApproximate, limit: 0 });
    check(isApproximate ? removed <= most : removed === most, 'entries trimmed');
    entries.splice(0, removed);
  }

  private name(): { text: string; bytes: Bytes; at: number; byteCount: number } {
    const text = NAMES[this.random.below(NAMES.length)]!;
    return { text, bytes: Bytes.fromText(text), at: 0, byteCount: text.length };
  }

  private assign(): void {
    const { shard } = this;
    const name = this.name();
    const model = this.groups.get(name.text);
    const group = findGroup(shard, this.root, name);
    check((group !== 0) === (model !== undefined), 'a group');
    if (model === undefined) return;
    const consumer = this.name();
    const found = findConsumer(shard, group, consumer);
    check((found !== 0) === model.consumers.has(consumer.text), 'a consumer');
    if (found === 0) return;
    const id = this.someId();
    if (assignPending(shard, group, found, id) === 0) return this.release();
    model.pending.set(id.toString(), consumer.text);
  }

  private acknowledge(): void {
    const name = this.name();
    const model = this.groups.get(name.text);
    if (model === undefined) return;
    const known = [...model.pending.keys()];
    const id =
      known.length > 0 && this.random.below(4) > 0
        ? idOf(known[this.random.below(known.length)]!)
        : this.someId();
    const group = findGroup(this.shard, this.root, name);
    check(acknowledge(this.shard, group, id) === model.pending.delete(id.toString()), 'acknowledging');
  }

  private changeGroups(): void {
    const { shard, random } = this;
    const name = this.name();
    const model = this.groups.get(name.text);
    const group = findGroup(shard, this.root, name);
    if (model === undefined) {
      if (createGroup(shard, this.root, name, new StreamId(), 0) === 0) this.release();
      else this.groups.set(name.text, { consumers: new Set(), pending: new Map() });
    } else if (random.below(30) === 0) {
      destroyGroup(shard, this.root, group);
      this.groups.delete(name.text);
    } else this.changeConsumers(group, model);
  }

  private changeConsumers(group: number, model: Group): void {
    const { shard } = this;
    const name = this.name();
    if (!model.consumers.has(name.text)) {
      if (createConsumer(shard, group, name, 0) === 0) this.release();
      else model.consumers.add(name.text);
    } else if (this.random.below(10) === 0) {
      removeConsumer(shard, group, findConsumer(shard, group, name));
      model.consumers.delete(name.text);
      for (const [id, owner] of model.pending) if (owner === name.text) model.pending.delete(id);
    }
  }

  private walk(isBackward: boolean): void {
    const from = this.someId();
    const walk = new StreamWalk();
    if (isBackward) walk.startBackward(this.shard, this.root, from);
    else walk.startForward(this.shard, this.root, from);
    const expected = this.entries.filter(({ id }) =>
      isBackward ? !isBefore(from, idOf(id)) : !isBefore(idOf(id), from),
    );
    if (isBackward) expected.reverse();
    const field = new EntryText();
    const value = new EntryText();
    for (const entry of expected) {
      check(isBackward ? walk.previous() : walk.next(), 'a walk that ends');
      check(walk.id.toString() === entry.id, 'the id of an entry');
      const count = walk.entry.beginFields();
      check(count * 2 === entry.fields.length, 'the fields of an entry');
      for (let i = 0; i < count; i++) {
        walk.entry.nextField(field, value);
        check(
          field.toString() === entry.fields[i * 2] && value.toString() === entry.fields[i * 2 + 1],
          'a field',
        );
      }
    }
    check(!(isBackward ? walk.previous() : walk.next()), 'a walk that does not end');
  }

  /** Goes on with a copy. */
  private copy(): void {
    const { shard } = this;
    const copy = streamKind.copy(shard, this.root, shard);
    if (copy === 0) return this.release();
    for (let cursor = 0; cursor >= 0;) cursor = streamKind.freeSlice(shard, this.root, cursor, 50);
    this.root = copy;
  }

  /** Leaves no room. */
  private fill(): void {
    for (const byteCount of [100_000, 5000, 300]) {
      for (let at = allocate(this.shard, byteCount); at !== 0; at = allocate(this.shard, byteCount))
        this.ballast.push(at);
    }
  }

  private release(): void {
    check(this.ballast.length > 0, 'out of memory in an empty shard');
    this.verify();
    for (const at of this.ballast) free(this.shard, at);
    this.ballast = [];
  }

  verify(): void {
    const { shard, root } = this;
    const bytes = streamKind.verify(shard, root);
    check(bytes === streamKind.bytesUsed(shard, root), 'bytes used');
    check(streamLength(shard, root) === this.entries.length, 'length');
    for (const [text, model] of this.groups) {
      const group = findGroup(shard, root, { bytes: Bytes.fromText(text), at: 0, byteCount: text.length });
      check(groupPendingCount(shard, group) === model.pending.size, 'count of pending entries');
      this.verifyPending(group, model);
    }
    if (this.ballast.length === 0) check(shard.usedBytes === bytes, 'memory that nobody owns');
  }

  private verifyPending(group: number, model: Group): void {
    const { shard } = this;
    const walk = new PendingWalk();
    const id = new StreamId();
    const list = groupPending(group);
    walk.start(shard, list, Pending.Words, id);
    for (
      let word = walk.next(shard, list, Pending.Words);
      word !== 0;
      word = walk.next(shard, list, Pending.Words)
    ) {
      loadId(shard.words, word, id);
      const owner = model.pending.get(id.toString());
      check(owner !== undefined, 'an entry that is not pending');
      const consumer = findConsumer(shard, group, {
        bytes: Bytes.fromText(owner!),
        at: 0,
        byteCount: owner!.length,
      });
      check(shard.words[word + Pending.Consumer] === consumer, 'the consumer of an entry');
      check(consumerPendingCount(shard, consumer) > 0, 'the entries of a consumer');
    }
  }

  end(): void {
    for (const at of this.ballast) free(this.shard, at);
    this.ballast = [];
    this.verify();
    for (let cursor = 0; cursor >= 0;) cursor = streamKind.freeSlice(this.shard, this.root, cursor, 100);
    check(verifyAllocator(this.shard) === 0, 'memory left behind');
  }
}

function idOf(text: string): StreamId {
  const [ms, seq] = text.split('-').map(BigInt) as [bigint, bigint];
  const id = new StreamId();
  const low = (value: bigint): number => Number(BigInt.asIntN(32, value));
  id.setWords(low(ms >> 32n), low(ms), low(seq >> 32n), low(seq));
  return id;
}

function isBefore(a: StreamId, b: StreamId): boolean {
  const value = ({ msHi, msLo, seqHi, seqLo }: StreamId): bigint =>
    [msHi, msLo, seqHi, seqLo].reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
  return value(a) < value(b);
}
