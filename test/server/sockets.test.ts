/** The server as a process with several threads: what only real sockets show. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../support/free-port.ts';
import {
  RealClient,
  type RealServer,
  residentBytes,
  runToEnd,
  startRealServer,
} from '../support/real-server.ts';
import { encodeRequest } from '../support/test-server.ts';

const MEBIBYTE = 1 << 20;

async function withServer(flags: string[], use: (server: RealServer) => Promise<void>): Promise<void> {
  const server = await startRealServer(flags);
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

function openMany(count: number, where: number | string): Promise<RealClient[]> {
  return Promise.all(Array.from({ length: count }, () => RealClient.open(where)));
}

describe('a server with default limits', () => {
  let server: RealServer;
  beforeAll(async () => {
    server = await startRealServer();
  });
  afterAll(() => server.stop());

  test('lists and kills the clients of all its threads', async () => {
    const clients = await openMany(20, server.port);
    const asker = clients[0]!;
    for (const client of clients) expect(await client.ask('CLIENT', 'SETNAME', 'crowd')).toBe('+OK\r\n');
    const list = await asker.ask('CLIENT', 'LIST');
    expect(list.match(/ name=crowd /g)).toHaveLength(20);
    expect(list).toMatch(
      new RegExp(`^.*\\r\\nid=\\d+ addr=127\\.0\\.0\\.1:\\d+ laddr=127\\.0\\.0\\.1:${server.port} fd=\\d+ `),
    );
    const line = list.split('\n').find((text) => text.includes(`:${clients[7]!.socket.localPort} `))!;
    const id = /id=(\d+)/.exec(line)![1]!;
    expect(await asker.ask('CLIENT', 'KILL', 'ID', id)).toBe(':1\r\n');
    await clients[7]!.until(() => clients[7]!.closed);
    expect(clients[7]!.error).toBe('');
    expect(await asker.ask('CLIENT', 'KILL', 'TYPE', 'normal')).toBe(':18\r\n');
    await asker.until(() => clients.slice(1).every((client) => client.closed));
    expect(await asker.ask('CLIENT', 'KILL', `127.0.0.1:${asker.socket.localPort}`)).toBe('+OK\r\n');
    await asker.until(() => asker.closed);
    expect(asker.error).toBe('');
  });

  test('pauses the clients of all its threads', async () => {
    const clients = await openMany(12, server.port);
    expect(await clients[0]!.ask('CLIENT', 'PAUSE', '60000', 'WRITE')).toBe('+OK\r\n');
    for (const client of clients) {
      client.received = '';
      client.send('GET', 'k');
      client.send('SET', 'k', 'v');
    }
    await clients[0]!.until(() => clients.every((client) => client.received === '$-1\r\n'));
    await Bun.sleep(20);
    expect(clients.every((client) => client.received === '$-1\r\n')).toBe(true);
    const other = await RealClient.open(server.port);
    expect(await other.ask('CLIENT', 'UNPAUSE')).toBe('+OK\r\n');
    await other.until(() => clients.every((client) => client.received === '$-1\r\n+OK\r\n'));
    for (const client of [...clients, other]) client.close();
  });

  test('sends all replies before it closes for QUIT', async () => {
    const client = await RealClient.open(server.port);
    const value = 'v'.repeat(100_000);
    client.send('SET', 'quit', value);
    for (let i = 0; i < 50; i++) client.send('GET', 'quit');
    client.send('QUIT');
    await client.until(() => client.closed);
    expect(client.received === `+OK\r\n${`$100000\r\n${value}\r\n`.repeat(50)}+OK\r\n`).toBe(true);
  });

  test('answers what a client sent before it closed its half', async () => {
    const client = await RealClient.open(server.port);
    client.socket.end('PING\r\nECHO bye\r\n');
    await client.until(() => client.closed);
    expect(client.received).toBe('+PONG\r\n$3\r\nbye\r\n');
    const asker = await RealClient.open(server.port);
    asker.socket.end('CLIENT KILL ID 999999\r\nECHO bye\r\n');
    await asker.until(() => asker.closed);
    expect(asker.received).toBe(':0\r\n$3\r\nbye\r\n');
  });

  test('forgets clients that reset, leave while paused, or leave with output pending', async () => {
    const admin = await RealClient.open(server.port);
    const count = async (): Promise<number> => (await admin.ask('CLIENT', 'LIST')).match(/\bid=/g)!.length;
    const before = await count();
    await admin.ask('SET', 'big', 'v'.repeat(8 * MEBIBYTE));
    await admin.ask('CLIENT', 'PAUSE', '60000', 'WRITE');
    for (const client of await openMany(4, server.port)) {
      client.send('SET', 'never', '1');
      client.socket.end();
    }
    for (const client of await openMany(4, server.port)) client.socket.resetAndDestroy();
    for (const client of await openMany(4, server.port)) {
      client.socket.pause();
      for (let i = 0; i < 10; i++) client.send('GET', 'big');
      await Bun.sleep(20);
      client.socket.destroy();
    }
    for (let turn = 0; (await count()) > before && turn < 200; turn++) await Bun.sleep(10);
    expect(await count()).toBe(before);
    expect(await admin.ask('CLIENT', 'UNPAUSE')).toBe('+OK\r\n');
    await Bun.sleep(20);
    expect(await admin.ask('GET', 'never')).toBe('$-1\r\n');
    admin.close();
  });

  test('keeps a slow reader from growing its memory, and serves it fully in the end', async () => {
    const client = await RealClient.open(server.port);
    const valueBytes = MEBIBYTE;
    const getCount = 300;
    await client.ask('SET', 'slow', 'v'.repeat(valueBytes));
    const before = await residentBytes(server.pid);
    client.socket.pause();
    const get = encodeRequest(['GET', 'slow']);
    client.socket.write(Buffer.concat(Array.from({ length: getCount }, () => get)));
    await Bun.sleep(300);
    expect((await residentBytes(server.pid)) - before).toBeLessThan(40 * MEBIBYTE);
    let receivedBytes = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk: Buffer) => (receivedBytes += chunk.length));
    client.socket.resume();
    await client.until(() => receivedBytes === getCount * (valueBytes + 12), 20_000);
    client.socket.destroy();
  });

  test('takes a value of 32 MB in small pieces and gives it back', async () => {
    const client = await RealClient.open(server.port);
    const value = Buffer.alloc(32 * MEBIBYTE, 'abcdefghijklmnopqrstuvwxyz');
    client.socket.write(`*3\r\n$3\r\nSET\r\n$2\r\nkb\r\n$${value.length}\r\n`);
    for (let at = 0; at < value.length; at += 4096) {
      if (!client.socket.write(value.subarray(at, at + 4096))) {
        await new Promise((resolve) => client.socket.once('drain', resolve));
      }
    }
    client.socket.write('\r\n');
    await client.until(() => client.received === '+OK\r\n', 20_000);
    client.received = '';
    client.send('GET', 'kb');
    await client.until(() => client.received.length === value.length + 13, 20_000);
    expect(Buffer.from(client.received.slice(11, -2), 'latin1').equals(value)).toBe(true);
    client.close();
  });

  test('takes a request with 1,000,000 arguments in pieces', async () => {
    const client = await RealClient.open(server.port);
    const request = encodeRequest(['NOSUCH', ...Array.from({ length: 999_999 }, (_, i) => i)]);
    for (let at = 0; at < request.length; at += 10_000) {
      if (!client.socket.write(request.subarray(at, at + 10_000))) {
        await new Promise((resolve) => client.socket.once('drain', resolve));
      }
    }
    await client.until(() => client.received.endsWith('\r\n'), 20_000);
    expect(client.received).toStartWith("-ERR unknown command 'NOSUCH', with args beginning with: '0' '1'");
    client.close();
  });

  test('commits no memory to lengths that are only announced', async () => {
    const before = await residentBytes(server.pid);
    const clients = await openMany(100, server.port);
    for (const client of clients) client.socket.write('*1000000\r\n$536870912\r\nx');
    await Bun.sleep(200);
    expect((await residentBytes(server.pid)) - before).toBeLessThan(20 * MEBIBYTE);
    for (const client of clients) client.close();
  });

  test('holds 1,000 idle connections', async () => {
    const clients = await openMany(1000, server.port);
    expect(await clients[999]!.ask('PING')).toBe('+PONG\r\n');
    expect(await clients[0]!.ask('PING')).toBe('+PONG\r\n');
    for (const client of clients) client.close();
  });
});

describe('limits', () => {
  test('maxclients counts over all threads, and a place is free again when its client has left', async () => {
    await withServer(['--maxclients', '10'], async (server) => {
      for (let round = 0; round < 3; round++) {
        const clients = await openMany(10, server.port);
        for (const client of clients) expect(await client.ask('PING')).toBe('+PONG\r\n');
        for (const client of await openMany(5, server.port)) {
          await client.until(() => client.closed);
          expect(client.received).toBe('-ERR max number of clients reached\r\n');
        }
        for (const client of clients) client.close();
        await Bun.sleep(30);
      }
    });
  });

  test('timeout closes idle clients, but not one that is parked', async () => {
    await withServer(['--timeout', '1'], async (server) => {
      const [idle, busy, parked] = (await openMany(3, server.port)) as [RealClient, RealClient, RealClient];
      await busy.ask('CLIENT', 'PAUSE', '3500', 'WRITE');
      parked.send('SET', 'k', 'v');
      const startedAt = performance.now();
      while (!idle.closed && performance.now() - startedAt < 5000) {
        expect(await busy.ask('PING')).toBe('+PONG\r\n');
        await Bun.sleep(100);
      }
      expect(idle.closed).toBe(true);
      expect(idle.error).toBe('');
      expect(performance.now() - startedAt).toBeGreaterThan(1000);
      await parked.until(() => parked.received === '+OK\r\n');
    });
  }, 10_000);

  test('client-output-buffer-limit closes a client that does not read', async () => {
    const limits = ['--client-output-buffer-limit', 'normal 20mb 2mb 1'];
    await withServer(limits, async (server) => {
      const client = await RealClient.open(server.port);
      await client.ask('SET', 'hard', 'v'.repeat(40 * MEBIBYTE));
      await client.ask('SET', 'soft', 'v'.repeat(10 * MEBIBYTE));
      for (const [key, atLeastMs] of [
        ['hard', 0],
        ['soft', 1000],
      ] as const) {
        const reader = await RealClient.open(server.port);
        const startedAt = performance.now();
        reader.socket.pause();
        reader.send('GET', key);
        for (;;) {
          const list = await client.ask('CLIENT', 'LIST');
          if (list.match(/\bid=/g)!.length === 1) break;
          expect(performance.now() - startedAt).toBeLessThan(5000);
          await Bun.sleep(20);
        }
        expect(performance.now() - startedAt).toBeGreaterThanOrEqual(atLeastMs);
        reader.close();
      }
    });
  }, 15_000);

  const address = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address;

  test.skipIf(address === undefined)(
    'protected mode serves this machine only, until there is a password',
    async () => {
      const flags = ['--bind', '127.0.0.1', address!];
      await withServer(flags, async (server) => {
        const stranger = await RealClient.open(server.port, address);
        await stranger.until(() => stranger.closed);
        expect(stranger.received).toStartWith(
          '-DENIED Redis is running in protected mode because protected mode',
        );
        const local = await RealClient.open(server.port);
        expect(await local.ask('PING')).toBe('+PONG\r\n');
      });
      for (const open of [
        ['--requirepass', 'p'],
        ['--protected-mode', 'no'],
      ]) {
        await withServer([...flags, ...open], async (server) => {
          const stranger = await RealClient.open(server.port, address);
          expect(await stranger.ask('AUTH', 'default', 'p')).toBe('+OK\r\n');
        });
      }
    },
    15_000,
  );
});

describe('where it listens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'damselfly-sockets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('several addresses at once', async () => {
    await withServer(['--bind', '127.0.0.1', '127.0.0.2'], async (server) => {
      for (const host of ['127.0.0.1', '127.0.0.2']) {
        expect(await (await RealClient.open(server.port, host)).ask('PING')).toBe('+PONG\r\n');
      }
    });
  });

  test('a unix socket with its permissions, in the place of one that a killed server left', async () => {
    const path = join(folder, 'server.sock');
    const flags = ['--unixsocket', path, '--unixsocketperm', '700'];
    await withServer(flags, async () => {});
    expect(existsSync(path)).toBe(true);
    await withServer(['--port', '0', ...flags], async (server) => {
      expect(statSync(path).mode & 0o777).toBe(0o700);
      const client = await RealClient.open(path);
      expect(await client.ask('CLIENT', 'INFO')).toContain(` addr=${path}:0 laddr=${path}:0 `);
      const tcp = await RealClient.open(server.port);
      expect(tcp.error).toBe('ECONNREFUSED');
      const second = await runToEnd(['--port', '0', '--threads', '1', ...flags]);
      expect(second.exitCode).toBe(1);
      expect(second.output).toContain(`cannot listen on ${path}: another server is using the socket`);
      expect(await client.ask('PING')).toBe('+PONG\r\n');
    });
  });

  test('not in the place of a file that is no socket', async () => {
    const path = join(folder, 'precious');
    writeFileSync(path, 'data');
    const refused = await runToEnd(['--port', '0', '--threads', '1', '--unixsocket', path]);
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain(`cannot listen on ${path}: it is not a socket`);
    expect(existsSync(path)).toBe(true);
  });

  test('and takes clients whatever tcp-keepalive is set to', async () => {
    await withServer([], async (server) => {
      const admin = await RealClient.open(server.port);
      expect(await admin.ask('CONFIG', 'SET', 'tcp-keepalive', '2147483647')).toBe('+OK\r\n');
      expect(await (await RealClient.open(server.port)).ask('PING')).toBe('+PONG\r\n');
    });
  });

  test('not on a port that is taken: exit code 1 and a text that says so', async () => {
    await withServer([], async (server) => {
      const second = await runToEnd(['--port', `${server.port}`, '--bind', '127.0.0.1', '--threads', '2']);
      expect(second.exitCode).toBe(1);
      expect(second.output).toContain(
        `cannot listen on 127.0.0.1 port ${server.port}: the port is already in use`,
      );
    });
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    const { port } = holder.address() as { port: number };
    const refused = await runToEnd(['--port', '0', '--tls-port', `${port}`, '--bind', '127.0.0.1']);
    expect(refused.exitCode).toBe(1);
    expect(refused.output).toContain('the port is already in use');
    holder.close();
  });
});

describe.skipIf(Bun.which('openssl') === null)('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'damselfly-tls-'));
  const path = (name: string): string => join(folder, name);
  const openssl = (...words: string[]): void => {
    const run = Bun.spawnSync(['openssl', ...words], { cwd: folder, stdout: 'ignore', stderr: 'pipe' });
    if (run.exitCode !== 0) throw new Error(run.stderr.toString());
  };
  const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  beforeAll(() => {
    for (const authority of ['ours', 'theirs']) {
      openssl(
        'req',
        '-x509',
        ...KEY,
        '-keyout',
        `${authority}.key`,
        '-out',
        `${authority}.crt`,
        '-days',
        '2',
        '-subj',
        `/CN=${authority}`,
      );
    }
    for (const [name, authority] of [
      ['server', 'ours'],
      ['friend', 'ours'],
      ['stranger', 'theirs'],
    ] as const) {
      openssl('req', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=localhost');
      openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        '-CA',
        `${authority}.crt`,
        '-CAkey',
        `${authority}.key`,
        '-CAcreateserial',
        '-out',
        `${name}.crt`,
        '-days',
        '2',
      );
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const flagsFor = (tlsPort: number, policy: string): string[] => [
    `--tls-port=${tlsPort}`,
    `--tls-auth-clients=${policy}`,
    `--tls-cert-file=${path('server.crt')}`,
    `--tls-key-file=${path('server.key')}`,
    `--tls-ca-cert-file=${path('ours.crt')}`,
  ];

  async function isServed(port: number, name: string | null): Promise<boolean> {
    const read = (file: string): Promise<string> => Bun.file(path(file)).text();
    const own = name === null ? {} : { cert: await read(`${name}.crt`), key: await read(`${name}.key`) };
    const client = await RealClient.openTls(port, { ca: await read('ours.crt'), ...own });
    if (client.closed) return false;
    const reply = await client.ask('PING');
    client.close();
    return reply === '+PONG\r\n';
  }

  test.each([
    ['yes', { none: false, friend: true, stranger: false }],
    ['optional', { none: true, friend: true, stranger: false }],
    ['no', { none: true, friend: true, stranger: true }],
  ])('with tls-auth-clients %s serves %p', async (policy, expected) => {
    const tlsPort = findFreePort();
    await withServer(flagsFor(tlsPort, policy), async () => {
      expect({
        none: await isServed(tlsPort, null),
        friend: await isServed(tlsPort, 'friend'),
        stranger: await isServed(tlsPort, 'stranger'),
      }).toEqual(expected);
    });
  });

  test('carries large values both ways, and survives what is not TLS at all', async () => {
    const tlsPort = findFreePort();
    await withServer(flagsFor(tlsPort, 'no'), async (server) => {
      const garbage = await RealClient.open(tlsPort);
      garbage.socket.write('GET / HTTP/1.0\r\n\r\n');
      const silent = await RealClient.open(tlsPort);
      const client = await RealClient.openTls(tlsPort, { rejectUnauthorized: false });
      const value = 'v'.repeat(20 * MEBIBYTE);
      expect(await client.ask('SET', 'k', value)).toBe('+OK\r\n');
      client.socket.pause();
      for (let i = 0; i < 3; i++) client.send('GET', 'k');
      client.send('QUIT');
      await Bun.sleep(100);
      client.received = '';
      client.socket.resume();
      await client.until(() => client.closed, 20_000);
      expect(client.received === `${`$${value.length}\r\n${value}\r\n`.repeat(3)}+OK\r\n`).toBe(true);
      await garbage.until(() => garbage.closed);
      const ending = await RealClient.openTls(tlsPort, { rejectUnauthorized: false });
      ending.socket.end('CLIENT KILL ID 999999\r\nPING\r\n');
      await ending.until(() => ending.closed);
      expect(ending.received).toBe(':0\r\n+PONG\r\n');
      const admin = await RealClient.open(server.port);
      expect((await admin.ask('CLIENT', 'LIST')).match(/\bid=/g)).toHaveLength(2);
      silent.close();
    });
  }, 30_000);

  test('says which setting is wrong when it cannot start', async () => {
    const start = (...flags: string[]): ReturnType<typeof runToEnd> =>
      runToEnd(['--port', '0', '--tls-port', `${findFreePort()}`, '--bind', '127.0.0.1', ...flags]);
    const ca = ['--tls-ca-cert-file', path('ours.crt')];
    for (const [flags, text] of [
      [ca, 'tls-port needs tls-cert-file'],
      [[...ca, '--tls-cert-file', path('none.crt')], 'tls-cert-file: ENOENT'],
      [[], 'tls-auth-clients yes needs tls-ca-cert-file'],
    ] as const) {
      const { exitCode, output } = await start(...flags);
      expect(output).toContain(text);
      expect(exitCode).toBe(1);
    }
    writeFileSync(path('broken.key'), 'not a key');
    chmodSync(path('broken.key'), 0o600);
    const broken = await start(
      ...ca,
      '--tls-cert-file',
      path('server.crt'),
      '--tls-key-file',
      path('broken.key'),
    );
    expect(broken.exitCode).toBe(1);
  }, 20_000);
});
