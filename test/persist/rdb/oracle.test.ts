/** Values and files that redis-server wrote are loaded here, and the other way round, for every type and size. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OracleClient } from '../../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../../support/oracles.ts';
import { bulkBytes, loadFile, saveFile } from '../../support/rdb-file.ts';
import { SAMPLES } from '../../support/rdb-samples.ts';
import { TestServer } from '../../support/test-server.ts';
import { withoutNacked } from '../../differential/stream-commands.ts';

const CHECKER = 'redis-check-rdb';

describe.skipIf(isOracleMissing('redis-server'))('DUMP and RESTORE with redis-server', () => {
  let oracle: Oracle;
  let redis: OracleClient;
  const server = new TestServer();
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
    redis = await OracleClient.connect(oracle.port);
  });
  afterAll(() => oracle.stop());

  test.each(SAMPLES.map((sample) => [sample.name, sample] as const))('%s', async (_name, sample) => {
    await redis.run('FLUSHALL');
    server.run('FLUSHALL');
    for (const command of sample.commands) {
      await redis.run(...command);
      server.run(...command);
    }
    const digest = await redis.run('DEBUG', 'DIGEST');
    expect(server.run('DEBUG', 'DIGEST')).toBe(digest);
    const theirs = bulkBytes(await redis.run('DUMP', 'k'));
    const ours = bulkBytes(server.run('DUMP', 'k'));
    if (sample.isSameBytes) expect(ours.toString('hex')).toBe(theirs.toString('hex'));

    const value = await redis.run('DEBUG', 'DIGEST-VALUE', 'k');
    const whenMs = digest === value ? 0 : Number((await redis.run('PEXPIRETIME', 'k')).slice(1));
    const ttl = Math.max(whenMs, 0);
    server.run('FLUSHALL');
    expect(server.run('RESTORE', 'k', ttl, theirs, 'ABSTTL')).toBe('+OK\r\n');
    expect(server.run('DEBUG', 'DIGEST-VALUE', 'k')).toBe(value);
    expect(bulkBytes(server.run('DUMP', 'k')).length).toBeGreaterThan(10);
    server.verify();
    await redis.run('FLUSHALL');
    expect(await redis.run('RESTORE', 'k', ttl, ours, 'ABSTTL')).toBe('+OK\r\n');
    expect(await redis.run('DEBUG', 'DIGEST-VALUE', 'k')).toBe(value);
  });

  test.each([['c'], ['']])(
    'entries that consumer %p gave back are pending still, those of nobody',
    async (name) => {
      server.run('FLUSHALL');
      for (const id of ['1-0', '2-0', '3-0']) server.run('XADD', 'k', id, 'f', 'v');
      server.run('XGROUP', 'CREATE', 'k', 'g', '0');
      server.run('XREADGROUP', 'GROUP', 'g', name, 'STREAMS', 'k', '>');
      server.run('XNACK', 'k', 'g', 'FAIL', 'IDS', '2', '2-0', '3-0');
      const ours = bulkBytes(server.run('DUMP', 'k'));
      server.run('FLUSHALL');
      expect(server.run('RESTORE', 'k', 0, ours)).toBe('+OK\r\n');
      server.verify();
      const claim = ['XAUTOCLAIM', 'k', 'g', 'd', '999999', '0', 'JUSTID'];
      const wanted = '*3\r\n$3\r\n0-0\r\n*2\r\n$3\r\n2-0\r\n$3\r\n3-0\r\n*0\r\n';
      expect(server.run(...claim)).toBe(wanted);
      await redis.run('FLUSHALL');
      expect(await redis.run('RESTORE', 'k', 0, ours)).toBe('+OK\r\n');
      expect(await redis.run(...claim)).toBe(wanted);
    },
  );

  test('a stream comes back with its groups, consumers and pending entries', async () => {
    const sample = SAMPLES.find(({ name }) => name === 'stream with groups')!;
    await redis.run('FLUSHALL');
    for (const command of sample.commands) await redis.run(...command);
    const wanted = await redis.run('XINFO', 'STREAM', 'k', 'FULL', 'COUNT', '0');
    server.run('FLUSHALL');
    server.run('RESTORE', 'k', 0, bulkBytes(await redis.run('DUMP', 'k')));
    expect(withoutNacked(server.run('XINFO', 'STREAM', 'k', 'FULL', 'COUNT', '0'))).toBe(wanted);
    await redis.run('RESTORE', 'k', 0, bulkBytes(server.run('DUMP', 'k')), 'REPLACE');
    expect(await redis.run('XINFO', 'STREAM', 'k', 'FULL', 'COUNT', '0')).toBe(wanted);
  });
});

/** Settings of redis-server under which the same data is written in other forms. */
const SETTINGS: readonly (readonly string[])[] = [
  [],
  ['--rdbcompression', 'no', '--rdbchecksum', 'no'],
  ['--list-max-listpack-size', '3', '--list-compress-depth', '1', '--maxmemory-policy', 'allkeys-lru'],
  ['--hash-max-listpack-entries', '0', '--zset-max-listpack-entries', '0', '--set-max-intset-entries', '0'],
  [
    '--hash-max-listpack-value',
    '100000',
    '--zset-max-listpack-value',
    '100000',
    '--hash-max-listpack-entries',
    '5000',
  ],
  [
    '--maxmemory-policy',
    'allkeys-lfu',
    '--zset-max-listpack-entries',
    '5000',
    '--list-max-listpack-size',
    '-5',
  ],
];

