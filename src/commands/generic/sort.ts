/**
 * SORT and SORT_RO: the elements of a list, a set or a sorted set in order of themselves or of other keys' values, and
 * in their place, if wanted, other keys' values. With patterns (or STORE) the keys used are known only while it runs,
 * so every shard is locked. The elements are copied out first: no other key that is looked up can move them.
 */
import { assert } from '../../base/assert.ts';
import { Bytes } from '../../base/bytes.ts';
import { parseFloatStrict } from '../../base/double.ts';
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { hasRoomFor } from '../../memory/allocator.ts';
import type { Shard } from '../../memory/shard.ts';
import { countElements, copyElements, copyText } from '../../store/elements.ts';
import { peekField } from '../../store/hash/hash.ts';
import { pushElement } from '../../store/list/list.ts';
import { recordType, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR, WRONG_TYPE } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row, unknownKeys } from '../row.ts';

const STAR = 0x2a;
const HASH_SIGN = 0x23;
const BY_DENIED = 'ERR BY option of SORT denied due to insufficient ACL permissions.';
const GET_DENIED = 'ERR GET option of SORT denied due to insufficient ACL permissions.';
/** The most that an element may take in a list beside its own bytes, with the room that nodes keep. */
const ELEMENT_ROOM_BYTES = 64;
/** Asking whether there is room takes longer than copying a small value: it is asked once per so much. */
const ROOM_CHECK_BYTES = 1 << 20;
const ROOM_BYTES = 256;
const NOTHING = Buffer.alloc(0);
const NOT_A_SCORE = "ERR One or more scores can't be converted into double";
const ACL = ['list', 'set', 'sortedset', 'dangerous'];

export const sortRows: readonly Row[] = [
  {
    name: 'SORT',
    since: '1.0.0',
    arity: -2,
    flags: Flag.Write | Flag.DenyOom,
    acl: ACL,
    keys: [
      key(1, KeyFlag.ReadOnly | KeyFlag.Access),
      unknownKeys(KeyFlag.ReadOnly | KeyFlag.Access),
      unknownKeys(KeyFlag.Overwrite | KeyFlag.Update),
    ],
    locksAll: usesOtherKeys,
    grows: true,
    summary: 'Sorts the elements of a list, a set or a sorted set, and stores them if wanted.',
    run: (call) => sortCommand(call, true),
  },
  {
    name: 'SORT_RO',
    since: '7.0.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access), unknownKeys(KeyFlag.ReadOnly | KeyFlag.Access)],
    locksAll: usesOtherKeys,
    summary: 'Sorts the elements of a list, a set or a sorted set.',
    run: (call) => sortCommand(call, false),
  },
];

interface SortOptions {
  descending: boolean;
  alphabetic: boolean;
  /** Indexes of arguments; 0 where there is none. */
  byIndex: number;
  storeIndex: number;
  readonly getIndexes: number[];
  offset: number;
  count: number;
}

/**
 * An element with what it is sorted by: a number, or bytes (null: the other key has none). The bytes are not copied, for
 * large ones may be the weight of many elements; they stay where they are, since nothing is changed before the end.
 */
interface Item {
  readonly element: Buffer;
  readonly score: number;
  readonly weight: Buffer | null;
}

const scratchInteger = new Int64();
const scratchText = new EntryText();

/** For the rows: whether an option may lead to further keys. A pattern without a star leads to none. */
function usesOtherKeys(call: Call): boolean {
  const { u8 } = call.source;
  for (let index = 2; index < call.count; index++) {
    if (isWord(call, index, 'STORE')) return true;
    if (!isWord(call, index, 'BY') && !isWord(call, index, 'GET')) continue;
    if (index + 1 === call.count) return false;
    const at = call.args[index * 2 + 2]!;
    const starAt = u8.indexOf(STAR, at);
    if (starAt >= 0 && starAt < at + call.args[index * 2 + 3]!) return true;
  }
  return false;
}

function sortCommand(call: Call, mayStore: boolean): void {
  const options = parseSortOptions(call, mayStore);
  if (options === null) return;
  const { keyspace, key, reply } = call;
  const record = keyspace.read(key);
  const type = record === 0 ? ValueType.List : recordType(key.shard, record);
  if (type !== ValueType.List && type !== ValueType.Set && type !== ValueType.SortedSet) {
    return reply.error(WRONG_TYPE);
  }
  let isSorted = options.byIndex === 0 || call.copyArgument(options.byIndex).includes(STAR);
  let byIndex = options.byIndex;
  if (!isSorted && type === ValueType.Set && options.storeIndex !== 0) {
    // Redis: a set has no order of its own that every replica would agree on.
    isSorted = true;
    options.alphabetic = true;
    byIndex = 0;
  }
  const length = record === 0 ? 0 : countElements(key.shard, record);
  const [start, end] = limits(length, options);
  let wanted: Buffer[] | null;
  if (isSorted) {
    const all = copyElements(keyspace, key, 0, length, false);
    wanted = sortElements(call, all, byIndex, options)?.slice(start, end) ?? null;
  } else wanted = copyElements(keyspace, key, start, end, options.descending);
  if (wanted === null) return reply.error(NOT_A_SCORE);
  if (options.storeIndex === 0) replyItems(call, wanted, options.getIndexes);
  else storeItems(call, wanted, options);
}

