/** Bitmaps: strings read, written, counted and searched bit by bit. Operations on several are in combine.ts, fields of several bits in field.ts. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { countBitRange, findBit } from '../../store/bitmap/bits.ts';
import { valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { combineRows } from './combine.ts';
import { fieldRows } from './field.ts';
import { BAD_OFFSET, makeBits, parseBitOffset, resizedBits } from './place.ts';

const bitRows: readonly Row[] = [
  {
    name: 'SETBIT',
    since: '2.2.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Update)],
    grows: true,
    summary: 'Sets or clears a bit of the string at a key, padding it with zeros up to there.',
    run: setbitCommand,
  },
  {
    name: 'GETBIT',
    since: '2.2.0',
    arity: 3,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns a bit of the string at a key.',
    run: getbitCommand,
  },
  {
    name: 'BITCOUNT',
    since: '2.6.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Counts the bits that are set in the string at a key, or in a part of it.',
    run: bitcountCommand,
  },
  {
    name: 'BITPOS',
    since: '2.8.7',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['bitmap'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Finds the first bit that is set, or clear, in the string at a key.',
    run: bitposCommand,
  },
];

export const bitmapFamily: Family = {
  group: 'bitmap',
  rows: [...bitRows, ...combineRows, ...fieldRows],
};

const NOT_A_BIT = 'ERR bit is not an integer or out of range';
const BIT_ARGUMENT = 'ERR The bit argument must be 1 or 0.';

const scratchNumber = new Int64();
const scratchStart = new Int64();

/** Hot. */
function setbitCommand(call: Call): void {
  const { key, reply } = call;
  const offset = parseBitOffset(call, 2, 0);
  if (offset === BAD_OFFSET) return;
  const isParsed = parseInt64Argument(call, 3, scratchNumber);
  const bit = int64ToNumber(scratchNumber);
  if (!isParsed || (bit !== 0 && bit !== 1)) return reply.error(NOT_A_BIT);
  if (findTyped(call, key, ValueType.String) === WRONG) return;
  const byte = Math.floor(offset / 8);
  const record = makeBits(call, byte + 1);
  if (record === 0) return reply.error(OUT_OF_MEMORY);
  const { u8 } = key.shard.bytes;
  const at = valueAt(key.shard, record) + byte;
  const mask = 0x80 >> (offset % 8);
  const old = u8[at]!;
  const wanted = bit === 1 ? old | mask : old & ~mask;
  u8[at] = wanted;
  // Redis: a bit that is what it was already is no change, unless the string has grown for it.
  if (resizedBits.hasGrown || wanted !== old) call.keyspace.touched(key);
  reply.integer((old & mask) === 0 ? 0 : 1);
}

/** Hot. */
function getbitCommand(call: Call): void {
  const { key, reply } = call;
  const offset = parseBitOffset(call, 2, 0);
  if (offset === BAD_OFFSET) return;
  const record = readTyped(call, key, ValueType.String);
  if (record === WRONG) return;
  const byte = Math.floor(offset / 8);
  if (record === 0 || byte >= valueBytes(key.shard, record)) return reply.integer(0);
  const value = key.shard.bytes.u8[valueAt(key.shard, record) + byte]!;
  reply.integer((value >> (7 - (offset % 8))) & 1);
}

/** Bits of a string, from `first` on to before `end`. */
const scratchRange = { first: 0, end: 0 };

/** Redis: the range is read only if there is a string. */
function bitcountCommand(call: Call): void {
  const { key, reply, count } = call;
  const record = readTyped(call, key, ValueType.String);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  if (count === 3 || count > 5) return reply.error(SYNTAX_ERROR);
  const byteCount = valueBytes(key.shard, record);
  const range = scratchRange;
  range.first = 0;
  range.end = byteCount * 8;
  if (count > 2) {
    if (!parseInt64Argument(call, 2, scratchStart) || !parseInt64Argument(call, 3, scratchNumber)) {
      return reply.error(NOT_AN_INTEGER);
    }
    const start = int64ToNumber(scratchStart);
    const end = int64ToNumber(scratchNumber);
    if (start < 0 && end < 0 && start > end) return reply.integer(0);
    if (!setRange(call, 4, byteCount, start, end)) return reply.error(SYNTAX_ERROR);
  }
  if (range.first >= range.end) return reply.integer(0);
  reply.integer(countBitRange(key.shard, valueAt(key.shard, record), range.first, range.end));
}

/**
 * Sets the range from what the request says, in bytes or as the word at `index` has it. False: that is another word.
 */
function setRange(call: Call, index: number, byteCount: number, start: number, end: number): boolean {
  let unitBits = 8;
  if (index < call.count) {
    if (isWord(call, index, 'BIT')) unitBits = 1;
    else if (!isWord(call, index, 'BYTE')) return false;
  }
  const unitCount = (byteCount * 8) / unitBits;
  const first = Math.max(start < 0 ? start + unitCount : start, 0);
  const last = Math.min(Math.max(end < 0 ? end + unitCount : end, 0), unitCount - 1);
  scratchRange.first = first * unitBits;
  scratchRange.end = (last + 1) * unitBits;
  return true;
}

/** Redis: without a string the rest of the request is not read. */
function bitposCommand(call: Call): void {
  const { key, reply, count } = call;
  if (!parseInt64Argument(call, 2, scratchNumber)) return reply.error(NOT_AN_INTEGER);
  const bit = int64ToNumber(scratchNumber);
  if (bit !== 0 && bit !== 1) return reply.error(BIT_ARGUMENT);
  const record = readTyped(call, key, ValueType.String);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(bit === 1 ? -1 : 0);
  if (count > 6) return reply.error(SYNTAX_ERROR);
  const byteCount = valueBytes(key.shard, record);
  const range = scratchRange;
  range.first = 0;
  range.end = byteCount * 8;
  if (count > 3 && !parseSearchRange(call, byteCount)) return;
  if (range.first >= range.end) return reply.integer(-1);
  const found = findBit(key.shard, valueAt(key.shard, record), range.first, range.end, bit);
  // Redis: without an end the string goes on with zeros.
  if (found < 0 && bit === 0 && count < 5) return reply.integer(range.end);
  reply.integer(found);
}

/** BITPOS' start, end and unit. False: the error has been replied. */
function parseSearchRange(call: Call, byteCount: number): boolean {
  const { count, reply } = call;
  if (!parseInt64Argument(call, 3, scratchStart)) {
    reply.error(NOT_AN_INTEGER);
    return false;
  }
  const start = int64ToNumber(scratchStart);
  if (!setRange(call, 5, byteCount, start, -1)) {
    reply.error(SYNTAX_ERROR);
    return false;
  }
  if (count < 5) return true;
  if (!parseInt64Argument(call, 4, scratchNumber)) {
    reply.error(NOT_AN_INTEGER);
    return false;
  }
  return setRange(call, 5, byteCount, start, int64ToNumber(scratchNumber));
}
