/** Taking elements from the ends of lists, and waiting for them where there are none. */
import { equalBytes } from '../../base/bytes.ts';
import type { Key } from '../../store/key.ts';
import { recordType, ValueType } from '../../store/record.ts';
import { popOfRepliedKey, withoutArgument } from '../effect.ts';
import { WRONG_TYPE } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type Row } from '../row.ts';
import { timeoutArgument } from '../timeout-argument.ts';
import { Operation, OperationFlag, type ServedWait } from '../waiting.ts';
import { End, endArgument } from './arguments.ts';
import { popMany, popOne } from './elements.ts';
import { moveOne, moveRequested, parseMoveRequest, replyMoveMany, replyMoveOne } from './move.ts';
import { parsePopRequest, type PopRequest } from './pop.ts';
import { findTyped, WRONG } from '../typed-value.ts';

const POP_KEY_FLAGS = KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete;
const MOVE_KEYS = [key(1, POP_KEY_FLAGS), key(2, KeyFlag.ReadWrite | KeyFlag.Insert)];

export const blockingRows: readonly Row[] = [
  {
    name: 'BLPOP',
    since: '2.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Blocking,
    acl: ['list'],
    keys: [key(1, POP_KEY_FLAGS, -2)],
    summary: 'Removes the first element of the first list that there is, or waits for one, and returns it.',
    run: (call) => popOrWait(call, true),
    effect: popOfRepliedKey('LPOP'),
  },
  {
    name: 'BRPOP',
    since: '2.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Blocking,
    acl: ['list'],
    keys: [key(1, POP_KEY_FLAGS, -2)],
    summary: 'Removes the last element of the first list that there is, or waits for one, and returns it.',
    run: (call) => popOrWait(call, false),
    effect: popOfRepliedKey('RPOP'),
  },
  {
    name: 'BLMPOP',
    since: '7.0.0',
    arity: -5,
    flags: Flag.Write | Flag.Blocking,
    acl: ['list'],
    keys: [countedKeys(2, POP_KEY_FLAGS)],
    summary:
      'Removes elements from an end of the first list that there is, or waits for some, and returns them.',
    run: blmpopCommand,
    effect: withoutArgument('LMPOP', 1),
  },
  {
    name: 'BLMOVE',
    since: '6.2.0',
    arity: 6,
    flags: Flag.Write | Flag.DenyOom | Flag.Blocking,
    acl: ['list'],
    keys: MOVE_KEYS,
    summary: 'Moves an element from an end of a list to an end of another, or waits for one, and returns it.',
    run: blmoveCommand,
    effect: withoutArgument('LMOVE', 5),
  },
  {
    name: 'BRPOPLPUSH',
    since: '2.2.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom | Flag.Blocking,
    acl: ['list'],
    keys: MOVE_KEYS,
    deprecated: true,
    summary: 'Moves the last element of a list to the front of another, or waits for one, and returns it.',
    run: brpoplpushCommand,
    effect: withoutArgument('RPOPLPUSH', 3),
  },
  {
    name: 'BLMOVEM',
    since: '8.10.0',
    arity: -6,
    flags: Flag.Write | Flag.DenyOom | Flag.Blocking,
    acl: ['list'],
    keys: MOVE_KEYS,
    grows: true,
    summary:
      'Moves several elements from a list to another, or waits until there are enough, and returns them.',
    run: blmovemCommand,
    effect: withoutArgument('LMOVEM', 5),
  },
];

/** Lists are not longer: who waits for more waits in vain. */
const NEEDED_MAX = 2 ** 31 - 1;

function popOrWait(call: Call, atFront: boolean): void {
  const timeoutMs = timeoutArgument(call, call.count - 1);
  if (timeoutMs !== timeoutMs) return;
  const request: PopRequest = { firstKey: 1, keyCount: call.count - 2, atFront, countMax: 1 };
  const record = findList(call, request);
  if (record === 0) waitForElements(call, Operation.ListPop, request, timeoutMs);
  else if (record !== WRONG) replyPop(call, atFront);
}

function blmpopCommand(call: Call): void {
  const request = parsePopRequest(call, 2);
  if (request === null) return;
  const timeoutMs = timeoutArgument(call, 1);
  if (timeoutMs !== timeoutMs) return;
  const record = findList(call, request);
  if (record === 0) waitForElements(call, Operation.ListPopMany, request, timeoutMs);
  else if (record !== WRONG) replyPopMany(call, request.atFront, request.countMax);
}

/** Finds the first list there is. 0: there is none. WRONG: some other value comes first, and the error has been replied. */
function findList(call: Call, { firstKey, keyCount }: PopRequest): number {
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    call.locate(index, call.key);
    const record = findTyped(call, call.key, ValueType.List);
    if (record !== 0) return record;
  }
  return 0;
}

function waitForElements(call: Call, kind: Operation, request: PopRequest, timeoutMs: number): void {
  if (!call.mayBlock) return call.reply.nilArray();
  const { firstKey, keyCount, atFront, countMax } = request;
  call.block({
    firstKey,
    keyCount,
    type: ValueType.List,
    needed: 1,
    operation: kind | (atFront ? OperationFlag.None : OperationFlag.FromEnd),
    count: countMax,
    destination: 0,
    timeoutMs,
  });
}

