/** DEBUG DIGEST and DEBUG DIGEST-VALUE: whether two servers hold the same data, Redis among them. */
import { Digest } from '../../base/digest.ts';
import { Head } from '../../memory/shard.ts';
import { digestNumber, digestRecord, digestValue } from '../../store/digest.ts';
import { recordDatabase } from '../../store/record.ts';
import { collectEntries } from '../../structures/table.ts';
import type { Call } from '../row.ts';

/** Replies with the digest of all databases. One shard after the other is looked at: writes meanwhile make it that of no moment. */
export function debugDigest(call: Call): void {
  const { keyspace } = call;
  const sums = new Map<number, Digest>();
  call.eachShard((shard) => {
    const table = shard.heads[shard.head + Head.Table]!;
    if (table === 0) return;
    const entries: number[] = [];
    collectEntries(shard, table, 0, Infinity, entries);
    for (let i = 1; i < entries.length; i += 2) {
      const database = recordDatabase(shard, entries[i]!);
      const sum = sums.get(database) ?? new Digest();
      sums.set(database, sum);
      digestRecord(keyspace, shard, entries[i]!, sum);
    }
  });
  const digest = new Digest();
  const databases = Number(call.server.setting('databases'));
  for (let database = 0; database < databases; database++) {
    const sum = sums.get(keyspace.physicalDatabase(database));
    if (sum === undefined) continue;
    digest.mix(digestNumber(database));
    digest.join(sum.bytes);
  }
  call.reply.simple(digest.toHex());
}

/** Replies with the digest of each key's value: zeros for a key that is not there. */
export function debugDigestValue(call: Call): void {
  const { keyspace, key, source, args, database } = call;
  const digests: string[] = [];
  const digest = new Digest();
  for (let i = 2; i < call.count; i++) {
    digest.clear();
    keyspace.locate(key, source, args[i * 2]!, args[i * 2 + 1]!, database);
    call.withShard(key.shard.index, (shard) => {
      const record = keyspace.find(key);
      if (record !== 0) digestValue(keyspace, shard, record, digest);
    });
    digests.push(digest.toHex());
  }
  call.reply.array(digests.length);
  for (const text of digests) call.reply.simple(text);
}
