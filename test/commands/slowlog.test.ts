import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer, type TestClient } from '../support/test-server.ts';
import { TestWorkers } from '../support/test-workers.ts';

const ALL = { settings: { 'slowlog-log-slower-than': '0' } };

type Part = string | number;
type Entry = [id: number, timeS: number, us: number, args: string[], address: string, name: string];

async function ask(client: TestClient, ...parts: Part[]): Promise<Reply> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(1);
  return replyValue(client.socket.output);
}

function toEntries(reply: Reply): Entry[] {
  return reply as Reply[] as Entry[];
}

async function entries(client: TestClient, count = -1): Promise<Entry[]> {
  return toEntries(await ask(client, 'SLOWLOG', 'GET', count));
}

describe('SLOWLOG', () => {
  test('keeps commands with client, arguments and time, the newest first, SLOWLOG itself too', async () => {
    const server = new TestServer(ALL);
    server.run('CLIENT', 'SETNAME', 'me');
    server.run('SET', 'k', 'v');
    const [newest, older] = await entries(server.client);
    expect(newest!.slice(3)).toEqual([['SET', 'k', 'v'], '127.0.0.1:1', 'me']);
    expect(newest![0]).toBe(1);
    expect(Math.abs(newest![1] - Date.now() / 1000)).toBeLessThan(3);
    expect(older!.slice(3)).toEqual([['CLIENT', 'SETNAME', 'me'], '127.0.0.1:1', 'me']);
    expect((await entries(server.client, 1))[0]![3]).toEqual(['SLOWLOG', 'GET', '-1']);
  });

  test('notices a command that takes long with the usual threshold, and no other', async () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v');
    server.run('DEBUG', 'SLEEP', '0.011');
    server.client.send('GET k\r\nDEBUG SLEEP 0.011\r\nGET k\r\n');
    const found = await entries(server.client);
    expect(found.map((entry) => entry[3])).toEqual([
      ['DEBUG', 'SLEEP', '0.011'],
      ['DEBUG', 'SLEEP', '0.011'],
    ]);
    expect(found[0]![2]).toBeGreaterThanOrEqual(11_000);
    expect(found[0]![2]).toBeLessThan(500_000);
  });

  test('notices a brief command whose value is huge', async () => {
    const server = new TestServer({ settings: { 'slowlog-log-slower-than': '1000' } });
    const value = 'x'.repeat(8 << 20);
    server.run('SET', 'k', value);
    server.run('GET', 'k');
    const names = (await entries(server.client)).map((entry) => entry[3][0]);
    expect(names).toContain('SET');
    expect(names).toContain('GET');
  });

  test('cuts arguments and their number as Redis does', async () => {
    const server = new TestServer(ALL);
    server.run('MGET', 'a'.repeat(129), ...Array.from({ length: 40 }, (_, i) => `k${i}`));
    const args = (await entries(server.client))[0]![3];
    expect(args).toHaveLength(32);
    expect(args[1]).toBe(`${'a'.repeat(128)}... (1 more bytes)`);
    expect(args[31]).toBe('... (11 more arguments)');
  });

  test('shows no secrets', async () => {
    const server = new TestServer(ALL);
    server.run('AUTH', 'hush');
    server.run('AUTH', 'me', 'hush');
    server.run('HELLO', '2', 'AUTH', 'default', 'hush', 'SETNAME', 'me');
    server.run('HELLO', '2', 'SETNAME', 'auth', 'AUTH', 'default', 'hush');
    await ask(server.client, 'CONFIG', 'SET', 'requirepass', 'hush', 'maxclients', '99');
    const found = (await entries(server.client)).map((entry) => entry[3].join(' '));
    expect(found.reverse()).toEqual([
      'AUTH (redacted)',
      'AUTH (redacted) (redacted)',
      'HELLO 2 AUTH (redacted) (redacted) SETNAME me',
      'HELLO 2 SETNAME auth AUTH (redacted) (redacted)',
      'CONFIG SET requirepass (redacted) maxclients 99',
    ]);
  });

  test('keeps slowlog-max-len entries, and none when the threshold is negative', async () => {
    const server = new TestServer({
      settings: { 'slowlog-log-slower-than': '0', 'slowlog-max-len': '3' },
    });
    for (let i = 0; i < 10; i++) server.run('GET', i);
    expect((await entries(server.client)).map((entry) => entry[0])).toEqual([9, 8, 7]);
    expect(await ask(server.client, 'SLOWLOG', 'LEN')).toBe(3);
    await ask(server.client, 'CONFIG', 'SET', 'slowlog-log-slower-than', '-1');
    expect(await ask(server.client, 'SLOWLOG', 'RESET')).toBe('OK');
    server.run('GET', 'k');
    server.run('DEBUG', 'SLEEP', '0.02');
    expect(await ask(server.client, 'SLOWLOG', 'LEN')).toBe(0);
  });

  test('is merged over workers in the order of time, with ids of its own for each entry', async () => {
    const workers = new TestWorkers(3);
    for (const engine of workers.engines) {
      await engine.mesh.askHere('config.assign', { 'slowlog-log-slower-than': '0', 'slowlog-max-len': '5' });
    }
    const clients = [0, 1, 2].map((worker) => workers.connect(worker));
    for (let i = 0; i < 12; i++) clients[i % 3]!.run('GET', `k${i}`);
    const found = await entries(clients[1]!);
    expect(found.map((entry) => entry[3][1])).toEqual(['k11', 'k10', 'k9', 'k8', 'k7']);
    expect(found.map((entry) => entry[0])).toEqual([11, 10, 9, 8, 7]);
    expect(await ask(clients[2]!, 'SLOWLOG', 'LEN')).toBe(5);
    await ask(clients[0]!, 'SLOWLOG', 'RESET');
    expect(await ask(clients[2]!, 'SLOWLOG', 'LEN')).toBeLessThan(3);
    workers.close();
  });
});

