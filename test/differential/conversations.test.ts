/** Pub/sub and client-side caching against redis-server: random conversations of several clients in both protocols. */
import { afterAll, beforeAll, describe, test } from 'bun:test';
import { Conversation } from '../support/conversation.ts';
import { chooseCommandCount, chooseSeed, type Command, Random } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';

const COMMANDS = 2000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 5;
const CLIENTS = 6;

type ClientCommand = (random: Random) => Command;

const channel = (random: Random): string => random.pick(['a', 'b', 'ab', 'news', '', 'x\r\ny']);
const pattern = (random: Random): string => random.pick(['a*', '*b', '[an]*', 'zz', '*', '\\a']);
const some = (random: Random, make: (random: Random) => string): string[] =>
  Array.from({ length: random.between(1, 3) }, () => make(random));
const text = (random: Random): string =>
  random.oneIn(20) ? 'x'.repeat(random.below(4000)) : `m${random.below(100)}`;

const CONNECTION: readonly ClientCommand[] = [
  (random) => ['HELLO', random.between(2, 3)],
  (random) => ['CLIENT', 'REPLY', random.pick(['ON', 'ON', 'OFF', 'SKIP'])],
  () => ['RESET'],
  () => ['PING'],
  () => ['PING', 'hello'],
  () => ['GET', 'nothing'],
];

const PUBSUB: readonly ClientCommand[] = [
  (random) => ['SUBSCRIBE', ...some(random, channel)],
  (random) => ['SUBSCRIBE', ...some(random, channel)],
  (random) => ['UNSUBSCRIBE', ...some(random, channel)],
  () => ['UNSUBSCRIBE'],
  (random) => ['PSUBSCRIBE', ...some(random, pattern)],
  (random) => ['PUNSUBSCRIBE', ...some(random, pattern)],
  () => ['PUNSUBSCRIBE'],
  (random) => ['SSUBSCRIBE', ...some(random, channel)],
  (random) => ['SUNSUBSCRIBE', ...some(random, channel)],
  () => ['SUNSUBSCRIBE'],
  (random) => ['PUBLISH', channel(random), text(random)],
  (random) => ['PUBLISH', channel(random), text(random)],
  (random) => ['PUBLISH', channel(random), text(random)],
  (random) => ['SPUBLISH', channel(random), text(random)],
  () => ['PUBSUB', 'CHANNELS'],
  (random) => ['PUBSUB', 'CHANNELS', pattern(random)],
  (random) => ['PUBSUB', 'NUMSUB', ...some(random, channel)],
  () => ['PUBSUB', 'NUMPAT'],
  () => ['PUBSUB', 'SHARDCHANNELS'],
  (random) => ['PUBSUB', 'SHARDNUMSUB', ...some(random, channel)],
  (random) => [random.pick(['SUBSCRIBE', 'PUBLISH', 'PUBSUB', 'SPUBLISH'])],
  (random) => ['PUBSUB', random.pick(['CHANNELS', 'NUMPAT', 'NOSUCH']), 'a', 'b'],
];

const key = (random: Random): string => random.pick(['a', 'b', 'foo:1', 'foo:2', 'bar:1', '\0\xff']);
const READS: readonly ClientCommand[] = [
  (random) => ['GET', key(random)],
  (random) => ['MGET', ...some(random, key)],
  (random) => ['EXISTS', ...some(random, key)],
  (random) => ['TYPE', key(random)],
  (random) => ['LRANGE', key(random), 0, -1],
  (random) => ['HGET', key(random), 'f'],
  (random) => ['SINTER', ...some(random, key)],
  (random) => ['STRLEN', key(random)],
  (random) => ['TTL', key(random)],
];
const WRITES: readonly ClientCommand[] = [
  (random) => ['SET', key(random), random.below(10)],
  (random) => ['MSET', key(random), 1, key(random), 2],
  (random) => ['MSETNX', key(random), 1, key(random), 2],
  (random) => ['DEL', ...some(random, key)],
  (random) => ['INCR', key(random)],
  (random) => ['APPEND', key(random), 'x'],
  (random) => ['LPUSH', key(random), 1],
  (random) => ['RPOP', key(random)],
  (random) => ['HSET', key(random), 'f', random.below(3)],
  (random) => ['HDEL', key(random), 'f'],
  (random) => ['SADD', key(random), random.below(3)],
  (random) => ['SREM', key(random), random.below(3)],
  (random) => ['ZADD', key(random), random.below(3), 'm'],
  (random) => ['EXPIRE', key(random), 1000],
  (random) => ['PERSIST', key(random)],
  (random) => ['RENAME', key(random), key(random)],
  (random) => ['SINTERSTORE', key(random), key(random), key(random)],
  (random) => ['GETSET', key(random), 1],
  (random) => ['SELECT', random.below(3)],
];
const EMPTYING: readonly ClientCommand[] = [() => ['FLUSHALL'], () => ['FLUSHDB']];
const mode = (random: Random): string[] =>
  random
    .pick([
      '',
      '',
      'NOLOOP',
      'OPTIN',
      'OPTOUT',
      'OPTIN NOLOOP',
      'BCAST',
      'BCAST PREFIX foo:',
      'BCAST PREFIX foo: PREFIX b NOLOOP',
      'BCAST PREFIX f PREFIX foo',
      'PREFIX x',
      'REDIRECT #4',
      'REDIRECT #5 NOLOOP',
      'BCAST REDIRECT #5',
      'REDIRECT 1000000',
    ])
    .split(' ')
    .filter(Boolean);
