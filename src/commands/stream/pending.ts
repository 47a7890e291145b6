/** What groups have delivered and nobody has acknowledged: listed and taken over by other consumers. */
import type { Shard } from '../../memory/shard.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { hasRoomToDeliver, seeConsumer } from '../../store/stream/stream.ts';
import {
  acknowledge,
  assignPending,
  consumerAt,
  consumerCount,
  consumerPending,
  consumerPendingCount,
  countDelivery,
  deliveredMs,
  findConsumer,
  findInGroup,
  groupLastId,
  groupPending,
  groupPendingCount,
  isUnowned,
  pointAtConsumerName,
  setDelivered,
  setGroupLastId,
  TIMES_MAX,
} from '../../structures/stream/groups.ts';
import { lastPending, OWN_WORDS, Pending, PendingWalk } from '../../structures/stream/pending-list.ts';
import { compareIds, loadId, StreamId } from '../../structures/stream/stream-id.ts';
import { hasEntry } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import {
  groupArgument,
  idArgument,
  integerArgument,
  intervalArgument,
  isId,
  type MutableName,
  nameArgument,
  NO_STREAM,
  noGroup,
  readStream,
} from './arguments.ts';
import { xautoclaimEffect, xclaimEffect } from './effects.ts';
import { replyEntryOf, replyId, replyOwner, replyTimes } from './entries.ts';

const ACL = ['stream'];
const NONDETERMINISTIC = ['NONDETERMINISTIC_OUTPUT'];

export const pendingRows: readonly Row[] = [
  {
    name: 'XPENDING',
    since: '5.0.0',
    arity: -3,
    flags: Flag.ReadOnly,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: NONDETERMINISTIC,
    summary: 'Tells what a group has still to acknowledge.',
    run: xpendingCommand,
  },
  {
    name: 'XCLAIM',
    since: '5.0.0',
    arity: -6,
    flags: Flag.Write | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    tips: NONDETERMINISTIC,
    summary: 'Makes pending entries those of another consumer.',
    run: xclaimCommand,
    effect: xclaimEffect,
  },
  {
    name: 'XAUTOCLAIM',
    since: '6.2.0',
    arity: -6,
    flags: Flag.Write | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    tips: NONDETERMINISTIC,
    summary: 'Makes pending entries that have been idle those of another consumer.',
    run: xautoclaimCommand,
    effect: xautoclaimEffect,
  },
];

const scratchStart = new StreamId();
const scratchEnd = new StreamId();
const scratchId = new StreamId();
const scratchWalk = new PendingWalk();
const scratchText = new EntryText();
const scratchName: MutableName = { bytes: null as never, at: 0, byteCount: 0 };

interface PendingQuery {
  idleMs: number;
  countMax: number;
  /** Argument that names a consumer, 0 for all. */
  consumerIndex: number;
}

function xpendingCommand(call: Call): void {
  const { count } = call;
  if (count !== 3 && (count < 6 || count > 9)) return call.reply.error(SYNTAX_ERROR);
  const query = count === 3 ? null : parsePendingQuery(call);
  if (query === undefined) return;
  const root = readStream(call, call.key);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 2);
  if (group === 0) return noGroup(call);
  if (query === null) replySummary(call, group);
  else replyPending(call, group, query);
}

/** Undefined: the error has been replied. */
function parsePendingQuery(call: Call): PendingQuery | undefined {
  let index = 3;
  let idleMs = 0;
  if (isWord(call, 3, 'IDLE')) {
    idleMs = integerArgument(call, 4);
    if (idleMs !== idleMs) return undefined;
    if (call.count < 8) {
      call.reply.error(SYNTAX_ERROR);
      return undefined;
    }
    index = 5;
  }
  const countMax = integerArgument(call, index + 2);
  if (countMax !== countMax) return undefined;
  if (!intervalArgument(call, index, true, scratchStart)) return undefined;
  if (!intervalArgument(call, index + 1, false, scratchEnd)) return undefined;
  return { idleMs, countMax, consumerIndex: index + 3 < call.count ? index + 3 : 0 };
}

function replySummary({ key, reply }: Call, group: number): void {
  const { shard } = key;
  const total = groupPendingCount(shard, group);
  reply.array(4);
  reply.integer(total);
  if (total === 0) {
    reply.nil();
    reply.nil();
    return reply.nilArray();
  }
  scratchStart.setZero();
  scratchWalk.start(shard, groupPending(group), Pending.Words, scratchStart);
  loadId(shard.words, scratchWalk.next(shard, groupPending(group), Pending.Words), scratchId);
  replyId(reply, scratchId);
  loadId(shard.words, lastPending(shard, groupPending(group), Pending.Words), scratchId);
  replyId(reply, scratchId);
  const consumers = consumerCount(shard, group);
  const head = reply.beginSet(consumers);
  let written = 0;
  for (let i = 0; i < consumers; i++) {
    const consumer = consumerAt(shard, group, i);
    const pending = consumerPendingCount(shard, consumer);
    if (pending === 0) continue;
    written++;
    reply.array(2);
    pointAtConsumerName(shard, consumer, scratchText);
    reply.bulk(scratchText.bytes, scratchText.at, scratchText.byteCount);
    reply.bulkText(`${pending}`);
  }
  reply.endArray(head, consumers, written);
}

