import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { TestServer } from '../../support/test-server.ts';

/** The bulk strings of a flat array reply that begins at line `from`. */
function listOf(reply: string, from = 0): string[] {
  const lines = reply.split('\r\n').slice(from);
  expect(lines[0]).toStartWith('*');
  const out: string[] = [];
  for (let i = 0; i < Number(lines[0]!.slice(1)); i++) out.push(lines[2 + i * 2]!);
  return out;
}

function scanOnce(server: TestServer, ...parts: string[]): { cursor: string; keys: string[] } {
  const reply = server.run('SCAN', ...parts);
  expect(reply).toStartWith('*2\r\n$');
  return { cursor: reply.split('\r\n')[2]!, keys: listOf(reply, 3) };
}

function scanAll(server: TestServer, ...options: string[]): string[] {
  const keys: string[] = [];
  let cursor = '0';
  do {
    const part = scanOnce(server, cursor, ...options);
    keys.push(...part.keys);
    cursor = part.cursor;
  } while (cursor !== '0');
  return keys;
}

describe('SCAN', () => {
  test('returns every key once when nothing changes, whatever the count', () => {
    const server = new TestServer();
    const expected = Array.from({ length: 3000 }, (_, i) => `key ${i}`).toSorted();
    for (const key of expected) server.run('SET', key, 'v');
    for (const count of ['1', '10', '333', '100000']) {
      expect(scanAll(server, 'COUNT', count).toSorted()).toEqual(expected);
    }
    expect(scanOnce(server, '0', 'COUNT', '100000').cursor).toBe('0');
    expect(scanOnce(server, '0', 'COUNT', '7').keys.length).toBe(7);
  });

  test('returns what is there all the time, while other keys come and go between the calls', () => {
    const step = fc.record({ isPut: fc.boolean(), from: fc.nat(5000), length: fc.nat(1500) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 300 }), (steps, count) => {
        const server = new TestServer({ shardBytes: 8 << 20 });
        const lasting = Array.from({ length: 400 }, (_, i) => `lasting ${i}`);
        for (const key of lasting) server.run('SET', key, 'v');
        const seen = new Set<string>();
        let cursor = '0';
        let turn = 0;
        do {
          const part = scanOnce(server, cursor, 'COUNT', String(count));
          for (const key of part.keys) seen.add(key);
          cursor = part.cursor;
          const change = steps[turn++];
          if (change === undefined) continue;
          for (let i = change.from; i < change.from + change.length; i++) {
            if (change.isPut) server.run('SET', `passing ${i}`, 'v');
            else server.run('DEL', `passing ${i}`);
          }
        } while (cursor !== '0');
        expect(lasting.filter((key) => !seen.has(key))).toEqual([]);
        server.verify();
      }),
      { numRuns: 25 },
    );
  });

  test('filters by pattern and type; a lone star matches the empty key too', () => {
    const server = new TestServer();
    for (const key of ['', 'a1', 'a2', 'b1']) server.run('SET', key, 'v');
    expect(scanAll(server, 'MATCH', 'a*').toSorted()).toEqual(['a1', 'a2']);
    expect(scanAll(server, 'MATCH', '*').toSorted()).toEqual(['', 'a1', 'a2', 'b1']);
    expect(scanAll(server, 'MATCH', '**').toSorted()).toEqual(['a1', 'a2', 'b1']);
    expect(scanAll(server, 'MATCH', 'b*', 'MATCH', '*').length).toBe(4);
    expect(scanAll(server, 'TYPE', 'STRING').length).toBe(4);
    expect(scanAll(server, 'TYPE', 'hash')).toEqual([]);
    expect(scanAll(server, 'TYPE', 'nonsense')).toEqual([]);
  });

  test('finds a few keys among many of another database in few calls', () => {
    const server = new TestServer();
    for (let i = 0; i < 20_000; i++) server.run('SET', `other ${i}`, 'v');
    server.client.connection.database = 5;
    for (let i = 0; i < 5; i++) server.run('SET', `mine ${i}`, 'v');
    const keys: string[] = [];
    let calls = 0;
    let cursor = '0';
    do {
      const part = scanOnce(server, cursor);
      keys.push(...part.keys);
      cursor = part.cursor;
      calls++;
    } while (cursor !== '0');
    expect(keys.toSorted()).toEqual([0, 1, 2, 3, 4].map((i) => `mine ${i}`));
    expect(calls).toBeLessThan(12);
  });

  test('reads cursors as Redis does', () => {
    const server = new TestServer();
    server.run('SET', 'k', 'v');
    for (const cursor of ['abc', '1x', ' 0', '+', '99999999999999999999', '0x1']) {
      expect(server.run('SCAN', cursor)).toBe('-ERR invalid cursor\r\n');
    }
    for (const cursor of ['', '+0', '-0', '00']) expect(scanOnce(server, cursor).keys).toEqual(['k']);
    for (const cursor of ['-1', '18446744073709551615', '9007199254740993']) {
      expect(scanOnce(server, cursor)).toEqual({ cursor: '0', keys: [] });
    }
    expect(server.run('SCAN', '0', 'COUNT', '0')).toBe('-ERR syntax error\r\n');
    expect(server.run('SCAN', '0', 'COUNT', 'x')).toBe('-ERR value is not an integer or out of range\r\n');
    expect(server.run('SCAN', '0', 'COUNT')).toBe('-ERR syntax error\r\n');
    expect(server.run('SCAN', '0', 'FOO', '1')).toBe('-ERR syntax error\r\n');
  });

  test('leaves out keys whose time has come', () => {
    const server = new TestServer();
    for (let i = 0; i < 100; i++) server.run('SET', `k${i}`, 'v');
    for (let i = 0; i < 50; i++) server.run('PEXPIREAT', `k${i}`, String(Date.now() + 40));
    Bun.sleepSync(50);
    expect(scanAll(server).length).toBe(50);
    expect(listOf(server.run('KEYS', '*')).length).toBe(50);
    expect(server.run('DBSIZE')).toBe(':100\r\n');
  });
});

