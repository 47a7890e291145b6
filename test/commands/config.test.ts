import { describe, expect, test } from 'bun:test';
import { replyValue } from '../support/reply.ts';
import { TestServer } from '../support/test-server.ts';

/** Runs a command whose reply comes after others have been asked. */
async function runParked(server: TestServer, ...parts: (string | number)[]): Promise<string> {
  const { socket } = server.client;
  let reply = server.run(...parts);
  for (let turns = 0; reply === '' && turns < 20; turns++) {
    await Bun.sleep(0);
    reply = socket.output;
  }
  return reply;
}

describe('CONFIG GET', () => {
  test('takes patterns and names, several at once, each parameter once', () => {
    const server = new TestServer({ settings: { maxmemory: '5242880' } });
    expect(server.run('CONFIG', 'GET', 'maxmemory')).toBe('*2\r\n$9\r\nmaxmemory\r\n$7\r\n5242880\r\n');
    expect(server.run('CONFIG', 'GET', 'no-such-parameter')).toBe('*0\r\n');
    const found = replyValue(server.run('CONFIG', 'GET', 'maxmem*', 'port', 'maxmemory')) as string[];
    const names = found.filter((_, index) => index % 2 === 0);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toContain('maxmemory-policy');
    expect(names).toContain('port');
    server.client.connection.version = 3;
    expect(server.run('CONFIG', 'GET', 'maxmemory')).toBe('%1\r\n$9\r\nmaxmemory\r\n$7\r\n5242880\r\n');
  });
});

describe('CONFIG SET', () => {
  test('gives all of the pairs their values, everywhere', async () => {
    const server = new TestServer();
    expect(await runParked(server, 'CONFIG', 'SET', 'maxmemory', '1gb', 'timeout', 7)).toBe('+OK\r\n');
    expect(server.engine.config.number('maxmemory')).toBe(1 << 30);
    expect(server.engine.config.number('timeout')).toBe(7);
  });

  test('or none of them', async () => {
    const server = new TestServer();
    expect(await runParked(server, 'CONFIG', 'SET', 'timeout', 7, 'maxmemory', 'x')).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value\r\n",
    );
    expect(server.engine.config.number('timeout')).toBe(0);
    expect(server.run('CONFIG', 'SET', 'timeout', 7, 'maxmemory')).toBe('-ERR syntax error\r\n');
    expect(await runParked(server, 'CONFIG', 'SET', 'no-such-parameter', 1)).toBe(
      "-ERR Unknown option or number of arguments for CONFIG SET - 'no-such-parameter'\r\n",
    );
    expect(await runParked(server, 'CONFIG', 'SET', 'port', 1)).toBe(
      "-ERR CONFIG SET failed (possibly related to argument 'port') - can't set immutable config\r\n",
    );
  });

  test('later input waits for the reply', async () => {
    const server = new TestServer();
    expect(server.client.send('CONFIG SET timeout 9\r\nCONFIG GET timeout\r\n')).toBe('');
    await Bun.sleep(5);
    expect(server.client.socket.output).toBe('+OK\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n9\r\n');
  });

  test('takes effect: a limit on memory refuses writes, a password is asked of new clients only', async () => {
    const server = new TestServer();
    for (const key of ['a', 'b', 'c']) server.run('SET', key, 'x'.repeat(500_000));
    await runParked(server, 'CONFIG', 'SET', 'maxmemory', '1mb');
    expect(server.run('SET', 'k2', 'v')).toStartWith('-OOM ');
    await runParked(server, 'CONFIG', 'SET', 'maxmemory', '0', 'requirepass', 'secret');
    expect(server.run('SET', 'k2', 'v')).toBe('+OK\r\n');
    expect(server.connect().run('GET', 'k2')).toBe('-NOAUTH Authentication required.\r\n');
  });

  test('refuses more clients than the system lets us open files, and keeps the former limit', async () => {
    const server = new TestServer();
    const reply = await runParked(server, 'CONFIG', 'SET', 'maxclients', 1_000_000_000);
    expect(reply).toMatch(
      /^-ERR CONFIG SET failed \(possibly related to argument 'maxclients'\) - The operating system is not able to handle the specified number of clients, try with \d+\r\n$/,
    );
    expect(server.engine.config.number('maxclients')).toBe(10000);
  });

  test('a protected parameter needs enable-protected-configs', async () => {
    const refused =
      "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config\r\n";
    expect(await runParked(new TestServer(), 'CONFIG', 'SET', 'dir', '/tmp')).toBe(refused);
    const open = new TestServer({ settings: { 'enable-protected-configs': 'local' } });
    expect(await runParked(open, 'CONFIG', 'SET', 'dir', '/tmp')).toBe('+OK\r\n');
  });
});

test('CONFIG RESETSTAT sets counters back, but not the number of clients', async () => {
  const server = new TestServer();
  const { control, keyspace } = server.engine;
  server.run('GET', 'k');
  server.run('NOSUCH');
  const clients = server.run('INFO', 'clients');
  expect(await runParked(server, 'CONFIG', 'RESETSTAT')).toBe('+OK\r\n');
  expect(keyspace.counters[5]! + keyspace.counters[6]!).toBe(0);
  expect(server.run('INFO', 'errorstats')).toBe('$14\r\n# Errorstats\r\n\r\n');
  expect(server.run('INFO', 'commandstats')).not.toContain('cmdstat_get');
  expect(server.run('INFO', 'clients')).toBe(clients);
  server.run('NOSUCH');
  expect(server.run('INFO', 'errorstats')).toContain('errorstat_ERR:count=1\r\n');
  expect(control.workerCount).toBe(1);
});

test('CONFIG HELP and unknown subcommands are worded as in Redis', () => {
  const server = new TestServer();
  expect((replyValue(server.run('CONFIG', 'HELP')) as string[])[0]).toBe(
    'CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  );
  expect(server.run('CONFIG', 'FOO')).toBe("-ERR unknown subcommand 'FOO'. Try CONFIG HELP.\r\n");
  expect(server.run('CONFIG', 'GET')).toBe("-ERR wrong number of arguments for 'config|get' command\r\n");
});
