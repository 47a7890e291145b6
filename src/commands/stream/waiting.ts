/**
 * Waiting for new entries of streams. What a client has asked for lies with its wait as text of our own:
 *
 *   flags u32: 1 for a group, 2 for no acknowledging
 *   bytes of the reply, double; how long what is taken over must have been idle in ms, double, or NaN: nothing is
 *   with a group: its name and the consumer's          (length u32, bytes)
 *   of each key: the id to go on behind (16 bytes, big words first), its name (length u32, bytes)
 */
import { Bytes, copyBytes, equalBytes } from '../../base/bytes.ts';
import type { Wait } from '../../store/interests.ts';
import type { Key } from '../../store/key.ts';
import { recordType, rootOf, ValueType } from '../../store/record.ts';
import { findClaimable } from '../../store/stream/claims.ts';
import { findGroup, groupLastId } from '../../structures/stream/groups.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import { hasBehind } from '../../structures/stream/stream-log.ts';
import type { EffectSink } from '../effect.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import type { Call } from '../row.ts';
import { Operation, type ServedWait } from '../waiting.ts';
import type { MutableName } from './arguments.ts';
import { servedReadEffect } from './effects.ts';
import { Allowance, replyNewEntries } from './entries.ts';
import { claimsOf, giveNew, replyName } from './giving.ts';

const NO_ACK = 2;
const GROUP = 1;
const ID_BYTES = 16;
const BYTES_MAX_AT = 4;
const CLAIM_AT = 12;
/** Where the names begin. */
const NAMES_AT = 20;

/** What a wait is about. */
interface Waiting {
  readonly isGroup: boolean;
  readonly noAck: boolean;
  /** 0: any. */
  readonly bytesMax: number;
  readonly claimMs: number;
  readonly firstKey: number;
  readonly keyCount: number;
  readonly groupIndex: number;
  readonly ids: readonly StreamId[];
}

/** The text of a wait. */
export function writeWait(call: Call, request: Waiting): Bytes {
  const { args } = call;
  const { firstKey, keyCount, groupIndex, isGroup } = request;
  let byteCount = NAMES_AT + keyCount * (ID_BYTES + 4);
  for (let i = firstKey; i < firstKey + keyCount; i++) byteCount += args[i * 2 + 1]!;
  if (isGroup) byteCount += 8 + args[groupIndex * 2 + 1]! + args[groupIndex * 2 + 3]!;
  const into = Bytes.allocate(byteCount);
  into.view.setInt32(0, (isGroup ? GROUP : 0) | (request.noAck ? NO_ACK : 0), true);
  into.view.setFloat64(BYTES_MAX_AT, request.bytesMax || Infinity, true);
  into.view.setFloat64(CLAIM_AT, request.claimMs, true);
  let at = NAMES_AT;
  if (isGroup) at = writeText(call, groupIndex + 1, into, writeText(call, groupIndex, into, at));
  for (let i = 0; i < keyCount; i++) {
    const id = request.ids[i]!;
    into.view.setInt32(at, id.msHi, true);
    into.view.setInt32(at + 4, id.msLo, true);
    into.view.setInt32(at + 8, id.seqHi, true);
    into.view.setInt32(at + 12, id.seqLo, true);
    at = writeText(call, firstKey + i, into, at + ID_BYTES);
  }
  return into;
}

function writeText(call: Call, index: number, into: Bytes, at: number): number {
  const byteCount = call.args[index * 2 + 1]!;
  into.view.setInt32(at, byteCount, true);
  copyBytes(call.source, call.args[index * 2]!, into, at + 4, byteCount);
  return at + 4 + byteCount;
}

const scratchGroup: MutableName = { bytes: null as never, at: 0, byteCount: 0 };
const scratchConsumer: MutableName = { bytes: null as never, at: 0, byteCount: 0 };
const scratchAfter = new StreamId();
const scratchAllowance = new Allowance();

function readText(bytes: Bytes, at: number, into: MutableName): number {
  into.bytes = bytes;
  into.at = at + 4;
  into.byteCount = bytes.view.getInt32(at, true);
  return into.at + into.byteCount;
}

function isGroupWait(wait: Wait): boolean {
  return (wait.operation & Operation.Mask) === Operation.StreamReadGroup;
}

function isNoAck(wait: Wait): boolean {
  return (wait.destination.view.getInt32(0, true) & NO_ACK) !== 0;
}

