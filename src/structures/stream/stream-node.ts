/**
 * A node of a stream: a block that holds a run of entries, packed, with ids relative to the first one's. Fields that are
 * those of the first entry are not repeated, as in Redis' streams.
 *
 *  node
 *   word 0      1         2      3      4        8           byte 36
 *        +------+---------+------+------+--------+-----------+---------------+---------+------+
 *        | live | deleted | used | room | id     | entries   | master fields | entries | free |
 *        |      |         |      |      | x 4    | at        |               |         |      |
 *        +------+---------+------+------+--------+-----------+---------------+---------+------+
 *   used, entries at = bytes, counted from the node.   id = that of the first entry ever, the master's.
 *
 *  master fields   count, field ...               (entries of packed-entry.ts)
 *  entry           size, flags u8, ms, seq, then  value ...                  when its fields are the master's,
 *                                                 count, field, value ...    else
 *   size = bytes of the entry behind it.   ms = what it is above the master's.   seq = above the master's if ms is 0, else
 *   as it is.   count, size, ms and seq are of 7 bits a byte, lowest first, the top bit says that more follow.
 *
 *  Invariants: ids ascend; live + deleted entries; live > 0. Entries that are deleted stay, marked.
 *  Ownership: the stream's directory holds the only reference. Lock: the shard's.
 *  Costs: a small entry of a counter's fields takes 4 bytes and its values.
 */
import { assert } from '../../base/assert.ts';
import { Bytes, copyBytes } from '../../base/bytes.ts';
import { allocate, free, usableBytes } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import {
  Element,
  encodeElement,
  entryBytesAt,
  type EntryText,
  isElementAt,
  writeElement,
} from '../packed-entry.ts';
import { compareIds, loadId, storeId, StreamId } from './stream-id.ts';

/** Word offsets in a node. */
const enum Node {
  Live = 0,
  Deleted = 1,
  Used = 2,
  Room = 3,
  Id = 4,
  EntriesAt = 8,
  HeaderBytes = 36,
}

const enum EntryFlag {
  Deleted = 1,
  MasterFields = 2,
}

/** Bytes in front of an entry's own: size, flags and id. */
const HEAD_BYTES_MAX = 5 + 1 + 10 + 10;
/** The most bytes of an element in front of its text, and of a count. */
const ELEMENT_BYTES_MAX = 9;
/** A new node has room for this much at least. */
const ROOM_MIN = 192;
/** The share of a node that may stay unused when it is full, as a shift. */
const SPARE_SHIFT = 4;
const TWO_32 = 4294967296;

/** The fields of an entry as arguments of a request: `count` pairs of name and value from argument `first` on. */
export interface FieldArguments {
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly first: number;
  readonly count: number;
}

/** Bytes of all names and values. */
export function fieldBytes({ args, first, count }: FieldArguments): number {
  let sum = 0;
  for (let i = first; i < first + count * 2; i++) sum += args[i * 2 + 1]!;
  return sum;
}

export function nodeLive(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Live]!;
}

/** Entries, deleted ones too. */
export function nodeTotal(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Live]! + shard.words[(node >> 2) + Node.Deleted]!;
}

export function nodeUsed(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Used]!;
}

/** Entries that are deleted and still there. */
export function nodeDeleted(shard: Shard, node: number): number {
  return shard.words[(node >> 2) + Node.Deleted]!;
}

/** The word where the id of a node's first entry is. */
export function masterIdWord(node: number): number {
  return (node >> 2) + Node.Id;
}

/** A node without entries yet, whose first is going to have `id` and `fields`. Returns 0: out of memory. */
export function createStreamNode(
  shard: Shard,
  id: StreamId,
  fields: FieldArguments,
  rawBytes: number,
): number {
  const byteCount = encodeMaster(fields, rawBytes);
  const wanted = Node.HeaderBytes + byteCount * 2 + rawBytes + HEAD_BYTES_MAX;
  const node = allocate(shard, Math.max(wanted, ROOM_MIN));
  if (node === 0) return 0;
  const { words } = shard;
  const word = node >> 2;
  words[word + Node.Live] = 0;
  words[word + Node.Deleted] = 0;
  words[word + Node.Used] = Node.HeaderBytes + byteCount;
  words[word + Node.Room] = usableBytes(shard, node);
  words[word + Node.EntriesAt] = Node.HeaderBytes + byteCount;
  storeId(words, masterIdWord(node), id);
  copyBytes(scratchContent, 0, shard.bytes, node + Node.HeaderBytes, byteCount);
  return node;
}

