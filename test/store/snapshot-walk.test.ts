/** Snapshots are of one moment, whatever is done to the data while they are taken. */
import { expect, test } from 'bun:test';
import { Head } from '../../src/memory/shard.ts';
import { Key } from '../../src/store/key.ts';
import { expireSlice } from '../../src/store/walking.ts';
import { clockedServer } from '../support/clocked-server.ts';
import { Prng } from '../support/prng.ts';
import { freshSeed } from '../support/seed.ts';
import { TestServer } from '../support/test-server.ts';
import { loadInto, WalkedSnapshot } from '../support/walked-snapshot.ts';

const NOW_MS = 1_800_000_000_000;
const NAMES = 30;
const BIG = 400;
const ROUNDS = Number(process.env['SNAPSHOT_ROUNDS'] ?? 6);
type Word = string | number;

/** Commands that change data of every type, packed and large, and move them about. */
function randomCommand(prng: Prng): Word[] {
  const name = (type: string): string => `${type}${prng.below(NAMES)}`;
  const number = (): number => prng.below(BIG);
  const text = (): string => 'v'.repeat(prng.below(120)) + String(number());
  const any = (): string => name('slhzxtb'[prng.below(7)]!);
  const choices: (() => Word[])[] = [
    () => ['SET', name('s'), text()],
    () => ['SET', name('s'), text(), 'PX', 1 + prng.below(2000), 'GET'],
    () => ['MSET', name('s'), text(), name('s'), text()],
    () => ['APPEND', name('s'), text()],
    () => ['SETRANGE', name('s'), prng.below(50), text()],
    () => ['INCR', name('n')],
    () => ['GETDEL', any()],
    () => ['GETEX', name('s'), 'PX', 1 + prng.below(2000)],
    () => ['GETEX', name('s'), 'PERSIST'],
    () => ['SETBIT', name('b'), number() * 10, 1],
    () => ['BITOP', 'OR', name('b'), name('b'), name('b')],
    () => ['PFADD', name('p'), number()],
    () => ['PFCOUNT', name('p'), name('p')],
    () => ['PFMERGE', name('p'), name('p')],
    () => ['RPUSH', name('l'), text(), text(), text()],
    () => ['LSET', name('l'), 0, text()],
    () => ['LPOP', name('l'), 1 + prng.below(3)],
    () => ['LMOVE', name('l'), name('l'), 'LEFT', 'RIGHT'],
    () => ['LTRIM', name('l'), 0, prng.below(300)],
    () => ['HSET', name('h'), number(), text(), number(), text()],
    () => ['HDEL', name('h'), number(), number()],
    () => ['HINCRBY', name('h'), 'count', 1],
    () => ['HPEXPIRE', name('h'), 1 + prng.below(3000), 'FIELDS', 1, number()],
    () => ['HGETALL', name('h')],
    () => ['ZADD', name('z'), number(), number(), number(), text()],
    () => ['ZPOPMIN', name('z')],
    () => ['ZRANGESTORE', name('z'), name('z'), 0, 200],
    () => ['ZUNIONSTORE', name('z'), 2, name('z'), name('t')],
    () => ['SADD', name('t'), number(), number(), text()],
    () => ['SPOP', name('t')],
    () => ['SMOVE', name('t'), name('t'), number()],
    () => ['SUNIONSTORE', name('t'), name('t'), name('t')],
    () => ['XADD', name('x'), '*', 'field', text()],
    () => ['XTRIM', name('x'), 'MAXLEN', prng.below(50)],
    () => ['XGROUP', 'CREATE', name('x'), 'g', '0'],
    () => ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 3, 'STREAMS', name('x'), '>'],
    () => ['XACK', name('x'), 'g', `${NOW_MS}-0`],
    () => ['XAUTOCLAIM', name('x'), 'g', 'd', 0, '0'],
    () => ['DEL', any()],
    () => ['RENAME', any(), any()],
    () => ['COPY', any(), any(), 'REPLACE'],
    () => ['MOVE', any(), 1 + prng.below(2)],
    () => ['SORT', name('t'), 'ALPHA', 'STORE', name('l')],
    () => ['PEXPIRE', any(), 1 + prng.below(2000)],
    () => ['PERSIST', any()],
    () => ['SWAPDB', prng.below(3), prng.below(3)],
    () => ['SELECT', prng.below(3)],
    () => ['EVAL', "redis.call('SET', KEYS[1], 1); return redis.call('DEL', 's1', 'l1')", 1, name('s')],
    () => ['RESTORE', any(), 0, 'not a payload'],
  ];
  return choices[prng.below(choices.length)]!();
}