const TRACKING: readonly ClientCommand[] = [
  (random) => ['CLIENT', 'TRACKING', 'ON', ...mode(random)],
  () => ['CLIENT', 'TRACKING', 'OFF'],
  (random) => ['CLIENT', 'CACHING', random.pick(['YES', 'NO'])],
  () => ['CLIENT', 'TRACKINGINFO'],
];

const NOTIFIED: readonly ClientCommand[] = [
  (random) => ['SET', key(random), 1],
  (random) => ['SET', key(random), 1, 'EX', 1000],
  (random) => ['SET', key(random), 1, random.pick(['NX', 'XX', 'KEEPTTL', 'GET'])],
  (random) => ['SETNX', key(random), 1],
  (random) => ['SETEX', key(random), 1000, 1],
  (random) => ['GETEX', key(random), 'EX', 1000],
  (random) => ['GETEX', key(random), 'PERSIST'],
  (random) => ['GETDEL', key(random)],
  (random) => ['GETSET', key(random), 1],
  () => ['MSET', 'a', 1, 'b', 2],
  () => ['MSETNX', 'a', 1, 'b', 2],
  (random) => ['INCR', key(random)],
  (random) => ['DECRBY', key(random), 2],
  (random) => ['INCRBYFLOAT', key(random), 0.5],
  (random) => ['APPEND', key(random), 'x'],
  (random) => ['SETRANGE', key(random), 1, 'x'],
  (random) => ['DEL', key(random)],
  () => ['DEL', 'a', 'b'],
  (random) => ['UNLINK', key(random)],
  (random) => ['EXPIRE', key(random), random.pick([1000, -1])],
  (random) => ['PEXPIREAT', key(random), random.pick([1, 99999999999999])],
  (random) => ['PERSIST', key(random)],
  (random) => ['RENAME', key(random), key(random)],
  (random) => ['RENAMENX', key(random), key(random)],
  (random) => ['COPY', key(random), key(random), 'REPLACE'],
  (random) => [random.pick(['LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX']), key(random), 1, 2],
  (random) => [random.pick(['LPOP', 'RPOP']), key(random)],
  (random) => [random.pick(['LPOP', 'RPOP']), key(random), 2],
  (random) => ['LINSERT', key(random), 'BEFORE', 1, 3],
  (random) => ['LSET', key(random), 0, 3],
  (random) => ['LREM', key(random), 0, random.pick([1, 2])],
  (random) => ['LTRIM', key(random), random.below(2), random.below(3)],
  (random) => [
    'LMOVE',
    key(random),
    key(random),
    random.pick(['LEFT', 'RIGHT']),
    random.pick(['LEFT', 'RIGHT']),
  ],
  (random) => ['RPOPLPUSH', key(random), key(random)],
  (random) => ['LMPOP', 2, 'a', 'foo:1', random.pick(['LEFT', 'RIGHT'])],
  (random) => ['SADD', key(random), random.below(3)],
  (random) => ['SREM', key(random), random.below(3)],
  (random) => ['SPOP', key(random), 10],
  (random) => ['SMOVE', key(random), key(random), 1],
  (random) => [
    random.pick(['SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE']),
    key(random),
    key(random),
    key(random),
  ],
  (random) => ['HSET', key(random), 'f', random.below(3)],
  (random) => ['HSETNX', key(random), 'g', 1],
  (random) => ['HINCRBY', key(random), 'n', 1],
  (random) => ['HINCRBYFLOAT', key(random), 'n', 1.5],
  (random) => ['HDEL', key(random), 'f', 'g'],
  (random) => ['ZADD', key(random), random.below(3), 'm'],
  (random) => ['ZADD', key(random), 'INCR', 1, 'm'],
  (random) => ['ZADD', key(random), 1, 'incr'],
  (random) => ['XADD', key(random), random.pick(['1-*', '2-1']), 'f', 'v'],
  (random) => ['XDEL', key(random), '1-0', '1-1'],
  (random) => ['XTRIM', key(random), 'MAXLEN', random.below(3)],
  (random) => ['XSETID', key(random), '9-1'],
  (random) => ['XGROUP', 'CREATE', random.pick(['a', 'foo:1']), 'g', '0', 'MKSTREAM'],
  (random) => ['XGROUP', 'SETID', random.pick(['a', 'foo:1']), 'g', '$'],
  (random) => ['XGROUP', 'CREATECONSUMER', random.pick(['a', 'foo:1']), 'g', random.pick(['c', 'd'])],
  (random) => ['XGROUP', 'DELCONSUMER', random.pick(['a', 'foo:1']), 'g', 'c'],
  (random) => ['XGROUP', 'DESTROY', random.pick(['a', 'foo:1']), 'g'],
  (random) => ['ZINCRBY', key(random), 1, 'm'],
  (random) => ['ZREM', key(random), 'm'],
  (random) => ['ZREMRANGEBYRANK', key(random), 0, 0],
  (random) => ['ZREMRANGEBYSCORE', key(random), 0, 1],
  (random) => ['ZPOPMIN', key(random)],
  (random) => ['ZMPOP', 2, 'a', 'foo:1', random.pick(['MIN', 'MAX'])],
  (random) => [
    random.pick(['ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE']),
    key(random),
    2,
    key(random),
    key(random),
  ],
  (random) => ['ZRANGESTORE', key(random), key(random), 0, random.pick([-1, 0])],
  (random) => ['SORT', key(random), 'BY', 'nosort', 'STORE', key(random)],
  (random) => ['SELECT', random.below(2)],
  () => ['FLUSHDB'],
];

