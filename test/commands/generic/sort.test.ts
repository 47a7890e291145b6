import { describe, expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

/** What a reply says, without its lengths. */
const words = (reply: string): string[] =>
  reply.split('\r\n').filter((line) => line !== '' && !/^[*$]/.test(line));

describe('SORT', () => {
  test('sorts by number, by text, and backwards', () => {
    const server = new TestServer();
    server.run('RPUSH', 'l', '10', '9', '-3', '2.5');
    expect(words(server.run('SORT', 'l'))).toEqual(['-3', '2.5', '9', '10']);
    expect(words(server.run('SORT', 'l', 'DESC', 'LIMIT', '1', '2'))).toEqual(['9', '2.5']);
    expect(words(server.run('SORT', 'l', 'ALPHA'))).toEqual(['-3', '10', '2.5', '9']);
  });

  test('looks up weights and replies in keys of every shard', () => {
    const server = new TestServer({ shardCount: 8 });
    for (let i = 0; i < 40; i++) {
      server.run('SADD', 's', i);
      server.run('SET', `w_${i}`, 100 - i);
      server.run('HSET', `h_${i}`, 'f', `name ${i}`);
    }
    const expected = Array.from({ length: 40 }, (_, place) => `name ${39 - place}`);
    expect(words(server.run('SORT', 's', 'BY', 'w_*', 'GET', 'h_*->f'))).toEqual(expected);
    expect(server.run('SORT', 's', 'BY', 'w_*', 'GET', 'h_*->f', 'STORE', 'dst')).toBe(':40\r\n');
    expect(words(server.run('LRANGE', 'dst', 0, -1))).toEqual(expected);
    server.verify();
  });

  test('replaces its destination, or removes it when there is nothing to store', () => {
    const server = new TestServer();
    server.run('SET', 'dst', 'text', 'EX', 100);
    server.run('RPUSH', 'l', '2', '1');
    expect(server.run('SORT', 'l', 'STORE', 'dst')).toBe(':2\r\n');
    expect(server.run('TTL', 'dst')).toBe(':-1\r\n');
    expect(server.run('SORT', 'none', 'STORE', 'dst')).toBe(':0\r\n');
    expect(server.run('EXISTS', 'dst')).toBe(':0\r\n');
    expect(server.run('SORT', 'l', 'STORE', 'l')).toBe(':2\r\n');
    expect(words(server.run('LRANGE', 'l', 0, -1))).toEqual(['1', '2']);
  });

  test('changes nothing when it fails', () => {
    const server = new TestServer({ shardCount: 2, shardBytes: 4 << 20 });
    for (let i = 0; i < 20; i++) server.run('RPUSH', 'l', i);
    server.run('SET', 'w_1', 'x'.repeat(400_000));
    server.run('SET', 'dst', 'kept');
    const gets = Array.from({ length: 20 }, () => ['GET', 'w_*']).flat();
    server.run('RPUSH', 'ones', '1', '1');
    expect(server.run('SORT', 'ones', ...gets, 'STORE', 'dst')).toStartWith('-OOM');
    expect(server.run('GET', 'dst')).toBe('$4\r\nkept\r\n');
    server.run('RPUSH', 'l', 'word');
    expect(server.run('SORT', 'l', 'STORE', 'dst')).toBe(
      "-ERR One or more scores can't be converted into double\r\n",
    );
    expect(server.run('SORT', 'dst')).toStartWith('-WRONGTYPE');
    expect(server.run('SORT_RO', 'l', 'STORE', 'dst')).toBe('-ERR syntax error\r\n');
    server.verify();
  });

  test('keeps no copies of large weights, and gives up a reply that grows too large', () => {
    const settings = { 'client-output-buffer-limit': 'normal 1 0 0' };
    const server = new TestServer({ shardCount: 2, settings });
    server.run('SET', 'w', '7'.repeat(1_000_000));
    server.run('RPUSH', 'l', ...Array.from({ length: 1000 }, () => ''));
    const before = process.memoryUsage.rss();
    expect(server.run('SORT', 'l', 'BY', 'w*', 'ALPHA', 'LIMIT', '0', '1')).toBe('*1\r\n$0\r\n\r\n');
    const client = server.connect();
    client.run('SORT', 'l', 'BY', 'nosort', 'GET', 'w*');
    expect(client.socket.ended).toBe(true);
    expect(server.run('SORT', 'l', 'BY', 'nosort', 'GET', 'w*', 'STORE', 'dst')).toStartWith('-OOM');
    expect(process.memoryUsage.rss() - before).toBeLessThan(500e6);
  });

  test('stores what its destination held', () => {
    const server = new TestServer({ shardCount: 1 });
    server.run('SET', 'dst', 'x'.repeat(5000));
    server.run('RPUSH', 'l', '1', '2');
    expect(server.run('SORT', 'l', 'GET', 'ds*', 'GET', 'dst*', 'GET', '#', 'STORE', 'dst')).toBe(':6\r\n');
    server.run('RPUSH', 'one', 't');
    server.run('SET', 'dst', 'y'.repeat(5000));
    expect(server.run('SORT', 'one', 'ALPHA', 'GET', 'ds*', 'STORE', 'dst')).toBe(':1\r\n');
    expect(server.run('LINDEX', 'dst', 0)).toBe(`$5000\r\n${'y'.repeat(5000)}\r\n`);
    server.run('HSET', 'hash', 't', 12, 'u', 'text');
    server.run('RPUSH', 'empty', '');
    expect(
      words(server.run('SORT', 'empty', 'BY', 'hash*->t', 'GET', 'hash*->t', 'GET', 'hash*->u')),
    ).toEqual(['12', 'text']);
    server.verify();
  });
});