function fill(run: (...words: Word[]) => unknown): void {
  for (const i of [0, 1, 2]) {
    const numbers = Array.from({ length: BIG * 2 }, (_, index) => index);
    run('RPUSH', `l${i}`, ...numbers.map((number) => `element ${number}`));
    run('HSET', `h${i}`, ...numbers.flatMap((number) => [number, `value ${number}`]));
    run('ZADD', `z${i}`, ...numbers.flatMap((number) => [number * 1.5, `member ${number}`]));
    run('SADD', `t${i}`, ...numbers.map((number) => `member ${number}`));
    for (const number of numbers.slice(0, 250)) run('XADD', `x${i}`, `${number + 1}-1`, 'n', number);
  }
}

test('every record is there as it was at the moment, whatever is done to it while the walk goes on', () => {
  const seed = freshSeed('snapshot walk');
  const prng = new Prng(seed);
  const { server, clock } = clockedServer(NOW_MS);
  const { engine } = server;
  fill((...words) => server.run(...words));
  const memcached = server.connectMemcached();
  const key = new Key(engine.keyspace.shards[0]!);
  let preserved = 0;
  let seen = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < 150; i++) server.run(...randomCommand(prng));
    const digest = server.run('DEBUG', 'DIGEST');
    const snapshot = new WalkedSnapshot(server);
    for (let i = 0; i < 150; i++) {
      clock.nowMs += prng.below(10);
      const words = randomCommand(prng);
      if (prng.below(4) === 0) {
        for (const word of [['MULTI'], words, randomCommand(prng), ['EXEC']]) server.run(...word);
      } else server.run(...words);
      if (prng.below(8) === 0) memcached.send(`set s${prng.below(NAMES)} 5 0 3\r\nabc\r\n`);
      if (prng.below(8) === 0) memcached.send(`incr n${prng.below(NAMES)} 1\r\n`);
      const shard = engine.keyspace.shards[prng.below(engine.keyspace.shards.length)]!;
      if (prng.below(8) === 0) expireSlice(engine.keyspace, shard, 20, key);
      if (prng.below(3) === 0) snapshot.step(prng.below(engine.keyspace.shards.length), 1 + prng.below(4));
    }
    const other = new TestServer();
    loadInto(other, snapshot.finish());
    expect(other.run('DEBUG', 'DIGEST')).toBe(digest);
    other.verify();
    server.verify();
    preserved += snapshot.preserved;
    seen += snapshot.seen;
  }
  // Neither the walk nor the commands do it all.
  expect(preserved).toBeGreaterThan(ROUNDS * 12);
  expect(seen).toBeGreaterThan(ROUNDS * 12);
});

test('the epoch may wrap around', () => {
  const server = new TestServer();
  server.run('SET', 'old', 1);
  for (let round = 0; round < 600; round++) {
    server.run('SET', 'young', round);
    const snapshot = new WalkedSnapshot(server);
    server.run('SET', 'young', 'another');
    const file = snapshot.finish();
    expect(snapshot.seen + snapshot.preserved).toBe(2);
    if (round % 150 !== 0) continue;
    const other = new TestServer();
    loadInto(other, file);
    expect(other.run('MGET', 'old', 'young')).toBe(
      `*2\r\n$1\r\n1\r\n$${String(round).length}\r\n${round}\r\n`,
    );
  }
  const { heads, head } = server.engine.keyspace.shards[0]!;
  expect(heads[head + Head.Epoch]).toBe(600 & 0xff);
});

test('who waits for a list is served with what the snapshot has still to see', () => {
  const server = new TestServer();
  const [waiting, giver] = [server.connect(), server.connect()];
  waiting.run('BLMOVE', 'from', 'to', 'LEFT', 'LEFT', 0);
  server.run('RPUSH', 'to', 'before');
  const digest = server.run('DEBUG', 'DIGEST');
  const snapshot = new WalkedSnapshot(server);
  giver.run('RPUSH', 'from', 'given');
  expect(server.run('LLEN', 'to')).toBe(':2\r\n');
  const other = new TestServer();
  loadInto(other, snapshot.finish());
  expect(other.run('DEBUG', 'DIGEST')).toBe(digest);
});

test('a time that is given to what was only read is not in the snapshot', () => {
  const server = new TestServer();
  server.run('SET', 'key', 'value');
  server.run('SET', 'item', 'value');
  const memcached = server.connectMemcached();
  const digest = server.run('DEBUG', 'DIGEST');
  const snapshot = new WalkedSnapshot(server);
  expect(server.run('GETEX', 'key', 'EX', 1000)).toBe('$5\r\nvalue\r\n');
  memcached.send('gat 1000 item\r\n');
  expect(server.run('TTL', 'item')).toBe(':1000\r\n');
  const other = new TestServer();
  loadInto(other, snapshot.finish());
  expect(other.run('DEBUG', 'DIGEST')).toBe(digest);
  expect(other.run('TTL', 'key')).toBe(':-1\r\n');
});
