/** MIGRATE to redis-server, from it, and between two of ours. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../../support/oracles.ts';
import { type RealServer, startRealServer } from '../../support/real-server.ts';
import { SAMPLES } from '../../support/rdb-samples.ts';
import { findFreePort } from '../../support/free-port.ts';

const HOST = '127.0.0.1';
const OK = '+OK\r\n';

describe.skipIf(isOracleMissing('redis-server'))('MIGRATE', () => {
  let oracle: Oracle;
  let server: RealServer;
  let other: RealServer;
  let redis: OracleClient;
  let ours: OracleClient;
  let otherOurs: OracleClient;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    server = await startRealServer(['--enable-debug-command', 'yes']);
    other = await startRealServer(['--requirepass', 'secret', '--enable-debug-command', 'yes']);
    redis = await OracleClient.connect(oracle.port);
    ours = await OracleClient.connect(server.port);
    otherOurs = await OracleClient.connect(other.port);
    await otherOurs.run('AUTH', 'secret');
  });
  afterAll(async () => {
    await oracle.stop();
    await server.stop();
    await other.stop();
  });

  async function fill(client: OracleClient): Promise<string[]> {
    const names = SAMPLES.map((_, index) => `k${index}`);
    await client.run('FLUSHALL');
    for (const [index, { commands }] of SAMPLES.entries()) {
      for (const command of commands)
        await client.run(...command.map((part) => (part === 'k' ? names[index]! : part)));
    }
    return names;
  }

  test('moves every type to redis-server and back', async () => {
    await redis.run('FLUSHALL');
    const names = await fill(ours);
    const digest = await ours.run('DEBUG', 'DIGEST');
    expect(await ours.run('MIGRATE', HOST, oracle.port, '', 0, 5000, 'KEYS', ...names, 'nokey')).toBe(OK);
    expect(await redis.run('DEBUG', 'DIGEST')).toBe(digest);
    expect(await ours.run('DBSIZE')).toBe(':0\r\n');
    expect(await redis.run('MIGRATE', HOST, server.port, '', 0, 5000, 'KEYS', ...names)).toBe(OK);
    expect(await ours.run('DEBUG', 'DIGEST')).toBe(digest);
    expect(await redis.run('DBSIZE')).toBe(':0\r\n');
  });

  test('copies, replaces, takes the time along, and chooses the database', async () => {
    await ours.run('FLUSHALL');
    await redis.run('FLUSHALL');
    await ours.run('SET', 'a', '1', 'EX', '1000');
    expect(await ours.run('MIGRATE', HOST, oracle.port, 'a', 3, 5000, 'COPY')).toBe(OK);
    expect(await ours.run('MIGRATE', HOST, oracle.port, 'a', 3, 5000, 'COPY')).toBe(
      '-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n',
    );
    expect(await ours.run('GET', 'a')).toBe('$1\r\n1\r\n');
    await ours.run('APPEND', 'a', '2');
    expect(await ours.run('MIGRATE', HOST, oracle.port, 'a', 3, 5000, 'REPLACE')).toBe(OK);
    expect(await ours.run('EXISTS', 'a')).toBe(':0\r\n');
    await redis.run('SELECT', 3);
    expect(await redis.run('GET', 'a')).toBe('$2\r\n12\r\n');
    const ttl = Number((await redis.run('TTL', 'a')).slice(1));
    expect(ttl).toBeGreaterThan(900);
    expect(ttl).toBeLessThanOrEqual(1000);
    await redis.run('SELECT', 0);
  });

  test('says who it is, in either way', async () => {
    await otherOurs.run('FLUSHALL');
    for (const [name, ...credentials] of [
      ['a', 'AUTH', 'secret'],
      ['b', 'AUTH2', 'default', 'secret'],
    ]) {
      await ours.run('SET', name!, 'x');
      expect(await ours.run('MIGRATE', HOST, other.port, name!, 0, 5000, ...credentials)).toBe(OK);
      expect(await otherOurs.run('GET', name!)).toBe('$1\r\nx\r\n');
    }
    await ours.run('SET', 'c', 'x');
    expect(await ours.run('MIGRATE', HOST, other.port, 'c', 0, 5000)).toStartWith(
      '-ERR Target instance replied with error: NOAUTH',
    );
    expect(await ours.run('MIGRATE', HOST, other.port, 'c', 0, 5000, 'AUTH', 'wrong')).toStartWith(
      '-ERR Target instance replied with error: WRONGPASS',
    );
    expect(await ours.run('EXISTS', 'c')).toBe(':1\r\n');
  });

  test('answers as redis-server what cannot be done', async () => {
    await ours.run('FLUSHALL');
    await redis.run('FLUSHALL');
    for (const client of [ours, redis]) await client.run('SET', 'a', '1');
    const nobody = findFreePort();
    for (const parts of [
      [HOST, nobody, 'none', 0, 100],
      [HOST, nobody, 'a', 0, 100],
      [HOST, nobody, 'a', 0, 100, 'KEYS', 'a'],
      [HOST, nobody, 'a', 0, 100, 'FOO'],
      [HOST, nobody, 'a', 0, 100, 'AUTH'],
      [HOST, nobody, 'a', 0, 100, 'AUTH2', 'x'],
      [HOST, nobody, 'a', 'x', 100],
      [HOST, nobody, 'a', 0, 'x'],
      [HOST, nobody, '', 0, 100, 'KEYS'],
    ]) {
      expect(await ours.run('MIGRATE', ...parts)).toBe(await redis.run('MIGRATE', ...parts));
    }
    expect(await ours.run('MIGRATE', HOST, oracle.port, 'a', 99, 1000)).toBe(
      '-ERR Target instance replied with error: ERR DB index is out of range\r\n',
    );
    expect(await ours.run('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  test('gives up on a target that does not answer, and serves others meanwhile', async () => {
    const silent = Bun.listen({ hostname: HOST, port: 0, socket: { data: () => {} } });
    await ours.run('SET', 'a', '1');
    const bystander = await OracleClient.connect(server.port);
    const answer = ours.run('MIGRATE', HOST, silent.port, 'a', 0, 300);
    expect(await bystander.run('GET', 'a')).toBe('$1\r\n1\r\n');
    expect(await answer).toBe('-IOERR error or timeout reading to target instance\r\n');
    expect(await ours.run('GET', 'a')).toBe('$1\r\n1\r\n');
    silent.stop(true);
    bystander.close();
  });

  test('replies in its place in a transaction, and refuses to be part of a script', async () => {
    await ours.run('FLUSHALL');
    await redis.run('FLUSHALL');
    await ours.run('MSET', 'a', '1', 'b', '2');
    await ours.run('MULTI');
    await ours.run('GET', 'a');
    await ours.run('MIGRATE', HOST, oracle.port, '', 0, 5000, 'KEYS', 'a', 'b');
    await ours.run('SELECT', 5);
    expect(await ours.run('EXEC')).toBe(`*3\r\n$1\r\n1\r\n${OK}${OK}`);
    await ours.run('SELECT', 0);
    expect(await ours.run('DBSIZE')).toBe(':0\r\n');
    expect(await redis.run('MGET', 'a', 'b')).toBe('*2\r\n$1\r\n1\r\n$1\r\n2\r\n');
    await ours.run('SET', 'a', '1');
    const script = `return redis.call('migrate', '${HOST}', '${oracle.port}', 'a', 0, 1000)`;
    expect(await ours.run('EVAL', script, 0)).toContain('not allowed from script');
    expect(await ours.run('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  test('sends a key again that was changed meanwhile, and loses no change', async () => {
    await redis.run('FLUSHALL');
    const writer = await OracleClient.connect(server.port);
    for (let round = 0; round < 30; round++) {
      await ours.run('SET', 'n', '0');
      await redis.run('DEL', 'n');
      const answer = ours.run('MIGRATE', HOST, oracle.port, 'n', 0, 5000, 'REPLACE');
      let counted = 0;
      for (let i = 0; i < round % 5; i++)
        if ((await writer.run('INCR', 'n')) === `:${counted + 1}\r\n`) counted++;
      expect(await answer).toBe(OK);
      const there = Number((await redis.run('GET', 'n')).split('\r\n')[1]);
      const here = Number((await ours.run('GET', 'n')).split('\r\n')[1] ?? 0) || 0;
      // Once it has gone, the next INCR begins a new key here.
      expect(there + here).toBeGreaterThanOrEqual(Math.min(counted, 1));
      if ((await ours.run('EXISTS', 'n')) === ':0\r\n') expect(there).toBe(counted);
    }
    writer.close();
  });
});