function blmoveCommand(call: Call): void {
  const from = endArgument(call, 3);
  if (from === End.Neither) return;
  const to = endArgument(call, 4);
  if (to !== End.Neither) moveOrWait(call, from === End.Front, to === End.Front, 5);
}

function brpoplpushCommand(call: Call): void {
  moveOrWait(call, false, true, 3);
}

function moveOrWait(call: Call, fromFront: boolean, toFront: boolean, timeoutIndex: number): void {
  const timeoutMs = timeoutArgument(call, timeoutIndex);
  if (timeoutMs !== timeoutMs || moveOne(call, fromFront, toFront)) return;
  if (call.mayBlock) waitToMove(call, Operation.ListMove | endFlags(fromFront, toFront), 1, 1, timeoutMs);
  else call.reply.nil();
}

/** Redis 8.10: with EXACTLY it also waits while there is a list that has not enough elements. */
function blmovemCommand(call: Call): void {
  const request = parseMoveRequest(call, 6);
  if (request === null) return;
  const timeoutMs = timeoutArgument(call, 5);
  if (timeoutMs !== timeoutMs || moveRequested(call, request)) return;
  if (!call.mayBlock) return call.reply.nilArray();
  const { fromFront, toFront, isOneByOne, isExact, count } = request;
  const flags = endFlags(fromFront, toFront) | (isOneByOne ? OperationFlag.None : OperationFlag.InBulk);
  const needed = isExact ? Math.min(count, NEEDED_MAX) : 1;
  waitToMove(call, Operation.ListMoveMany | flags, count, needed, timeoutMs);
}

function endFlags(fromFront: boolean, toFront: boolean): number {
  return (
    (fromFront ? OperationFlag.None : OperationFlag.FromEnd) |
    (toFront ? OperationFlag.None : OperationFlag.ToEnd)
  );
}

function waitToMove(call: Call, operation: number, count: number, needed: number, timeoutMs: number): void {
  call.block({
    firstKey: 1,
    keyCount: 1,
    type: ValueType.List,
    needed,
    operation,
    count,
    destination: 2,
    timeoutMs,
  });
}

type Popping = Pick<Call, 'keyspace' | 'key' | 'reply'>;

/** Replies with the name and an element of the list found under `key`, and removes that. */
function replyPop({ keyspace, key, reply }: Popping, atFront: boolean): void {
  reply.array(2);
  reply.bulk(key.bytes, key.at, key.byteCount);
  popOne(keyspace, reply, key, atFront);
}

function replyPopMany({ keyspace, key, reply }: Popping, atFront: boolean, countMax: number): void {
  reply.array(2);
  reply.bulk(key.bytes, key.at, key.byteCount);
  popMany(keyspace, reply, key, atFront, countMax);
}

/** Does for a client what it has waited for. */
export function serveListWait(served: ServedWait): void {
  const { wait, keyspace, key, reply } = served;
  const atFront = (wait.operation & OperationFlag.FromEnd) === 0;
  const kind = wait.operation & Operation.Mask;
  if (kind === Operation.ListPop) return replyPop(served, atFront);
  if (kind === Operation.ListPopMany) return replyPopMany(served, atFront, wait.count);
  const to = findDestination(served);
  if (to === null) return reply.error(WRONG_TYPE);
  const toFront = (wait.operation & OperationFlag.ToEnd) === 0;
  if (kind === Operation.ListMove) return replyMoveOne(keyspace, reply, key, to, atFront, toFront);
  replyMoveMany(keyspace, reply, key, to, {
    fromFront: atFront,
    toFront,
    count: wait.count,
    isExact: false,
    isOneByOne: (wait.operation & OperationFlag.InBulk) === 0,
  });
}

/** The key to move to, which is `key` if it is the same. Null: it holds no list. Redis: then the element stays. */
function findDestination({ keyspace, key, destination }: ServedWait): Key | null {
  const { byteCount } = key;
  const isSame =
    destination.byteCount === byteCount &&
    equalBytes(destination.bytes, destination.at, key.bytes, key.at, byteCount);
  if (isSame) return key;
  const record = keyspace.find(destination);
  if (record !== 0) return recordType(destination.shard, record) === ValueType.List ? destination : null;
  // Finding it may have removed an expired one, and so moved the slots of the shard.
  if (destination.shard === key.shard) keyspace.find(key);
  return destination;
}

/** What `serveListWait` has done, as a request. */
export function listWaitEffect({ key, destination, wait }: ServedWait): readonly (string | Uint8Array)[] {
  const name = textOf(key);
  const { operation, count } = wait;
  const atFront = (operation & OperationFlag.FromEnd) === 0;
  const from = atFront ? 'LEFT' : 'RIGHT';
  const to = (operation & OperationFlag.ToEnd) === 0 ? 'LEFT' : 'RIGHT';
  switch (operation & Operation.Mask) {
    case Operation.ListPop:
      return [atFront ? 'LPOP' : 'RPOP', name];
    case Operation.ListPopMany:
      return ['LMPOP', '1', name, from, 'COUNT', `${count}`];
    case Operation.ListMove:
      return ['LMOVE', name, textOf(destination), from, to];
    default: {
      const order = (operation & OperationFlag.InBulk) === 0 ? 'OBO' : 'BULK';
      return ['LMOVEM', name, textOf(destination), from, to, 'COUNT', `${count}`, order];
    }
  }
}

function textOf({ bytes, at, byteCount }: Key): Uint8Array {
  return bytes.u8.subarray(at, at + byteCount);
}