function replyPending(call: Call, group: number, { idleMs, countMax, consumerIndex }: PendingQuery): void {
  const { key, reply, keyspace } = call;
  const { shard } = key;
  let consumer = 0;
  if (consumerIndex !== 0) {
    consumer = findConsumer(shard, group, nameArgument(call, consumerIndex, scratchName));
    if (consumer === 0) return reply.array(0);
  }
  const list = consumer === 0 ? groupPending(group) : consumerPending(consumer);
  const entryWords = consumer === 0 ? Pending.Words : OWN_WORDS;
  const most = Math.max(Math.min(countMax, groupPendingCount(shard, group)), 0);
  const head = reply.beginSet(most);
  let written = 0;
  scratchWalk.start(shard, list, entryWords, scratchStart);
  while (written < most) {
    const word = scratchWalk.next(shard, list, entryWords);
    if (word === 0) break;
    loadId(shard.words, word, scratchId);
    if (compareIds(scratchId, scratchEnd) > 0) break;
    const entry = consumer === 0 ? word : findInGroup(shard, group, scratchId);
    const idle = idleOf(shard, entry, keyspace.nowMs);
    if (idleMs !== 0 && idle < idleMs) continue;
    reply.array(4);
    replyId(reply, scratchId);
    replyOwner(reply, shard, entry);
    // Redis: what has been given back was delivered at no time.
    reply.integer(idle === Infinity ? -1 : Math.max(idle, 0));
    replyTimes(reply, shard.words[entry + Pending.Times]!);
    written++;
  }
  reply.endArray(head, most, written);
}

/** How long ago the pending entry at word `entry` was delivered: for ever, if it has been given back. */
function idleOf(shard: Shard, entry: number, nowMs: number): number {
  return isUnowned(shard, entry) ? Infinity : nowMs - deliveredMs(shard, entry);
}

/** How entries are taken over. */
interface Claim {
  /** 0 until something is claimed. */
  consumer: number;
  idleMs: number;
  /** NaN: none given. */
  deliveredMs: number;
  /** -1: counted up. */
  times: number;
  force: boolean;
  idsOnly: boolean;
}

/**
 * Gives the entry `id`, which exists, to the consumer named by argument 3 if it has been idle for long enough, and replies
 * with it. There must be room. Whether it did.
 */
function claimEntry(call: Call, root: number, group: number, id: StreamId, claim: Claim): boolean {
  const { shard } = call.key;
  const { nowMs } = call.keyspace;
  const found = findInGroup(shard, group, id);
  if (found === 0 && !claim.force) return false;
  if (found !== 0 && claim.idleMs > 0) {
    if (idleOf(shard, found, nowMs) < claim.idleMs) return false;
  }
  // Redis: a consumer that claims nothing is not created.
  if (claim.consumer === 0) {
    claim.consumer = seeConsumer(shard, group, nameArgument(call, 3, scratchName), nowMs);
  }
  const entry = assignPending(shard, group, claim.consumer, id);
  const { words } = shard;
  setDelivered(shard, group, entry, claim.deliveredMs);
  // Redis: what is forced counts as delivered once before.
  if (found === 0) words[entry + Pending.Times] = 1;
  if (claim.times >= 0) words[entry + Pending.Times] = Math.min(claim.times, TIMES_MAX);
  else if (!claim.idsOnly) countDelivery(shard, entry);
  if (claim.idsOnly) replyId(call.reply, id);
  else replyEntryOf(call.reply, shard, root, id);
  return true;
}

/** Argument 4, or NaN: the error has been replied. */
function minIdle(call: Call, name: string): number {
  const idleMs = integerArgument(call, 4, `ERR Invalid min-idle-time argument for ${name}`);
  return idleMs < 0 ? 0 : idleMs;
}

function xclaimCommand(call: Call): void {
  const { key, reply, keyspace } = call;
  const { shard } = key;
  const root = readStream(call, key);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 2);
  if (group === 0) return noGroup(call);
  call.keyspace.willChange(key);
  const idleMs = minIdle(call, 'XCLAIM');
  if (idleMs !== idleMs) return;
  let end = 5;
  while (end < call.count && isId(call, end, scratchId)) end++;
  const claim: Claim = { consumer: 0, idleMs, deliveredMs: NaN, times: -1, force: false, idsOnly: false };
  scratchEnd.setZero();
  if (!parseClaim(call, end, claim)) return;
  const name = nameArgument(call, 3, scratchName);
  if (!hasRoomToDeliver(shard, end - 5, name.byteCount)) return reply.error(OUT_OF_MEMORY);
  groupLastId(shard, group, scratchStart);
  if (compareIds(scratchEnd, scratchStart) > 0) setGroupLastId(shard, group, scratchEnd);
  // The clock stands at 0 while a journal is run again.
  const isFuture = claim.deliveredMs > keyspace.nowMs && keyspace.nowMs !== 0;
  const bogus = !(claim.deliveredMs >= 0) || isFuture;
  if (bogus) claim.deliveredMs = keyspace.nowMs;
  const head = reply.beginSet(end - 5);
  let written = 0;
  for (let index = 5; index < end; index++) {
    isId(call, index, scratchId);
    if (!hasEntry(shard, root, scratchId)) acknowledge(shard, group, scratchId);
    else if (claimEntry(call, root, group, scratchId, claim)) written++;
  }
  reply.endArray(head, end - 5, written);
  keyspace.touched(key);
}

