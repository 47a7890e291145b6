/** Reading lists. */
import { listLength, ListWalk } from '../../store/list/list.ts';
import { pointAtElement } from '../../store/list/edit.ts';
import { ValueType } from '../../store/record.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { readTyped, WRONG } from '../typed-value.ts';
import { countArgument, integerArgument, rankArgument } from './arguments.ts';
import { replyElements } from './elements.ts';

export const readRows: readonly Row[] = [
  {
    name: 'LLEN',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Returns the length of a list.',
    run: llenCommand,
  },
  {
    name: 'LINDEX',
    since: '1.0.0',
    arity: 3,
    flags: Flag.ReadOnly,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the element of a list at an index.',
    run: lindexCommand,
  },
  {
    name: 'LRANGE',
    since: '1.0.0',
    arity: 4,
    flags: Flag.ReadOnly,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the elements of a list between two indexes.',
    run: lrangeCommand,
  },
  {
    name: 'LPOS',
    since: '6.0.6',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the indexes at which a list has an element.',
    run: lposCommand,
  },
];

const BAD_RANK =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";
const BAD_COUNT = "ERR COUNT can't be negative";
const BAD_LENGTH = "ERR MAXLEN can't be negative";

const scratchText = new EntryText();
const scratchWalk = new ListWalk();
const scratchElement = new Element();

function llenCommand(call: Call): void {
  const record = readTyped(call, call.key, ValueType.List);
  if (record === WRONG) return;
  call.reply.integer(record === 0 ? 0 : listLength(call.key.shard, record));
}

function lindexCommand(call: Call): void {
  const { reply, key } = call;
  const record = readTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.nil();
  const wanted = integerArgument(call, 2);
  if (wanted !== wanted) return;
  const length = listLength(key.shard, record);
  const index = wanted < 0 ? wanted + length : wanted;
  if (index < 0 || index >= length) return reply.nil();
  pointAtElement(key.shard, record, index, scratchText);
  reply.bulk(scratchText.bytes, scratchText.at, scratchText.byteCount);
}

/** Hot. */
function lrangeCommand(call: Call): void {
  const { reply, key } = call;
  let start = integerArgument(call, 2);
  if (start !== start) return;
  let end = integerArgument(call, 3);
  if (end !== end) return;
  const record = readTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  const length = record === 0 ? 0 : listLength(key.shard, record);
  if (start < 0) start = Math.max(start + length, 0);
  if (end < 0) end += length;
  end = Math.min(end, length - 1);
  if (start > end) reply.array(0);
  else replyElements(reply, key.shard, record, start, end - start + 1, false);
}

interface PosOptions {
  rank: number;
  /** -1: not given. */
  countMax: number;
  /** 0: no limit. */
  stepsMax: number;
}

function lposCommand(call: Call): void {
  const { reply, key, args } = call;
  const options = parsePosOptions(call);
  if (options === null) return;
  const record = readTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return options.countMax < 0 ? reply.nil() : reply.array(0);
  encodeElement(scratchElement, call.source, args[4]!, args[5]!);
  const matches = findMatches(call, record, options);
  if (options.countMax >= 0) {
    reply.array(matches.length);
    for (const index of matches) reply.integer(index);
  } else if (matches.length > 0) reply.integer(matches[0]!);
  else reply.nil();
}

/** Null: the error has been replied. */
function parsePosOptions(call: Call): PosOptions | null {
  const options = { rank: 1, countMax: -1, stepsMax: 0 };
  for (let index = 3; index < call.count; index += 2) {
    const hasValue = index + 1 < call.count;
    if (hasValue && isWord(call, index, 'RANK')) {
      options.rank = rankArgument(call, index + 1);
      if (options.rank !== options.rank) return null;
      if (options.rank === 0) return refuse(call, BAD_RANK);
    } else if (hasValue && isWord(call, index, 'COUNT')) {
      options.countMax = countArgument(call, index + 1, 0, BAD_COUNT);
      if (options.countMax !== options.countMax) return null;
    } else if (hasValue && isWord(call, index, 'MAXLEN')) {
      options.stepsMax = countArgument(call, index + 1, 0, BAD_LENGTH);
      if (options.stepsMax !== options.stepsMax) return null;
    } else return refuse(call, SYNTAX_ERROR);
  }
  return options;
}

function refuse(call: Call, error: string): null {
  call.reply.error(error);
  return null;
}

/** Indexes of the elements that equal the scratch element, in the order in which they are come to. */
function findMatches(call: Call, record: number, options: PosOptions): number[] {
  const { shard } = call.key;
  const length = listLength(shard, record);
  const isBackward = options.rank < 0;
  const countMax = options.countMax < 0 ? 1 : options.countMax || Infinity;
  const stepsMax = options.stepsMax || Infinity;
  let skipped = Math.abs(options.rank) - 1;
  const matches: number[] = [];
  scratchWalk.start(shard, record, isBackward ? length - 1 : 0, isBackward);
  for (let steps = 0; matches.length < countMax;) {
    const taken = scratchWalk.nextMatch(scratchElement, stepsMax - steps);
    if (taken === 0) break;
    steps += taken;
    if (skipped > 0) skipped--;
    else matches.push(isBackward ? length - steps : steps - 1);
  }
  return matches;
}
