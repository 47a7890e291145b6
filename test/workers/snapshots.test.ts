/** Snapshots of the real server: one point in time over all shards and workers, and everything that ends or begins with one. */
import { afterEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../support/free-port.ts';
import { Prng } from '../support/prng.ts';
import { type RealServer, RealClient, runToEnd, startRealServer } from '../support/real-server.ts';
import { freshSeed } from '../support/seed.ts';

const folders: string[] = [];
const servers: RealServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'snapshots-'));
  folders.push(folder);
  return folder;
}

async function start(folder: string, ...flags: string[]): Promise<RealServer> {
  const own = ['--dir', folder, '--dbfilename', 'dump.rdb', '--enable-debug-command', 'yes'];
  const server = await startRealServer([...own, ...flags]);
  servers.push(server);
  return server;
}

async function info(client: RealClient): Promise<Map<string, string>> {
  const text = await client.ask('INFO', 'persistence');
  return new Map(text.split('\r\n').map((line) => line.split(':') as [string, string]));
}

/** Runs BGSAVE and waits until it is over. */
async function save(client: RealClient): Promise<void> {
  expect(await client.ask('BGSAVE')).toBe('+Background saving started\r\n');
  while ((await info(client)).get('rdb_bgsave_in_progress') === '1') await Bun.sleep(5);
  expect((await info(client)).get('rdb_last_bgsave_status')).toBe('ok');
}

const ACCOUNTS = 2000;
const START_AMOUNT = 1000;

/** Moves amounts between accounts, of several forms, until told to stop. */
async function transfer(port: number, prng: Prng, isOver: () => boolean): Promise<number> {
  const client = await RealClient.open(port);
  let count = 0;
  while (!isOver()) {
    for (let i = 0; i < 20; i++) {
      const [from, to] = [prng.below(ACCOUNTS), prng.below(ACCOUNTS)];
      const amount = prng.below(20);
      client.send('MULTI');
      client.send('DECRBY', `account:${from}`, amount);
      client.send('INCRBY', `account:${to}`, amount);
      client.send('HINCRBY', 'accounts', from, -amount);
      client.send('HINCRBY', 'accounts', to, amount);
      client.send('ZINCRBY', 'ranking', -amount, from);
      client.send('ZINCRBY', 'ranking', amount, to);
      client.send('EXEC');
      client.send('LMOVE', `list:${prng.below(50)}`, `list:${prng.below(50)}`, 'LEFT', 'RIGHT');
      client.send('SMOVE', `set:${prng.below(50)}`, `set:${prng.below(50)}`, prng.below(ACCOUNTS));
      client.send('RENAME', `name:${prng.below(200)}`, `name:${prng.below(200)}`);
    }
    client.received = '';
    client.send('ECHO', `marker ${count}`);
    await client.until(() => client.received.includes(`marker ${count}\r\n`), 20_000);
    count++;
  }
  client.close();
  return count;
}

const SUMS = `
local sum, fields, scores, elements, members = 0, 0, 0, 0, 0
for i = 0, ${ACCOUNTS - 1} do
  sum = sum + redis.call('GET', 'account:' .. i)
end
for i, value in ipairs(redis.call('HVALS', 'accounts')) do fields = fields + value end
for i, value in ipairs(redis.call('ZRANGE', 'ranking', 0, -1, 'WITHSCORES')) do
  if i % 2 == 0 then scores = scores + value end
end
for i = 0, 49 do
  elements = elements + redis.call('LLEN', 'list:' .. i)
  members = members + redis.call('SCARD', 'set:' .. i)
end
return table.concat({sum, fields, scores, elements, members}, ' ')`;

