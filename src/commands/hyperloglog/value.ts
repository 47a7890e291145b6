/** What the HyperLogLog commands share: finding a string that must be one. */
import { holdsHyperLogLog } from '../../store/hyperloglog.ts';
import type { Key } from '../../store/key.ts';
import { ValueType } from '../../store/record.ts';
import { HyperLogLogImage } from '../../structures/hyperloglog/image.ts';
import type { Call } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';

/** Instead of a record: the key holds something else, and the error has been replied. */
export const NOT_ONE = WRONG;
export const CORRUPT = 'INVALIDOBJ Corrupted HLL object detected';
const NOT_VALID = 'WRONGTYPE Key is not a valid HyperLogLog string value.';

/** The one that a command changes. */
export const scratchImage = new HyperLogLogImage();

/** The record of the HyperLogLog at `key`, 0 when there is none, or NOT_ONE. */
export function findHyperLogLog(call: Call, key: Key): number {
  return checkForm(call, key, findTyped(call, key, ValueType.String));
}

/** `findHyperLogLog` for a command that reads the value: counts as a hit or a miss, and as an access. */
export function readHyperLogLog(call: Call, key: Key): number {
  return checkForm(call, key, readTyped(call, key, ValueType.String));
}

function checkForm(call: Call, key: Key, record: number): number {
  if (record === 0 || record === WRONG || holdsHyperLogLog(key.shard, record)) return record;
  call.reply.error(NOT_VALID);
  return NOT_ONE;
}
