/** Sets combined: intersection, union and difference, as a reply, as a number, or as a new set. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { ValueType } from '../../store/record.ts';
import { SetBuilder } from '../../store/set/builder.ts';
import { Encoding } from '../../store/record.ts';
import { intersect, SetList, subtract, unite } from '../../store/set/combination.ts';
import type { MemberStream } from '../../store/set/reader.ts';
import { Status } from '../../store/status.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type KeySpec, type Row } from '../row.ts';
import { readTyped, WRONG } from '../typed-value.ts';

const ALL_KEYS: readonly KeySpec[] = [key(1, KeyFlag.ReadOnly | KeyFlag.Access, -1)];
const STORE_KEYS: readonly KeySpec[] = [
  key(1, KeyFlag.Overwrite | KeyFlag.Update),
  key(2, KeyFlag.ReadOnly | KeyFlag.Access, -1),
];
const COUNTED_KEYS: readonly KeySpec[] = [countedKeys(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const ANY_ORDER = ['NONDETERMINISTIC_OUTPUT_ORDER'];

export const combineRows: readonly Row[] = [
  {
    name: 'SINTER',
    since: '1.0.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: ALL_KEYS,
    tips: ANY_ORDER,
    summary: 'Lists the members that are in all of several sets.',
    run: (call) => replyCombined(call, Operation.Intersection),
  },
  {
    name: 'SINTERSTORE',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['set'],
    keys: STORE_KEYS,
    grows: true,
    summary: 'Makes a set of the members that are in all of several sets.',
    run: (call) => storeCombined(call, Operation.Intersection),
  },
  {
    name: 'SINTERCARD',
    since: '7.0.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: COUNTED_KEYS,
    summary: 'Counts the members that are in all of several sets.',
    run: (call) => countCombined(call, Operation.Intersection),
  },
  {
    name: 'SUNION',
    since: '1.0.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: ALL_KEYS,
    tips: ANY_ORDER,
    summary: 'Lists the members that are in any of several sets.',
    run: (call) => replyCombined(call, Operation.Union),
  },
  {
    name: 'SUNIONSTORE',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['set'],
    keys: STORE_KEYS,
    grows: true,
    summary: 'Makes a set of the members that are in any of several sets.',
    run: (call) => storeCombined(call, Operation.Union),
  },
  {
    name: 'SUNIONCARD',
    since: '8.10.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: COUNTED_KEYS,
    summary: 'Counts the members that are in any of several sets.',
    run: (call) => countCombined(call, Operation.Union),
  },
  {
    name: 'SDIFF',
    since: '1.0.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: ALL_KEYS,
    tips: ANY_ORDER,
    summary: 'Lists the members of one set that are in no other of several.',
    run: (call) => replyCombined(call, Operation.Difference),
  },
  {
    name: 'SDIFFSTORE',
    since: '1.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['set'],
    keys: STORE_KEYS,
    grows: true,
    summary: 'Makes a set of the members of one set that are in no other of several.',
    run: (call) => storeCombined(call, Operation.Difference),
  },
  {
    name: 'SDIFFCARD',
    since: '8.10.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: COUNTED_KEYS,
    summary: 'Counts the members of one set that are in no other of several.',
    run: (call) => countCombined(call, Operation.Difference),
  },
];

const enum Operation {
  Intersection,
  Union,
  Difference,
}

const scratchSets = new SetList();
const scratchBuilder = new SetBuilder();
const scratchNumber = new Int64();

/** Instead of a stream: one of the keys holds another type, and the error has been replied. */
const NOT_SETS = undefined;

/**
 * The members that the operation leaves of the sets at arguments `from` to `end`; null: none. Redis: every key is
 * looked at, also when one that is missing has decided already.
 */