/** How long what is taken over must have been idle, in ms; NaN: nothing is. */
function claimMsOf(wait: Wait): number {
  return wait.destination.view.getFloat64(CLAIM_AT, true);
}

/** Points `scratchGroup` and `scratchConsumer` at the names in a wait. */
function readNames(wait: Wait): void {
  readText(wait.destination, readText(wait.destination, NAMES_AT, scratchGroup), scratchConsumer);
}

/** Sets `scratchAfter` to the id behind which a wait without a group goes on at `key`. */
function readAfter({ destination, destinationBytes }: Wait, key: Key): void {
  const { view } = destination;
  for (let at = NAMES_AT; at < destinationBytes;) {
    const byteCount = view.getInt32(at + ID_BYTES, true);
    const name = at + ID_BYTES + 4;
    if (byteCount === key.byteCount && equalBytes(destination, name, key.bytes, key.at, byteCount)) {
      scratchAfter.setWords(
        view.getInt32(at, true),
        view.getInt32(at + 4, true),
        view.getInt32(at + 8, true),
        view.getInt32(at + 12, true),
      );
      return;
    }
    at = name + byteCount;
  }
  scratchAfter.setMax();
}

/**
 * Whether a wait for a stream can be ended by what is found under `key` now, be it with an error: a group's stream, or the
 * group, is gone. Limit: where Redis looks only when entries are added, XGROUP SETID that goes back ends a wait, too; and
 * where it tells of entries that were trimmed at once, nobody is told. Who takes over what has been idle is served with
 * that when something comes to the stream or is given back, not at the moment in which it has been idle for long enough.
 */
export function isStreamWaitOver(key: Key, wait: Wait): boolean {
  const { shard, record } = key;
  if (record === 0 || recordType(shard, record) !== ValueType.Stream) return isGroupWait(wait);
  const root = rootOf(shard, record);
  if (isGroupWait(wait)) {
    readNames(wait);
    const group = findGroup(shard, root, scratchGroup);
    if (group === 0) return true;
    const claimMs = claimMsOf(wait);
    if (claimMs === claimMs && findClaimable(shard, root, group, Infinity, 0, 1).length > 0) return true;
    groupLastId(shard, group, scratchAfter);
  } else readAfter(wait, key);
  return hasBehind(shard, root, scratchAfter);
}

/** Does for a client what it has waited for: the wait is over. */
export function serveStreamWait(served: ServedWait): void {
  const { key, wait, reply, keyspace } = served;
  const { shard, record } = key;
  if (record === 0 || recordType(shard, record) !== ValueType.Stream) {
    return reply.error('UNBLOCKED the stream key no longer exists');
  }
  const root = rootOf(shard, record);
  if (isGroupWait(wait)) readNames(wait);
  const group = isGroupWait(wait) ? findGroup(shard, root, scratchGroup) : 0;
  if (isGroupWait(wait) && group === 0) {
    return reply.error('NOGROUP the consumer group this client was blocked on no longer exists');
  }
  if (group === 0) readAfter(wait, key);
  else groupLastId(shard, group, scratchAfter);
  scratchAfter.increment();
  const start = reply.at;
  const allowance = scratchAllowance;
  allowance.perStream = wait.count;
  allowance.left = Infinity;
  allowance.bytesMax = wait.destination.view.getFloat64(BYTES_MAX_AT, true);
  allowance.begin(reply);
  if (reply.version === 3) reply.map(1);
  else reply.array(1);
  if (group === 0) {
    replyName(reply, key);
    replyNewEntries(reply, shard, root, scratchAfter, allowance, null);
  } else {
    const giving = { keyspace, key, reply };
    const terms = { noAck: isNoAck(wait), claimMs: claimMsOf(wait) };
    const claims = claimsOf(giving, root, group, terms, allowance.countMax);
    if (giveNew(giving, root, group, scratchConsumer, scratchAfter, allowance, terms.noAck, claims)) return;
    reply.at = start;
    reply.error(OUT_OF_MEMORY);
  }
}

/** What `serveStreamWait` has done, as requests. */
export function putServedRead({ key, wait, reply }: ServedWait, out: EffectSink): void {
  if (!isGroupWait(wait)) return;
  readNames(wait);
  servedReadEffect({ key, group: scratchGroup, consumer: scratchConsumer }, reply, out);
}