describe.skipIf(isOracleMissing('redis-server'))('SLOWLOG and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server', ['--slowlog-log-slower-than', '0']);
  });
  afterAll(() => oracle.stop());

  test('agree on replies and on what is kept', async () => {
    const theirs = await OracleClient.connect(oracle.port);
    const ours = new TestServer(ALL);
    await theirs.run('SLOWLOG', 'RESET');
    const requests = [
      'SLOWLOG GET x|SLOWLOG GET -2|SLOWLOG GET 1 2|SLOWLOG|SLOWLOG FOO|SLOWLOG LEN x|SLOWLOG GET 0',
      'SET k v|GET k x|NOSUCH a|AUTH x|AUTH a b|HELLO 2 AUTH a b|LPUSH k x|CONFIG SET masterauth x|PING|MGET a b',
      'OBJECT ENCODING k|CLIENT SETNAME x|SELECT 1|SELECT 0|CONFIG GET maxclients',
    ]
      .join('|')
      .split('|')
      .map((request) => request.split(' '));
    for (const request of [...requests, ['MGET', ...'k'.repeat(40).split('')], ['GET', 'y'.repeat(200)]]) {
      const their = await theirs.run(...request);
      ours.client.run(...request);
      for (let turn = 0; ours.client.socket.output === '' && turn < 50; turn++) await Bun.sleep(1);
      if (request[0] !== 'SLOWLOG' || request[1] !== 'RESET') expect(ours.client.socket.output).toBe(their);
    }
    const keptThere = toEntries(replyValue(await theirs.run('SLOWLOG', 'GET', -1)));
    const kept = (list: Entry[]): string[] => list.map((entry) => entry[3].join(' ')).reverse();
    // Theirs has the RESET above besides.
    expect(kept(await entries(ours.client))).toEqual(kept(keptThere).slice(1));
    theirs.close();
  });
});
