/** XREAD and XREADGROUP: several streams at once, waiting for new entries where there are none. */
import type { Shard } from '../../memory/shard.ts';
import { rootOf, ValueType } from '../../store/record.ts';
import { hasRoomToDeliver, seeConsumer } from '../../store/stream/stream.ts';
import {
  consumerPending,
  countDelivery,
  findGroup,
  findInGroup,
  groupLastId,
  setDelivered,
} from '../../structures/stream/groups.ts';
import { OWN_WORDS, PendingWalk } from '../../structures/stream/pending-list.ts';
import { loadId, StreamId } from '../../structures/stream/stream-id.ts';
import {
  hasBehind,
  lastLiveId,
  readStreamId,
  Stream,
  streamLength,
} from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, KeyFlag, keysAfter, type Row } from '../row.ts';
import { readTyped } from '../typed-value.ts';
import { Operation } from '../waiting.ts';
import { idArgument, integerArgument, isSymbol, type MutableName, nameArgument } from './arguments.ts';
import { readGroupEffect } from './effects.ts';
import { Allowance, replyEntryOf, replyId, replyNewEntries } from './entries.ts';
import { claimsOf, giveNew, type Giving, replyName } from './giving.ts';
import { writeWait } from './waiting.ts';

const ACL = ['stream'];
const KEY_FLAGS = KeyFlag.ReadOnly | KeyFlag.Access;

export const readRows: readonly Row[] = [
  {
    name: 'XREAD',
    since: '5.0.0',
    arity: -4,
    flags: Flag.Blocking | Flag.ReadOnly,
    acl: ACL,
    keys: [keysAfter('STREAMS', 1, KEY_FLAGS, -1, 2)],
    locksAll: (call) => hasOtherKeys(call, 1),
    summary: 'Returns the entries of streams behind given ids, or waits for some.',
    run: (call) => readCommand(call, false),
  },
  {
    name: 'XREADGROUP',
    since: '5.0.0',
    arity: -7,
    flags: Flag.Blocking | Flag.Write,
    acl: ACL,
    keys: [keysAfter('STREAMS', 4, KEY_FLAGS, -1, 2)],
    locksAll: (call) => hasOtherKeys(call, 4),
    summary: 'Returns entries of streams that nobody in a group was given, or waits for some.',
    run: (call) => readCommand(call, true),
    effect: readGroupEffect,
  },
];

/** Redis: who waits without a COUNT is given so many. */
const WAIT_COUNT = 1000;

class ReadRequest {
  isGroup = false;
  /** NaN: does not wait. */
  timeoutMs = NaN;
  /** 0: all. */
  countMax = 0;
  /** Of all streams together; 0: as many as there are. */
  countTotal = 0;
  bytesMax = 0;
  noAck = false;
  /** NaN: nothing is taken over. */
  claimMs = NaN;
  /** Arguments; 0: none. */
  groupIndex = 0;
  firstKey = 0;
  keyCount = 0;
  /** Of each stream the id to go on behind; the last of all for what is new to the group. */
  readonly ids: StreamId[] = [];
}

const scratchRequest = new ReadRequest();
const scratchAllowance = new Allowance();
/** Options that have an argument, which may be any word. */
const WITH_ARGUMENT = ['BLOCK', 'COUNT', 'CLAIM', 'MAXCOUNT', 'MAXSIZE'] as const;
const scratchStart = new StreamId();
const scratchId = new StreamId();
const scratchWalk = new PendingWalk();
const scratchGroup: MutableName = { bytes: null as never, at: 0, byteCount: 0 };
const scratchConsumer: MutableName = { bytes: null as never, at: 0, byteCount: 0 };

/** Whether the keys are elsewhere than the row says: when a group or a consumer is called "streams". */
function hasOtherKeys(call: Call, from: number): boolean {
  const first = streamsIndex(call);
  for (let index = from; index < call.count; index++) {
    if (isWord(call, index, 'STREAMS')) return index !== first;
  }
  return first !== 0;
}

/** Where STREAMS stands, or 0. */
function streamsIndex(call: Call): number {
  for (let index = 1; index < call.count; index++) {
    if (isWord(call, index, 'STREAMS')) return index;
    if (WITH_ARGUMENT.some((word) => isWord(call, index, word))) index++;
    else if (isWord(call, index, 'GROUP')) index += 2;
  }
  return 0;
}

/** Parses the request. Null: the error has been replied. */
function parseRead(call: Call, isGroup: boolean): ReadRequest | null {
  const request = scratchRequest;
  request.isGroup = isGroup;
  request.timeoutMs = NaN;
  request.countMax = 0;
  request.countTotal = 0;
  request.bytesMax = 0;
  request.noAck = false;
  request.claimMs = NaN;
  request.groupIndex = 0;
  request.firstKey = 0;
  for (let index = 1; index < call.count && request.firstKey === 0;) {
    index = parseOption(call, request, index);
    if (index < 0) return null;
  }
  if (request.firstKey === 0) call.reply.error(SYNTAX_ERROR);
  else if (isGroup && request.groupIndex === 0) call.reply.error('ERR Missing GROUP option for XREADGROUP');
  else if (request.countTotal > 0 && request.countTotal < request.countMax) {
    call.reply.error('ERR MAXCOUNT must be greater than or equal to COUNT');
  } else return request;
  return null;
}

