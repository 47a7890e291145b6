/** All that a server holds as text: to be compared with what another one holds. */
import { replyValue, type Reply } from './reply.ts';
import type { TestServer } from './test-server.ts';

type Ask = (...parts: (string | number | Uint8Array)[]) => Reply;
type Pair = readonly [string, unknown];

const pairsOf = (flat: Reply[]): Pair[] =>
  Array.from({ length: flat.length / 2 }, (_, i) => [String(flat[i * 2]), flat[i * 2 + 1]] as const);

/** The keys of every database with their types, values and times of expiry, sorted; values as JSON. */
export function describeDataSet(server: TestServer, databases = 16): string[] {
  const client = server.connect('127.0.0.1:9');
  const ask: Ask = (...parts) => {
    const raw = client.run(...parts);
    return replyValue(raw);
  };
  const lines: string[] = [];
  for (let database = 0; database < databases; database++) {
    ask('SELECT', database);
    const names = (ask('SCAN', 0, 'COUNT', 1_000_000) as [string, string[]])[1];
    for (const name of [...names].toSorted()) {
      const key = Buffer.from(name, 'latin1');
      lines.push(`${database} ${JSON.stringify(name)} ${describeKey(ask, key)}`);
    }
  }
  client.connection.close();
  return lines;
}

function describeKey(ask: Ask, key: Buffer): string {
  const type = ask('TYPE', key) as string;
  return `${type} expires ${ask('PEXPIRETIME', key) as number}: ${JSON.stringify(valueOf(ask, key, type))}`;
}

function valueOf(ask: Ask, key: Buffer, type: string): unknown {
  switch (type) {
    case 'string':
      return ask('GET', key);
    case 'list':
      return ask('LRANGE', key, 0, -1);
    case 'set':
      return (ask('SMEMBERS', key) as string[]).toSorted();
    case 'zset':
      return pairsOf(ask('ZRANGE', key, 0, -1, 'WITHSCORES') as Reply[]);
    case 'hash':
      return pairsOf(ask('HGETALL', key) as Reply[])
        .map(([field, value]) => [
          field,
          value,
          ask('HPEXPIRETIME', key, 'FIELDS', 1, Buffer.from(field, 'latin1')),
        ])
        .toSorted();
    default:
      return withoutTimesSeen(ask('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0) as Reply[]);
  }
}

/** How it is stored, and when consumers were last seen, is no part of the data. */
function withoutTimesSeen(info: Reply): Reply {
  if (!Array.isArray(info)) return info;
  const kept: Reply[] = [];
  for (let i = 0; i < info.length; i++) {
    const isLeftOut = ['radix-tree-keys', 'radix-tree-nodes', 'seen-time', 'active-time'].includes(
      String(info[i]),
    );
    if (isLeftOut) i++;
    else kept.push(withoutTimesSeen(info[i]!));
  }
  return kept;
}
