/** Clients of several workers that wait for the same keys: here all workers share one thread, so nothing is left to chance. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Header } from '../../../src/memory/shard.ts';
import type { TestClient } from '../../support/test-server.ts';
import { TestWorkers } from '../../support/test-workers.ts';

let workers: TestWorkers;
beforeEach(() => {
  workers = new TestWorkers(3);
});
afterEach(() => {
  workers.verify();
  workers.close();
});

/** Waits until a client was sent something, and returns it. */
async function reply({ socket }: TestClient): Promise<string> {
  const deadlineMs = performance.now() + 5000;
  while (socket.output === '' && performance.now() < deadlineMs) await Bun.sleep(0);
  const { output } = socket;
  socket.output = '';
  return output;
}

function pair(key: string, element: string): string {
  return `*2\r\n$${key.length}\r\n${key}\r\n$${element.length}\r\n${element}\r\n`;
}

describe('clients of several workers', () => {
  test('are served in the order in which they came', async () => {
    const clients = Array.from({ length: 9 }, (_, index) => workers.connect((index * 7) % 3));
    for (const client of clients) expect(client.run('BLPOP', 'k', 0)).toBe('');
    const pusher = workers.connect(1);
    for (let i = 0; i < 9; i += 3) pusher.run('RPUSH', 'k', `${i}`, `${i + 1}`, `${i + 2}`);
    for (const [index, client] of clients.entries()) expect(await reply(client)).toBe(pair('k', `${index}`));
    expect(pusher.run('EXISTS', 'k')).toBe(':0\r\n');
  });

  test('are served at once by whoever pushes, though they are told later', () => {
    const client = workers.connect(0);
    client.run('BLPOP', 'k', 0);
    const pusher = workers.connect(2);
    expect(pusher.send('RPUSH k x\r\nEXISTS k\r\n')).toBe(':1\r\n:0\r\n');
    expect(client.socket.output).toBe('');
  });

  test('get binary data unharmed, errors as errors, and each in its version of the protocol', async () => {
    const [a, b, c] = [workers.connect(0), workers.connect(0), workers.connect(1)];
    b.run('HELLO', 3);
    a.run('BLPOP', 'k', 0);
    b.run('BZPOPMIN', 'z', 0);
    c.run('BLMOVE', 'k', 'text', 'LEFT', 'LEFT', 0);
    [a, b, c].forEach(({ socket }) => (socket.output = ''));
    const pusher = workers.connect(2);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
    pusher.run('SET', 'text', 1);
    pusher.run('RPUSH', 'k', bytes, 'second');
    pusher.run('ZADD', 'z', 1.5, 'm');
    expect(await reply(a)).toBe(`*2\r\n$1\r\nk\r\n$256\r\n${bytes.toString('latin1')}\r\n`);
    expect(await reply(b)).toBe('*3\r\n$1\r\nz\r\n$1\r\nm\r\n,1.5\r\n');
    expect(await reply(c)).toStartWith('-WRONGTYPE ');
    expect(pusher.run('LLEN', 'k')).toBe(':1\r\n');
  });

  test('pass an element on from one to the other', async () => {
    const clients = Array.from({ length: 12 }, (_, index) => workers.connect(index % 3));
    clients.forEach((client, index) =>
      client.run('BLMOVE', `list ${index}`, `list ${index + 1}`, 'LEFT', 'LEFT', 0),
    );
    workers.connect(0).run('RPUSH', 'list 0', 'x');
    for (const client of clients) expect(await reply(client)).toBe('$1\r\nx\r\n');
    expect(workers.connect(1).run('LRANGE', 'list 12', 0, -1)).toBe('*1\r\n$1\r\nx\r\n');
  });

  test('are unblocked by CLIENT UNBLOCK on any worker', async () => {
    const [client, other] = [workers.connect(0), workers.connect(2)];
    client.run('BLPOP', 'k', 0);
    other.run('CLIENT', 'UNBLOCK', client.connection.id, 'ERROR');
    expect(await reply(other)).toBe(':1\r\n');
    expect(await reply(client)).toBe('-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n');
    expect(other.run('INFO', 'clients')).toContain('blocked_clients:0\r\n');
  });

  test('that were served and then leave, or are unblocked, or run out of time, were served', async () => {
    const pusher = workers.connect(2);
    const [leaver, unblocked, late, next] = [0, 0, 1, 1].map((worker) => workers.connect(worker)) as [
      TestClient,
      TestClient,
      TestClient,
      TestClient,
    ];
    leaver.run('BLPOP', 'k', 0);
    unblocked.run('BLPOP', 'k', 0);
    late.run('BLPOP', 'k', '0.001');
    next.run('BLPOP', 'k', 0);
    pusher.run('RPUSH', 'k', 'a', 'b', 'c', 'd');
    leaver.connection.onClose();
    // Its worker is asked before it hears of what the pusher's has done.
    expect(workers.engines[0]!.blockedClients.unblock(unblocked.connection.id, true)).toBe(false);
    expect(await reply(unblocked)).toBe(pair('k', 'b'));
    expect(await reply(late)).toBe(pair('k', 'c'));
    expect(await reply(next)).toBe(pair('k', 'd'));
    await Bun.sleep(5);
    expect(late.socket.output).toBe('');
    expect(workers.engines[0]!.dispatcher.interests.verify()).toBe(0);
    expect(workers.engines[0]!.dispatcher.interests.shard.words[Header.FirstWait]).toBe(0);
  });
});