/** Parses one option. Returns where the next is, or -1: the error has been replied. */
function parseOption(call: Call, request: ReadRequest, index: number): number {
  const { reply } = call;
  const rest = call.count - index - 1;
  if (rest > 0 && isWord(call, index, 'BLOCK')) {
    request.timeoutMs = blockArgument(call, index + 1);
    return request.timeoutMs === request.timeoutMs ? index + 2 : -1;
  }
  if (rest > 0 && isWord(call, index, 'COUNT')) {
    request.countMax = integerArgument(call, index + 1);
    if (request.countMax !== request.countMax) return -1;
    if (request.countMax < 0) request.countMax = 0;
    return index + 2;
  }
  if (rest > 0 && isWord(call, index, 'STREAMS')) {
    request.firstKey = index + 1;
    request.keyCount = rest >> 1;
    if (rest % 2 === 0) return index + 1;
    reply.error(UNBALANCED);
    return -1;
  }
  if (rest > 1 && isWord(call, index, 'GROUP')) {
    request.groupIndex = index + 1;
    return request.isGroup ? index + 3 : refuseOption(call, 'GROUP');
  }
  if (isWord(call, index, 'NOACK')) {
    request.noAck = true;
    return request.isGroup ? index + 1 : refuseOption(call, 'NOACK');
  }
  if (rest > 0 && isWord(call, index, 'CLAIM')) return parseClaim(call, request, index);
  if (rest > 0 && isWord(call, index, 'MAXCOUNT')) {
    request.countTotal = limitArgument(call, index + 1, 'MAXCOUNT');
    return request.countTotal === 0 ? -1 : index + 2;
  }
  if (rest > 0 && isWord(call, index, 'MAXSIZE')) {
    request.bytesMax = limitArgument(call, index + 1, 'MAXSIZE');
    return request.bytesMax === 0 ? -1 : index + 2;
  }
  reply.error(SYNTAX_ERROR);
  return -1;
}

/** A number above 0. 0: the error has been replied. */
function limitArgument(call: Call, index: number, option: string): number {
  const error = `ERR ${option} must be a positive integer`;
  const limit = integerArgument(call, index, error);
  if (limit > 0) return limit;
  if (limit === limit) call.reply.error(error);
  return 0;
}

function parseClaim(call: Call, request: ReadRequest, index: number): number {
  if (!request.isGroup) return refuseOption(call, 'CLAIM');
  request.claimMs = integerArgument(call, index + 1, 'ERR min-idle-time is not an integer');
  if (request.claimMs >= 0) return index + 2;
  if (request.claimMs < 0) call.reply.error('ERR min-idle-time must be a positive integer');
  return -1;
}

function refuseOption(call: Call, option: string): -1 {
  call.reply.error(`ERR The ${option} option is only supported by XREADGROUP. You called XREAD instead.`);
  return -1;
}

/** Redis: milliseconds without a fraction. NaN: the error has been replied. */
function blockArgument(call: Call, index: number): number {
  const timeoutMs = integerArgument(call, index, 'ERR timeout is not an integer or out of range');
  if (timeoutMs < 0) call.reply.error('ERR timeout is negative');
  else if (timeoutMs + call.keyspace.nowMs >= 2 ** 63) call.reply.error('ERR timeout is out of range');
  else return timeoutMs;
  return NaN;
}

function readCommand(call: Call, isGroup: boolean): void {
  const request = parseRead(call, isGroup);
  if (request === null || !resolveIds(call, request)) return;
  const { reply } = call;
  const { keyCount, firstKey, timeoutMs } = request;
  const head = reply.beginSet(keyCount);
  const empty = reply.at;
  const allowance = scratchAllowance;
  allowance.perStream = request.countMax || Infinity;
  allowance.left = request.countTotal || Infinity;
  allowance.bytesMax = request.bytesMax || Infinity;
  allowance.begin(reply);
  let served = 0;
  for (let i = 0; i < keyCount && allowance.left > 0; i++) {
    const result = serveStream(call, request, i);
    if (result < 0) {
      reply.at = head;
      return reply.error(OUT_OF_MEMORY);
    }
    served += result;
  }
  if (served > 0) return reply.endMapOfPairs(head, keyCount, served);
  reply.at = head;
  if (timeoutMs !== timeoutMs || !call.mayBlock || empty === 0) return reply.nilArray();
  call.block({
    firstKey,
    keyCount,
    type: ValueType.Stream,
    needed: 1,
    operation: isGroup ? Operation.StreamReadGroup : Operation.StreamRead,
    count: Math.min(request.countMax || WAIT_COUNT, request.countTotal || Infinity),
    destination: 0,
    parameters: writeWait(call, request),
    timeoutMs,
  });
}