describe('KEYS', () => {
  test('lists what matches, also when the reply outgrows its buffer', () => {
    const server = new TestServer();
    expect(server.run('KEYS', '*')).toBe('*0\r\n');
    const expected: string[] = [];
    for (let i = 0; i < 2000; i++) expected.push(`${i}:${'k'.repeat(700)}`);
    for (const key of expected) server.run('SET', key, 'v');
    expect(listOf(server.run('KEYS', '*')).toSorted()).toEqual(expected.toSorted());
    expect(listOf(server.run('KEYS', '199?:*')).length).toBe(10);
    expect(listOf(server.run('KEYS', 'x*'))).toEqual([]);
  });

  test('may stand among other requests of one read', () => {
    const server = new TestServer();
    server.run('SET', 'a', '1');
    expect(server.client.send('PING\r\nKEYS *\r\nSCAN 0\r\nPING\r\n')).toBe(
      '+PONG\r\n*1\r\n$1\r\na\r\n*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n+PONG\r\n',
    );
  });
});

describe('RANDOMKEY', () => {
  test('answers nil in an empty database, else any of its keys', () => {
    const server = new TestServer();
    expect(server.run('RANDOMKEY')).toBe('$-1\r\n');
    for (let i = 0; i < 20; i++) server.run('SET', `k${i}`, 'v');
    const seen = new Set<string>();
    for (let i = 0; i < 2000; i++) seen.add(server.run('RANDOMKEY').split('\r\n')[1]!);
    expect(seen.size).toBe(20);
  });

  test('finds the only live keys among many of another database and many that have expired', () => {
    const server = new TestServer();
    for (let i = 0; i < 5000; i++) server.run('SET', `other ${i}`, 'v');
    server.client.connection.database = 2;
    for (let i = 0; i < 200; i++) {
      server.run('SET', `stale ${i}`, 'v');
      server.run('PEXPIRE', `stale ${i}`, '1');
    }
    for (const key of ['a', 'b', 'c']) server.run('SET', key, 'v');
    Bun.sleepSync(5);
    const seen = new Set<string>();
    for (let i = 0; i < 300; i++) seen.add(server.run('RANDOMKEY').split('\r\n')[1]!);
    expect([...seen].toSorted()).toEqual(['a', 'b', 'c']);
  });
});
