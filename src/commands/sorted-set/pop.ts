/** Taking the members with the lowest or the highest scores. What is popped here by hand, the blocking forms wait for. */
import { EntryText } from '../../structures/packed-entry.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { recordType, ValueType } from '../../store/record.ts';
import {
  pointAtExtreme,
  Removal,
  removeExtreme,
  sortedSetLength,
} from '../../store/sorted-set/sorted-set.ts';
import { RankSpan, removeSpan } from '../../store/sorted-set/range.ts';
import { SortedSetWalk } from '../../store/sorted-set/walk.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR, WRONG_TYPE } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';
import { integerArgument } from './arguments.ts';

export const popRows: readonly Row[] = [
  {
    name: 'ZPOPMIN',
    since: '5.0.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Removes the members with the lowest scores from a sorted set and returns them.',
    run: (call) => popCommand(call, false),
  },
  {
    name: 'ZPOPMAX',
    since: '5.0.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Removes the members with the highest scores from a sorted set and returns them.',
    run: (call) => popCommand(call, true),
  },
  {
    name: 'ZMPOP',
    since: '7.0.0',
    arity: -4,
    flags: Flag.Write,
    acl: ['sortedset'],
    keys: [countedKeys(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Pops members from the first of several sorted sets that has any.',
    run: zmpopCommand,
  },
];

const scratchText = new EntryText();
const scratchWalk = new SortedSetWalk();
const scratchSpan = new RankSpan();

/** What ZMPOP and BZMPOP are asked for. */
export interface MultiPop {
  /** Index of the first key. */
  readonly firstKey: number;
  readonly keyCount: number;
  readonly fromMax: boolean;
  readonly count: number;
}

/** Hot without a count. */
function popCommand(call: Call, fromMax: boolean): void {
  const { key, reply } = call;
  if (call.count > 3) return reply.error(SYNTAX_ERROR);
  const isCounted = call.count === 3;
  const count = isCounted ? integerArgument(call, 2) : 1;
  if (!(count >= 0)) return reply.error('ERR value is out of range, must be positive');
  const record = findTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0 || count === 0) return reply.array(0);
  const isNested = isCounted && reply.version === 3;
  const poppedCount = Math.min(count, sortedSetLength(key.shard, record));
  reply.array(isNested ? poppedCount : poppedCount * 2);
  popMembers(call.keyspace, key, fromMax, poppedCount, reply, isNested);
}

/**
 * Removes so many members, which there are, from the sorted set found under `key` and replies each with its score, as a
 * pair or flatly. Calls `touched`. The key may be gone then. Nothing is removed before all of the reply is there: it may
 * be too large.
 */
export function popMembers(
  keyspace: Keyspace,
  key: Key,
  fromMax: boolean,
  count: number,
  reply: RespWriter,
  asPairs: boolean,
): void {
  const { shard, record } = key;
  if (count === 1) {
    const text = scratchText;
    const score = pointAtExtreme(shard, record, fromMax, text);
    replyMember(reply, text, score, asPairs);
    if (removeExtreme(keyspace, key, fromMax) === Removal.Removed) keyspace.touched(key);
    return;
  }
  const length = sortedSetLength(shard, record);
  const walk = scratchWalk;
  walk.begin(shard, record, fromMax ? length - 1 : 0, count, fromMax);
  while (walk.next()) replyMember(reply, walk.text, walk.score, asPairs);
  const first = fromMax ? length - count : 0;
  scratchSpan.set(first, first + count);
  if (removeSpan(keyspace, key, scratchSpan) === Removal.Removed) keyspace.touched(key);
}

function replyMember(reply: RespWriter, text: EntryText, score: number, asPair: boolean): void {
  if (asPair) reply.array(2);
  reply.bulk(text.bytes, text.at, text.byteCount);
  reply.double(score);
}

function zmpopCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  const pop = parseMultiPop(call, 1);
  if (pop === null) return;
  for (let index = pop.firstKey; index < pop.firstKey + pop.keyCount; index++) {
    call.locate(index, key);
    const record = keyspace.find(key);
    if (record === 0) continue;
    if (recordType(key.shard, record) !== ValueType.SortedSet) return reply.error(WRONG_TYPE);
    return replyMultiPop(keyspace, key, pop, reply);
  }
  reply.nilArray();
}

/** Pops from the sorted set found under `key` and replies as ZMPOP does: the key and what was popped. */
export function replyMultiPop(keyspace: Keyspace, key: Key, pop: MultiPop, reply: RespWriter): void {
  const count = Math.min(pop.count, sortedSetLength(key.shard, key.record));
  reply.array(2);
  reply.bulk(key.bytes, key.at, key.byteCount);
  reply.array(count);
  popMembers(keyspace, key, pop.fromMax, count, reply, true);
}

/** Reads numkeys at argument `countIndex` and all that follows. Null: the error has been replied. */
export function parseMultiPop(call: Call, countIndex: number): MultiPop | null {
  const { reply } = call;
  const keyCount = integerArgument(call, countIndex);
  if (!(keyCount >= 1)) return refuse(call, 'ERR numkeys should be greater than 0');
  const whereIndex = countIndex + 1 + keyCount;
  if (whereIndex >= call.count) return refuse(call, SYNTAX_ERROR);
  const fromMax = isWord(call, whereIndex, 'MAX');
  if (!fromMax && !isWord(call, whereIndex, 'MIN')) return refuse(call, SYNTAX_ERROR);
  let count = 0;
  for (let index = whereIndex + 1; index < call.count; index += 2) {
    if (count !== 0 || index + 1 === call.count || !isWord(call, index, 'COUNT'))
      return refuse(call, SYNTAX_ERROR);
    count = integerArgument(call, index + 1);
    if (!(count >= 1)) {
      reply.error('ERR count should be greater than 0');
      return null;
    }
  }
  return { firstKey: countIndex + 1, keyCount, fromMax, count: count === 0 ? 1 : count };
}

function refuse(call: Call, error: string): null {
  call.reply.error(error);
  return null;
}