test('transfers between shards are in a snapshot as a whole or not at all', async () => {
  const prng = new Prng(freshSeed('transfers'));
  const folder = newFolder();
  const server = await start(folder, '--threads', '4');
  const client = await RealClient.open(server.port);
  const accounts = Array.from({ length: ACCOUNTS }, (_, account) => account);
  client.send('MSET', ...accounts.flatMap((account) => [`account:${account}`, START_AMOUNT]));
  client.send('HSET', 'accounts', ...accounts.flatMap((account) => [account, START_AMOUNT]));
  client.send('ZADD', 'ranking', ...accounts.flatMap((account) => [START_AMOUNT, account]));
  for (let i = 0; i < 50; i++) {
    client.send('RPUSH', `list:${i}`, ...accounts.slice(0, 100).map((account) => `element ${account}`));
    client.send('SADD', `set:${i}`, ...accounts.filter((account) => account % 50 === i));
  }
  for (let i = 0; i < 100; i++) client.send('SET', `name:${i}`, i);
  const sums = `${ACCOUNTS * START_AMOUNT}`;
  const expected = `${sums} ${sums} ${sums} ${50 * 100} ${ACCOUNTS}`;
  client.send('ECHO', 'all is there');
  await client.until(() => client.received.includes('all is there\r\n'), 20_000);
  expect(await client.ask('EVAL', SUMS, 0)).toContain(expected);
  await client.ask('DEBUG', 'POPULATE', 20_000, 'filler', 200);

  let isOver = false;
  const saved: string[] = [];
  const seeds = [1, 2, 3, 4].map(() => prng.next32());
  const clients = seeds.map((seed) => transfer(server.port, new Prng(seed), () => isOver));
  try {
    for (let round = 0; round < Number(process.env['SNAPSHOT_ROUNDS'] ?? 4); round++) {
      await Bun.sleep(prng.below(100));
      await save(client);
      saved.push(newFolderWith(join(folder, 'dump.rdb')));
    }
  } finally {
    isOver = true;
  }
  for (const count of await Promise.all(clients)) expect(count).toBeGreaterThan(0);
  expect(await client.ask('EVAL', SUMS, 0)).toContain(expected);
  client.close();
  await server.stop();
  for (const copy of saved) {
    const reader = await start(copy);
    const read = await RealClient.open(reader.port);
    expect(await read.ask('EVAL', SUMS, 0)).toContain(expected);
    expect(await read.ask('DEBUG', 'VERIFY')).toMatch(/^:\d+\r\n$/);
    read.close();
    await reader.stop();
  }
}, 180_000);

function newFolderWith(file: string): string {
  const folder = newFolder();
  writeFileSync(join(folder, 'dump.rdb'), readFileSync(file));
  return folder;
}

const MISCONF =
  "-MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may " +
  'modify the data set are disabled, because this instance is configured to report errors during writes if RDB ' +
  'snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.\r\n';