/** Locates the stream of number `i` and returns its root, 0 when there is none, or -1: the error has been replied. */
function openStream(call: Call, request: ReadRequest, i: number): number {
  const { key, source, args } = call;
  const at = (request.firstKey + i) * 2;
  call.keyspace.locate(key, source, args[at]!, args[at + 1]!, call.database);
  const record = readTyped(call, key, ValueType.Stream);
  if (record > 0 && request.isGroup) call.keyspace.willChange(key);
  return record > 0 ? rootOf(key.shard, record) : record;
}

/** Parses the ids, and looks whether keys and groups are what they must be. False: the error has been replied. */
function resolveIds(call: Call, request: ReadRequest): boolean {
  const { key, reply } = call;
  const { isGroup, groupIndex, firstKey, keyCount, ids } = request;
  for (let i = 0; i < keyCount; i++) {
    const index = firstKey + keyCount + i;
    const id = (ids[i] ??= new StreamId());
    const root = openStream(call, request, i);
    if (root < 0) return false;
    if (isGroup) {
      const name = nameArgument(call, groupIndex, scratchGroup);
      if (root === 0 || findGroup(key.shard, root, name) === 0) {
        reply.error(
          `NOGROUP No such key '${call.text(firstKey + i)}' or consumer group '${call.text(groupIndex)}' in XREADGROUP with GROUP option`,
        );
        return false;
      }
    }
    if (isSymbol(call, index, '$') || isSymbol(call, index, '>')) {
      const isEnd = isSymbol(call, index, '$');
      if (isEnd === isGroup) {
        reply.error(isGroup ? MEANINGLESS : ONLY_GROUP);
        return false;
      }
      if (isGroup) id.setMax();
      else if (root === 0) id.setZero();
      else readStreamId(key.shard, root, Stream.LastId, id);
    } else if (!isGroup && isSymbol(call, index, '+')) beforeLast(key.shard, root, id);
    else if (!idArgument(call, index, id)) return false;
  }
  return true;
}

/** Redis 7.4: `+` asks for the last entry. */
function beforeLast(shard: Shard, root: number, id: StreamId): void {
  id.setZero();
  if (root === 0) return;
  readStreamId(shard, root, Stream.LastId, id);
  if (streamLength(shard, root) === 0) return;
  lastLiveId(shard, root, id);
  id.decrement();
}

const UNBALANCED =
  "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.";
const MEANINGLESS =
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.';
const ONLY_GROUP =
  'ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.';

/** Serves a client with the stream of number `i`. Returns 1, or 0: there is nothing; -1: out of memory. */
function serveStream(call: Call, request: ReadRequest, i: number): number {
  const { key, reply, keyspace } = call;
  const root = openStream(call, request, i);
  if (root === 0) return 0;
  const { shard } = key;
  const start = scratchStart;
  start.set(request.ids[i]!);
  const isNew = request.isGroup && start.isMax;
  let group = 0;
  if (request.isGroup) {
    group = findGroup(shard, root, nameArgument(call, request.groupIndex, scratchGroup));
    if (isNew) groupLastId(shard, group, start);
  }
  const allowance = scratchAllowance;
  const given = { keyspace, key, reply };
  const claims = isNew ? claimsOf(given, root, group, request, allowance.countMax) : null;
  const hasClaims = claims !== null && claims.length > 0;
  if ((isNew || !request.isGroup) && !hasClaims && !hasBehind(shard, root, start)) return 0;
  start.increment();
  if (!request.isGroup) {
    replyName(reply, key);
    replyNewEntries(reply, shard, root, start, allowance, null);
    return 1;
  }
  const name = nameArgument(call, request.groupIndex + 1, scratchConsumer);
  if (isNew) return giveNew(given, root, group, name, start, allowance, request.noAck, claims) ? 1 : -1;
  if (!hasRoomToDeliver(shard, 0, name.byteCount)) return -1;
  replyName(reply, key);
  replyHistory(given, root, group, seeConsumer(shard, group, name, keyspace.nowMs), start, allowance);
  keyspace.touched(key);
  return 1;
}

/** What a consumer was given and has not acknowledged, from `start` on; it counts as given once more. */
function replyHistory(
  { keyspace, key, reply }: Giving,
  root: number,
  group: number,
  consumer: number,
  start: StreamId,
  allowance: Allowance,
): void {
  const { shard } = key;
  const list = consumerPending(consumer);
  const most = Math.min(allowance.countMax, shard.words[list + 1]!);
  const head = reply.beginSet(most);
  let count = 0;
  scratchWalk.start(shard, list, OWN_WORDS, start);
  for (; count < most; count++) {
    const word = scratchWalk.next(shard, list, OWN_WORDS);
    if (word === 0) break;
    loadId(shard.words, word, scratchId);
    const before = reply.at;
    const isThere = replyEntryOf(reply, shard, root, scratchId);
    if (!isThere) {
      // Deleted from the stream meanwhile.
      reply.array(2);
      replyId(reply, scratchId);
      reply.nilArray();
    }
    if (!allowance.takes(reply, before)) break;
    if (isThere) {
      const entry = findInGroup(shard, group, scratchId);
      setDelivered(shard, group, entry, keyspace.nowMs);
      countDelivery(shard, entry);
    }
  }
  reply.endArray(head, most, count);
}
