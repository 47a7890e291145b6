/** Sorted sets: members put, removed, and asked about one by one. The rest of the family is in the files it concatenates here. */
import { ValueType } from '../../store/record.ts';
import {
  findScore,
  hasRoomForMembers,
  Put,
  putScore,
  Removal,
  removeMember,
  scratchPut,
  sortedSetLength,
  When,
} from '../../store/sorted-set/sorted-set.ts';
import { findRank, scratchRank } from '../../store/sorted-set/range.ts';
import { isWord } from '../argument.ts';
import { NOT_A_FLOAT, OUT_OF_MEMORY, SYNTAX_ERROR, wrongArity } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { floatArgument } from './arguments.ts';
import { blockingRows } from './blocking.ts';
import { combiningRows } from './combining.ts';
import { popRows } from './pop.ts';
import { randomRows } from './random.ts';
import { rangeRows } from './range.ts';

const memberRows: readonly Row[] = [
  {
    name: 'ZADD',
    since: '1.2.0',
    arity: -4,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Adds members to a sorted set, or changes their scores.',
    run: (call) => addScores(call, When.Always),
  },
  {
    name: 'ZINCRBY',
    since: '1.2.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    summary: 'Adds to the score of a member of a sorted set.',
    run: (call) => addScores(call, When.Increment),
  },
  {
    name: 'ZREM',
    since: '1.2.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes members from a sorted set.',
    run: zremCommand,
  },
  {
    name: 'ZCARD',
    since: '1.2.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Returns the number of members of a sorted set.',
    run: zcardCommand,
  },
  {
    name: 'ZSCORE',
    since: '1.2.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the score of a member of a sorted set.',
    run: zscoreCommand,
  },
  {
    name: 'ZMSCORE',
    since: '6.2.0',
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the scores of several members of a sorted set.',
    run: zmscoreCommand,
  },
  {
    name: 'ZRANK',
    since: '2.0.0',
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns how many members of a sorted set come before one, from the lowest score.',
    run: (call) => replyRank(call, false),
  },
  {
    name: 'ZREVRANK',
    since: '2.0.0',
    arity: -3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns how many members of a sorted set come before one, from the highest score.',
    run: (call) => replyRank(call, true),
  },
];

export const sortedSetFamily: Family = {
  group: 'sorted-set',
  rows: [...memberRows, ...rangeRows, ...popRows, ...blockingRows, ...combiningRows, ...randomRows],
};

const NOT_A_NUMBER = 'ERR resulting score is not a number (NaN)';
const XX_AND_NX = 'ERR XX and NX options at the same time are not compatible';
const GT_LT_NX = 'ERR GT, LT, and/or NX options at the same time are not compatible';
const ONE_INCREMENT = 'ERR INCR option supports a single increment-element pair';

/** ZADD's CH, beside the flags of When: count what changed, not only what is new. */
const CHANGED = 1 << 8;
/** Of a command's options: the request is no good, and the error has been replied. */
const BAD_OPTIONS = -1;

/** Scores of the command being run, in the order of its arguments. */
let scratchScores = new Float64Array(64);

/** Hot. ZADD and ZINCRBY. */
function addScores(call: Call, initial: number): void {
  const { count, args, keyspace, key, reply } = call;
  let first = 2;
  let options = initial;
  for (let option = optionAt(call, 2); option !== 0; option = optionAt(call, first)) {
    options |= option;
    first++;
    if (first === count) break;
  }
  const pairCount = checkOptions(call, first, options);
  if (pairCount === BAD_OPTIONS || !parseScores(call, first, pairCount)) return;
  const record = findTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (pairCount > 1 && !haveRoom(call, first)) return reply.error(OUT_OF_MEMORY);
  let outcome = Put.Refused;
  let addedCount = 0;
  let updatedCount = 0;
  for (let pair = 0; pair < pairCount; pair++) {
    const member = (first + pair * 2 + 1) * 2;
    const score = scratchScores[pair]!;
    outcome = putScore(keyspace, key, call.source, args[member]!, args[member + 1]!, score, options);
    if (outcome === Put.Added) addedCount++;
    else if (outcome === Put.Updated) updatedCount++;
    else if (outcome >= Put.NotANumber) break;
  }
  if (addedCount + updatedCount > 0) keyspace.touched(key);
  if (outcome === Put.OutOfMemory) reply.error(OUT_OF_MEMORY);
  else if (outcome === Put.NotANumber) reply.error(NOT_A_NUMBER);
  else if ((options & When.Increment) === 0) {
    reply.integer((options & CHANGED) !== 0 ? addedCount + updatedCount : addedCount);
  } else if (outcome === Put.Refused) reply.nil();
  else reply.double(scratchPut.score);
}