describe('the end of the server', () => {
  async function endedBy(flags: string[], end: (client: RealClient, pid: number) => void): Promise<string> {
    const folder = newFolder();
    const server = await start(folder, ...flags);
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'value');
    end(client, server.pid);
    expect(await server.exited).toBe(0);
    client.close();
    return readdirSync(folder).join(' ');
  }

  test.each([
    ['SIGTERM without save points', [], 'SIGTERM', ''],
    ['SIGTERM with save points', ['--save', '3600 1'], 'SIGTERM', 'dump.rdb'],
    ['SIGINT with save points', ['--save', '3600 1'], 'SIGINT', 'dump.rdb'],
    ['SIGTERM that is to save', ['--shutdown-on-sigterm', 'save'], 'SIGTERM', 'dump.rdb'],
    ['SIGTERM that is not to save', ['--save', '3600 1', '--shutdown-on-sigterm', 'nosave'], 'SIGTERM', ''],
    ['SHUTDOWN', ['--save', '3600 1'], ['SHUTDOWN'], 'dump.rdb'],
    ['SHUTDOWN SAVE', [], ['SHUTDOWN', 'SAVE'], 'dump.rdb'],
    ['SHUTDOWN NOSAVE', ['--save', '3600 1'], ['SHUTDOWN', 'NOSAVE'], ''],
  ] as const)('%s', async (_name, flags, how, files) => {
    const left = await endedBy([...flags], (client, pid) => {
      if (typeof how === 'string') process.kill(pid, how);
      else client.send(...how);
    });
    expect(left).toBe(files);
  });

  test('what was acknowledged before it is in the last snapshot, and is there at the next start', async () => {
    const folder = newFolder();
    const server = await start(folder, '--save', '3600 1');
    const acknowledged = [0, 0, 0];
    let isOver = false;
    const writers = acknowledged.map(async (_count, writer) => {
      const client = await RealClient.open(server.port);
      while (!isOver && !client.closed) {
        const reply = await client.ask('SET', `key:${writer}`, acknowledged[writer]! + 1).catch(() => '');
        if (reply === '+OK\r\n') acknowledged[writer]!++;
      }
      client.close();
    });
    await Bun.sleep(300);
    process.kill(server.pid, 'SIGTERM');
    expect(await server.exited).toBe(0);
    isOver = true;
    await Promise.all(writers);
    const next = await start(folder);
    const client = await RealClient.open(next.port);
    for (const [writer, count] of acknowledged.entries()) {
      const value = Number((await client.ask('GET', `key:${writer}`)).split('\r\n')[1]);
      // A write may have been carried out whose reply was never read.
      expect(value - count === 0 || value - count === 1).toBe(true);
      expect(count).toBeGreaterThan(0);
    }
    client.close();
  }, 60_000);
});

describe('a snapshot that cannot be written', () => {
  /** Takes the right to write away; root has it nevertheless, so the folder goes. */
  function spoil(folder: string): void {
    rmSync(folder, { recursive: true });
  }

  test('stops writes but not reads, and is mended by one that can', async () => {
    const parent = newFolder();
    const folder = join(parent, 'data');
    mkdirSync(folder);
    const server = await start(folder, '--save', '3600 1', '--memcached-port', '0');
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'value');
    spoil(folder);
    await client.ask('BGSAVE');
    await client.until(() => server.log().includes('Background saving error'));
    await client.ask('PING');
    expect(await client.ask('SET', 'key', 'other')).toBe(MISCONF);
    expect(await client.ask('PING')).toBe(MISCONF);
    expect(await client.ask('EVAL', "return redis.call('SET', 'key', 1)", 0)).toContain('MISCONF');
    expect(await client.ask('MULTI')).toBe('+OK\r\n');
    expect(await client.ask('SET', 'key', 'other')).toBe(MISCONF);
    expect(await client.ask('EXEC')).toContain('-EXECABORT');
    expect(await client.ask('GET', 'key')).toBe('$5\r\nvalue\r\n');
    expect((await info(client)).get('rdb_last_bgsave_status')).toBe('err');
    expect(server.log()).toMatch(/The old file stays as it is.*free space/);
    expect(await client.ask('SAVE')).toBe('-ERR\r\n');
    expect(await client.ask('SHUTDOWN')).toBe('-ERR Errors trying to SHUTDOWN. Check logs.\r\n');
    expect(await client.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')).toBe('+OK\r\n');
    expect(await client.ask('SET', 'key', 'other')).toBe('+OK\r\n');
    expect(await client.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'yes')).toBe('+OK\r\n');
    expect(await client.ask('SET', 'key', 'third')).toBe(MISCONF);
    mkdirSync(folder);
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    expect(await client.ask('SET', 'key', 'third')).toBe('+OK\r\n');
    expect((await info(client)).get('rdb_last_bgsave_status')).toBe('ok');
    client.close();
  }, 30_000);

  test('on a disk that is full leaves the old file whole', async () => {
    const folder = newFolder();
    // No file may grow beyond this: what a full disk does, for who has no disk to fill.
    const server = await startLimited(folder, 2048, '--save', '3600 1', '--rdbcompression', 'no');
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'value');
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    const before = readFileSync(join(folder, 'dump.rdb'));
    await client.ask('DEBUG', 'POPULATE', 30_000, 'key', 100);
    expect(await client.ask('SAVE')).toBe('-ERR\r\n');
    expect(readdirSync(folder)).toEqual(['dump.rdb']);
    expect(readFileSync(join(folder, 'dump.rdb')).equals(before)).toBe(true);
    expect(await client.ask('SET', 'key', 'other')).toBe(MISCONF);
    expect(await client.ask('GET', 'key')).toBe('$5\r\nvalue\r\n');
    expect(await client.ask('DBSIZE')).toBe(':30001\r\n');
    // It goes on once there is room.
    expect(await client.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')).toBe('+OK\r\n');
    await client.ask('FLUSHALL');
    await client.ask('SET', 'key', 'third');
    for (let answer = ''; answer !== '+OK\r\n';) answer = await client.ask('SAVE');
    client.close();
  }, 60_000);

  test('because the server is ended leaves nothing behind', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('DEBUG', 'POPULATE', 200_000, 'key', 200);
    client.send('BGSAVE');
    await client.until(() => readdirSync(folder).some((name) => name.startsWith('temp-')), 20_000);
    client.send('SHUTDOWN', 'NOSAVE');
    expect(await server.exited).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    client.close();
  }, 60_000);

  test('because the process is killed leaves the old file whole', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'value');
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    const before = readFileSync(join(folder, 'dump.rdb'));
    await client.ask('DEBUG', 'POPULATE', 200_000, 'key', 200);
    client.send('BGSAVE');
    await client.until(() => readdirSync(folder).some((name) => name.startsWith('temp-')), 20_000);
    await server.stop();
    expect(readFileSync(join(folder, 'dump.rdb')).equals(before)).toBe(true);
    const next = await start(folder);
    const reader = await RealClient.open(next.port);
    expect(await reader.ask('GET', 'key')).toBe('$5\r\nvalue\r\n');
    reader.close();
  }, 60_000);
});

