/** What the string commands share: finding a value that must be a string, and replying with it. */
import type { Key } from '../../store/key.ts';
import { valueAt, valueBytes, ValueType } from '../../store/record.ts';
import type { Call } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';

/** Instead of a record: the key holds another type, and the error has been replied. */
export const NOT_A_STRING = WRONG;

/** The record of the string at `key`, 0 when there is none, or NOT_A_STRING. */
export function findString(call: Call, key: Key): number {
  return findTyped(call, key, ValueType.String);
}

/** `findString` for a command that reads the value: counts as a hit or a miss, and as an access. */
export function readString(call: Call, key: Key): number {
  return readTyped(call, key, ValueType.String);
}

/** Replies with the value of a string found, or nil for record 0. */
export function replyString(call: Call, key: Key, record: number): void {
  if (record === 0) return call.reply.nil();
  const shard = key.shard;
  call.reply.bulk(shard.bytes, valueAt(shard, record), valueBytes(shard, record));
}
