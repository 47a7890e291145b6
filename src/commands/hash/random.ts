/** HRANDFIELD: fields drawn at random. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { HashSample, HashWalk } from '../../store/hash/walk.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { isBeyondHalf, isWord, parseInt64Argument } from '../argument.ts';
import { NOT_AN_INTEGER, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { NOT_A_HASH, readHash, replyText } from './value.ts';

export const randomRows: readonly Row[] = [
  {
    name: 'HRANDFIELD',
    since: '6.2.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['hash'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Returns fields of a hash chosen at random.',
    run: hrandfieldCommand,
  },
];

/** Below one in so many, different fields are drawn one by one; above, all are walked and some left out. */
const WALKED_SHARE = 3;
/** Bytes of the shortest reply for a field. */
const FIELD_REPLY_BYTES_MIN = 6;

const scratchCount = new Int64();
const scratchSample = new HashSample();
const scratchWalk = new HashWalk();
const scratchText = new EntryText();
const scratchDrawn = new Set<number>();

function hrandfieldCommand(call: Call): void {
  if (call.count === 2) return replyOne(call);
  const { reply } = call;
  if (!parseInt64Argument(call, 2, scratchCount)) return reply.error(NOT_AN_INTEGER);
  if (scratchCount.hi === -2147483648 && scratchCount.lo === 0) {
    return reply.error(
      'ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    );
  }
  if (call.count > 4 || (call.count === 4 && !isWord(call, 3, 'WITHVALUES'))) {
    return reply.error(SYNTAX_ERROR);
  }
  const withValues = call.count === 4;
  const count = int64ToNumber(scratchCount);
  if (withValues && isBeyondHalf(scratchCount)) return reply.error('ERR value is out of range');
  replyMany(call, count, withValues);
}

function replyOne(call: Call): void {
  const { key, keyspace, reply } = call;
  const record = readHash(call, key);
  if (record === NOT_A_HASH) return;
  if (record === 0) return reply.nil();
  const walk = scratchWalk;
  walk.begin(keyspace, key);
  if (walk.isTable && walk.tryDraw()) return replyField(call, walk, walk.place, false);
  scratchSample.begin(keyspace, key);
  if (scratchSample.liveCount === 0) return reply.nil();
  replyField(call, scratchSample.walk, scratchSample.draw(), false);
}

/** `count` different fields, or, if it is negative, as many that may repeat. */
function replyMany(call: Call, count: number, withValues: boolean): void {
  const { key, keyspace, reply } = call;
  const record = readHash(call, key);
  if (record === NOT_A_HASH) return;
  if (record === 0 || count === 0) return reply.array(0);
  const sample = scratchSample;
  sample.begin(keyspace, key);
  if (sample.liveCount === 0) return reply.array(0);
  if (count < 0) return replyRepeating(call, sample, -count, withValues);
  const wanted = Math.min(count, sample.liveCount);
  replyHead(call, wanted, withValues);
  if (sample.walk.isTable && wanted * WALKED_SHARE < sample.liveCount) {
    return replyDrawn(call, sample, wanted, withValues);
  }
  replySelected(call, sample, wanted, withValues);
}

function replyRepeating(call: Call, sample: HashSample, count: number, withValues: boolean): void {
  call.reply.refuseBeyond(count * FIELD_REPLY_BYTES_MIN);
  replyHead(call, count, withValues);
  for (let i = 0; i < count; i++) replyField(call, sample.walk, sample.draw(), withValues);
}

/** Draws until there are enough different ones: most draws bring a new one. */
function replyDrawn(call: Call, sample: HashSample, count: number, withValues: boolean): void {
  const drawn = scratchDrawn;
  // A reply that was given up as too large has left some.
  drawn.clear();
  while (drawn.size < count) {
    const place = sample.draw();
    if (drawn.has(place)) continue;
    drawn.add(place);
    replyField(call, sample.walk, place, withValues);
  }
  drawn.clear();
}

/** Walks the live fields and takes each with the chance that leaves as many to take as are left (Knuth's algorithm S). */
function replySelected(call: Call, sample: HashSample, count: number, withValues: boolean): void {
  const { walk } = sample;
  let rest = sample.liveCount;
  walk.begin(call.keyspace, call.key);
  for (let wanted = count; wanted > 0 && walk.next(); rest--) {
    if (Math.random() * rest >= wanted) continue;
    replyField(call, walk, walk.place, withValues);
    wanted--;
  }
}

/** Redis: pairs are arrays of their own in RESP3 only. */
function replyHead(call: Call, count: number, withValues: boolean): void {
  const { reply } = call;
  reply.array(withValues && reply.version === 2 ? count * 2 : count);
}

function replyField(call: Call, walk: HashWalk, place: number, withValue: boolean): void {
  const { reply } = call;
  if (withValue && reply.version === 3) reply.array(2);
  walk.pointAtField(place, scratchText);
  replyText(call, scratchText);
  if (!withValue) return;
  walk.pointAtValue(place, scratchText);
  replyText(call, scratchText);
}
