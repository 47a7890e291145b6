/** Unions, intersections and differences of sorted sets, and of sets as if each of their scores were 1. */
import type { Key } from '../../store/key.ts';
import {
  Aggregate,
  combine,
  Combination,
  countCommon,
  type Operand,
  type ScoredMembersBuilder,
  storeMembers,
} from '../../store/sorted-set/combining.ts';
import { openSource, type ScoredSource } from '../../store/sorted-set/sources.ts';
import { SortedSetWalk } from '../../store/sorted-set/walk.ts';
import { Status } from '../../store/status.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR, WRONG_TYPE } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type Row } from '../row.ts';
import { floatArgument, integerArgument, requireInteger } from './arguments.ts';

const SOURCES = KeyFlag.ReadOnly | KeyFlag.Access;
const DESTINATION = KeyFlag.Overwrite | KeyFlag.Update;

export const combiningRows: readonly Row[] = [
  readingRow('ZUNION', Combination.Union, 'Returns the union of several sorted sets.'),
  readingRow('ZINTER', Combination.Intersection, 'Returns the intersection of several sorted sets.'),
  readingRow('ZDIFF', Combination.Difference, 'Returns what the first of several sorted sets has alone.'),
  storingRow('ZUNIONSTORE', '2.0.0', Combination.Union, 'Stores the union of several sorted sets.'),
  storingRow(
    'ZINTERSTORE',
    '2.0.0',
    Combination.Intersection,
    'Stores the intersection of several sorted sets.',
  ),
  storingRow(
    'ZDIFFSTORE',
    '6.2.0',
    Combination.Difference,
    'Stores what the first of several sorted sets has alone.',
  ),
  {
    name: 'ZINTERCARD',
    since: '7.0.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [countedKeys(1, SOURCES)],
    summary: 'Counts the members that several sorted sets have in common.',
    run: zintercardCommand,
  },
];

function readingRow(name: string, combination: Combination, summary: string): Row {
  return {
    name,
    since: '6.2.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [countedKeys(1, SOURCES)],
    summary,
    run: (call) => replyCombined(call, combination),
  };
}

function storingRow(name: string, since: string, combination: Combination, summary: string): Row {
  return {
    name,
    since,
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['sortedset'],
    keys: [key(1, DESTINATION), countedKeys(2, SOURCES)],
    grows: true,
    summary,
    run: (call) => storeCombined(call, combination),
  };
}

const NEGATIVE_LIMIT = "ERR LIMIT can't be negative";
const WEIGHT_NOT_FLOAT = 'ERR weight value is not a float';

/** What a command is asked for. */
interface Request {
  /** In the order of the arguments. */
  readonly operands: Operand[];
  aggregate: Aggregate;
  withScores: boolean;
  /** 0: none. */
  limit: number;
}

/** Which options a command knows. */
const enum Takes {
  None = 0,
  Weights = 1,
  Scores = 2,
  Limit = 4,
}

const scratchWalk = new SortedSetWalk();

/** Reads numkeys at argument `countIndex` and all that follows it. Null: the error has been replied. */
function parseRequest(call: Call, countIndex: number, takes: number): Request | null {
  const keyCount = requireInteger(call, countIndex);
  if (keyCount !== keyCount) return null;
  if (keyCount < 1) {
    const name = call.row.name.toLowerCase();
    return refuse(call, `ERR at least 1 input key is needed for '${name}' command`);
  }
  const firstKey = countIndex + 1;
  if (keyCount > call.count - firstKey) return refuse(call, SYNTAX_ERROR);
  const operands: Operand[] = [];
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    const source = openOperand(call, index);
    if (source === undefined) return refuse(call, WRONG_TYPE);
    operands.push({ source, weight: 1 });
  }
  const request: Request = { operands, aggregate: Aggregate.Sum, withScores: false, limit: 0 };
  for (let index = firstKey + keyCount; index < call.count;) {
    const used = parseOption(call, index, takes, request);
    if (used === 0) return null;
    index += used;
  }
  return request;
}

/** The value at the key that argument `index` names; null: there is none. Undefined: it is of the wrong type. */
function openOperand(call: Call, index: number): ScoredSource | null | undefined {
  // Not `call.key`: for the storing commands that is the destination.
  const operandKey: Key = call.otherKey;
  call.locate(index, operandKey);
  if (call.keyspace.read(operandKey) === 0) return null;
  return openSource(call.keyspace, operandKey) ?? undefined;
}

