/** The append-only file of the real server: what is in it, who else can read it, and what becomes of damaged ones. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOracleMissing } from '../../support/oracles.ts';
import { findFreePort } from '../../support/free-port.ts';
import { RealClient, type RealServer, runToEnd, startRealServer } from '../../support/real-server.ts';

const PATIENCE_MS = 60_000;
let folder: string;
let server: RealServer | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'append-only-'));
});
afterEach(async () => {
  await server?.stop();
  server = null;
  rmSync(folder, { recursive: true, force: true });
});

const flags = (...more: string[]): string[] => [
  '--dir',
  folder,
  '--save',
  '',
  '--appendonly',
  'yes',
  ...more,
];
const file = (name: string): string => join(folder, 'appendonlydir', name);
const manifest = (): string => readFileSync(file('appendonly.aof.manifest'), 'utf8');

async function start(...more: string[]): Promise<RealClient> {
  await server?.stop();
  server = await startRealServer(flags(...more));
  return RealClient.open(server.port);
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${condition}\n${server?.log()}`);
    await Bun.sleep(10);
  }
}

async function figure(client: RealClient, name: string): Promise<string> {
  const info = await client.ask('INFO', 'persistence');
  return new RegExp(`${name}:(.*)\r\n`).exec(info)?.[1] ?? '';
}

async function untilWritten(client: RealClient, text: string): Promise<void> {
  await until(() => {
    const name = /file (\S+incr\S+) seq \d+ type i\n$/.exec(manifest())![1]!;
    return readFileSync(file(name), 'latin1').includes(text);
  });
  expect(client.closed).toBe(false);
}

describe('the append-only file', () => {
  test(
    'holds what was written when the process is killed, and again after a rewrite',
    async () => {
      let client = await start();
      await client.ask('SET', 'a', 'one');
      await client.ask('SELECT', 3);
      await client.ask('SET', 'b', 'two');
      await untilWritten(client, 'two');
      client = await start();
      expect(await client.ask('GET', 'a')).toBe('$3\r\none\r\n');
      expect(await client.ask('BGREWRITEAOF')).toBe('+Background append only file rewriting started\r\n');
      await until(async () => (await figure(client, 'aof_rewrites')) === '1');
      expect(manifest()).toBe(
        'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n',
      );
      expect(readdirSync(join(folder, 'appendonlydir')).toSorted()).toEqual([
        'appendonly.aof.2.base.rdb',
        'appendonly.aof.2.incr.aof',
        'appendonly.aof.manifest',
      ]);
      await client.ask('SET', 'c', 'three');
      await untilWritten(client, 'three');
      client = await start();
      expect(await client.ask('GET', 'c')).toBe('$5\r\nthree\r\n');
      await client.ask('SELECT', 3);
      expect(await client.ask('GET', 'b')).toBe('$3\r\ntwo\r\n');
    },
    PATIENCE_MS,
  );

  test(
    'is turned on and off while the server runs',
    async () => {
      let client = await start('--appendonly', 'no');
      await client.ask('SET', 'before', '1');
      expect(await client.ask('CONFIG', 'SET', 'appendonly', 'yes')).toBe('+OK\r\n');
      await until(async () => (await figure(client, 'aof_rewrites')) === '1');
      await client.ask('SET', 'while', '2');
      expect(await client.ask('CONFIG', 'SET', 'appendonly', 'no')).toBe('+OK\r\n');
      await until(async () => (await figure(client, 'aof_enabled')) === '0');
      await client.ask('SET', 'after', '3');
      client = await start();
      expect(await client.ask('MGET', 'before')).toContain('*1');
      expect(await client.ask('GET', 'before')).toBe('$1\r\n1\r\n');
      expect(await client.ask('GET', 'while')).toBe('$1\r\n2\r\n');
      expect(await client.ask('GET', 'after')).toBe('$-1\r\n');
    },
    PATIENCE_MS,
  );

  test(
    'begins anew by itself when it has grown',
    async () => {
      const client = await start('--auto-aof-rewrite-min-size', '2000');
      for (let i = 0; i < 60; i++) await client.ask('SET', 'a', 'x'.repeat(100));
      await until(async () => Number(await figure(client, 'aof_rewrites')) > 0);
      expect(server!.log()).toContain('Starting automatic rewriting of AOF on');
    },
    PATIENCE_MS,
  );

  test(
    'is made of the one file of older versions',
    async () => {
      const old = '*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n';
      writeFileSync(join(folder, 'appendonly.aof'), old);
      const client = await start();
      expect(await client.ask('GET', 'a')).toBe('$1\r\n1\r\n');
      expect(existsSync(join(folder, 'appendonly.aof'))).toBe(false);
      expect(manifest()).toBe(
        'file appendonly.aof seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n',
      );
    },
    PATIENCE_MS,
  );
});

const SET_A = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n';

/** A folder with increments of these contents. */
function lay(...increments: string[]): void {
  mkdirSync(join(folder, 'appendonlydir'), { recursive: true });
  increments.forEach((text, index) => writeFileSync(file(`appendonly.aof.${index + 1}.incr.aof`), text));
  const lines = increments.map(
    (_, index) => `file appendonly.aof.${index + 1}.incr.aof seq ${index + 1} type i\n`,
  );
  writeFileSync(file('appendonly.aof.manifest'), lines.join(''));
}