/** Writes the names to `scratchContent`. Returns how many bytes they take. */
function encodeMaster({ source, args, first, count }: FieldArguments, rawBytes: number): number {
  reserveScratch(rawBytes, count);
  let at = writeVarint(scratchContent.u8, 0, count);
  for (let i = first; i < first + count * 2; i += 2) at = encodeArgument(source, args, i, at);
  return at;
}

function reserveScratch(rawBytes: number, count: number): void {
  const wanted = rawBytes + (count * 2 + 1) * ELEMENT_BYTES_MAX;
  if (scratchContent.u8.length < wanted) scratchContent = Bytes.allocate(wanted * 2);
}

function encodeArgument(source: Bytes, args: Int32Array, index: number, at: number): number {
  encodeElement(scratchElement, source, args[index * 2]!, args[index * 2 + 1]!);
  writeElement(scratchElement, scratchContent, at);
  return at + scratchElement.headBytes + scratchElement.tailBytes;
}

/**
 * Adds an entry behind all others of a node, which has room for it or gets a larger block, of at most `bytesMax` or what
 * is needed. Returns the node, which may be another one now, or 0, nothing changed: out of memory. Hot.
 */
export function appendEntry(
  shard: Shard,
  node: number,
  id: StreamId,
  fields: FieldArguments,
  rawBytes: number,
  bytesMax: number,
): number {
  const { words, bytes } = shard;
  reserveScratch(rawBytes, fields.count);
  const isMaster = hasMasterFields(shard, node, fields);
  const contentBytes = isMaster ? encodeValues(fields) : encodePairs(fields);
  const headBytes = encodeHead(shard, node, id, isMaster ? EntryFlag.MasterFields : 0);
  const sizeBytes = writeVarint(scratchSize, 0, headBytes + contentBytes);
  const needed = words[(node >> 2) + Node.Used]! + sizeBytes + headBytes + contentBytes;
  const target = needed <= words[(node >> 2) + Node.Room]! ? node : growNode(shard, node, needed, bytesMax);
  if (target === 0) return 0;
  const { u8 } = bytes;
  let at = target + words[(target >> 2) + Node.Used]!;
  for (let i = 0; i < sizeBytes; i++) u8[at++] = scratchSize[i]!;
  for (let i = 0; i < headBytes; i++) u8[at++] = scratchHead[i]!;
  copyBytes(scratchContent, 0, bytes, at, contentBytes);
  words[(target >> 2) + Node.Used] = needed;
  words[(target >> 2) + Node.Live]!++;
  return target;
}

function hasMasterFields(
  shard: Shard,
  node: number,
  { source, args, first, count }: FieldArguments,
): boolean {
  const { bytes } = shard;
  let at = node + Node.HeaderBytes;
  if (readVarint(bytes.u8, at) !== count) return false;
  at += varintBytes(count);
  for (let i = first; i < first + count * 2; i += 2) {
    encodeElement(scratchElement, source, args[i * 2]!, args[i * 2 + 1]!);
    if (!isElementAt(scratchElement, bytes, at)) return false;
    at += scratchElement.headBytes + scratchElement.tailBytes;
  }
  return true;
}

function encodeValues({ source, args, first, count }: FieldArguments): number {
  let at = 0;
  for (let i = first + 1; i < first + count * 2; i += 2) at = encodeArgument(source, args, i, at);
  return at;
}

function encodePairs({ source, args, first, count }: FieldArguments): number {
  let at = writeVarint(scratchContent.u8, 0, count);
  for (let i = first; i < first + count * 2; i++) at = encodeArgument(source, args, i, at);
  return at;
}

/** Writes flags and id to `scratchHead`. Returns how many bytes they take. */
function encodeHead(shard: Shard, node: number, id: StreamId, flags: number): number {
  loadId(shard.words, masterIdWord(node), scratchMaster);
  const low = (id.msLo >>> 0) - (scratchMaster.msLo >>> 0);
  const msHi = (id.msHi - scratchMaster.msHi - (low < 0 ? 1 : 0)) | 0;
  const msLo = low | 0;
  scratchHead[0] = flags;
  let at = writeWide(scratchHead, 1, msHi, msLo);
  let { seqHi, seqLo } = id;
  if ((msHi | msLo) === 0) {
    const seqLow = (id.seqLo >>> 0) - (scratchMaster.seqLo >>> 0);
    seqHi = (id.seqHi - scratchMaster.seqHi - (seqLow < 0 ? 1 : 0)) | 0;
    seqLo = seqLow | 0;
  }
  at = writeWide(scratchHead, at, seqHi, seqLo);
  return at;
}

