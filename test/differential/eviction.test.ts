/** Eviction against redis-server, where it does not depend on chance: how accesses are counted, and what clients are told when
 *  there is no room. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';

const words = (line: string): string[] => line.split(' ');

/** After each of these the key k is asked for its frequency, with a factor of 0: every access counts. Commands that fail or
 *  change nothing are left out: in Redis they count too. */
const USES: readonly string[] = [
  'SET k v',
  'SET k v; GET k; GET k',
  'SET k v; SET k w; SET k x',
  'SET k v; STRLEN k',
  'SET k v; GETRANGE k 0 1',
  'SET k v; SETRANGE k 0 a',
  'SET k v; GETSET k w',
  'SET k v; GETEX k',
  'SET k v; SET k w GET',
  'SET k v; SET k w KEEPTTL',
  'SET k v; EXPIRE k 100',
  'SET k v EX 100; PERSIST k',
  'SETEX k 100 v; SETEX k 100 v',
  'SET k v; TTL k',
  'SET k v; TYPE k',
  'SET k v; EXISTS k',
  'SET k v; TOUCH k',
  'SET k v; OBJECT ENCODING k',
  'SET k v; MEMORY USAGE k',
  'SET a v; GET a; GET a; COPY a k',
  'RPUSH k a b c',
  'RPUSH k a; RPUSH k b; LPUSHX k c',
  'RPUSH k a b; LRANGE k 0 -1; LLEN k; LPOP k',
  'RPUSH k a a; LINSERT k BEFORE a b; LSET k 0 x; LREM k 1 a',
  'RPUSH k a a; LTRIM k 0 0',
  'RPUSH k b a; SORT k ALPHA',
  'RPUSH a b a; SORT a ALPHA STORE k',
  'HSET k f v g w',
  'HSET k f v; HSET k f v; HGET k f; HMGET k f g; HGETALL k',
  'HSET k f 1 g 2; HINCRBY k f 1; HDEL k g; HSCAN k 0',
  'SADD k a b; SADD k c; SISMEMBER k a; SREM k a; SMEMBERS k; SPOP k',
  'SADD k a; SINTER k k; SINTERCARD 1 k',
  'SADD k a; SUNIONSTORE k k',
  'SADD a a; SUNIONSTORE k a',
  'ZADD k 1 a 2 b; ZSCORE k a; ZINCRBY k 1 a; ZRANGE k 0 -1; ZREM k a',
  'ZADD k 1 a 2 b; ZPOPMIN k; ZADD k 3 c',
  'ZADD a 1 a; ZUNIONSTORE k 1 a',
  'ZADD a 1 a; ZRANGESTORE k a 0 -1',
  'SETBIT k 1 1; SETBIT k 2 1; GETBIT k 1; BITCOUNT k',
  'PFADD k a; PFADD k b',
  'XADD k 1-1 f v; XADD k 2-1 f v; XRANGE k - +; XLEN k',
  'GEOADD k 1 1 a; GEOPOS k a',
];

/** Without room: what is refused, what is not, and with which words. The last reply of each line is compared, too. */
const FULL: readonly string[] = [
  'SET k v',
  'APPEND k v',
  'LPUSH l a',
  'HSET h f v',
  'SADD s a',
  'ZADD z 1 a',
  'XADD x * f v',
  'SETBIT b 1 1',
  'PFADD p a',
  'GET k',
  'DEL k',
  'EXPIRE k 10',
  'LPOP l',
  'HDEL h f',
  'MSET a 1 b 2',
  'COPY k l',
  'RENAME nothing k',
  'MULTI; SET k v; EXEC',
  'MULTI; GET k; EXEC',
  'MULTI; DEL k; SET k v; DISCARD',
  'PUBLISH c m',
  'SUBSCRIBE c; UNSUBSCRIBE c',
];

describe.skipIf(isOracleMissing('redis-server'))('eviction and redis-server', () => {
  let oracle: Oracle;
  let client: OracleClient;

  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    client = await OracleClient.connect(oracle.port);
  });
  afterAll(async () => {
    client.close();
    await oracle.stop();
  });

  async function compare(server: TestServer, lines: readonly string[]): Promise<void> {
    for (const line of lines) {
      const ours = server.run(...words(line));
      const theirs = await client.run(...words(line));
      expect({ lines, line, reply: ours }).toEqual({ lines, line, reply: theirs });
    }
  }

  async function configure(server: TestServer, ...settings: string[]): Promise<void> {
    for (const setting of settings) {
      const ours = server.run('CONFIG', 'SET', ...words(setting));
      await Bun.sleep(0);
      expect(await client.run('CONFIG', 'SET', ...words(setting))).toBe('+OK\r\n');
      expect(ours === '' || ours === '+OK\r\n').toBe(true);
    }
  }

  test('OBJECT FREQ counts the same accesses', async () => {
    const server = new TestServer({ shardCount: 2 });
    await configure(server, 'maxmemory-policy allkeys-lfu', 'lfu-log-factor 0', 'lfu-decay-time 0');
    for (const use of USES) {
      server.run('FLUSHALL');
      await client.run('FLUSHALL');
      for (const command of use.split('; ')) {
        server.run(...words(command));
        await client.run(...words(command));
      }
      const ours = server.run('OBJECT', 'FREQ', 'k');
      expect({ use, frequency: ours }).toEqual({ use, frequency: await client.run('OBJECT', 'FREQ', 'k') });
    }
  });

  test('OBJECT FREQ and IDLETIME say which policy they need', async () => {
    const server = new TestServer();
    await client.run('FLUSHALL');
    for (const policy of ['noeviction', 'allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-random']) {
      await configure(server, `maxmemory-policy ${policy}`);
      await compare(server, ['SET k v', 'OBJECT FREQ k', 'OBJECT IDLETIME k', 'OBJECT FREQ no', 'DEL k']);
    }
    for (const policy of ['allkeys-lfu', 'volatile-lfu']) {
      await configure(server, `maxmemory-policy ${policy}`);
      await compare(server, ['SET k v', 'OBJECT FREQ k', 'OBJECT IDLETIME k', 'OBJECT IDLETIME no', 'DEL k']);
    }
  });

  test.each(['noeviction', 'allkeys-lru', 'volatile-lru', 'volatile-ttl', 'allkeys-lfu', 'volatile-random'])(
    'without room, %s',
    async (policy) => {
      const server = new TestServer({ shardCount: 1 });
      await client.run('FLUSHALL');
      await configure(server, 'maxmemory 0', `maxmemory-policy ${policy}`);
      await compare(server, ['SET k v', 'RPUSH l a b', 'HSET h f v g w', 'SADD s a', 'ZADD z 1 a']);
      await configure(server, 'maxmemory 1');
      for (const line of FULL) await compare(server, line.split('; '));
      await configure(server, 'maxmemory 0');
      await compare(server, ['SET k w', 'GET k']);
    },
  );
});
