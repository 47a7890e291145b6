/**
 * Streams out of the RDB format, all versions of them (stream-writer.ts draws it). The entries of a node are appended one by
 * one, those that are marked as deleted are left out.
 *
 *  version 1   no first id, greatest deleted id, number of entries ever added, nor how many each group has read
 *  version 3   two times for each consumer
 *  version 4   behind the groups, what producers have been told apart by: refused if there are any
 *  version 5   behind each group, entries that consumers gave back and nobody has: refused if there are any
 */
import { Int64, int64ToNumber, parseInt64 } from '../../base/int64.ts';
import type { Shard } from '../../memory/shard.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import {
  assignPending,
  createConsumer,
  createGroup,
  findConsumer,
  findGroup,
  UNKNOWN_READ,
} from '../../structures/stream/groups.ts';
import { Pending } from '../../structures/stream/pending-list.ts';
import { compareIdAt, compareIds, ID_WORDS, storeId, StreamId } from '../../structures/stream/stream-id.ts';
import { streamKind } from '../../structures/stream/stream-kind.ts';
import {
  appendToStream,
  createStream,
  setEntriesAdded,
  setLastId,
  Stream,
  streamLength,
  writeStreamId,
} from '../../structures/stream/stream-log.ts';
import { WriteBuffer } from '../../base/write-buffer.ts';
import { RdbType } from './format.ts';
import { type RdbInput, readRawId, TextSlot } from './input.ts';
import { ListpackReader } from './packed-readers.ts';
import { ENTRY_HEAD_COUNT, EntryFlag } from './stream-writer.ts';

const ID_BYTES = 16;
/** Bytes that a pending entry of a group takes at least. */
const PENDING_BYTES_MIN = 25;
const TIMES_MAX = 0xffffffff;

/** Thrown inside this file, when there is no memory for more. */
class OutOfMemory extends Error {}

/** Version of the format of a stream by its type, or 0: it is none. */
export function streamVersionOf(type: number): number {
  switch (type) {
    case RdbType.Stream:
      return 1;
    case RdbType.Stream2:
      return 2;
    case RdbType.Stream3:
      return 3;
    case RdbType.Stream4:
      return 4;
    case RdbType.Stream5:
      return 5;
    default:
      return 0;
  }
}

export class StreamLoader {
  private input!: RdbInput;
  private keyspace!: Keyspace;
  private shard!: Shard;
  private root = 0;
  private version = 0;
  private readonly listpack = new ListpackReader();
  private readonly slot = new TextSlot();
  private readonly nameSlot = new TextSlot();
  private readonly master = new StreamId();
  private readonly id = new StreamId();
  private readonly last = new StreamId();
  private readonly integer = new Int64();
  /** Texts of the fields of a node's first entry, then those of the entry being read. */
  private readonly texts = new WriteBuffer();
  private masterCount = 0;
  private masterBytes = 0;
  /** Where they lie: start and length of each. */
  private ranges = new Int32Array(64);
  private readonly fields = { source: this.texts.bytes, args: new Int32Array(64), first: 0, count: 0 };
  /** What is pending in a group: ids, when and how often each was delivered, and whether a consumer has it. */
  private pendingIds = new Int32Array(0);
  private pendingTimes = new Float64Array(0);
  private pendingCounts = new Float64Array(0);
  private owned = new Uint8Array(0);

  /**
   * Builds a stream of this version in `shard`, whose lock is held. Returns its root, which no key has yet, or 0: out of memory.
   * Throws RdbError for bytes that are no stream. Either way nothing is left behind.
   */
  load(keyspace: Keyspace, shard: Shard, input: RdbInput, version: number): number {
    this.keyspace = keyspace;
    this.shard = shard;
    this.input = input;
    this.version = version;
    this.root = createStream(shard);
    if (this.root === 0) return 0;
    let isDone = false;
    try {
      this.nodes();
      this.facts();
      this.groups();
      if (version >= 4) skipProducers(input);
      isDone = true;
    } catch (error) {
      if (!(error instanceof OutOfMemory)) throw error;
    } finally {
      if (!isDone) streamKind.freeSlice(shard, this.root, 0, Infinity);
      this.slot.release();
      this.texts.clear();
    }
    return isDone ? this.root : 0;
  }

  private nodes(): void {
    const { input, slot } = this;
    this.last.setZero();
    for (let left = input.length(); left > 0; left--) {
      input.text(slot);
      if (slot.byteCount !== ID_BYTES) input.fail('a node of a stream without an id');
      readRawId(slot.bytes, slot.at, this.master);
      input.text(slot);
      this.listpack.open(input, slot);
      this.node();
    }
  }

  private node(): void {
    const { listpack, texts } = this;
    const live = this.number();
    const deleted = this.number();
    this.masterCount = this.number();
    texts.clear();
    for (let i = 0; i < this.masterCount; i++) this.addText(i);
    this.masterBytes = texts.length;
    if (this.number() !== 0) listpack.fail('a node of a stream whose first entry has no end');
    let liveSeen = 0;
    let seen = 0;
    while (listpack.next()) {
      seen++;
      if (this.entry()) liveSeen++;
    }
    if (liveSeen !== live || seen !== live + deleted) listpack.fail('a node of a stream with wrong counts');
  }

