/** Finding a key whose value must be of one type. */
import type { Key } from '../store/key.ts';
import { recordType, type ValueType } from '../store/record.ts';
import { WRONG_TYPE } from './replies.ts';
import type { Call } from './row.ts';

/** Instead of a record: the key holds another type, and the error has been replied. */
export const WRONG = -1;

/** The record of the value at `key`, 0 when there is none, or WRONG. */
export function findTyped(call: Call, key: Key, type: ValueType): number {
  return checkType(call, key, call.keyspace.find(key), type);
}

/** `findTyped` for a command that reads the value: counts as a hit or a miss, and as an access. */
export function readTyped(call: Call, key: Key, type: ValueType): number {
  return checkType(call, key, call.keyspace.read(key), type);
}

function checkType(call: Call, key: Key, record: number, type: ValueType): number {
  if (record === 0 || recordType(key.shard, record) === type) return record;
  call.reply.error(WRONG_TYPE);
  return WRONG;
}
