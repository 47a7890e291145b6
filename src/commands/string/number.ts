/** Strings that hold numbers: exact 64-bit integers, and floats summed as Redis sums them. */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import {
  addInt64,
  formatInt64,
  Int64,
  INT64_BYTES_MAX,
  negateInt64,
  parseInt64,
  setInt64,
} from '../../base/int64.ts';
import {
  addLongDoubles,
  formatLongDouble,
  type LongDouble,
  parseLongDouble,
} from '../../base/long-double.ts';
import { KEEP_EXPIRY } from '../../store/keyspace.ts';
import {
  Encoding,
  itemClientFlags,
  setRecordKind,
  valueAt,
  valueBytes,
  ValueType,
} from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { parseInt64Argument, parseLongDoubleArgument } from '../argument.ts';
import { stringOfKey } from '../effect.ts';
import {
  NAN_OR_INFINITY,
  NOT_A_FLOAT,
  NOT_AN_INTEGER,
  OUT_OF_MEMORY,
  OVERFLOW,
  replyInt64,
} from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findString, NOT_A_STRING } from './value.ts';
import { resizeValue } from '../../store/record-room.ts';

const FLAGS = Flag.Write | Flag.DenyOom | Flag.Fast;
const KEYS = [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)];

export const numberRows: readonly Row[] = [
  {
    name: 'INCR',
    since: '1.0.0',
    arity: 2,
    flags: FLAGS,
    acl: ['string'],
    keys: KEYS,
    summary: 'Adds one to the integer at a key.',
    run: incrCommand,
  },
  {
    name: 'DECR',
    since: '1.0.0',
    arity: 2,
    flags: FLAGS,
    acl: ['string'],
    keys: KEYS,
    summary: 'Takes one from the integer at a key.',
    run: decrCommand,
  },
  {
    name: 'INCRBY',
    since: '1.0.0',
    arity: 3,
    flags: FLAGS,
    acl: ['string'],
    keys: KEYS,
    summary: 'Adds to the integer at a key.',
    run: incrbyCommand,
  },
  {
    name: 'DECRBY',
    since: '1.0.0',
    arity: 3,
    flags: FLAGS,
    acl: ['string'],
    keys: KEYS,
    summary: 'Takes from the integer at a key.',
    run: decrbyCommand,
  },
  {
    name: 'INCRBYFLOAT',
    since: '2.6.0',
    arity: 3,
    flags: FLAGS,
    acl: ['string'],
    keys: KEYS,
    summary: 'Adds to the floating-point number at a key.',
    run: incrbyfloatCommand,
    effect: stringOfKey,
  },
];

const scratchValue = new Int64();
const scratchIncrement = new Int64();
/** Room for the longest number: a long double has at most 4933 digits before the point and prints 17 behind it. */
const scratchText = Bytes.allocate(8192);
const scratchDigits = Bytes.allocate(INT64_BYTES_MAX);

/** Hot. */
function incrCommand(call: Call): void {
  setInt64(scratchIncrement, 1);
  increment(call);
}

function decrCommand(call: Call): void {
  setInt64(scratchIncrement, -1);
  increment(call);
}

function incrbyCommand(call: Call): void {
  if (parseInt64Argument(call, 2, scratchIncrement)) increment(call);
  else call.reply.error(NOT_AN_INTEGER);
}

function decrbyCommand(call: Call): void {
  if (!parseInt64Argument(call, 2, scratchIncrement)) return call.reply.error(NOT_AN_INTEGER);
  if (!negateInt64(scratchIncrement, scratchIncrement)) {
    return call.reply.error('ERR decrement would overflow');
  }
  increment(call);
}

/** Adds `scratchIncrement` to the integer at the key. Hot. */
function increment(call: Call): void {
  const { key, reply } = call;
  const record = findString(call, key);
  if (record === NOT_A_STRING) return;
  if (!readInt64(call, record, scratchValue)) return reply.error(NOT_AN_INTEGER);
  if (!addInt64(scratchValue, scratchIncrement, scratchValue)) return reply.error(OVERFLOW);
  const byteCount = formatInt64(scratchDigits.u8, 0, scratchValue.hi, scratchValue.lo);
  if (!writeDigits(call, record, byteCount)) return reply.error(OUT_OF_MEMORY);
  replyInt64(reply, scratchValue);
}

/** The value of the string found in `record` as an integer; a missing one is 0. False: it is none. */
export function readInt64(call: Call, record: number, into: Int64): boolean {
  if (record === 0) {
    setInt64(into, 0);
    return true;
  }
  const shard = call.key.shard;
  const at = valueAt(shard, record);
  return parseInt64(shard.bytes.u8, at, at + valueBytes(shard, record), into);
}

/** Makes `scratchDigits` the value, in place where it fits. False, nothing changed: out of memory. */
function writeDigits(call: Call, old: number, byteCount: number): boolean {
  const { key, keyspace } = call;
  if (old === 0) return keyspace.putString(key, scratchDigits, 0, byteCount, 0) === Status.Ok;
  const record = resizeValue(key, byteCount, false);
  if (record === 0) return false;
  const shard = key.shard;
  copyBytes(scratchDigits, 0, shard.bytes, valueAt(shard, record), byteCount);
  setRecordKind(shard, record, ValueType.String, Encoding.Plain);
  keyspace.touched(key);
  return true;
}

/** Redis: the value is judged before the increment. */
function incrbyfloatCommand(call: Call): void {
  const reply = call.reply;
  const record = findString(call, call.key);
  if (record === NOT_A_STRING) return;
  const value = readLongDouble(call, record);
  const added = value === null ? null : parseLongDoubleArgument(call, 2);
  if (value === null || added === null) return reply.error(NOT_A_FLOAT);
  const sum = addLongDoubles(value, added);
  if (sum === null) return reply.error(NAN_OR_INFINITY);
  const text = formatLongDouble(sum);
  if (putNumber(call, text, Encoding.Text, KEEP_EXPIRY)) reply.bulkText(text);
  else reply.error(OUT_OF_MEMORY);
}

const ZERO_TEXT = Buffer.from('0');

/** The value of the string found in `record` as a float; a missing one is 0. Null: it is none. */
export function readLongDouble(call: Call, record: number): LongDouble | null {
  if (record === 0) return parseLongDouble(ZERO_TEXT, 0, 1);
  const shard = call.key.shard;
  const at = valueAt(shard, record);
  return parseLongDouble(shard.bytes.u8, at, at + valueBytes(shard, record));
}

/**
 * Makes the text of a number the value of the key that was looked for, keeping memcached's client flags. `whenMs` as for
 * `putString`. False, nothing changed: out of memory.
 */
export function putNumber(call: Call, text: string, encoding: Encoding, whenMs: number): boolean {
  const { key, keyspace } = call;
  const clientFlags = key.record === 0 ? 0 : itemClientFlags(key.shard, key.record);
  const byteCount = scratchText.u8.write(text, 0, 'latin1');
  const status = keyspace.putItem(key, scratchText, 0, byteCount, whenMs, clientFlags);
  if (status !== Status.Ok) return false;
  setRecordKind(key.shard, key.record, ValueType.String, encoding);
  return true;
}
