/** LCS: the longest common subsequence of two strings. Quadratic in time and memory, as in Redis. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import type { Key } from '../../store/key.ts';
import { recordType, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';

export const lcsRows: readonly Row[] = [
  {
    name: 'LCS',
    since: '7.0.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access, 1)],
    summary: 'Finds the longest common subsequence of the strings at two keys.',
    run: lcsCommand,
  },
];

interface LcsOptions {
  length: boolean;
  ranges: boolean;
  withLengths: boolean;
  rangeBytesMin: number;
}

/** A string where it lies. */
interface Text {
  readonly u8: Uint8Array;
  readonly at: number;
  readonly byteCount: number;
}

/** A run of bytes that is part of the subsequence, by its first byte in either string. */
interface Range {
  first: number;
  second: number;
  byteCount: number;
}

const LENGTH_BYTES = 4;
const scratchMinimum = new Int64();

function lcsCommand(call: Call): void {
  const reply = call.reply;
  call.locate(1, call.key);
  call.locate(2, call.otherKey);
  const a = readText(call, call.key);
  const b = readText(call, call.otherKey);
  if (a === null || b === null) return reply.error('ERR The specified keys must contain string values');
  const options = parseLcsOptions(call);
  if (options === null) return;
  if (options.length && options.ranges) {
    return reply.error('ERR If you want both the length and indexes, please just use IDX.');
  }
  const matrixBytes = (a.byteCount + 1) * (b.byteCount + 1) * LENGTH_BYTES;
  if (matrixBytes > call.keyspace.stringBytesMax) {
    return reply.error('ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len');
  }
  const lengths = fillLengths(a, b);
  const total = lengths[lengths.length - 1]!;
  if (options.length) return reply.integer(total);
  const ranges = walkBack(a, b, lengths);
  if (options.ranges) replyRanges(call, ranges, total, options);
  else replySubsequence(call, a, ranges, total);
}

function readText(call: Call, key: Key): Text | null {
  const record = call.keyspace.read(key);
  const shard = key.shard;
  if (record === 0) return { u8: shard.bytes.u8, at: 0, byteCount: 0 };
  if (recordType(shard, record) !== ValueType.String) return null;
  return { u8: shard.bytes.u8, at: valueAt(shard, record), byteCount: valueBytes(shard, record) };
}

/** Null: an error has been replied. */
function parseLcsOptions(call: Call): LcsOptions | null {
  const options = { length: false, ranges: false, withLengths: false, rangeBytesMin: 0 };
  for (let index = 3; index < call.count; index++) {
    if (isWord(call, index, 'IDX')) options.ranges = true;
    else if (isWord(call, index, 'LEN')) options.length = true;
    else if (isWord(call, index, 'WITHMATCHLEN')) options.withLengths = true;
    else if (isWord(call, index, 'MINMATCHLEN') && index + 1 < call.count) {
      if (!parseInt64Argument(call, ++index, scratchMinimum)) {
        call.reply.error(NOT_AN_INTEGER);
        return null;
      }
      options.rangeBytesMin = int64ToNumber(scratchMinimum);
    } else {
      call.reply.error(SYNTAX_ERROR);
      return null;
    }
  }
  return options;
}

/** Lengths of the subsequences of every pair of prefixes, row by row: [i * (b.byteCount + 1) + j]. */
function fillLengths(a: Text, b: Text): Uint32Array {
  const width = b.byteCount + 1;
  const lengths = new Uint32Array((a.byteCount + 1) * width);
  const bBytes = b.u8;
  const bAt = b.at - 1;
  for (let i = 1; i <= a.byteCount; i++) {
    const byte = a.u8[a.at + i - 1]!;
    let place = i * width + 1;
    for (let j = 1; j < width; j++, place++) {
      if (bBytes[bAt + j] === byte) lengths[place] = lengths[place - width - 1]! + 1;
      else lengths[place] = Math.max(lengths[place - width]!, lengths[place - 1]!);
    }
  }
  return lengths;
}

/** The runs of one longest subsequence, last first. Redis: ties go to the shorter second string. */
function walkBack(a: Text, b: Text, lengths: Uint32Array): Range[] {
  const width = b.byteCount + 1;
  const ranges: Range[] = [];
  let current: Range | null = null;
  let i = a.byteCount;
  let j = b.byteCount;
  while (i > 0 && j > 0) {
    if (a.u8[a.at + i - 1] === b.u8[b.at + j - 1]) {
      if (current === null) {
        current = { first: i, second: j, byteCount: 0 };
        ranges.push(current);
      }
      current.first = --i;
      current.second = --j;
      current.byteCount++;
    } else {
      current = null;
      if (lengths[(i - 1) * width + j]! > lengths[i * width + j - 1]!) i--;
      else j--;
    }
  }
  return ranges;
}

function replySubsequence(call: Call, a: Text, ranges: Range[], total: number): void {
  const result = Buffer.allocUnsafe(total);
  let end = total;
  for (const { first, byteCount } of ranges) {
    end -= byteCount;
    result.set(a.u8.subarray(a.at + first, a.at + first + byteCount), end);
  }
  call.reply.bulkBuffer(result);
}

function replyRanges(call: Call, ranges: Range[], total: number, options: LcsOptions): void {
  const reply = call.reply;
  const wanted = ranges.filter((range) => range.byteCount >= options.rangeBytesMin);
  reply.map(2);
  reply.bulkText('matches');
  reply.array(wanted.length);
  for (const { first, second, byteCount } of wanted) {
    reply.array(options.withLengths ? 3 : 2);
    reply.array(2);
    reply.integer(first);
    reply.integer(first + byteCount - 1);
    reply.array(2);
    reply.integer(second);
    reply.integer(second + byteCount - 1);
    if (options.withLengths) reply.integer(byteCount);
  }
  reply.bulkText('len');
  reply.integer(total);
}
