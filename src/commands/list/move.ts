/** Moving elements from one list to another. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { equalBytes } from '../../base/bytes.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { listLength } from '../../store/list/list.ts';
import { moveEnd, moveMany } from '../../store/list/move.ts';
import { ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';
import { countArgument, End, endArgument } from './arguments.ts';
import { replyElements, replyEnd } from './elements.ts';

const MOVE_KEYS = [
  key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete),
  key(2, KeyFlag.ReadWrite | KeyFlag.Insert),
];

export const moveRows: readonly Row[] = [
  {
    name: 'LMOVE',
    since: '6.2.0',
    arity: 5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['list'],
    keys: MOVE_KEYS,
    summary: 'Moves an element from an end of a list to an end of another and returns it.',
    run: lmoveCommand,
  },
  {
    name: 'RPOPLPUSH',
    since: '1.2.0',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['list'],
    keys: MOVE_KEYS,
    deprecated: true,
    summary: 'Moves the last element of a list to the front of another and returns it.',
    run: rpoplpushCommand,
  },
  {
    name: 'LMOVEM',
    since: '8.10.0',
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['list'],
    keys: MOVE_KEYS,
    grows: true,
    summary: 'Moves several elements from an end of a list to an end of another and returns them.',
    run: lmovemCommand,
  },
];

const BAD_COUNT = 'ERR count should be greater than 0';

function lmoveCommand(call: Call): void {
  const from = endArgument(call, 3);
  if (from === End.Neither) return;
  const to = endArgument(call, 4);
  if (to === End.Neither) return;
  if (!moveOne(call, from === End.Front, to === End.Front)) call.reply.nil();
}

function rpoplpushCommand(call: Call): void {
  if (!moveOne(call, false, true)) call.reply.nil();
}

/**
 * Moves an element from the list at argument 1 to that at argument 2 and replies with it, or replies with an error.
 * False: there is no element, and nothing has been replied.
 */
export function moveOne(call: Call, fromFront: boolean, toFront: boolean): boolean {
  const { key, keyspace, reply } = call;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return true;
  if (record === 0) return false;
  const to = findDestination(call);
  if (to !== null) replyMoveOne(keyspace, reply, key, to, fromFront, toFront);
  return true;
}

/** Moves an element from the list found under `from` to the list, or nothing, found under `to`, and replies with it. */
export function replyMoveOne(
  keyspace: Keyspace,
  reply: RespWriter,
  from: Key,
  to: Key,
  fromFront: boolean,
  toFront: boolean,
): void {
  const status = moveEnd(keyspace, from, to, fromFront, toFront);
  if (status === Status.Ok) replyEnd(reply, to.shard, to.record, toFront);
  else reply.error(OUT_OF_MEMORY);
}

/** The key at argument 2, which is `call.key` if it is the same. Null: it holds no list, and the error has been replied. */
function findDestination(call: Call): Key | null {
  const { key, otherKey, keyspace } = call;
  if (isSameKey(call)) return key;
  call.locate(2, otherKey);
  const record = findTyped(call, otherKey, ValueType.List);
  // Finding it may have removed an expired one, and so moved the slots of the shard.
  if (record === 0 && otherKey.shard === key.shard) keyspace.find(key);
  return record === WRONG ? null : otherKey;
}

function isSameKey(call: Call): boolean {
  const { args, source } = call;
  return args[3] === args[5] && equalBytes(source, args[2]!, source, args[4]!, args[3]!);
}

/** What LMOVEM and its blocking form are asked to do: overwritten by the next parse. */
export interface MoveRequest {
  fromFront: boolean;
  toFront: boolean;
  /** How many elements to move: with `isExact` so many or none. */
  count: number;
  isExact: boolean;
  /** One by one: what is taken first is pushed first. Else they keep their order. */
  isOneByOne: boolean;
}

const scratchRequest: MoveRequest = {
  fromFront: false,
  toFront: false,
  count: 1,
  isExact: false,
  isOneByOne: false,
};

/**
 * Reads `LEFT|RIGHT LEFT|RIGHT` at arguments 3 and 4 and, from argument `from` on, `[COUNT|EXACTLY n OBO|BULK]`. Null:
 * the error has been replied.
 */
export function parseMoveRequest(call: Call, from: number): MoveRequest | null {
  const request = scratchRequest;
  const fromEnd = endArgument(call, 3);
  if (fromEnd === End.Neither) return null;
  const toEnd = endArgument(call, 4);
  if (toEnd === End.Neither) return null;
  request.fromFront = fromEnd === End.Front;
  request.toFront = toEnd === End.Front;
  request.count = 1;
  request.isExact = false;
  request.isOneByOne = false;
  if (call.count === from) return request;
  if (call.count !== from + 3) return syntaxError(call);
  request.isExact = isWord(call, from, 'EXACTLY');
  if (!request.isExact && !isWord(call, from, 'COUNT')) return syntaxError(call);
  request.count = countArgument(call, from + 1, 1, BAD_COUNT);
  if (request.count !== request.count) return null;
  request.isOneByOne = isWord(call, from + 2, 'OBO');
  return request.isOneByOne || isWord(call, from + 2, 'BULK') ? request : syntaxError(call);
}

function syntaxError(call: Call): null {
  call.reply.error(SYNTAX_ERROR);
  return null;
}

/**
 * Redis 8.10.2: the reply is nil also where COUNT finds no list, although its documentation says an empty array; the type
 * of the destination is looked at only when there is something to move; elements are taken all at once, so that OBO
 * reverses those that go back to the end of the list they came from.
 */
function lmovemCommand(call: Call): void {
  const request = parseMoveRequest(call, 5);
  if (request === null) return;
  if (!moveRequested(call, request)) call.reply.nilArray();
}

/** `moveOne` for what LMOVEM asks for. */
export function moveRequested(call: Call, request: MoveRequest): boolean {
  const { key, keyspace, reply } = call;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return true;
  const available = record === 0 ? 0 : listLength(key.shard, record);
  if (available === 0 || (request.isExact && available < request.count)) return false;
  const to = findDestination(call);
  if (to !== null) replyMoveMany(keyspace, reply, key, to, request);
  return true;
}

/** `replyMoveOne` for up to as many elements as are asked for. */
export function replyMoveMany(
  keyspace: Keyspace,
  reply: RespWriter,
  from: Key,
  to: Key,
  request: MoveRequest,
): void {
  const { fromFront, toFront } = request;
  const length = listLength(from.shard, from.record);
  const count = Math.min(request.count, length);
  const isReversed = request.isOneByOne && fromFront === toFront;
  const first = fromFront ? 0 : length - count;
  const start = reply.at;
  // Replied first: a reply that grows too large is given up, and then nothing must have changed.
  replyElements(reply, from.shard, from.record, isReversed ? first + count - 1 : first, count, isReversed);
  if (moveMany(keyspace, from, to, fromFront, toFront, count, isReversed) === Status.Ok) return;
  reply.at = start;
  reply.error(OUT_OF_MEMORY);
}