/** A server none of whose files may be larger than `kilobytes`. */
async function startLimited(folder: string, kilobytes: number, ...flags: string[]): Promise<RealServer> {
  const script = `trap '' XFSZ; ulimit -f ${kilobytes}; exec "$@"`;
  const own = ['--dir', folder, '--dbfilename', 'dump.rdb', '--enable-debug-command', 'yes'];
  const server = await startRealServer([...own, ...flags], '', ['bash', '-c', script, 'bash']);
  servers.push(server);
  return server;
}

describe('loading', () => {
  test('a damaged file ends the start, and the log says where and what', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('RPUSH', 'list', 'a', 'b', 'c');
    await client.ask('SET', 'key', 'a value that is not short');
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    client.close();
    await server.stop();
    const path = join(folder, 'dump.rdb');
    const sound = readFileSync(path);
    const ways: [string, Buffer, RegExp][] = [
      ['cut short', sound.subarray(0, sound.length - 20), /at byte \d+/],
      ['a changed byte', changed(sound, sound.indexOf('not short')), /a wrong checksum at byte \d+/],
      ['another kind of file', Buffer.from('something else entirely'), /not an RDB file at byte 0/],
      ['empty', Buffer.alloc(0), /too short to be an RDB file/],
    ];
    for (const [, bytes, reason] of ways) {
      writeFileSync(path, bytes);
      const flags = ['--port', '0', '--unixsocket', join(folder, 's'), '--threads', '2', '--dir', folder];
      const { exitCode, output } = await runToEnd(flags);
      expect(exitCode).toBe(1);
      expect(output).toMatch(reason);
      expect(output).toContain('Put a sound file there');
      // Nobody has touched it.
      expect(readFileSync(path).equals(bytes)).toBe(true);
    }
  }, 60_000);

  test('a folder that is no folder is an error of the configuration', async () => {
    const { exitCode, output } = await runToEnd(['--port', '0', '--dir', '/no/such/folder']);
    expect(exitCode).toBe(1);
    expect(output).toContain('No such file or directory');
  });

  test('the newest of several files is loaded, and clients are told to wait meanwhile', async () => {
    const folder = newFolder();
    const server = await start(folder, '--dbfilename', 'dump-{timestamp}.rdb');
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'old');
    await client.ask('SAVE');
    await client.ask('DEBUG', 'POPULATE', 100_000, 'key', 100);
    await client.ask('SET', 'key', 'new');
    await Bun.sleep(1001);
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    client.close();
    await server.stop();
    expect(readdirSync(folder).length).toBe(2);
    const port = findFreePort();
    const starting = start(folder, '--dbfilename', 'dump-{timestamp}.rdb', '--port', `${port}`);
    const answers = new Set<string>();
    for (let isUp = false; !isUp;) {
      const asker = await RealClient.open(port);
      if (asker.error === '') {
        const answer = await asker.ask('GET', 'key').catch(() => '');
        answers.add(answer);
        isUp = answer.includes('new');
        if (answer.startsWith('-LOADING'))
          expect(await asker.ask('INFO', 'persistence')).toContain('loading');
      }
      asker.close();
      await Bun.sleep(1);
    }
    await starting;
    answers.delete('');
    expect([...answers].sort()).toEqual([
      '$3\r\nnew\r\n',
      '-LOADING Redis is loading the dataset in memory\r\n',
    ]);
  }, 60_000);
});

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 1;
  return copy;
}