/** The options from argument `index` on; LASTID goes to `scratchEnd`. False: the error has been replied. */
function parseClaim(call: Call, index: number, claim: Claim): boolean {
  const { nowMs } = call.keyspace;
  for (; index < call.count; index++) {
    const hasMore = index + 1 < call.count;
    if (isWord(call, index, 'FORCE')) claim.force = true;
    else if (isWord(call, index, 'JUSTID')) claim.idsOnly = true;
    else if (hasMore && isWord(call, index, 'IDLE')) {
      const idleMs = integerArgument(call, ++index, 'ERR Invalid IDLE option argument for XCLAIM');
      if (idleMs !== idleMs) return false;
      claim.deliveredMs = nowMs - idleMs;
    } else if (hasMore && isWord(call, index, 'TIME')) {
      claim.deliveredMs = integerArgument(call, ++index, 'ERR Invalid TIME option argument for XCLAIM');
      if (claim.deliveredMs !== claim.deliveredMs) return false;
    } else if (hasMore && isWord(call, index, 'RETRYCOUNT')) {
      claim.times = integerArgument(call, ++index, 'ERR Invalid RETRYCOUNT option argument for XCLAIM');
      if (claim.times !== claim.times) return false;
    } else if (hasMore && isWord(call, index, 'LASTID')) {
      if (!idArgument(call, ++index, scratchEnd)) return false;
    } else {
      call.reply.error(`ERR Unrecognized XCLAIM option '${call.text(index)}'`);
      return false;
    }
  }
  return true;
}

const ATTEMPTS_PER_ENTRY = 10;
/** Redis: LONG_MAX over the bytes of an id. */
const AUTOCLAIM_COUNT_MAX = 2 ** 59;
const COUNT_ERROR = 'ERR COUNT must be > 0';

function xautoclaimCommand(call: Call): void {
  const { key, reply } = call;
  const idleMs = minIdle(call, 'XAUTOCLAIM');
  if (idleMs !== idleMs || !intervalArgument(call, 5, true, scratchStart)) return;
  const deliveredMs = call.keyspace.nowMs;
  const claim: Claim = { consumer: 0, idleMs, deliveredMs, times: -1, force: false, idsOnly: false };
  let countMax = 100;
  for (let index = 6; index < call.count; index++) {
    if (index + 1 < call.count && isWord(call, index, 'COUNT')) {
      countMax = integerArgument(call, ++index, COUNT_ERROR);
      if (countMax !== countMax) return;
      if (countMax < 1 || countMax > AUTOCLAIM_COUNT_MAX) return reply.error(COUNT_ERROR);
    } else if (isWord(call, index, 'JUSTID')) claim.idsOnly = true;
    else return reply.error(SYNTAX_ERROR);
  }
  const root = readStream(call, key);
  if (root === NO_STREAM) return;
  const group = groupArgument(call, root, 2);
  if (group === 0) return noGroup(call);
  call.keyspace.willChange(key);
  autoclaim(call, root, group, countMax, claim);
}

/** Takes over what is pending from `scratchStart` on. */
function autoclaim(call: Call, root: number, group: number, countMax: number, claim: Claim): void {
  const { key, reply, keyspace } = call;
  const { shard } = key;
  const list = groupPending(group);
  const most = Math.min(countMax, groupPendingCount(shard, group));
  const name = nameArgument(call, 3, scratchName);
  if (!hasRoomToDeliver(shard, most, name.byteCount)) return reply.error(OUT_OF_MEMORY);
  const deleted: StreamId[] = [];
  const start = reply.at;
  const head = reply.beginSet(most);
  const id = scratchStart;
  let written = 0;
  let rest = countMax;
  let attempts = countMax * ATTEMPTS_PER_ENTRY;
  scratchWalk.start(shard, list, Pending.Words, id);
  let word = scratchWalk.next(shard, list, Pending.Words);
  for (; word !== 0 && attempts > 0 && rest > 0; attempts--) {
    loadId(shard.words, word, id);
    if (!hasEntry(shard, root, id)) {
      const gone = new StreamId();
      gone.set(id);
      deleted.push(gone);
      acknowledge(shard, group, id);
      scratchWalk.start(shard, list, Pending.Words, id);
      rest--;
    } else if (claimEntry(call, root, group, id, claim)) {
      written++;
      rest--;
    }
    word = scratchWalk.next(shard, list, Pending.Words);
  }
  reply.endArray(head, most, written);
  reply.array(deleted.length);
  for (const gone of deleted) replyId(reply, gone);
  if (word === 0) id.setZero();
  else loadId(shard.words, word, id);
  reply.before(start, () => {
    reply.array(3);
    replyId(reply, id);
  });
  keyspace.touched(key);
}
