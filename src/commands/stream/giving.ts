/** Giving the consumers of groups what is new in streams. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { type Claimable, findClaimable } from '../../store/stream/claims.ts';
import { hasRoomToDeliver, seeConsumer } from '../../store/stream/stream.ts';
import type { Name } from '../../structures/stream/named-blocks.ts';
import type { StreamId } from '../../structures/stream/stream-id.ts';
import { countFrom } from '../../structures/stream/stream-log.ts';
import { type Allowance, replyNewEntries } from './entries.ts';

/** The name of a stream in front of its entries. */
export function replyName(reply: RespWriter, key: Key): void {
  if (reply.version === 2) reply.array(2);
  reply.bulk(key.bytes, key.at, key.byteCount);
}

export interface Giving {
  readonly keyspace: Keyspace;
  readonly key: Key;
  readonly reply: RespWriter;
}

/** How entries are given. */
export interface Terms {
  readonly noAck: boolean;
  /** What has been idle for so long is taken over first; NaN: nothing is. */
  readonly claimMs: number;
}

/** What a consumer may take over on these terms, or null where it has not asked for that. */
export function claimsOf(
  { keyspace, key }: Giving,
  root: number,
  group: number,
  terms: Terms,
  countMax: number,
): readonly Claimable[] | null {
  const { claimMs } = terms;
  return claimMs === claimMs
    ? findClaimable(key.shard, root, group, claimMs, keyspace.nowMs, countMax)
    : null;
}

/**
 * Gives a consumer `claims`, which `claimsOf` has found, and the entries from `start` on, and replies with the stream's name
 * and them. False: out of memory.
 */
export function giveNew(
  { keyspace, key, reply }: Giving,
  root: number,
  group: number,
  name: Name,
  start: StreamId,
  allowance: Allowance,
  noAck: boolean,
  claims: readonly Claimable[] | null,
): boolean {
  const { shard } = key;
  const claimCount = claims === null ? 0 : claims.length;
  const most = noAck ? 0 : countFrom(shard, root, start, allowance.countMax - claimCount);
  if (!hasRoomToDeliver(shard, most + claimCount, name.byteCount)) return false;
  const { nowMs } = keyspace;
  const consumer = seeConsumer(shard, group, name, nowMs);
  replyName(reply, key);
  replyNewEntries(reply, shard, root, start, allowance, { group, consumer, noAck, nowMs, claims });
  keyspace.touched(key);
  return true;
}
