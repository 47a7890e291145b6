/** Taking elements from the ends of lists, and waiting for them where there are none. */
import { recordType, ValueType } from '../../store/record.ts';
import { WRONG_TYPE } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { timeoutArgument } from '../timeout-argument.ts';
import { Operation, OperationFlag, type ServedWait } from '../waiting.ts';
import { popOne } from './pop.ts';

export const blockingRows: readonly Row[] = [
  {
    name: 'BLPOP',
    since: '2.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Blocking,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete, -2)],
    summary: 'Pops the first element of the first list that has any, or waits for one.',
    run: (call) => popOrWait(call, true),
  },
  {
    name: 'BRPOP',
    since: '2.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Blocking,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete, -2)],
    summary: 'Pops the last element of the first list that has any, or waits for one.',
    run: (call) => popOrWait(call, false),
  },
];

function popOrWait(call: Call, atFront: boolean): void {
  const timeoutMs = timeoutArgument(call, call.count - 1);
  if (timeoutMs !== timeoutMs) return;
  const pop = { firstKey: 1, keyCount: call.count - 2, atFront, count: 1 };
  if (!findList(call, 1, call.count - 2)) return waitForElements(call, Operation.ListPop, pop, timeoutMs);
  if (call.key.record !== 0) replyPop(call, atFront);
}

interface MultiPop {
  readonly firstKey: number;
  readonly keyCount: number;
  readonly atFront: boolean;
  readonly count: number;
}

/** Finds the first list; without `key.record` it is another value, and the error has been replied. False: there is none. */
function findList(call: Call, firstKey: number, keyCount: number): boolean {
  const { key, keyspace, reply } = call;
  for (let index = firstKey; index < firstKey + keyCount; index++) {
    call.locate(index, key);
    const record = keyspace.find(key);
    if (record === 0) continue;
    if (recordType(key.shard, record) === ValueType.List) return true;
    reply.error(WRONG_TYPE);
    key.record = 0;
    return true;
  }
  return false;
}

function waitForElements(call: Call, kind: Operation, pop: MultiPop, timeoutMs: number): void {
  if (!call.mayBlock) return call.reply.nilArray();
  const { firstKey, keyCount, atFront, count } = pop;
  call.block({
    firstKey,
    keyCount,
    type: ValueType.List,
    needed: 1,
    operation: kind | (atFront ? OperationFlag.None : OperationFlag.FromEnd),
    count,
    destination: 0,
    timeoutMs,
  });
}

/** Pops one element of the list found under `key`. */
function replyPop(call: Pick<Call, 'keyspace' | 'key' | 'reply'>, atFront: boolean): void {
  const { key, reply } = call;
  reply.array(2);
  reply.bulk(key.bytes, key.at, key.byteCount);
  popOne(call, key, atFront);
}

/** Does for a client what it has waited for. */
export function serveListWait(served: ServedWait): void {
  const { wait } = served;
  const atFront = (wait.operation & OperationFlag.FromEnd) === 0;
  replyPop(served, atFront);
}

/** What `serveListWait` has done, as a request. */
export function listWaitEffect({ key, wait }: ServedWait): readonly (string | Uint8Array)[] {
  const name = key.bytes.u8.subarray(key.at, key.at + key.byteCount);
  return [(wait.operation & OperationFlag.FromEnd) === 0 ? 'LPOP' : 'RPOP', name];
}