  /** The next element as a number that counts something. */
  private number(): number {
    if (!this.listpack.next()) this.listpack.fail('a node of a stream that ends too soon');
    this.parseInteger();
    const value = int64ToNumber(this.integer);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER)
      this.listpack.fail('a node of a stream with a wrong number');
    return value;
  }

  private parseInteger(): void {
    const { bytes, at, byteCount } = this.listpack.text;
    if (!parseInt64(bytes.u8, at, at + byteCount, this.integer)) {
      this.listpack.fail('a node of a stream with a text where a number is expected');
    }
  }

  /** Keeps the next element as text `index`. */
  private addText(index: number): void {
    const { listpack, texts } = this;
    if (!listpack.next()) listpack.fail('a node of a stream that ends too soon');
    const { bytes, at, byteCount } = listpack.text;
    if (this.ranges.length < index * 2 + 2) {
      const larger = new Int32Array(this.ranges.length * 2);
      larger.set(this.ranges);
      this.ranges = larger;
    }
    this.ranges[index * 2] = texts.length;
    this.ranges[index * 2 + 1] = byteCount;
    texts.copy(bytes, at, byteCount);
  }

  /** Reads an entry, whose flags are the current element, and appends it if it is alive. */
  private entry(): boolean {
    const { listpack, texts, id, master, masterCount } = this;
    this.parseInteger();
    const flags = int64ToNumber(this.integer);
    if (flags < 0 || flags > (EntryFlag.Deleted | EntryFlag.SameFields))
      listpack.fail('an entry of unknown form');
    this.offset();
    const msLow = (master.msLo >>> 0) + (this.integer.lo >>> 0);
    const msHi = (master.msHi + this.integer.hi + (msLow > 0xffffffff ? 1 : 0)) | 0;
    this.offset();
    const seqLow = (master.seqLo >>> 0) + (this.integer.lo >>> 0);
    const seqHi = (master.seqHi + this.integer.hi + (seqLow > 0xffffffff ? 1 : 0)) | 0;
    id.setWords(msHi, msLow | 0, seqHi, seqLow | 0);
    const isSame = (flags & EntryFlag.SameFields) !== 0;
    const count = isSame ? masterCount : this.number();
    texts.length = this.masterBytes;
    const textCount = isSame ? count : count * 2;
    for (let i = 0; i < textCount; i++) this.addText(masterCount + i);
    if (this.number() !== ENTRY_HEAD_COUNT + textCount + (isSame ? 0 : 1)) {
      listpack.fail('an entry of another length than it says');
    }
    if ((flags & EntryFlag.Deleted) !== 0) return false;
    if (compareIds(id, this.last) <= 0) listpack.fail('entries of a stream that are out of order');
    this.last.set(id);
    this.append(count, isSame);
    return true;
  }

  private offset(): void {
    if (!this.listpack.next()) this.listpack.fail('a node of a stream that ends too soon');
    this.parseInteger();
  }

  private append(count: number, isSame: boolean): void {
    const { fields, ranges, masterCount } = this;
    if (fields.args.length < count * 4) fields.args = new Int32Array(count * 8);
    const { args } = fields;
    for (let i = 0; i < count; i++) {
      const name = isSame ? i : masterCount + i * 2;
      const value = isSame ? masterCount + i : name + 1;
      args[i * 4] = ranges[name * 2]!;
      args[i * 4 + 1] = ranges[name * 2 + 1]!;
      args[i * 4 + 2] = ranges[value * 2]!;
      args[i * 4 + 3] = ranges[value * 2 + 1]!;
    }
    fields.source = this.texts.bytes;
    fields.count = count;
    if (!appendToStream(this.shard, this.root, this.id, fields, this.keyspace.packedLimits)) {
      throw new OutOfMemory();
    }
  }

  /** What is known about the stream as a whole. */
  private facts(): void {
    const { input, shard, root, id } = this;
    const start = input.at;
    const length = input.length();
    if (length !== streamLength(shard, root)) input.fail('a stream of another length than it says', start);
    input.id(id);
    if (compareIds(id, this.last) < 0) input.fail('a stream whose last id is not its last', start);
    if (compareIds(id, this.last) !== 0) setLastId(shard, root, id);
    if (this.version === 1) return setEntriesAdded(shard, root, length);
    input.id(id);
    input.id(id);
    writeStreamId(shard, root, Stream.MaxDeletedId, id);
    setEntriesAdded(shard, root, input.length());
  }

  private groups(): void {
    const { input, shard, root, nameSlot } = this;
    for (let left = input.length(); left > 0; left--) {
      const start = input.at;
      input.text(nameSlot);
      input.id(this.id);
      const read = this.version === 1 ? UNKNOWN_READ : this.entriesRead();
      if (findGroup(shard, root, nameSlot) !== 0) input.fail('a group that is there already', start);
      const group = createGroup(shard, root, nameSlot, this.id, read);
      if (group === 0) throw new OutOfMemory();
      const count = this.readPending();
      this.consumers(group, count);
      if (this.version >= 5) refuseGivenBack(input);
      for (let i = 0; i < count; i++) {
        if (this.owned[i] === 0) input.fail('a pending entry that no consumer has', start);
      }
    }
  }

  private entriesRead(): number {
    const { input } = this;
    const low = input.wideLength();
    const value = input.wideHi * 4294967296 + (low >>> 0);
    if (value === UNKNOWN_READ) return UNKNOWN_READ;
    if (value < 0 || value > Number.MAX_SAFE_INTEGER)
      input.fail('a group that has read more than there can be');
    return value;
  }

  /** Reads what is pending in a group. Returns how much. */
  private readPending(): number {
    const { input, id } = this;
    const start = input.at;
    const count = input.length();
    if (count * PENDING_BYTES_MIN > input.end - input.at) input.fail('unexpected end', start);
    if (this.owned.length < count) {
      this.pendingIds = new Int32Array(count * ID_WORDS);
      this.pendingTimes = new Float64Array(count);
      this.pendingCounts = new Float64Array(count);
      this.owned = new Uint8Array(count);
    }
    this.owned.fill(0, 0, count);
    for (let i = 0; i < count; i++) {
      input.rawId(id);
      if (i > 0 && compareIdAt(this.pendingIds, (i - 1) * ID_WORDS, id) >= 0) {
        input.fail('pending entries that are out of order', start);
      }
      storeId(this.pendingIds, i * ID_WORDS, id);
      this.pendingTimes[i] = readTime(input);
      this.pendingCounts[i] = input.length();
    }
    return count;
  }

  private consumers(group: number, pendingCount: number): void {
    const { input, shard, nameSlot } = this;
    for (let left = input.length(); left > 0; left--) {
      const start = input.at;
      input.text(nameSlot);
      const seen = readTime(input);
      if (this.version >= 3) input.time();
      if (findConsumer(shard, group, nameSlot) !== 0) input.fail('a consumer that is there already', start);
      const consumer = createConsumer(shard, group, nameSlot, seen);
      if (consumer === 0) throw new OutOfMemory();
      for (let own = input.length(); own > 0; own--) this.pendingOf(group, consumer, pendingCount);
    }
  }

  private pendingOf(group: number, consumer: number, pendingCount: number): void {
    const { input, shard, id } = this;
    const start = input.at;
    input.rawId(id);
    const index = this.findPending(pendingCount);
    if (index < 0) input.fail('a pending entry of a consumer that its group does not have', start);
    if (this.owned[index] !== 0) input.fail('a pending entry that two consumers have', start);
    this.owned[index] = 1;
    const entry = assignPending(shard, group, consumer, id);
    if (entry === 0) throw new OutOfMemory();
    shard.doubles[(entry + Pending.DeliveredMs) >> 1] = this.pendingTimes[index]!;
    shard.words[entry + Pending.Times] = Math.min(this.pendingCounts[index]!, TIMES_MAX) | 0;
  }

  /** Index of `id` among what is pending in the group, or -1. */
  private findPending(count: number): number {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const order = compareIdAt(this.pendingIds, middle * ID_WORDS, this.id);
      if (order === 0) return middle;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }
}

