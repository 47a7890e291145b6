/** Fields that hold numbers: exact 64-bit integers, and floats summed as Redis sums them. */
import { Bytes } from '../../base/bytes.ts';
import { addInt64, formatInt64, Int64, parseInt64, setInt64 } from '../../base/int64.ts';
import {
  addLongDoubles,
  formatLongDouble,
  type LongDouble,
  parseLongDouble,
} from '../../base/long-double.ts';
import { FieldStatus, findField, hashChanged, KEEP_TIME, setField } from '../../store/hash/hash.ts';
import { Element, encodeElement } from '../../structures/packed-entry.ts';
import { parseInt64Argument, parseLongDoubleArgument } from '../argument.ts';
import {
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  OUT_OF_MEMORY,
  OVERFLOW,
  replyInt64,
} from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { hincrbyfloatEffect } from './effects.ts';
import { argumentElement, findHash, NOT_A_HASH, scratchText } from './value.ts';

const FLAGS = Flag.Write | Flag.DenyOom | Flag.Fast;
const KEYS = [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)];

export const numberRows: readonly Row[] = [
  {
    name: 'HINCRBY',
    since: '2.0.0',
    arity: 4,
    flags: FLAGS,
    acl: ['hash'],
    keys: KEYS,
    summary: 'Adds to the integer in a field of a hash.',
    run: hincrbyCommand,
  },
  {
    name: 'HINCRBYFLOAT',
    since: '2.6.0',
    arity: 4,
    flags: FLAGS,
    acl: ['hash'],
    keys: KEYS,
    summary: 'Adds to the floating-point number in a field of a hash.',
    run: hincrbyfloatCommand,
    effect: hincrbyfloatEffect,
  },
];

const scratchValue = new Int64();
const scratchIncrement = new Int64();
const scratchNumber = new Element();
/** Room for the longest number: a long double has at most 4933 digits before the point and prints 17 behind it. */
const scratchDigits = Bytes.allocate(8192);
const ZERO = Buffer.from('0');

function hincrbyCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (!parseInt64Argument(call, 3, scratchIncrement)) return reply.error(NOT_AN_INTEGER);
  if (findHash(call, key) === NOT_A_HASH) return;
  setInt64(scratchValue, 0);
  if (findField(keyspace, key, argumentElement(call, 2), scratchText)) {
    const { bytes, at, byteCount } = scratchText;
    if (!parseInt64(bytes.u8, at, at + byteCount, scratchValue)) {
      return reply.error('ERR hash value is not an integer');
    }
  }
  if (!addInt64(scratchValue, scratchIncrement, scratchValue)) return reply.error(OVERFLOW);
  const byteCount = formatInt64(scratchDigits.u8, 0, scratchValue.hi, scratchValue.lo);
  if (putDigits(call, byteCount)) replyInt64(reply, scratchValue);
}

/** Makes the first bytes of `scratchDigits` the value of the field. False: the error has been replied. */
function putDigits(call: Call, byteCount: number): boolean {
  const { key, keyspace } = call;
  encodeElement(scratchNumber, scratchDigits, 0, byteCount);
  const status = setField(keyspace, key, argumentElement(call, 2), scratchNumber, KEEP_TIME);
  if (status === FieldStatus.OutOfMemory) call.reply.error(OUT_OF_MEMORY);
  else hashChanged(keyspace, key);
  return status !== FieldStatus.OutOfMemory;
}

/** Redis: the increment is judged before the key is looked for, and the value last. */
function hincrbyfloatCommand(call: Call): void {
  const { key, reply } = call;
  const increment = parseLongDoubleArgument(call, 3);
  if (increment === null) return reply.error(NOT_A_FLOAT);
  if (increment.exponent === Infinity) return reply.error('ERR value is NaN or Infinity');
  if (findHash(call, key) === NOT_A_HASH) return;
  const value = readLongDouble(call);
  if (value === null) return reply.error('ERR hash value is not a float');
  const sum = addLongDoubles(value, increment);
  if (sum === null) return reply.error(NAN_OR_INFINITY);
  const byteCount = scratchDigits.u8.write(formatLongDouble(sum), 0, 'latin1');
  if (putDigits(call, byteCount)) reply.bulk(scratchDigits, 0, byteCount);
}

/** The value of the field as a float; a missing one is 0. Null: it is none. */
function readLongDouble(call: Call): LongDouble | null {
  if (!findField(call.keyspace, call.key, argumentElement(call, 2), scratchText)) {
    return parseLongDouble(ZERO, 0, 1);
  }
  const { bytes, at, byteCount } = scratchText;
  return parseLongDouble(bytes.u8, at, at + byteCount);
}
