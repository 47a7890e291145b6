/** Giving the consumers of groups what is new in streams. */
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { hasRoomToDeliver, seeConsumer } from '../../store/stream/stream.ts';
import type { Name } from '../../structures/stream/groups.ts';
import type { StreamId } from '../../structures/stream/stream-id.ts';
import { countFrom } from '../../structures/stream/stream-log.ts';
import { replyNewEntries } from './entries.ts';

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

/** Gives a consumer the entries from `start` on, and replies with the stream's name and them. False: out of memory. */
export function giveNew(
  { keyspace, key, reply }: Giving,
  root: number,
  group: number,
  name: Name,
  start: StreamId,
  countMax: number,
  noAck: boolean,
): boolean {
  const { shard } = key;
  const most = noAck ? 0 : countFrom(shard, root, start, countMax);
  if (!hasRoomToDeliver(shard, most, name.byteCount)) return false;
  const { nowMs } = keyspace;
  const consumer = seeConsumer(shard, group, name, nowMs);
  replyName(reply, key);
  replyNewEntries(reply, shard, root, start, countMax, { group, consumer, noAck, nowMs });
  keyspace.touched(key);
  return true;
}
