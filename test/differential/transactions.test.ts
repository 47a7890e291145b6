/** Random transactions of several clients against redis-server: conflicts of WATCH, errors of both kinds, blocking. */
import { afterAll, beforeAll, describe, test } from 'bun:test';
import { Conversation } from '../support/conversation.ts';
import { chooseCommandCount, chooseSeed, type Command, Random } from '../support/differential.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';

const COMMANDS = 4000;
const TIMEOUT_MS = 60_000 + chooseCommandCount(COMMANDS) * 5;
const CLIENTS = 4;

type ClientCommand = (random: Random) => Command;

const key = (random: Random): string => random.pick(['a', 'b', 'c', 'd']);

const CONTROL: readonly ClientCommand[] = [
  () => ['MULTI'],
  () => ['MULTI'],
  () => ['EXEC'],
  () => ['EXEC'],
  (random) => ['WATCH', key(random)],
  (random) => ['WATCH', key(random), key(random)],
  (random) => [random.pick(['UNWATCH', 'DISCARD', 'RESET', 'PING'])],
  (random) => ['HELLO', random.between(2, 3)],
  (random) => ['SELECT', random.below(2)],
  (random) => [
    random.pick(['EXEC', 'MULTI', 'WATCH', 'GET', 'NOSUCH', 'UNWATCH']),
    ...(random.oneIn(2) ? [] : ['a', 'b', 'c']),
  ],
];

const DATA: readonly ClientCommand[] = [
  (random) => ['GET', key(random)],
  (random) => ['MGET', key(random), key(random)],
  (random) => ['SET', key(random), random.below(5)],
  (random) => ['SET', key(random), 'x', 'PX', 100_000],
  (random) => ['SET', key(random), 'x', random.pick(['NX', 'XX', 'GET'])],
  (random) => ['MSET', key(random), 1, key(random), 2],
  (random) => ['INCR', key(random)],
  (random) => ['APPEND', key(random), 'y'],
  (random) => ['DEL', key(random)],
  (random) => ['EXPIRE', key(random), random.pick([100, -1])],
  (random) => ['PERSIST', key(random)],
  (random) => ['RPUSH', key(random), random.below(3)],
  (random) => ['LPOP', key(random)],
  (random) => ['LMOVE', key(random), key(random), 'LEFT', 'RIGHT'],
  (random) => ['SADD', key(random), random.below(3)],
  (random) => ['SREM', key(random), random.below(3)],
  (random) => ['HSET', key(random), 'f', random.below(3)],
  (random) => ['HDEL', key(random), 'f'],
  (random) => ['ZADD', key(random), random.below(3), 'm'],
  (random) => ['ZREM', key(random), 'm'],
  (random) => ['RENAME', key(random), key(random)],
  (random) => ['COPY', key(random), key(random), 'REPLACE'],
  (random) => ['COPY', key(random), key(random), 'DB', random.below(2)],
  (random) => ['MOVE', key(random), random.below(2)],
  (random) => ['SETRANGE', key(random), random.below(4), ''],
  (random) => ['GETEX', key(random), ...(random.oneIn(2) ? [] : ['PERSIST'])],
  (random) => ['SORT', key(random), 'BY', 'nosort', 'STORE', key(random)],
  (random) => ['TYPE', key(random)],
  () => ['DBSIZE'],
];

const RARE: readonly ClientCommand[] = [
  () => ['FLUSHDB'],
  () => ['FLUSHALL'],
  (random) => ['SWAPDB', random.below(2), random.below(2)],
];

function anyCommand(random: Random): Command {
  if (random.oneIn(40)) return random.pick(RARE)(random);
  return random.pick(random.oneIn(3) ? CONTROL : DATA)(random);
}

describe.skipIf(isOracleMissing('redis-server'))('transactions as redis-server has them', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test(
    'random transactions of several clients',
    async () => {
      const seed = chooseSeed();
      console.log(`seed ${seed}`);
      const random = new Random(seed);
      const conversation = await Conversation.open(oracle.port, CLIENTS);
      for (let step = 0; step < chooseCommandCount(COMMANDS); step++) {
        await conversation.step(random.below(CLIENTS), anyCommand(random));
      }
      conversation.close();
    },
    TIMEOUT_MS,
  );
});
