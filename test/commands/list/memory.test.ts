/** How lists are kept, and what happens when memory runs out half way. */
import { describe, expect, test } from 'bun:test';
import { type Reply, replyValue } from '../../support/reply.ts';
import { TestServer } from '../../support/test-server.ts';

const OUT_OF_MEMORY: Reply = { error: "OOM command not allowed when used memory > 'maxmemory'." };

function encoding(server: TestServer): Reply {
  return replyValue(server.run('OBJECT', 'ENCODING', 'l'));
}

describe('a list', () => {
  test('is packed up to the size of a node', () => {
    const server = new TestServer();
    while (encoding(server) !== 'quicklist') server.run('RPUSH', 'l', 'x'.repeat(48));
    // Redis 7.2: 50 bytes for each, and 7 for the listpack.
    expect(replyValue(server.run('LLEN', 'l'))).toBe(Math.floor((8192 - 7 - 48) / 50) + 2);
  });

  test('is packed up to the number of elements of a node', () => {
    const server = new TestServer({ settings: { 'list-max-listpack-size': '5' } });
    for (let i = 0; i < 5; i++) server.run('RPUSH', 'l', 'x');
    expect(encoding(server)).toBe('listpack');
    server.run('LPUSH', 'l', 'x');
    expect(encoding(server)).toBe('quicklist');
  });

  test('is packed again when it has shrunk to half of a node', () => {
    const server = new TestServer({ settings: { 'list-max-listpack-size': '10' } });
    for (let i = 0; i < 30; i++) server.run('RPUSH', 'l', `element ${i}`);
    server.run('LTRIM', 'l', 24, -1);
    expect(encoding(server)).toBe('quicklist');
    server.run('LPOP', 'l');
    expect(encoding(server)).toBe('listpack');
    expect(replyValue(server.run('LRANGE', 'l', 0, -1))).toEqual(
      [25, 26, 27, 28, 29].map((i) => `element ${i}`),
    );
    server.verify();
  });

  test('that shrinks gives memory back, packed or not', () => {
    for (const limit of ['-2', '-5']) {
      const server = new TestServer({ shardCount: 1, settings: { 'list-max-listpack-size': limit } });
      const { keyspace } = server.engine;
      server.run('SET', 'other', 'x');
      const before = keyspace.usedBytes();
      for (let i = 0; i < 1000; i++) server.run('RPUSH', 'l', `element ${i}`);
      for (let i = 0; i < 995; i++) server.run(i % 2 === 0 ? 'LPOP' : 'RPOP', 'l');
      server.verify();
      expect(keyspace.usedBytes() - before).toBeLessThan(300);
      server.run('DEL', 'l');
      expect(keyspace.usedBytes()).toBe(before);
    }
  });

  test('that is long is freed bit by bit', () => {
    const server = new TestServer({ shardCount: 1, settings: { 'list-max-listpack-size': '100' } });
    const texts = Array.from({ length: 1000 }, (_, i) => `element:${i}`);
    for (let i = 0; i < 100; i++) server.run('RPUSH', 'l', ...texts);
    expect(replyValue(server.run('LINDEX', 'l', 50_777))).toBe('element:777');
    server.run('UNLINK', 'l');
    expect(replyValue(server.run('EXISTS', 'l'))).toBe(0);
    server.verify();
  });
});

describe('without memory', () => {
  /** A server with two lists whose only shard is full. */
  function full(limit: number, count: number): { server: TestServer; before: string } {
    const server = new TestServer({
      shardCount: 1,
      shardBytes: 2 << 20,
      settings: { 'list-max-listpack-size': String(limit) },
    });
    for (let i = 0; i < count; i++) server.run('RPUSH', 'l', `element ${i}`);
    server.run('RPUSH', 'm', 'a', 'b', 'c');
    for (let bytes = 1 << 20; bytes >= 16; bytes >>= 1) {
      for (let i = 0; !server.run('SET', `filler:${bytes}:${i}`, 'x'.repeat(bytes)).startsWith('-'); i++);
    }
    return { server, before: everything(server) };
  }

  function everything(server: TestServer): string {
    return ['l', 'm'].map((name) => server.run('LRANGE', name, 0, -1)).join('');
  }

  const long = 'y'.repeat(3000);
  test.each([
    ['RPUSH', 'l', 'short', long],
    ['LPUSH', 'l', 'short', 'short', long],
    ['LPUSH', 'new', 'short', long],
    ['RPUSH', 'new', ...Array.from({ length: 50 }, () => 'z'.repeat(300))],
    ['LSET', 'l', '5', long],
    ['LINSERT', 'l', 'AFTER', 'element 5', long],
    ['LMOVEM', 'l', 'new', 'LEFT', 'RIGHT', 'COUNT', '200', 'BULK'],
    ['LMOVEM', 'l', 'm', 'RIGHT', 'LEFT', 'COUNT', '200', 'OBO'],
  ])('%s %s %s … changes nothing', (...command) => {
    for (const limit of [-2, -1, 4]) {
      const { server, before } = full(limit, 400);
      const { changes } = server.engine.keyspace;
      expect(replyValue(server.run(...command))).toEqual(OUT_OF_MEMORY);
      expect(server.engine.keyspace.changes).toBe(changes);
      expect(everything(server)).toBe(before);
      expect(replyValue(server.run('EXISTS', 'new'))).toBe(0);
      server.verify();
    }
  });

  test('elements can still be taken and trimmed', () => {
    for (const limit of [-2, 4]) {
      const { server } = full(limit, 400);
      expect(replyValue(server.run('LPOP', 'l'))).toBe('element 0');
      expect(replyValue(server.run('LREM', 'l', 0, 'element 200'))).toBe(1);
      expect(replyValue(server.run('LTRIM', 'l', 1, 3))).toBe('OK');
      expect(replyValue(server.run('LRANGE', 'l', 0, -1))).toEqual(['element 2', 'element 3', 'element 4']);
      server.verify();
    }
  });
});