function growNode(shard: Shard, node: number, needed: number, bytesMax: number): number {
  const room = shard.words[(node >> 2) + Node.Room]!;
  return moveNode(shard, node, Math.max(needed, Math.min(room * 2, bytesMax)));
}

function moveNode(shard: Shard, node: number, room: number): number {
  const target = allocate(shard, room);
  if (target === 0) return 0;
  shard.bytes.u8.copyWithin(target, node, node + shard.words[(node >> 2) + Node.Used]!);
  shard.words[(target >> 2) + Node.Room] = usableBytes(shard, target);
  free(shard, node);
  return target;
}

/** Gives back what a node that is full does not use. Returns the node, which may be another one now. */
export function fitStreamNode(shard: Shard, node: number): number {
  const word = node >> 2;
  const room = shard.words[word + Node.Room]!;
  const used = shard.words[word + Node.Used]!;
  if (room - used <= room >> SPARE_SHIFT) return node;
  return moveNode(shard, node, used) || node;
}

/** A copy of a node in `to`, which may be the same shard. Returns 0: out of memory. */
export function copyStreamNode(from: Shard, node: number, to: Shard): number {
  const used = from.words[(node >> 2) + Node.Used]!;
  const copy = allocate(to, used);
  if (copy === 0) return 0;
  if (from === to) from.bytes.u8.copyWithin(copy, node, node + used);
  else copyBytes(from.bytes, node, to.bytes, copy, used);
  to.words[(copy >> 2) + Node.Room] = usableBytes(to, copy);
  return copy;
}

/** Reads the entries of a node one after the other, deleted ones too. */
export class NodeReader {
  /** Of the entry read last. */
  readonly id = new StreamId();
  isDeleted = false;
  /** Where it begins, and where the next one does. */
  entryAt = 0;
  nextAt = 0;
  private readonly master = new StreamId();
  private shard: Shard | null = null;
  private node = 0;
  private end = 0;
  private flagsAt = 0;
  private contentAt = 0;
  private fieldAt = 0;
  private valueAt = 0;

  /** Begins in front of the first entry of a node. */
  open(shard: Shard, node: number): void {
    const { words } = shard;
    const word = node >> 2;
    this.shard = shard;
    this.node = node;
    this.nextAt = node + words[word + Node.EntriesAt]!;
    this.end = node + words[word + Node.Used]!;
    loadId(words, word + Node.Id, this.master);
  }

  /** Goes on behind the entry at `at`, which it reads now. */
  readAt(at: number): void {
    this.nextAt = at;
    this.next();
  }

  /** Reads the next entry. False: there is none. Hot. */
  next(): boolean {
    if (this.nextAt >= this.end) return false;
    const { u8 } = this.shard!.bytes;
    this.entryAt = this.nextAt;
    const size = readVarint(u8, this.entryAt);
    const at = this.entryAt + varintBytes(size);
    this.flagsAt = at;
    this.nextAt = at + size;
    this.isDeleted = (u8[at]! & EntryFlag.Deleted) !== 0;
    this.readId(u8, at + 1);
    return true;
  }

  private readId(u8: Uint8Array, at: number): void {
    const { id, master } = this;
    const seqAt = readWide(u8, at);
    const isMasterMs = (scratchHi | scratchLo) === 0;
    const low = (master.msLo >>> 0) + (scratchLo >>> 0);
    id.msLo = low | 0;
    id.msHi = (master.msHi + scratchHi + (low >= TWO_32 ? 1 : 0)) | 0;
    this.contentAt = readWide(u8, seqAt);
    const seqLow = (scratchLo >>> 0) + (isMasterMs ? master.seqLo >>> 0 : 0);
    id.seqLo = seqLow | 0;
    id.seqHi = (scratchHi + (isMasterMs ? master.seqHi : 0) + (seqLow >= TWO_32 ? 1 : 0)) | 0;
  }

  /** Whether the entry read last has the fields of the node's first one, and no names of its own. */
  get hasMasterFields(): boolean {
    return (this.shard!.bytes.u8[this.flagsAt]! & EntryFlag.MasterFields) !== 0;
  }

  /** Begins with the names of the fields of the node's first entry, and returns how many there are. */
  beginMasterFields(): number {
    const countAt = this.node + Node.HeaderBytes;
    const count = readVarint(this.shard!.bytes.u8, countAt);
    this.fieldAt = countAt + varintBytes(count);
    return count;
  }

  /** Points at the next of these names. */
  nextMasterField(field: EntryText): void {
    const { bytes } = this.shard!;
    field.point(bytes, this.fieldAt);
    this.fieldAt += entryBytesAt(bytes, this.fieldAt);
  }

