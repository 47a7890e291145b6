/** Taking the members with the lowest or the highest scores, and waiting for them where there are none. */
import { recordType, ValueType } from '../../store/record.ts';
import { popOfRepliedKey, withoutArgument } from '../effect.ts';
import { WRONG_TYPE } from '../replies.ts';
import { type Call, countedKeys, Flag, key, KeyFlag, type Row } from '../row.ts';
import { timeoutArgument } from '../timeout-argument.ts';
import { Operation, OperationFlag, type ServedWait } from '../waiting.ts';
import { type MultiPop, parseMultiPop, popMembers, replyMultiPop } from './pop.ts';

export const blockingRows: readonly Row[] = [
  {
    name: 'BZPOPMIN',
    since: '5.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast | Flag.Blocking,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete, -2)],
    summary: 'Pops the member with the lowest score of the first sorted set that has any, or waits for one.',
    run: (call) => popOrWait(call, false),
    effect: popOfRepliedKey('ZPOPMIN'),
  },
  {
    name: 'BZPOPMAX',
    since: '5.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast | Flag.Blocking,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete, -2)],
    summary: 'Pops the member with the highest score of the first sorted set that has any, or waits for one.',
    run: (call) => popOrWait(call, true),
    effect: popOfRepliedKey('ZPOPMAX'),
  },
  {
    name: 'BZMPOP',
    since: '7.0.0',
    arity: -5,
    flags: Flag.Write | Flag.Blocking,
    acl: ['sortedset'],
    keys: [countedKeys(2, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Pops members from the first of several sorted sets that has any, or waits for some.',
    run: bzmpopCommand,
    effect: withoutArgument('ZMPOP', 1),
  },
];

function popOrWait(call: Call, fromMax: boolean): void {
  const timeoutMs = timeoutArgument(call, call.count - 1);
  if (timeoutMs !== timeoutMs) return;
  const pop = { firstKey: 1, keyCount: call.count - 2, fromMax, count: 1 };
  if (!findMembers(call, pop)) return waitForMembers(call, Operation.SortedSetPop, pop, timeoutMs);
  if (call.key.record !== 0) replyPop(call, fromMax);
}

function bzmpopCommand(call: Call): void {
  const pop = parseMultiPop(call, 2);
  if (pop === null) return;
  const timeoutMs = timeoutArgument(call, 1);
  if (timeoutMs !== timeoutMs) return;
  if (!findMembers(call, pop)) return waitForMembers(call, Operation.SortedSetPopMany, pop, timeoutMs);
  if (call.key.record !== 0) replyMultiPop(call.keyspace, call.key, pop, call.reply);
}

/** Finds the first sorted set; without `key.record` it is another value, and the error has been replied. False: there is none. */
function findMembers(call: Call, { firstKey, keyCount }: MultiPop): boolean {
  const { key, keyspace, reply } = call;
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    call.locate(index, key);
    const record = keyspace.find(key);
    if (record === 0) continue;
    if (recordType(key.shard, record) === ValueType.SortedSet) return true;
    reply.error(WRONG_TYPE);
    key.record = 0;
    return true;
  }
  return false;
}

function waitForMembers(call: Call, kind: Operation, pop: MultiPop, timeoutMs: number): void {
  if (!call.mayBlock) return call.reply.nilArray();
  const { firstKey, keyCount, fromMax, count } = pop;
  call.block({
    firstKey,
    keyCount,
    type: ValueType.SortedSet,
    needed: 1,
    operation: kind | (fromMax ? OperationFlag.FromEnd : OperationFlag.None),
    count,
    destination: 0,
    timeoutMs,
  });
}

/** Pops one member of the sorted set found under `key`. */
function replyPop(
  { keyspace, key, reply }: Pick<Call, 'keyspace' | 'key' | 'reply'>,
  fromMax: boolean,
): void {
  reply.array(3);
  reply.bulk(key.bytes, key.at, key.byteCount);
  popMembers(keyspace, key, fromMax, 1, reply, false);
}

/** Does for a client what it has waited for. */
export function serveSortedSetWait(served: ServedWait): void {
  const { keyspace, key, wait, reply } = served;
  const fromMax = (wait.operation & OperationFlag.FromEnd) !== 0;
  if ((wait.operation & Operation.Mask) === Operation.SortedSetPop) return replyPop(served, fromMax);
  replyMultiPop(keyspace, key, { firstKey: 0, keyCount: 1, fromMax, count: wait.count }, reply);
}

/** What `serveSortedSetWait` has done, as a request. */
export function sortedSetWaitEffect({ key, wait }: ServedWait): readonly (string | Uint8Array)[] {
  const name = key.bytes.u8.subarray(key.at, key.at + key.byteCount);
  const fromMax = (wait.operation & OperationFlag.FromEnd) !== 0;
  if ((wait.operation & Operation.Mask) === Operation.SortedSetPop) {
    return [fromMax ? 'ZPOPMAX' : 'ZPOPMIN', name];
  }
  return ['ZMPOP', '1', name, fromMax ? 'MAX' : 'MIN', 'COUNT', `${wait.count}`];
}