function combine(
  call: Call,
  operation: Operation,
  from: number,
  end: number,
): MemberStream | null | undefined {
  const { otherKey, keyspace } = call;
  const sets = scratchSets;
  sets.clear();
  let isFirstMissing = false;
  let isAnyMissing = false;
  let isFirstRepeated = false;
  for (let index = from; index < end; index++) {
    call.locate(index, otherKey);
    const record = readTyped(call, otherKey, ValueType.Set);
    if (record === WRONG) return NOT_SETS;
    if (record === 0) {
      isAnyMissing = true;
      if (index === from) isFirstMissing = true;
      continue;
    }
    if (sets.isFirst(otherKey.shard, record)) isFirstRepeated = true;
    sets.push(otherKey.shard, record);
  }
  if (sets.length === 0) return null;
  if (operation === Operation.Union) return unite(keyspace, sets);
  if (operation === Operation.Difference) {
    return isFirstMissing || isFirstRepeated ? null : subtract(keyspace, sets);
  }
  return isAnyMissing ? null : intersect(keyspace, sets);
}

function replyCombined(call: Call, operation: Operation): void {
  const { reply } = call;
  const stream = combine(call, operation, 1, call.count);
  if (stream === NOT_SETS) return;
  if (stream === null) return reply.set(0);
  const { text } = stream;
  const countMax = scratchSets.memberCount;
  const start = reply.beginSet(countMax);
  let count = 0;
  for (; stream.next(); count++) reply.bulk(text.bytes, text.at, text.byteCount);
  reply.endSet(start, countMax, count);
}

/** The result is complete before the destination, which may be one of the sets, is touched. */
function storeCombined(call: Call, operation: Operation): void {
  const { key, keyspace, reply } = call;
  const stream = combine(call, operation, 2, call.count);
  if (stream === NOT_SETS) return;
  const builder = scratchBuilder;
  builder.begin(keyspace, key.shard, Encoding.IntegerSet);
  let status = stream === null || gather(builder, stream) ? Status.Ok : Status.OutOfMemory;
  if (status === Status.Ok && builder.count > 0) status = builder.finish(key);
  if (status !== Status.Ok) {
    builder.abandon();
    return reply.error(OUT_OF_MEMORY);
  }
  if (builder.count > 0) keyspace.touched(key);
  else if (keyspace.find(key) !== 0) keyspace.remove(key);
  reply.integer(builder.count);
}

/** Adds all of `stream` to a set being built. False: out of memory. */
function gather(builder: SetBuilder, stream: MemberStream): boolean {
  const { text } = stream;
  while (stream.next()) {
    if (!builder.addNew(text.bytes, text.at, text.byteCount, stream.hash)) return false;
  }
  return true;
}

function countCombined(call: Call, operation: Operation): void {
  const { reply } = call;
  const keyCount = positiveArgument(call, 1);
  if (!(keyCount > 0)) return reply.error('ERR numkeys should be greater than 0');
  const end = 2 + keyCount;
  if (end > call.count) return reply.error("ERR Number of keys can't be greater than number of args");
  const limit = parseLimit(call, end, operation);
  if (limit < 0) return;
  const stream = combine(call, operation, 2, end);
  if (stream === NOT_SETS) return;
  let count = 0;
  if (stream !== null) while (stream.next() && ++count !== limit);
  reply.integer(count);
}

/**
 * The options from argument `from` on: returns the LIMIT, 0 for none, or -1: the error has been replied. APPROX allows
 * a union to be counted approximately; counting it exactly costs no more than a little time.
 */
function parseLimit(call: Call, from: number, operation: Operation): number {
  const { reply } = call;
  let limit = 0;
  for (let index = from; index < call.count; index++) {
    if (operation === Operation.Union && isWord(call, index, 'APPROX')) continue;
    if (!isWord(call, index, 'LIMIT') || index + 1 === call.count) {
      reply.error(SYNTAX_ERROR);
      return -1;
    }
    limit = positiveArgument(call, ++index);
    if (limit >= 0) continue;
    reply.error("ERR LIMIT can't be negative");
    return -1;
  }
  return limit;
}

/** Argument `index` as an integer that is not negative, or -1. */
function positiveArgument(call: Call, index: number): number {
  const isInteger = parseInt64Argument(call, index, scratchNumber);
  return isInteger && scratchNumber.hi >= 0 ? int64ToNumber(scratchNumber) : -1;
}