/** Passwords, what is not shown, and bytes that must be quoted. */
const SHOWN_OTHERWISE: readonly ClientCommand[] = [
  (random) => ['AUTH', ...some(random, text).slice(0, 2)],
  () => ['HELLO', 2, 'AUTH', 'default', 'secret', 'SETNAME', 'me'],
  () => ['CONFIG', 'GET', 'databases'],
  () => ['CLIENT', 'GETNAME'],
  () => ['CLIENT', 'KILL', 'ID', '1000000'],
  () => ['NOSUCH', 'a'],
  () => ['GET'],
  (random) => ['eChO', Buffer.from(Array.from({ length: 12 }, () => random.below(256)))],
];

describe.skipIf(isOracleMissing('redis-server'))('conversations are those of redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  async function converse(
    choose: (random: Random, client: number) => ClientCommand,
    first: Command = ['PING'],
  ): Promise<void> {
    const seed = chooseSeed();
    console.log(`seed ${seed}`);
    const random = new Random(seed);
    const conversation = await Conversation.open(oracle.port, CLIENTS + 1);
    try {
      await conversation.step(CLIENTS, first);
      // When nobody tracks any more, we forget what was read.
      await conversation.step(CLIENTS, ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'no such key']);
      for (let step = 0; step < chooseCommandCount(COMMANDS); step++) {
        const client = random.below(CLIENTS);
        if (random.oneIn(100)) await conversation.renew(client);
        else await conversation.step(client, choose(random, client)(random), first.length === 1);
      }
    } finally {
      conversation.close();
    }
  }

  test(
    'publish and subscribe',
    () => converse((random) => random.pick(random.oneIn(8) ? CONNECTION : PUBSUB)),
    TIMEOUT_MS,
  );

  test(
    'monitors',
    () =>
      converse((random, client) => {
        if (client < 2 && random.oneIn(3)) return () => ['MONITOR'];
        return random.pick(
          random.pick([CONNECTION, PUBSUB, random.oneIn(2) ? READS : WRITES, SHOWN_OTHERWISE, EMPTYING]),
        );
      }),
    TIMEOUT_MS,
  );

  test(
    'keyspace notifications',
    () =>
      converse(
        (random, client) => {
          if (client === 0)
            return () => [random.pick(['PSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE']), '__key*'];
          return random.pick(NOTIFIED);
        },
        ['CONFIG', 'SET', 'notify-keyspace-events', 'AKEnm'],
      ),
    TIMEOUT_MS,
  );

  test(
    'client-side caching',
    () =>
      converse((random, client) => {
        // The last two are told in place of others.
        if (client >= CLIENTS - 2 && random.oneIn(2)) {
          return () => [random.pick(['SUBSCRIBE', 'UNSUBSCRIBE']), '__redis__:invalidate'];
        }
        if (random.oneIn(10)) return random.pick(CONNECTION);
        if (random.oneIn(6)) return random.pick(TRACKING);
        if (client < CLIENTS - 2 && random.oneIn(40)) return random.pick(EMPTYING);
        // Whether who is told in place of others hears of its own change before or behind the reply is up to each
        // command of Redis.
        return random.pick(client >= CLIENTS - 2 || random.oneIn(2) ? READS : WRITES);
      }),
    TIMEOUT_MS,
  );
});
