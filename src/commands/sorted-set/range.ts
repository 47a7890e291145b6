/** Ranges of sorted sets, by rank, score or text: read, counted, removed. */
import { ValueType } from '../../store/record.ts';
import { copySpan, storeMembers } from '../../store/sorted-set/combining.ts';
import { Status } from '../../store/status.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { Removal } from '../../store/sorted-set/sorted-set.ts';
import { RankSpan, removeSpan } from '../../store/sorted-set/range.ts';
import { SortedSetWalk } from '../../store/sorted-set/walk.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { By, Direction, findSpan, parsePlainRange, parseRange, RangeRequest } from './range-request.ts';

export const rangeRows: readonly Row[] = [
  {
    name: 'ZRANGE',
    since: '1.2.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of ranks, scores or texts.',
    run: (call) => replyRange(call, By.Any, Direction.Any),
  },
  {
    name: 'ZREVRANGE',
    since: '1.2.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of ranks, from the highest score.',
    deprecated: true,
    run: (call) => replyRange(call, By.Rank, Direction.Down),
  },
  {
    name: 'ZRANGEBYSCORE',
    since: '1.0.5',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of scores.',
    deprecated: true,
    run: (call) => replyRange(call, By.Score, Direction.Up),
  },
  {
    name: 'ZREVRANGEBYSCORE',
    since: '2.2.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of scores, from the highest.',
    deprecated: true,
    run: (call) => replyRange(call, By.Score, Direction.Down),
  },
  {
    name: 'ZRANGEBYLEX',
    since: '2.8.9',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of texts.',
    deprecated: true,
    run: (call) => replyRange(call, By.Text, Direction.Up),
  },
  {
    name: 'ZREVRANGEBYLEX',
    since: '2.8.9',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the members of a sorted set within a range of texts, from the last.',
    deprecated: true,
    run: (call) => replyRange(call, By.Text, Direction.Down),
  },
  {
    name: 'ZRANGESTORE',
    since: '6.2.0',
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Update), key(2, KeyFlag.ReadOnly | KeyFlag.Access)],
    grows: true,
    summary: 'Stores a range of a sorted set under another key.',
    run: zrangestoreCommand,
  },
  {
    name: 'ZCOUNT',
    since: '2.0.0',
    arity: 4,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Counts the members of a sorted set within a range of scores.',
    run: (call) => replyCount(call, By.Score),
  },
  {
    name: 'ZLEXCOUNT',
    since: '2.8.9',
    arity: 4,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Counts the members of a sorted set within a range of texts.',
    run: (call) => replyCount(call, By.Text),
  },
  {
    name: 'ZREMRANGEBYRANK',
    since: '2.0.0',
    arity: 4,
    flags: Flag.Write,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes the members of a sorted set within a range of ranks.',
    run: (call) => removeRange(call, By.Rank),
  },
  {
    name: 'ZREMRANGEBYSCORE',
    since: '1.2.0',
    arity: 4,
    flags: Flag.Write,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes the members of a sorted set within a range of scores.',
    run: (call) => removeRange(call, By.Score),
  },
  {
    name: 'ZREMRANGEBYLEX',
    since: '2.8.9',
    arity: 4,
    flags: Flag.Write,
    acl: ['sortedset'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Removes the members of a sorted set within a range of texts.',
    run: (call) => removeRange(call, By.Text),
  },
];

const scratchRequest = new RangeRequest();
const scratchSpan = new RankSpan();
const scratchWalk = new SortedSetWalk();

/** Hot. ZRANGE and its older forms. */
function replyRange(call: Call, by: By, direction: Direction): void {
  const { key, reply } = call;
  const request = scratchRequest;
  if (!parseRange(call, 1, by, direction, false, request)) return;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) return reply.array(0);
  const span = scratchSpan;
  const walk = scratchWalk;
  findSpan(key.shard, record, call.source, request, span);
  const { withScores } = request;
  const isNested = withScores && reply.version === 3;
  reply.array(withScores && !isNested ? span.count * 2 : span.count);
  walk.begin(key.shard, record, span.first, span.count, request.isDown);
  const { text } = walk;
  while (walk.next()) {
    if (isNested) reply.array(2);
    reply.bulk(text.bytes, text.at, text.byteCount);
    if (withScores) reply.double(walk.score);
  }
}

function zrangestoreCommand(call: Call): void {
  const { key, otherKey, keyspace, reply } = call;
  const request = scratchRequest;
  if (!parseRange(call, 2, By.Any, Direction.Any, true, request)) return;
  call.locate(2, otherKey);
  const record = readTyped(call, otherKey, ValueType.SortedSet);
  if (record === WRONG) return;
  const span = scratchSpan;
  const { shard } = otherKey;
  if (record === 0) span.set(0, 0);
  else findSpan(shard, record, call.source, request, span);
  // What is stored is a sorted set again, from whichever end the span was to be read.
  if (request.isDown) span.first -= span.count - 1;
  const members = copySpan(keyspace, key.shard, shard, record, span);
  if (members !== null && storeMembers(keyspace, key, members) === Status.Ok) reply.integer(span.count);
  else reply.error(OUT_OF_MEMORY);
}

function replyCount(call: Call, by: By): void {
  const { key, reply } = call;
  if (!parsePlainRange(call, 2, 3, by, scratchRequest)) return;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  findSpan(key.shard, record, call.source, scratchRequest, scratchSpan);
  reply.integer(scratchSpan.count);
}

function removeRange(call: Call, by: By): void {
  const { key, keyspace, reply } = call;
  if (!parsePlainRange(call, 2, 3, by, scratchRequest)) return;
  const record = findTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  if (record === 0) return reply.integer(0);
  findSpan(key.shard, record, call.source, scratchRequest, scratchSpan);
  const { count } = scratchSpan;
  if (count > 0 && removeSpan(keyspace, key, scratchSpan) === Removal.Removed) keyspace.touched(key);
  reply.integer(count);
}
