import { describe, expect, test } from 'bun:test';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer, type TestClient } from '../support/test-server.ts';
import { TestWorkers } from '../support/test-workers.ts';

type Entry = [id: number, timeS: number, amount: number, args: string[], address: string, name: string];

async function ask(client: TestClient, ...parts: (string | number)[]): Promise<Reply> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(1);
  return replyValue(client.socket.output);
}

async function entries(client: TestClient, kind: string, count = -1): Promise<Entry[]> {
  return (await ask(client, 'COMMANDLOG', 'GET', count, kind)) as Reply[] as Entry[];
}

describe('COMMANDLOG', () => {
  test('keeps large requests and replies with their bytes, with the usual thresholds', async () => {
    const server = new TestServer();
    const value = 'x'.repeat(1 << 20);
    server.run('SET', 'small', 'v');
    server.run('SET', 'large', value);
    server.run('GET', 'small');
    server.run('GET', 'large');
    const [request, ...otherRequests] = await entries(server.client, 'large-request');
    expect(otherRequests).toEqual([]);
    expect(request![2]).toBe(`*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$1048576\r\n${value}\r\n`.length);
    expect(request![3].slice(0, 2)).toEqual(['SET', 'large']);
    expect(request![4]).toBe('127.0.0.1:1');
    const [reply, ...otherReplies] = await entries(server.client, 'LARGE-REPLY');
    expect(otherReplies).toEqual([]);
    expect(reply!.slice(0, 1)).toEqual([0]);
    expect(reply![2]).toBe(`$1048576\r\n${value}\r\n`.length);
    expect(reply![3]).toEqual(['GET', 'large']);
  });

  test('counts the bytes of a request exactly, of one in a transaction too, from the threshold on', async () => {
    const bytes = '*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n'.length;
    for (const [threshold, count] of [
      [bytes, 2],
      [bytes + 1, 0],
    ] as const) {
      const server = new TestServer({ settings: { 'commandlog-request-larger-than': String(threshold) } });
      server.run('GET', 'key');
      server.run('MULTI');
      server.run('GET', 'key');
      server.run('EXEC');
      const found = await entries(server.client, 'large-request');
      expect(found.filter((entry) => entry[3][0] === 'GET').map((entry) => entry[2])).toEqual(
        Array.from({ length: count }, () => bytes),
      );
    }
  });

  test('keeps as many as is set, none with a negative threshold, and forgets one log at a time', async () => {
    const server = new TestServer({
      settings: { 'commandlog-reply-larger-than': '0', 'commandlog-large-reply-max-len': '3' },
    });
    for (let i = 0; i < 10; i++) server.run('PING', i);
    expect((await entries(server.client, 'large-reply', 2)).map((entry) => entry[0])).toEqual([9, 8]);
    expect(await ask(server.client, 'COMMANDLOG', 'LEN', 'large-reply')).toBe(3);
    expect(await ask(server.client, 'COMMANDLOG', 'LEN', 'large-request')).toBe(0);
    await ask(server.client, 'CONFIG', 'SET', 'commandlog-reply-larger-than', '-1');
    expect(await ask(server.client, 'COMMANDLOG', 'RESET', 'large-request')).toBe('OK');
    expect(await ask(server.client, 'COMMANDLOG', 'LEN', 'large-reply')).toBe(3);
    expect(await ask(server.client, 'COMMANDLOG', 'RESET', 'large-reply')).toBe('OK');
    server.run('PING');
    expect(await ask(server.client, 'COMMANDLOG', 'LEN', 'large-reply')).toBe(0);
  });

  test('slow is the log of SLOWLOG, and its settings go by both names', async () => {
    const server = new TestServer({ settings: { 'slowlog-log-slower-than': '0' } });
    const setting = 'commandlog-execution-slower-than';
    expect(await ask(server.client, 'CONFIG', 'GET', setting)).toEqual([setting, '0']);
    server.run('GET', 'k');
    const [first] = await entries(server.client, 'slow', 1);
    expect(first![3]).toEqual(['GET', 'k']);
    await ask(server.client, 'CONFIG', 'SET', setting, '-1', 'commandlog-slow-execution-max-len', '1');
    expect(await ask(server.client, 'SLOWLOG', 'LEN')).toBe(1);
    await ask(server.client, 'COMMANDLOG', 'RESET', 'slow');
    expect(await ask(server.client, 'SLOWLOG', 'LEN')).toBe(0);
  });

  test('refuses what is no type or no count', async () => {
    const { client } = new TestServer();
    const wrong = '-ERR type should be one of the following: slow, large-request, large-reply\r\n';
    expect(client.run('COMMANDLOG', 'GET', '1', 'toString')).toBe(wrong);
    expect(client.run('COMMANDLOG', 'LEN', 'x')).toBe(wrong);
    expect(client.run('COMMANDLOG', 'RESET', 'x')).toBe(wrong);
    const count = '-ERR count should be greater than or equal to -1\r\n';
    expect(client.run('COMMANDLOG', 'GET', '-2', 'slow')).toBe(count);
    expect(client.run('COMMANDLOG', 'GET', '1')).toContain("number of arguments for 'commandlog|get'");
    expect(client.run('COMMANDLOG', 'HELP')).toContain('RESET <type>');
  });

  test('is merged over workers in the order of time', async () => {
    const workers = new TestWorkers(3);
    for (const engine of workers.engines) {
      await engine.mesh.askHere('config.assign', { 'commandlog-reply-larger-than': '0' });
    }
    const clients = [0, 1, 2].map((worker) => workers.connect(worker));
    for (let i = 0; i < 12; i++) clients[i % 3]!.run('GET', `k${i}`);
    const found = await entries(clients[1]!, 'large-reply', 4);
    expect(found.map((entry) => entry[3][1])).toEqual(['k11', 'k10', 'k9', 'k8']);
    workers.close();
  });
});
