/** Taking elements from the ends of lists. */
import { ValueType } from '../../store/record.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR, wrongArity } from '../replies.ts';
import { type Call, countedKeys, Flag, type Handler, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, WRONG } from '../typed-value.ts';
import { countArgument, End, endArgument } from './arguments.ts';
import { popMany, popOne } from './elements.ts';

export const popRows: readonly Row[] = [
  popRow('LPOP', 'Removes elements from the front of a list and returns them.', lpopCommand),
  popRow('RPOP', 'Removes elements from the end of a list and returns them.', rpopCommand),
  {
    name: 'LMPOP',
    since: '7.0.0',
    arity: -4,
    flags: Flag.Write,
    acl: ['list'],
    keys: [countedKeys(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary: 'Removes elements from an end of the first list that there is and returns them.',
    run: lmpopCommand,
  },
];

function popRow(name: string, summary: string, run: Handler): Row {
  return {
    name,
    since: '1.0.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['list'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    summary,
    run,
  };
}

const NOT_POSITIVE = 'ERR value is out of range, must be positive';
const BAD_KEY_COUNT = 'ERR numkeys should be greater than 0';
const BAD_COUNT = 'ERR count should be greater than 0';

function lpopCommand(call: Call): void {
  pop(call, true);
}

function rpopCommand(call: Call): void {
  pop(call, false);
}

/** Hot. */
function pop(call: Call, atFront: boolean): void {
  const { key, keyspace, reply } = call;
  if (call.count > 2) return popCounted(call, atFront);
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.nil();
  popOne(keyspace, reply, key, atFront);
}

function popCounted(call: Call, atFront: boolean): void {
  const { key, keyspace, reply } = call;
  if (call.count > 3) return wrongArity(reply, call.row.name.toLowerCase());
  const count = countArgument(call, 2, 0, NOT_POSITIVE);
  if (count !== count) return;
  const record = findTyped(call, key, ValueType.List);
  if (record === WRONG) return;
  if (record === 0) return reply.nilArray();
  if (count === 0) return reply.array(0);
  popMany(keyspace, reply, key, atFront, count);
}

/** What LMPOP and its blocking form are asked to do: overwritten by the next parse. */
export interface PopRequest {
  /** Arguments that are keys: the first, and how many. */
  firstKey: number;
  keyCount: number;
  atFront: boolean;
  countMax: number;
}

const scratchRequest: PopRequest = { firstKey: 0, keyCount: 0, atFront: false, countMax: 1 };

/** Reads `numkeys key [key ...] LEFT|RIGHT [COUNT count]` from argument `from` on. Null: the error has been replied. */
export function parsePopRequest(call: Call, from: number): PopRequest | null {
  const request = scratchRequest;
  request.firstKey = from + 1;
  request.keyCount = countArgument(call, from, 1, BAD_KEY_COUNT);
  if (request.keyCount !== request.keyCount) return null;
  const endIndex = request.firstKey + request.keyCount;
  if (endIndex >= call.count) return syntaxError(call);
  const end = endArgument(call, endIndex);
  if (end === End.Neither) return null;
  request.atFront = end === End.Front;
  request.countMax = 1;
  const rest = call.count - endIndex - 1;
  if (rest === 0) return request;
  if (rest < 2 || !isWord(call, endIndex + 1, 'COUNT')) return syntaxError(call);
  request.countMax = countArgument(call, endIndex + 2, 1, BAD_COUNT);
  if (request.countMax !== request.countMax) return null;
  return rest === 2 ? request : syntaxError(call);
}

function syntaxError(call: Call): null {
  call.reply.error(SYNTAX_ERROR);
  return null;
}

function lmpopCommand(call: Call): void {
  const request = parsePopRequest(call, 1);
  if (request === null) return;
  if (!popFirst(call, request)) call.reply.nilArray();
}

/** Serves `request` from the first of its keys that has a list, or replies with an error. False: there is none. */
export function popFirst(call: Call, request: PopRequest): boolean {
  const { key, reply, keyspace } = call;
  for (let i = 0; i < request.keyCount; i++) {
    call.locate(request.firstKey + i, key);
    const record = findTyped(call, key, ValueType.List);
    if (record === WRONG) return true;
    if (record === 0) continue;
    reply.array(2);
    reply.bulk(key.bytes, key.at, key.byteCount);
    popMany(keyspace, reply, key, request.atFront, request.countMax);
    return true;
  }
  return false;
}