/** Unix milliseconds that can have been. */
export function readTime(input: RdbInput): number {
  return Math.min(Math.max(input.time(), 0), Number.MAX_SAFE_INTEGER);
}

/**
 * Steps over what producers have been told apart by: how long and how many are remembered, the producers themselves, and two
 * counts. How a producer is written is not public enough to rely on, so only streams without any are taken.
 */
function skipProducers(input: RdbInput): void {
  input.wideLength();
  input.wideLength();
  const start = input.at;
  if (input.length() !== 0) input.fail('a stream that remembers producers, which is not supported', start);
  input.wideLength();
  input.wideLength();
}

/** What version 5 has behind a group: entries that were given back. */
function refuseGivenBack(input: RdbInput): void {
  const start = input.at;
  if (input.length() !== 0)
    input.fail('a stream with entries that were given back, which is not supported', start);
}

/** Steps over a stream of this version. */
export function skipStream(input: RdbInput, version: number): void {
  for (let left = input.length(); left > 0; left--) {
    input.skipText();
    input.skipText();
  }
  const lengths = version === 1 ? 3 : 8;
  for (let i = 0; i < lengths; i++) input.wideLength();
  for (let left = input.length(); left > 0; left--) {
    input.skipText();
    for (let i = version === 1 ? 2 : 3; i > 0; i--) input.wideLength();
    for (let pending = input.length(); pending > 0; pending--) {
      input.skip(ID_BYTES + 8);
      input.length();
    }
    for (let consumers = input.length(); consumers > 0; consumers--) {
      input.skipText();
      input.skip(version >= 3 ? 16 : 8);
      input.skip(input.length() * ID_BYTES);
    }
    if (version >= 5) refuseGivenBack(input);
  }
  if (version >= 4) skipProducers(input);
}
