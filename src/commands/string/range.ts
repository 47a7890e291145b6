/** Parts of strings: lengths, ranges, and strings edited in place, which keep their expiry and memcached's flags. */
import { compareInt64, Int64, int64ToNumber } from '../../base/int64.ts';
import { copyBytes } from '../../base/bytes.ts';
import { Status } from '../../store/status.ts';
import { Encoding, setRecordKind, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, OUT_OF_MEMORY, STRING_TOO_LONG } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findString, NOT_A_STRING, readString } from './value.ts';
import { resizeValue } from '../../store/record-room.ts';

export const rangeRows: readonly Row[] = [
  {
    name: 'STRLEN',
    since: '2.2.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Returns the length of the string at a key.',
    run: strlenCommand,
  },
  {
    name: 'GETRANGE',
    since: '2.4.0',
    arity: 4,
    flags: Flag.ReadOnly,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns a part of the string at a key.',
    run: getrangeCommand,
  },
  {
    name: 'SUBSTR',
    since: '1.0.0',
    arity: 4,
    flags: Flag.ReadOnly,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns a part of the string at a key.',
    deprecated: true,
    run: getrangeCommand,
  },
  {
    name: 'SETRANGE',
    since: '2.2.0',
    arity: 4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    grows: true,
    summary: 'Overwrites a part of the string at a key, padding it with zeros up to there.',
    run: setrangeCommand,
  },
  {
    name: 'APPEND',
    since: '2.0.0',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary: 'Adds to the end of the string at a key.',
    run: appendCommand,
  },
  {
    name: 'PREPEND',
    since: '8.0.0',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ['string'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Insert)],
    summary: 'Adds to the start of the string at a key.',
    run: prependCommand,
  },
];

const scratchStart = new Int64();
const scratchEnd = new Int64();

function strlenCommand(call: Call): void {
  const record = readString(call, call.key);
  if (record === NOT_A_STRING) return;
  call.reply.integer(record === 0 ? 0 : valueBytes(call.key.shard, record));
}

function getrangeCommand(call: Call): void {
  const reply = call.reply;
  if (!parseInt64Argument(call, 2, scratchStart) || !parseInt64Argument(call, 3, scratchEnd)) {
    return reply.error(NOT_AN_INTEGER);
  }
  const record = readString(call, call.key);
  if (record === NOT_A_STRING) return;
  const byteCount = record === 0 ? 0 : valueBytes(call.key.shard, record);
  let start = int64ToNumber(scratchStart);
  let end = int64ToNumber(scratchEnd);
  // Redis: compared as they are before they are brought into the string, where both may become 0.
  const isEmpty = start < 0 && end < 0 && compareInt64(scratchStart, scratchEnd) > 0;
  if (start < 0) start = Math.max(start + byteCount, 0);
  if (end < 0) end = Math.max(end + byteCount, 0);
  end = Math.min(end, byteCount - 1);
  if (isEmpty || start > end) return reply.bulk(call.source, 0, 0);
  const shard = call.key.shard;
  reply.bulk(shard.bytes, valueAt(shard, record) + start, end - start + 1);
}

function setrangeCommand(call: Call): void {
  const { reply, key } = call;
  if (!parseInt64Argument(call, 2, scratchStart)) return reply.error(NOT_AN_INTEGER);
  const offset = int64ToNumber(scratchStart);
  if (offset < 0) return reply.error('ERR offset is out of range');
  const found = findString(call, key);
  if (found === NOT_A_STRING) return;
  const addedBytes = call.args[7]!;
  const oldBytes = found === 0 ? 0 : valueBytes(key.shard, found);
  if (addedBytes === 0) return reply.integer(oldBytes);
  if (offset + addedBytes > call.keyspace.stringBytesMax) return reply.error(STRING_TOO_LONG);
  const byteCount = Math.max(oldBytes, offset + addedBytes);
  const record = found === 0 ? call.keyspace.createString(key, byteCount) : resize(call, byteCount);
  if (record === 0) return reply.error(OUT_OF_MEMORY);
  const shard = key.shard;
  const at = valueAt(shard, record);
  if (offset > oldBytes) shard.bytes.u8.fill(0, at + oldBytes, at + offset);
  copyBytes(call.source, call.args[6]!, shard.bytes, at + offset, addedBytes);
  finishEdit(call, record, byteCount);
}

function appendCommand(call: Call): void {
  addToString(call, false);
}

function prependCommand(call: Call): void {
  addToString(call, true);
}

/** Redis: a key that is new is simply set, whatever the length, and reports the encoding of its content. */
function addToString(call: Call, atFront: boolean): void {
  const { reply, key } = call;
  const record = findString(call, key);
  if (record === NOT_A_STRING) return;
  const addedAt = call.args[4]!;
  const addedBytes = call.args[5]!;
  if (record === 0) {
    const status = call.keyspace.putString(key, call.source, addedAt, addedBytes, 0);
    if (status === Status.Ok) return reply.integer(addedBytes);
    return reply.error(OUT_OF_MEMORY);
  }
  const oldBytes = valueBytes(key.shard, record);
  const byteCount = oldBytes + addedBytes;
  if (byteCount > call.keyspace.stringBytesMax) return reply.error(STRING_TOO_LONG);
  const resized = resize(call, byteCount);
  if (resized === 0) return reply.error(OUT_OF_MEMORY);
  const bytes = key.shard.bytes;
  const at = valueAt(key.shard, resized);
  if (atFront) bytes.u8.copyWithin(at + addedBytes, at, at + oldBytes);
  copyBytes(call.source, addedAt, bytes, atFront ? at : at + oldBytes, addedBytes);
  finishEdit(call, resized, byteCount);
}

function resize(call: Call, byteCount: number): number {
  return resizeValue(call.key, byteCount, true);
}

function finishEdit(call: Call, record: number, byteCount: number): void {
  setRecordKind(call.key.shard, record, ValueType.String, Encoding.Raw);
  call.keyspace.touched(call.key);
  call.reply.integer(byteCount);
}
