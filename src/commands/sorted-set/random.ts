/** Sorted sets visited in another order than their own: at random, and part by part. */
import { globMatch } from '../../base/glob.ts';
import { formatDouble } from '../../base/double.ts';
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { ReplyTooLargeError } from '../../protocol/resp-writer.ts';
import { ValueType } from '../../store/record.ts';
import { isPacked, sortedSetLength } from '../../store/sorted-set/sorted-set.ts';
import { SortedSetWalk } from '../../store/sorted-set/walk.ts';
import { isBeyondHalf, isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import {
  INVALID_CURSOR,
  parseCursor,
  parseScanOptions,
  type ScanOptions,
  ScanWord,
} from '../scan-options.ts';
import { readTyped, WRONG } from '../typed-value.ts';

export const randomRows: readonly Row[] = [
  {
    name: 'ZRANDMEMBER',
    since: '6.2.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Returns members of a sorted set chosen at random.',
    run: zrandmemberCommand,
  },
  {
    name: 'ZSCAN',
    since: '2.8.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Lists the members of a sorted set with their scores, part by part.',
    run: zscanCommand,
  },
];

/** The shortest element of a reply: an empty string. */
const REPLY_BYTES_MIN = 6;
/** Where at most one in so many members is wanted, ranks are drawn; else members are passed over. */
const SPARSE = 3;

const scratchCount = new Int64();
const scratchWalk = new SortedSetWalk();

function zrandmemberCommand(call: Call): void {
  const { reply, count: argumentCount } = call;
  if (argumentCount === 2) return replyRandom(call);
  if (!parseInt64Argument(call, 2, scratchCount)) return reply.error(NOT_AN_INTEGER);
  const withScores = argumentCount === 4;
  // Redis: a count must have an opposite, and with scores it must also be possible to double it.
  if (scratchCount.hi === -2147483648 && scratchCount.lo === 0) {
    return reply.error(
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  }
  if (argumentCount > 4 || (withScores && !isWord(call, 3, 'WITHSCORES'))) return reply.error(SYNTAX_ERROR);
  if (withScores && isBeyondHalf(scratchCount)) return reply.error('ERR value is out of range');
  replyRandomMembers(call, int64ToNumber(scratchCount), withScores);
}

function replyRandom(call: Call): void {
  const { key, reply } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) return reply.nil();
  scratchWalk.begin(key.shard, record, randomBelow(sortedSetLength(key.shard, record)), 1, false);
  scratchWalk.next();
  reply.bulk(scratchWalk.text.bytes, scratchWalk.text.at, scratchWalk.text.byteCount);
}

function replyRandomMembers(call: Call, count: number, withScores: boolean): void {
  const { key, reply } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0 || count === 0) return reply.array(0);
  const length = sortedSetLength(key.shard, record);
  const wanted = count < 0 ? -count : Math.min(count, length);
  if (wanted * REPLY_BYTES_MIN > reply.bytesMax) throw new ReplyTooLargeError('reply too large');
  reply.array(withScores && reply.version === 2 ? wanted * 2 : wanted);
  if (count > 0 && wanted * SPARSE > length) return replySample(call, length, wanted, withScores);
  scratchWalk.beginJumps(key.shard, record);
  if (count < 0) for (let i = 0; i < wanted; i++) replyRank(call, randomBelow(length), withScores);
  else for (const rank of drawRanks(length, wanted)) replyRank(call, rank, withScores);
}

function randomBelow(limit: number): number {
  return Math.floor(Math.random() * limit);
}

/** `count` different numbers below `limit`, each set of them as likely as any other (Floyd). */
function drawRanks(limit: number, count: number): Set<number> {
  const drawn = new Set<number>();
  for (let top = limit - count; top < limit; top++) {
    const rank = randomBelow(top + 1);
    drawn.add(drawn.has(rank) ? top : rank);
  }
  return drawn;
}

/** Replies `count` of the `length` members, each set of them as likely as any other, in order (Knuth's algorithm S). */
function replySample(call: Call, length: number, count: number, withScores: boolean): void {
  let wanted = count;
  scratchWalk.begin(call.key.shard, call.key.record, 0, length, false);
  for (let rest = length; wanted > 0 && scratchWalk.next(); rest--) {
    if (Math.random() * rest >= wanted) continue;
    replyMember(call, withScores);
    wanted--;
  }
}

function replyRank(call: Call, rank: number, withScores: boolean): void {
  scratchWalk.goTo(rank);
  replyMember(call, withScores);
}

/** Replies the member that `scratchWalk` has come to. */
function replyMember({ reply }: Call, withScores: boolean): void {
  const { text } = scratchWalk;
  if (withScores && reply.version === 3) reply.array(2);
  reply.bulk(text.bytes, text.at, text.byteCount);
  if (withScores) reply.double(scratchWalk.score);
}

/** Redis: options are looked at only when there is a sorted set. */
function zscanCommand(call: Call): void {
  const { key, reply } = call;
  const cursor = parseCursor(call, 2);
  if (cursor < 0) return reply.error(INVALID_CURSOR);
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) {
    reply.array(2);
    reply.bulkText('0');
    return reply.array(0);
  }
  const options = parseScanOptions(call, 3, ScanWord.None);
  if (options !== null) scan(call, cursor, options);
}

function scan(call: Call, cursor: number, options: ScanOptions): void {
  const { key, reply } = call;
  const walk = scratchWalk;
  const { text } = walk;
  const start = reply.at;
  let matched = 0;
  const packed = isPacked(key.shard, key.record);
  walk.beginScan(key.shard, key.record, cursor, options.count);
  while (walk.next()) {
    if (!matches(call, options.patternIndex)) continue;
    reply.bulk(text.bytes, text.at, text.byteCount);
    // Redis: a text, also in RESP3.
    reply.bulkText(scoreText(walk.score, packed));
    matched++;
  }
  reply.before(start, () => {
    reply.array(2);
    reply.bulkText(String(walk.cursor));
    reply.array(matched * 2);
  });
}

/** Redis: a scan shows scores as they are packed, where integers up to this size have all their digits. */
const PACKED_INTEGER_MAX = 2 ** 62;

function scoreText(score: number, packed: boolean): string {
  if (!packed || !Number.isInteger(score) || Math.abs(score) > PACKED_INTEGER_MAX) return formatDouble(score);
  return String(BigInt(score));
}

/** Whether the member that `scratchWalk` has come to matches argument `patternIndex` (0: no pattern). */
function matches(call: Call, patternIndex: number): boolean {
  if (patternIndex === 0) return true;
  const { bytes, at, byteCount } = scratchWalk.text;
  const start = call.args[patternIndex * 2]!;
  const end = start + call.args[patternIndex * 2 + 1]!;
  return globMatch(call.source.u8, start, end, bytes.u8, at, at + byteCount, false);
}