/** Null: the error has been replied. */
function parseSortOptions(call: Call, mayStore: boolean): SortOptions | null {
  const options: SortOptions = {
    descending: false,
    alphabetic: false,
    byIndex: 0,
    storeIndex: 0,
    getIndexes: [],
    offset: 0,
    count: -1,
  };
  for (let index = 2; index < call.count; index++) {
    const rest = call.count - index - 1;
    if (isWord(call, index, 'ASC')) options.descending = false;
    else if (isWord(call, index, 'DESC')) options.descending = true;
    else if (isWord(call, index, 'ALPHA')) options.alphabetic = true;
    else if (isWord(call, index, 'LIMIT') && rest >= 2) {
      options.offset = integerArgument(call, ++index);
      options.count = integerArgument(call, ++index);
      if (Number.isNaN(options.offset + options.count)) return refuse(call, NOT_AN_INTEGER);
    } else if (mayStore && isWord(call, index, 'STORE') && rest >= 1) options.storeIndex = ++index;
    else if (isWord(call, index, 'BY') && rest >= 1) {
      options.byIndex = ++index;
      if (isPattern(call, index) && !mayReadEveryKey(call)) return refuse(call, BY_DENIED);
    } else if (isWord(call, index, 'GET') && rest >= 1) {
      if (!mayReadEveryKey(call)) return refuse(call, GET_DENIED);
      options.getIndexes.push(++index);
    } else return refuse(call, SYNTAX_ERROR);
  }
  return options;
}

/** Which keys BY and GET lead to only the elements tell: so the client must be allowed to read all of them. */
function mayReadEveryKey({ args, client, count, row, server, source }: Call): boolean {
  if (client.permissions === null) return true;
  const command = server.registry.byName.get(row.name.toLowerCase())!;
  return client.permissions.mayReadEveryKey(command, source, args, count);
}

function isPattern(call: Call, index: number): boolean {
  return call.copyArgument(index).includes('*');
}

function refuse(call: Call, error: string): null {
  call.reply.error(error);
  return null;
}

function integerArgument(call: Call, index: number): number {
  return parseInt64Argument(call, index, scratchInteger) ? int64ToNumber(scratchInteger) : NaN;
}

/** First element wanted and the one behind the last. */
function limits(length: number, { offset, count }: SortOptions): [start: number, end: number] {
  const start = Math.min(Math.max(offset, 0), length);
  return [start, count < 0 ? length : Math.min(start + count, length)];
}

/** The elements in order, or null: one has no number to be sorted by. */
function sortElements(
  call: Call,
  elements: readonly Buffer[],
  byIndex: number,
  options: SortOptions,
): Buffer[] | null {
  const pattern = byIndex === 0 ? null : new Pattern(call.copyArgument(byIndex));
  const items: Item[] = [];
  for (const element of elements) {
    const weight = pattern === null ? element : pattern.valueFor(call, element);
    // Redis: what has no weight weighs nothing.
    const score = options.alphabetic || weight === null ? 0 : parseScore(weight);
    if (score !== score) return null;
    items.push({ element, score, weight: options.alphabetic ? weight : null });
  }
  const sign = options.descending ? -1 : 1;
  const compare = options.alphabetic ? compareWeights : compareScores;
  items.sort((a, b) => sign * compare(a, b));
  return items.map(({ element }) => element);
}

function compareScores(a: Item, b: Item): number {
  if (a.score !== b.score) return a.score < b.score ? -1 : 1;
  return Buffer.compare(a.element, b.element);
}

function compareWeights(a: Item, b: Item): number {
  if (a.weight === null || b.weight === null)
    return (a.weight === null ? 0 : 1) - (b.weight === null ? 0 : 1);
  return Buffer.compare(a.weight, b.weight);
}

/** As C's strtod reads a string: white space in front is passed over, a zero byte ends it, nothing at all is 0. */
function parseScore(text: Buffer): number {
  let at = 0;
  while (at < text.length && (text[at] === 0x20 || (text[at]! >= 9 && text[at]! <= 13))) at++;
  const zeroAt = text.indexOf(0);
  const end = zeroAt < 0 ? text.length : zeroAt;
  return end === 0 ? 0 : parseFloatStrict(text, at, end);
}

/** Room for a name, or for an element to be stored: one buffer for all of them, grown as needed. */
class Room {
  bytes = Bytes.allocate(ROOM_BYTES);

  /** Puts `parts` one behind the other at the start of `bytes`. Returns how many bytes they take. */
  fill(...parts: readonly Buffer[]): number {
    let byteCount = 0;
    for (const part of parts) byteCount += part.length;
    if (byteCount > this.bytes.u8.length) this.bytes = Bytes.allocate(byteCount * 2);
    let at = 0;
    for (const part of parts) at += part.copy(this.bytes.u8, at);
    return byteCount;
  }
}