/** The option that argument `index` spells, or 0. */
function optionAt(call: Call, index: number): number {
  // Most scores begin with a digit or a sign.
  if (call.source.u8[call.args[index * 2]!]! < 0x41) return 0;
  switch (call.args[index * 2 + 1]) {
    case 2:
      if (isWord(call, index, 'NX')) return When.Missing;
      if (isWord(call, index, 'XX')) return When.Existing;
      if (isWord(call, index, 'GT')) return When.Greater;
      if (isWord(call, index, 'LT')) return When.Less;
      return isWord(call, index, 'CH') ? CHANGED : 0;
    case 4:
      return isWord(call, index, 'INCR') ? When.Increment : 0;
    default:
      return 0;
  }
}

/** Returns the number of pairs from argument `first` on, or BAD_OPTIONS. */
function checkOptions(call: Call, first: number, options: number): number {
  const rest = call.count - first;
  if (rest === 0 || rest % 2 !== 0) return refuse(call, SYNTAX_ERROR);
  if ((options & (When.Missing | When.Existing | When.Greater | When.Less)) !== 0) {
    const isMissing = (options & When.Missing) !== 0;
    const isGreater = (options & When.Greater) !== 0;
    const isLess = (options & When.Less) !== 0;
    if (isMissing && (options & When.Existing) !== 0) return refuse(call, XX_AND_NX);
    if ((isMissing && (isGreater || isLess)) || (isGreater && isLess)) return refuse(call, GT_LT_NX);
  }
  if ((options & When.Increment) !== 0 && rest > 2) return refuse(call, ONE_INCREMENT);
  return rest >> 1;
}

function refuse(call: Call, error: string): number {
  call.reply.error(error);
  return BAD_OPTIONS;
}

/** Reads the scores into `scratchScores`. False: one is none, and the error has been replied. */
function parseScores(call: Call, first: number, pairCount: number): boolean {
  if (scratchScores.length < pairCount) scratchScores = new Float64Array(pairCount * 2);
  for (let pair = 0; pair < pairCount; pair++) {
    const score = floatArgument(call, first + pair * 2);
    if (score !== score) {
      call.reply.error(NOT_A_FLOAT);
      return false;
    }
    scratchScores[pair] = score;
  }
  return true;
}

/** Whether all the members from argument `first` + 1 on can be put. */
function haveRoom(call: Call, first: number): boolean {
  let byteCount = 0;
  let byteCountMax = 0;
  for (let index = first + 1; index < call.count; index += 2) {
    const bytes = call.args[index * 2 + 1]!;
    byteCount += bytes;
    if (bytes > byteCountMax) byteCountMax = bytes;
  }
  const memberCount = (call.count - first) >> 1;
  return hasRoomForMembers(call.keyspace, call.key, memberCount, byteCount, byteCountMax);
}

function zremCommand(call: Call): void {
  const { key, keyspace, args, reply } = call;
  const record = findTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  let removedCount = 0;
  let removal: Removal = Removal.Missing;
  for (let index = 2; index < call.count && removal !== Removal.Emptied; index++) {
    removal = removeMember(keyspace, key, call.source, args[index * 2]!, args[index * 2 + 1]!);
    if (removal !== Removal.Missing) removedCount++;
  }
  if (removedCount > 0 && removal !== Removal.Emptied) keyspace.touched(key);
  reply.integer(removedCount);
}

function zcardCommand(call: Call): void {
  const record = readTyped(call, call.key, ValueType.SortedSet);
  if (record === WRONG) return;
  call.reply.integer(record === 0 ? 0 : sortedSetLength(call.key.shard, record));
}

/** Hot. */
function zscoreCommand(call: Call): void {
  const { key, args, reply } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  const score = record === 0 ? NaN : findScore(call.keyspace, key, call.source, args[4]!, args[5]!);
  if (score === score) reply.double(score);
  else reply.nil();
}

function zmscoreCommand(call: Call): void {
  const { key, args, reply } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  reply.array(call.count - 2);
  for (let index = 2; index < call.count; index++) {
    const at = args[index * 2]!;
    const score = record === 0 ? NaN : findScore(call.keyspace, key, call.source, at, args[index * 2 + 1]!);
    if (score === score) reply.double(score);
    else reply.nil();
  }
}

/** Hot. */
function replyRank(call: Call, isReverse: boolean): void {
  const { key, args, reply, count } = call;
  if (count > 4) return wrongArity(reply, call.row.name.toLowerCase());
  const withScore = count === 4;
  if (withScore && !isWord(call, 3, 'WITHSCORE')) return reply.error(SYNTAX_ERROR);
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  const rank = record === 0 ? -1 : findRank(call.keyspace, key, call.source, args[4]!, args[5]!);
  if (rank < 0) return withScore ? reply.nilArray() : reply.nil();
  if (withScore) reply.array(2);
  reply.integer(isReverse ? sortedSetLength(key.shard, record) - 1 - rank : rank);
  if (withScore) reply.double(scratchRank.score);
}