  /** Begins with the fields of the entry read last, and returns how many there are. */
  beginFields(): number {
    const { u8 } = this.shard!.bytes;
    const isMaster = (u8[this.flagsAt]! & EntryFlag.MasterFields) !== 0;
    const countAt = isMaster ? this.node + Node.HeaderBytes : this.contentAt;
    const count = readVarint(u8, countAt);
    this.fieldAt = countAt + varintBytes(count);
    this.valueAt = isMaster ? this.contentAt : 0;
    return count;
  }

  /** Points at the next field and its value. */
  nextField(field: EntryText, value: EntryText): void {
    const { bytes } = this.shard!;
    field.point(bytes, this.fieldAt);
    this.fieldAt += entryBytesAt(bytes, this.fieldAt);
    if (this.valueAt !== 0) {
      value.point(bytes, this.valueAt);
      this.valueAt += entryBytesAt(bytes, this.valueAt);
    } else {
      value.point(bytes, this.fieldAt);
      this.fieldAt += entryBytesAt(bytes, this.fieldAt);
    }
  }

  /** Marks the entry read last as deleted. */
  delete(): void {
    const { words, bytes } = this.shard!;
    bytes.u8[this.flagsAt]! |= EntryFlag.Deleted;
    words[(this.node >> 2) + Node.Live]!--;
    words[(this.node >> 2) + Node.Deleted]!++;
    this.isDeleted = true;
  }
}

/** Asserts the invariants of a node whose ids must be above `previous`, which becomes the last. Returns the bytes of its block. */
export function verifyStreamNode(
  shard: Shard,
  node: number,
  previous: StreamId | null,
  last: StreamId,
): number {
  const { words } = shard;
  const word = node >> 2;
  const block = usableBytes(shard, node);
  assert(words[word + Node.Live]! > 0, 'stream node: empty');
  assert(words[word + Node.Used]! <= words[word + Node.Room]!, 'stream node: beyond its room');
  assert(words[word + Node.Room] === block, 'stream node: room');
  const reader = new NodeReader();
  reader.open(shard, node);
  let live = 0;
  let deleted = 0;
  for (let before = previous; reader.next(); before = last) {
    assert(before === null || compareIds(before, reader.id) < 0, 'stream node: order');
    last.set(reader.id);
    if (reader.isDeleted) deleted++;
    else live++;
  }
  assert(reader.nextAt === node + words[word + Node.Used]!, 'stream node: end');
  assert(live === words[word + Node.Live] && deleted === words[word + Node.Deleted], 'stream node: counts');
  return block;
}

function writeVarint(u8: Uint8Array, at: number, value: number): number {
  for (; value >= 128; value >>>= 7) u8[at++] = (value & 127) | 128;
  u8[at] = value;
  return at + 1;
}

function readVarint(u8: Uint8Array, at: number): number {
  let value = u8[at]!;
  if (value < 128) return value;
  value &= 127;
  for (let shift = 7; ; shift += 7) {
    const byte = u8[++at]!;
    value |= (byte & 127) << shift;
    if (byte < 128) return value;
  }
}

function varintBytes(value: number): number {
  if (value < 1 << 7) return 1;
  if (value < 1 << 14) return 2;
  if (value < 1 << 21) return 3;
  return value < 1 << 28 ? 4 : 5;
}

function writeWide(u8: Uint8Array, at: number, hi: number, lo: number): number {
  while (hi !== 0 || lo >>> 0 >= 128) {
    u8[at++] = (lo & 127) | 128;
    lo = (lo >>> 7) | (hi << 25);
    hi >>>= 7;
  }
  u8[at] = lo;
  return at + 1;
}

/** Reads a number into `scratchHi` and `scratchLo`; returns where it ends. */
function readWide(u8: Uint8Array, at: number): number {
  let byte = u8[at++]!;
  scratchHi = 0;
  scratchLo = byte & 127;
  for (let shift = 7; byte >= 128; shift += 7) {
    byte = u8[at++]!;
    const bits = byte & 127;
    if (shift < 32) scratchLo |= bits << shift;
    if (shift > 32) scratchHi |= bits << (shift - 32);
    else if (shift > 25) scratchHi |= bits >>> (32 - shift);
  }
  return at;
}

let scratchContent = Bytes.allocate(4096);
const scratchElement = new Element();
const scratchMaster = new StreamId();
const scratchHead = new Uint8Array(HEAD_BYTES_MAX);
const scratchSize = new Uint8Array(5);
let scratchHi = 0;
let scratchLo = 0;