describe.skipIf(isOracleMissing('redis-server'))('files with redis-server', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rdb-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function fill(redis: OracleClient | TestServer): Promise<void> {
    for (const [index, { commands }] of SAMPLES.entries()) {
      await redis.run('SELECT', index % 3);
      for (const command of commands) {
        await redis.run(...command.map((part) => (part === 'k' ? `k${index}` : part)));
      }
    }
    await redis.run('SELECT', 0);
  }

  test.each(SETTINGS.map((flags) => [flags.join(' ') || 'by default', flags] as const))(
    'what it has saved %s is loaded',
    async (_name, flags) => {
      const oracle = await startOracle('redis-server', [
        '--dir',
        folder,
        '--dbfilename',
        'theirs.rdb',
        ...flags,
      ]);
      const redis = await OracleClient.connect(oracle.port);
      await fill(redis);
      await redis.run('FUNCTION', 'LOAD', LIBRARY);
      const digest = await redis.run('DEBUG', 'DIGEST');
      expect(await redis.run('SAVE')).toBe('+OK\r\n');
      await oracle.stop();
      const server = new TestServer();
      const outcome = loadFile(server, readFileSync(join(folder, 'theirs.rdb')));
      expect(outcome.loader.keyCount).toBe(SAMPLES.length);
      expect(outcome.facts.get('redis-ver')).toStartWith('7.');
      expect(outcome.libraries).toEqual([LIBRARY]);
      expect(server.run('DEBUG', 'DIGEST')).toBe(digest);
      server.verify();
    },
  );

  test.each([
    ['compressed', { isCompressing: true }],
    ['as it is', { isCompressing: false }],
    ['without a checksum', { isSumming: false }],
    ['with idle times', { access: 1 }],
    ['with frequencies', { access: 2 }],
  ])('what is saved %s is loaded by it, and redis-check-rdb accepts it', async (_name, options) => {
    const server = new TestServer();
    await fill(server);
    const path = join(folder, 'ours.rdb');
    writeFileSync(path, saveFile(server, { ...options, libraries: [LIBRARY] }));
    const oracle = await startOracle('redis-server', ['--dir', folder, '--dbfilename', 'ours.rdb']);
    const redis = await OracleClient.connect(oracle.port);
    expect(await redis.run('DEBUG', 'DIGEST')).toBe(server.run('DEBUG', 'DIGEST'));
    expect(await redis.run('FUNCTION', 'LIST')).toContain('mylib');
    await oracle.stop();
    if (Bun.which(CHECKER) === null) return;
    const checked = Bun.spawnSync([CHECKER, path]);
    expect(checked.stdout.toString()).toContain('RDB looks OK');
    expect(checked.exitCode).toBe(0);
  });

  test('what redis-server cannot be told is passed over by it, and comes back here', async () => {
    const server = new TestServer();
    server.run('HSET', 'small', 'a', '1', 'b', '2');
    server.run('HPEXPIREAT', 'small', 33177117420000, 'FIELDS', 1, 'b');
    server.run('HSET', 'large', ...Array.from({ length: 1200 }, (_, index) => `f${index}`));
    server.run('HPEXPIREAT', 'large', 33177117420000, 'FIELDS', 2, 'f10', 'f500');
    server.connectMemcached().send('set item 77 0 5\r\nhello\r\n');
    const path = join(folder, 'ours.rdb');
    const file = saveFile(server);
    writeFileSync(path, file);
    const oracle = await startOracle('redis-server', ['--dir', folder, '--dbfilename', 'ours.rdb']);
    const redis = await OracleClient.connect(oracle.port);
    expect(await redis.run('DEBUG', 'DIGEST')).toBe(server.run('DEBUG', 'DIGEST'));
    await oracle.stop();
    for (const version of [10, 11, 12, 13, 14]) {
      const again = new TestServer();
      loadFile(again, saveFile(server, { version }));
      for (const command of [
        ['HPEXPIRETIME', 'small', 'FIELDS', 2, 'a', 'b'],
        ['HPEXPIRETIME', 'large', 'FIELDS', 3, 'f10', 'f500', 'f12'],
        ['HMGET', 'small', 'a', 'b'],
      ]) {
        expect(again.run(...command)).toBe(server.run(...command));
      }
      expect(again.connectMemcached().send('get item\r\n')).toBe('VALUE item 77 5\r\nhello\r\nEND\r\n');
      again.verify();
    }
  });
});

const LIBRARY = "#!lua name=mylib\nredis.register_function('myfunction', function() return 'hello' end)";