/** Reads the option at argument `index`. Returns how many arguments it takes, or 0: the error has been replied. */
function parseOption(call: Call, index: number, takes: number, request: Request): number {
  const { operands } = request;
  const rest = call.count - index - 1;
  if ((takes & Takes.Weights) !== 0 && rest >= operands.length && isWord(call, index, 'WEIGHTS')) {
    return parseWeights(call, index + 1, operands) ? operands.length + 1 : 0;
  }
  if ((takes & Takes.Weights) !== 0 && rest >= 1 && isWord(call, index, 'AGGREGATE')) {
    return parseAggregate(call, index + 1, request) ? 2 : 0;
  }
  if ((takes & Takes.Scores) !== 0 && isWord(call, index, 'WITHSCORES')) {
    request.withScores = true;
    return 1;
  }
  if ((takes & Takes.Limit) !== 0 && rest >= 1 && isWord(call, index, 'LIMIT')) {
    request.limit = integerArgument(call, index + 1);
    if (request.limit >= 0) return 2;
    call.reply.error(NEGATIVE_LIMIT);
    return 0;
  }
  call.reply.error(SYNTAX_ERROR);
  return 0;
}

function parseWeights(call: Call, first: number, operands: readonly Operand[]): boolean {
  for (let index = 0; index < operands.length; index++) {
    const weight = floatArgument(call, first + index);
    if (weight !== weight) {
      call.reply.error(WEIGHT_NOT_FLOAT);
      return false;
    }
    operands[index]!.weight = weight;
  }
  return true;
}

function parseAggregate(call: Call, index: number, request: Request): boolean {
  if (isWord(call, index, 'SUM')) request.aggregate = Aggregate.Sum;
  else if (isWord(call, index, 'MIN')) request.aggregate = Aggregate.Min;
  else if (isWord(call, index, 'MAX')) request.aggregate = Aggregate.Max;
  else if (isWord(call, index, 'COUNT')) request.aggregate = Aggregate.Count;
  else {
    call.reply.error(SYNTAX_ERROR);
    return false;
  }
  return true;
}

function refuse(call: Call, error: string): null {
  call.reply.error(error);
  return null;
}

/** Redis: scores are joined from the shortest source to the longest, which tells in the last digits of sums. */
function sortByLength(operands: Operand[]): void {
  operands.sort((a, b) => (a.source?.length ?? 0) - (b.source?.length ?? 0));
}

/** The combined members, in the shard of `call.key`. Null: the error has been replied. */
function combineOperands(
  call: Call,
  combination: Combination,
  countIndex: number,
  takes: number,
): { request: Request; members: ScoredMembersBuilder } | null {
  const options = combination === Combination.Difference ? takes & ~Takes.Weights : takes;
  const request = parseRequest(call, countIndex, options);
  if (request === null) return null;
  const { operands, aggregate } = request;
  if (combination !== Combination.Difference) sortByLength(operands);
  const members = combine(call.keyspace, call.key.shard, operands, combination, aggregate);
  return members === null ? refuse(call, OUT_OF_MEMORY) : { request, members };
}

function replyCombined(call: Call, combination: Combination): void {
  const { reply } = call;
  const combined = combineOperands(call, combination, 1, Takes.Weights | Takes.Scores);
  if (combined === null) return;
  const { members, request } = combined;
  const { count } = members;
  const isNested = request.withScores && reply.version === 3;
  try {
    reply.array(request.withScores && !isNested ? count * 2 : count);
    scratchWalk.beginTree(members.shard, members.root, 0, count, false);
    const { text } = scratchWalk;
    while (scratchWalk.next()) {
      if (isNested) reply.array(2);
      reply.bulk(text.bytes, text.at, text.byteCount);
      if (request.withScores) reply.double(scratchWalk.score);
    }
  } finally {
    // Also when the reply grows too large.
    members.drop();
  }
}

function storeCombined(call: Call, combination: Combination): void {
  const combined = combineOperands(call, combination, 2, Takes.Weights);
  if (combined === null) return;
  const { count } = combined.members;
  if (storeMembers(call.keyspace, call.key, combined.members) === Status.Ok) call.reply.integer(count);
  else call.reply.error(OUT_OF_MEMORY);
}

function zintercardCommand(call: Call): void {
  const request = parseRequest(call, 1, Takes.Limit);
  if (request === null) return;
  sortByLength(request.operands);
  call.reply.integer(countCommon(request.operands, request.limit));
}