describe('by itself', () => {
  test('a snapshot is taken at save points and by the clock, and never without changes', async () => {
    const folder = newFolder();
    const server = await start(folder, '--save', '1 3');
    const client = await RealClient.open(server.port);
    const path = join(folder, 'dump.rdb');
    await client.ask('SET', 'a', 1);
    await Bun.sleep(2500);
    expect(existsSync(path)).toBe(false);
    await client.ask('SET', 'b', 1);
    await client.ask('SET', 'c', 1);
    await client.until(() => existsSync(path));
    expect(server.log()).toContain('3 changes in 1 seconds. Saving...');
    await client.until(() => server.log().includes('DB saved on disk'));
    expect((await info(client)).get('rdb_changes_since_last_save')).toBe('0');
    expect((await info(client)).get('rdb_saves')).toBe('1');
    expect(await client.ask('CONFIG', 'SET', 'save', '')).toBe('+OK\r\n');
    rmSync(path);
    expect(await client.ask('CONFIG', 'SET', 'snapshot-cron', 'every day')).toContain(
      "possibly related to argument 'snapshot-cron'",
    );
    expect(await client.ask('CONFIG', 'SET', 'snapshot-cron', '* * * * * *')).toBe('+OK\r\n');
    await client.until(() => existsSync(path));
    client.close();
  }, 30_000);

  test('FLUSHALL is in the file at once where there are save points', async () => {
    const folder = newFolder();
    const server = await start(folder, '--save', '3600 1000');
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'key', 'value');
    expect(await client.ask('SAVE')).toBe('+OK\r\n');
    await client.ask('FLUSHALL');
    await client.until(() => server.log().split('DB saved on disk').length === 3);
    client.close();
    await server.stop();
    const next = await start(folder);
    const reader = await RealClient.open(next.port);
    expect(await reader.ask('DBSIZE')).toBe(':0\r\n');
    reader.close();
  }, 30_000);

  test('DEBUG RELOAD leaves everything as it was', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('HSET', 'hash', 'field', 'value');
    await client.ask('ZADD', 'zset', 1.5, 'member');
    await client.ask('SET', 'key', 'value', 'EX', 1000);
    await client.ask(
      'FUNCTION',
      'LOAD',
      "#!lua name=l\nredis.register_function('f', function() return 7 end)",
    );
    const digest = await client.ask('DEBUG', 'DIGEST');
    expect(await client.ask('DEBUG', 'RELOAD')).toBe('+OK\r\n');
    expect(await client.ask('DEBUG', 'DIGEST')).toBe(digest);
    expect(await client.ask('FCALL', 'f', 0)).toBe(':7\r\n');
    await client.ask('SET', 'key', 'other');
    expect(await client.ask('DEBUG', 'RELOAD', 'NOSAVE')).toBe('+OK\r\n');
    expect(await client.ask('GET', 'key')).toBe('$5\r\nvalue\r\n');
    await client.ask('SET', 'key', 'other');
    await client.ask('SET', 'further', 'one');
    expect(await client.ask('DEBUG', 'RELOAD', 'NOSAVE', 'NOFLUSH')).toContain('-ERR Error trying to load');
    expect(await client.ask('DEBUG', 'RELOAD', 'NOSAVE', 'NOFLUSH', 'MERGE')).toBe('+OK\r\n');
    expect(await client.ask('GET', 'key')).toBe('$5\r\nvalue\r\n');
    expect(await client.ask('GET', 'further')).toBe('$3\r\none\r\n');
    expect(await client.ask('DEBUG', 'VERIFY')).toBe(':4\r\n');
    expect(await client.ask('BGSAVE', 'FOO')).toBe('-ERR syntax error\r\n');
    expect(Number((await client.ask('LASTSAVE')).slice(1))).toBeGreaterThan(1_700_000_000);
    client.close();
    // Functions and all are there at the next start.
    await server.stop();
    const next = await start(folder);
    const reader = await RealClient.open(next.port);
    expect(await reader.ask('FCALL', 'f', 0)).toBe(':7\r\n');
    reader.close();
  }, 60_000);

  test('a flush while a snapshot is taken begins it anew', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('SELECT', 1);
    await client.ask('SET', 'other', 'database');
    await client.ask('SELECT', 0);
    // The flush may come before the moment of the snapshot, or when all has been seen: then it is tried again.
    for (
      let attempt = 0;
      !server.log().includes('The snapshot begins anew: the data were flushed');
      attempt++
    ) {
      expect(attempt).toBeLessThan(30);
      await client.ask('DEBUG', 'POPULATE', 50_000, 'key', 200);
      await client.ask('BGSAVE');
      await client.until(() => readdirSync(folder).some((name) => name.startsWith('temp-')), 20_000);
      for (let isBegun = false; !isBegun;) {
        const told = await info(client);
        isBegun =
          told.get('current_save_keys_processed') !== '0' || told.get('rdb_bgsave_in_progress') === '0';
      }
      await client.ask('FLUSHDB');
      await client.ask('SET', 'after', 'it');
      while ((await info(client)).get('rdb_bgsave_in_progress') === '1') await Bun.sleep(5);
    }
    client.close();
    await server.stop();
    const next = await start(folder);
    const reader = await RealClient.open(next.port);
    expect(await reader.ask('DBSIZE')).toBe(':1\r\n');
    expect(await reader.ask('GET', 'after')).toBe('$2\r\nit\r\n');
    await reader.ask('SELECT', 1);
    expect(await reader.ask('GET', 'other')).toBe('$8\r\ndatabase\r\n');
    reader.close();
  }, 60_000);

  test('DEBUG RELOAD while a snapshot is taken leaves that one whole', async () => {
    const folder = newFolder();
    const server = await start(folder);
    const client = await RealClient.open(server.port);
    await client.ask('SET', 'only', 'this');
    await client.ask('SAVE');
    await client.ask('DEBUG', 'POPULATE', 100_000, 'key', 200);
    expect(await client.ask('BGSAVE')).toBe('+Background saving started\r\n');
    expect(await client.ask('DEBUG', 'RELOAD', 'NOSAVE')).toBe('+OK\r\n');
    while ((await info(client)).get('rdb_bgsave_in_progress') === '1') await Bun.sleep(5);
    expect(await client.ask('DEBUG', 'RELOAD', 'NOSAVE')).toBe('+OK\r\n');
    expect(await client.ask('DBSIZE')).toBe(':100001\r\n');
    client.close();
  }, 60_000);
});