/** The argument of BY or GET: the name of a key, a star in it standing for the element, perhaps with `->field`. */
class Pattern {
  private readonly name = new Room();
  private readonly before: Buffer;
  private readonly after: Buffer;
  private readonly field: Element | null;
  private readonly isElement: boolean;
  private readonly hasStar: boolean;

  constructor(pattern: Buffer) {
    const starAt = pattern.indexOf(STAR);
    const arrowAt = starAt < 0 ? -1 : pattern.indexOf('->', starAt + 1);
    const hasField = arrowAt >= 0 && arrowAt + 2 < pattern.length;
    this.isElement = pattern.length === 1 && pattern[0] === HASH_SIGN;
    this.hasStar = starAt >= 0;
    this.before = pattern.subarray(0, starAt);
    this.after = pattern.subarray(starAt + 1, hasField ? arrowAt : pattern.length);
    this.field = hasField ? elementOf(pattern.subarray(arrowAt + 2)) : null;
  }

  /** The value it leads to from `element`, or null: where it lies, until something is changed. */
  valueFor(call: Call, element: Buffer): Buffer | null {
    if (this.isElement) return element;
    if (!this.hasStar) return null;
    const { keyspace, otherKey, database } = call;
    const byteCount = this.name.fill(this.before, element, this.after);
    keyspace.locate(otherKey, this.name.bytes, 0, byteCount, database);
    const record = keyspace.read(otherKey);
    if (record === 0) return null;
    const { shard } = otherKey;
    const type = recordType(shard, record);
    if (this.field === null) {
      if (type !== ValueType.String) return null;
      const at = valueAt(shard, record);
      return shard.bytes.u8.subarray(at, at + valueBytes(shard, record));
    }
    if (type !== ValueType.Hash || !peekField(keyspace, otherKey, this.field, scratchText)) return null;
    // The digits of an integer are gone with the next look.
    if (scratchText.bytes !== shard.bytes) return copyText(scratchText);
    return shard.bytes.u8.subarray(scratchText.at, scratchText.at + scratchText.byteCount);
  }
}

function elementOf(content: Buffer): Element {
  const room = new Room();
  const element = new Element();
  const byteCount = room.fill(content);
  encodeElement(element, room.bytes, 0, byteCount);
  return element;
}

/** One by one: all values together may be far larger than what they come from, and than any reply may be. */
function replyItems(call: Call, elements: readonly Buffer[], getIndexes: readonly number[]): void {
  const { reply } = call;
  const patterns = patternsAt(call, getIndexes);
  reply.array(elements.length * patterns.length);
  for (const element of elements) {
    for (const pattern of patterns) {
      const value = pattern.valueFor(call, element);
      if (value === null) reply.nil();
      else reply.bulkBuffer(value);
    }
  }
}

/** The GET patterns; without any the elements themselves are wanted. */
function patternsAt(call: Call, getIndexes: readonly number[]): Pattern[] {
  if (getIndexes.length === 0) return [new Pattern(Buffer.from([HASH_SIGN]))];
  return getIndexes.map((index) => new Pattern(call.copyArgument(index)));
}

/** Redis: what there is no value for is stored as an empty element. */
function storeItems(call: Call, elements: readonly Buffer[], options: SortOptions): void {
  const { keyspace, otherKey, reply } = call;
  locateStore(call, options);
  const values = collectValues(call, elements, options.getIndexes, otherKey.shard, otherKey.byteCount);
  if (values === null) return reply.error(OUT_OF_MEMORY);
  locateStore(call, options);
  if (keyspace.find(otherKey) !== 0) keyspace.remove(otherKey);
  const room = new Room();
  for (const value of values) {
    const byteCount = room.fill(value);
    const status = pushElement(keyspace, otherKey, room.bytes, 0, byteCount, false);
    assert(status === Status.Ok, 'SORT: no room after all');
  }
  if (values.length > 0) keyspace.touched(otherKey);
  reply.integer(values.length);
}

function locateStore({ args, keyspace, otherKey, source, database }: Call, options: SortOptions): void {
  const at = options.storeIndex * 2;
  keyspace.locate(otherKey, source, args[at]!, args[at + 1]!, database);
}

/** Copies of all that is to be stored, or null when `shard` has no room for it and `byteCount` bytes more: soon, though
 *  all values together may be far larger than memory. */
function collectValues(
  call: Call,
  elements: readonly Buffer[],
  getIndexes: readonly number[],
  shard: Shard,
  byteCount: number,
): Buffer[] | null {
  const patterns = patternsAt(call, getIndexes);
  const values: Buffer[] = [];
  let needed = byteCount + elements.length * patterns.length * ELEMENT_ROOM_BYTES;
  let checked = 0;
  for (const element of elements) {
    for (const pattern of patterns) {
      const value = pattern.valueFor(call, element) ?? NOTHING;
      needed += value.length;
      if (needed - checked >= ROOM_CHECK_BYTES) {
        if (!hasRoomFor(shard, needed)) return null;
        checked = needed;
      }
      values.push(Buffer.from(value));
    }
  }
  return hasRoomFor(shard, needed) ? values : null;
}
