/** Members of a set chosen at random: SPOP, which takes them out, and SRANDMEMBER. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { ReplyTooLargeError } from '../../protocol/resp-writer.ts';
import { ValueType } from '../../store/record.ts';
import {
  drawMembers,
  pointAtPlace,
  randomPlace,
  removeAtPlace,
  removeDrawn,
} from '../../store/set/random.ts';
import { Hashing, SetReader } from '../../store/set/reader.ts';
import { countMembers, settleSet } from '../../store/set/set.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { parseInt64Argument } from '../argument.ts';
import { type EffectSink, findArgument, putDelete, putKey, ReplyScan } from '../effect.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';

export const randomRows: readonly Row[] = [
  {
    name: 'SPOP',
    since: '1.0.0',
    arity: -2,
    flags: Flag.Write | Flag.Fast,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Access | KeyFlag.Delete)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Removes members chosen at random from a set and returns them.',
    run: spopCommand,
    effect: spopEffect,
  },
  {
    name: 'SRANDMEMBER',
    since: '1.0.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['set'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Returns members of a set chosen at random.',
    run: srandmemberCommand,
  },
];

const NOT_POSITIVE = 'ERR value is out of range, must be positive';
const COUNT_OUT_OF_RANGE =
  'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807';
/** The least bytes that a member takes in a reply: an empty one. */
const MEMBER_REPLY_BYTES_MIN = 6;

const scratchCount = new Int64();
const scratchText = new EntryText();
const scratchReader = new SetReader();
/** Hash and place of each member drawn. */
const scratchDrawn: number[] = [];
/** When so many were drawn the list is given up afterwards. */
const DRAWN_KEPT_MAX = 4096;

/** SPOP: the members that it has replied were removed, or all of them. */
function spopEffect(call: Call, out: EffectSink): void {
  const { key } = call;
  if (findArgument(call, 1) === 0) return putDelete(key, out);
  const reply = new ReplyScan(call);
  const count = call.count === 2 ? 1 : reply.array();
  if (count <= 0) return;
  out.begin(2 + count);
  out.word('SREM');
  putKey(key, out);
  for (let i = 0; i < count && reply.bulk(); i++) out.bytes(reply.bytes, reply.at, reply.byteCount);
}

/** Hot without a count. */
function spopCommand(call: Call): void {
  const { key, keyspace, reply } = call;
  if (call.count > 2) return call.count > 3 ? reply.error(SYNTAX_ERROR) : popSeveral(call);
  const record = findTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0) return reply.nil();
  const place = randomPlace(key.shard, record);
  replyAtPlace(call, record, place);
  removeAtPlace(key, place);
  settleSet(keyspace, key);
}

function replyAtPlace(call: Call, record: number, place: number): void {
  const text = scratchText;
  pointAtPlace(call.key.shard, record, place, text);
  call.reply.bulk(text.bytes, text.at, text.byteCount);
}

/** The reply is complete before the first member goes: it may turn out too large. */
function popSeveral(call: Call): void {
  const { key, keyspace, reply } = call;
  const isInteger = parseInt64Argument(call, 2, scratchCount);
  if (!isInteger || scratchCount.hi < 0) return reply.error(NOT_POSITIVE);
  const count = int64ToNumber(scratchCount);
  const record = findTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0 || count === 0) return reply.set(0);
  const size = countMembers(key.shard, record);
  reply.set(Math.min(count, size));
  if (count >= size) {
    replyAll(call, record);
    return keyspace.remove(key);
  }
  const drawn = replyDrawn(call, record, count);
  removeDrawn(keyspace, key, drawn);
  settleSet(keyspace, key);
  drawn.length = 0;
}

function replyAll(call: Call, record: number): void {
  const reader = scratchReader;
  const { text } = reader;
  reader.open(call.keyspace, call.key.shard, record);
  while (reader.next()) call.reply.bulk(text.bytes, text.at, text.byteCount);
}

/** Replies with `count` different members, fewer than there are. Returns hash and place of each. */
function replyDrawn(call: Call, record: number, count: number): number[] {
  const { reply, key } = call;
  const drawn = count > DRAWN_KEPT_MAX ? [] : scratchDrawn;
  const reader = scratchReader;
  drawn.length = 0;
  reader.open(call.keyspace, key.shard, record);
  drawMembers(key.shard, record, reader, count, drawn);
  const text = scratchText;
  for (let i = 1; i < drawn.length; i += 2) {
    reader.point(drawn[i]!, text);
    reply.bulk(text.bytes, text.at, text.byteCount);
  }
  return drawn;
}

function srandmemberCommand(call: Call): void {
  const { key, reply } = call;
  if (call.count > 3) return reply.error(SYNTAX_ERROR);
  if (call.count === 3) return replySeveral(call);
  const record = readTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0) reply.nil();
  else replyAtPlace(call, record, randomPlace(key.shard, record));
}

/** Redis: a positive count asks for different members, a negative one for so many draws; arrays in RESP3 too. */
function replySeveral(call: Call): void {
  const { key, reply } = call;
  if (!parseInt64Argument(call, 2, scratchCount)) return reply.error(NOT_AN_INTEGER);
  if (scratchCount.hi === -0x80000000 && scratchCount.lo === 0) return reply.error(COUNT_OUT_OF_RANGE);
  const count = int64ToNumber(scratchCount);
  const record = readTyped(call, key, ValueType.Set);
  if (record === WRONG) return;
  if (record === 0 || count === 0) return reply.array(0);
  if (count < 0) return replyRepeated(call, record, -count);
  const size = countMembers(key.shard, record);
  reply.array(Math.min(count, size));
  if (count >= size) replyAll(call, record);
  else replyDrawn(call, record, count);
}

/** Refused before anything is drawn when not even empty members would fit into the reply. */
function replyRepeated(call: Call, record: number, count: number): void {
  const { reply, key } = call;
  if (reply.at + count * MEMBER_REPLY_BYTES_MIN > reply.bytesMax)
    throw new ReplyTooLargeError('reply too large');
  reply.array(count);
  const reader = scratchReader;
  reader.open(call.keyspace, key.shard, record, Hashing.None);
  if (reader.isTable) {
    for (let i = 0; i < count; i++) replyAtPlace(call, record, randomPlace(key.shard, record));
    return;
  }
  // The places of all, so that no draw has to walk to its own.
  const size = reader.count;
  reader.fill(size);
  const { entries } = reader;
  const text = scratchText;
  for (let i = 0; i < count; i++) {
    reader.point(entries[Math.floor(Math.random() * size) * 2 + 1]!, text);
    reply.bulk(text.bytes, text.at, text.byteCount);
  }
}