describe('a damaged append-only file', () => {
  test(
    'that ends too early is loaded up to there, and a transaction that is not whole is left out',
    async () => {
      lay(`${SET_A}*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n1\r\n*3\r\n$3\r\nSE`);
      const client = await start();
      expect(await client.ask('GET', 'a')).toBe('$1\r\n1\r\n');
      expect(await client.ask('GET', 'b')).toBe('$-1\r\n');
      expect(readFileSync(file('appendonly.aof.1.incr.aof'), 'latin1')).toBe(SET_A);
      expect(server!.log()).toContain('Truncating the AOF');
    },
    PATIENCE_MS,
  );

  const refused: Readonly<Record<string, { lay: () => void; flags?: string[]; says: string }>> = {
    'ends too early, where that is not to be taken': {
      lay: () => lay(SET_A.slice(0, -3)),
      flags: ['--aof-load-truncated', 'no'],
      says: 'it makes sense up to offset 0',
    },
    'ends too early before the last part': {
      lay: () => lay(SET_A.slice(0, -3), SET_A),
      says: 'is not the last file',
    },
    'is no list of requests': { lay: () => lay(`${SET_A}nonsense\r\n`), says: 'at offset 27' },
    'has a command that nobody knows': {
      lay: () => lay(`${SET_A}*1\r\n$5\r\nNOSUC\r\n`),
      says: "unknown command 'NOSUC': reading the append only file",
    },
    'has a part that is not there': {
      lay: () => {
        lay(SET_A);
        rmSync(file('appendonly.aof.1.incr.aof'));
      },
      says: "doesn't exist",
    },
    'has an empty manifest': {
      lay: () => {
        lay(SET_A);
        truncateSync(file('appendonly.aof.manifest'), 0);
      },
      says: 'Found an empty AOF manifest',
    },
    'has a manifest that makes no sense': {
      lay: () => {
        lay(SET_A);
        appendFileSync(file('appendonly.aof.manifest'), 'file x seq 1 type i\n');
      },
      says: 'Found a non-monotonic sequence number, line 2',
    },
  };
  for (const [what, trial] of Object.entries(refused)) {
    test(
      `that ${what} stops the start`,
      async () => {
        trial.lay();
        const own = flags(
          ...(trial.flags ?? []),
          '--port',
          `${findFreePort()}`,
          '--bind',
          '127.0.0.1',
          '--threads',
          '2',
        );
        const { exitCode, output } = await runToEnd(own);
        expect(output).toContain(trial.says);
        expect(exitCode).toBe(1);
      },
      PATIENCE_MS,
    );
  }

  test(
    'of which the annotations are passed over',
    async () => {
      lay(`#TS:1700000000\r\n${SET_A}#anything at all\r\n${SET_A.replace('a', 'b')}`);
      const client = await start('--aof-timestamp-enabled', 'yes');
      expect(await client.ask('EXISTS', 'a', 'b')).toBe(':2\r\n');
      await client.ask('SET', 'c', 'later');
      await untilWritten(client, 'later');
      expect(readFileSync(file('appendonly.aof.1.incr.aof'), 'latin1')).toMatch(
        /#TS:\d{10}\r\n\*2\r\n\$6\r\nSELECT/,
      );
    },
    PATIENCE_MS,
  );
});

describe.skipIf(isOracleMissing('redis-server'))('redis-server and the append-only file', () => {
  async function ask(port: number, ...parts: string[]): Promise<string> {
    const client = await RealClient.open(port);
    const reply = await client.ask(...parts);
    client.close();
    return reply;
  }

  async function startRedis(): Promise<{ port: number; stop: () => Promise<void> }> {
    const port = findFreePort();
    const own = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'yes',
    ];
    const child = Bun.spawn(['redis-server', ...own], { stdout: 'ignore' });
    await until(async () => {
      const reply = await ask(port, 'PING').catch(() => '');
      return reply === '+PONG\r\n';
    });
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      await child.exited;
    };
    return { port, stop };
  }

  test(
    'loads ours, and we load what it has made of it',
    async () => {
      let client = await start();
      await client.ask('SET', 'a', '1', 'EX', 1000);
      await client.ask('SADD', 's', 1, 2, 3);
      await client.ask('XADD', 'x', '*', 'f', 'v');
      await client.ask('BGREWRITEAOF');
      await until(async () => (await figure(client, 'aof_rewrites')) === '1');
      await client.ask('SPOP', 's', 2);
      await client.ask('EVAL', "redis.call('SET', 'l', '1') redis.call('SET', 'm', '2')", 0);
      await untilWritten(client, 'EXEC');
      await server!.stop();
      const check = Bun.spawnSync(['redis-check-aof', file('appendonly.aof.manifest')]);
      expect(check.stdout.toString()).toContain('All AOF files and manifest are valid');
      const redis = await startRedis();
      expect(await ask(redis.port, 'SCARD', 's')).toBe(':1\r\n');
      expect(await ask(redis.port, 'XLEN', 'x')).toBe(':1\r\n');
      expect(await ask(redis.port, 'GET', 'm')).toBe('$1\r\n2\r\n');
      expect(Number((await ask(redis.port, 'TTL', 'a')).slice(1))).toBeGreaterThan(900);
      await ask(redis.port, 'RPUSH', 'list', 'x', 'y');
      await redis.stop();
      client = await start();
      expect(await client.ask('LLEN', 'list')).toBe(':2\r\n');
      expect(await client.ask('SCARD', 's')).toBe(':1\r\n');
    },
    PATIENCE_MS,
  );
});
