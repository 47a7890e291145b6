/** Places: the examples everybody knows, keys of several shards, memory, and what options go together. */
import { describe, expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

function bulks(...texts: string[]): string {
  return `*${texts.length}\r\n${texts.map((text) => `$${text.length}\r\n${text}\r\n`).join('')}`;
}

function sicily(settings: Record<string, string> = {}): TestServer {
  const server = new TestServer({ shardCount: 8, settings });
  server.run('GEOADD', 'Sicily', '13.361389', '38.115556', 'Palermo', '15.087269', '37.502669', 'Catania');
  server.run('GEOADD', 'Sicily', '12.758489', '38.788135', 'edge1', '17.241510', '38.788135', 'edge2');
  return server;
}

describe.each([
  ['packed', {}],
  ['a tree', { 'zset-max-listpack-entries': '0' }],
])('a sorted set that is %s', (_name, settings) => {
  test('has places', () => {
    const server = sicily(settings);
    expect(server.run('GEODIST', 'Sicily', 'Palermo', 'Catania')).toBe('$11\r\n166274.1516\r\n');
    expect(server.run('GEODIST', 'Sicily', 'Palermo', 'Catania', 'KM')).toBe('$8\r\n166.2742\r\n');
    expect(server.run('GEODIST', 'Sicily', 'Palermo', 'missing')).toBe('$-1\r\n');
    expect(server.run('GEOHASH', 'Sicily', 'Palermo', 'Catania')).toBe(bulks('sqc8b49rny0', 'sqdtr74hyu0'));
    expect(server.run('GEOPOS', 'Sicily', 'Palermo', 'missing')).toBe(
      `*2\r\n${bulks('13.36138933897018433', '38.11555639549629859')}*-1\r\n`,
    );
    expect(server.run('GEOADD', 'Sicily', 'XX', 'CH', 13, 38, 'Palermo', 1, 2, 'new')).toBe(':1\r\n');
    expect(server.run('GEOADD', 'Sicily', 'NX', 10, 10, 'Palermo')).toBe(':0\r\n');
    expect(server.run('ZCARD', 'Sicily')).toBe(':4\r\n');
  });

  test('is searched in circles and boxes', () => {
    const server = sicily(settings);
    const from = ['FROMLONLAT', 15, 37];
    expect(server.run('GEOSEARCH', 'Sicily', ...from, 'BYRADIUS', 200, 'km', 'ASC')).toBe(
      bulks('Catania', 'Palermo'),
    );
    expect(server.run('GEOSEARCH', 'Sicily', ...from, 'BYBOX', 400, 400, 'km', 'DESC')).toBe(
      bulks('edge1', 'edge2', 'Palermo', 'Catania'),
    );
    expect(server.run('GEOSEARCH', 'Sicily', ...from, 'BYBOX', 400, 400, 'km', 'COUNT', 1)).toBe(
      bulks('Catania'),
    );
    expect(server.run('GEORADIUS', 'Sicily', 15, 37, 200, 'km', 'WITHDIST', 'DESC')).toBe(
      `*2\r\n${bulks('Palermo', '190.4424')}${bulks('Catania', '56.4413')}`,
    );
    expect(server.run('GEORADIUSBYMEMBER_RO', 'Sicily', 'Catania', 1, 'm')).toBe(bulks('Catania'));
    expect(server.run('GEOSEARCH', 'missing', ...from, 'BYRADIUS', 1, 'm')).toBe('*0\r\n');
  });
});

describe('what is found may be stored', () => {
  test('in another shard, or in its own place', () => {
    const server = sicily();
    const circle = ['FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km'];
    for (let i = 0; i < 12; i++) {
      expect(server.run('GEOSEARCHSTORE', `to${i}`, 'Sicily', ...circle)).toBe(':2\r\n');
      expect(
        server.run('GEORADIUS', 'Sicily', 15, 37, 200, 'km', 'STORE', `from${i}`, 'STOREDIST', `to${i}`),
      ).toBe(':2\r\n');
      expect(server.run('EXISTS', `from${i}`)).toBe(':0\r\n');
      expect(server.run('ZRANGE', `to${i}`, 0, -1)).toBe(bulks('Catania', 'Palermo'));
    }
    expect(server.run('GEOSEARCHSTORE', 'Sicily', 'Sicily', ...circle)).toBe(':2\r\n');
    expect(server.run('ZCARD', 'Sicily')).toBe(':2\r\n');
    server.verify();
  });

  test('and nothing found removes the key, whatever it was', () => {
    const server = sicily();
    server.run('SET', 'to', 'x');
    expect(server.run('GEOSEARCHSTORE', 'to', 'Sicily', 'FROMLONLAT', 0, 0, 'BYRADIUS', 1, 'm')).toBe(
      ':0\r\n',
    );
    expect(server.run('EXISTS', 'to')).toBe(':0\r\n');
    server.run('SET', 'to', 'x');
    expect(server.run('GEORADIUSBYMEMBER', 'missing', 'm', 1, 'm', 'STORE', 'to')).toBe(':0\r\n');
    expect(server.run('EXISTS', 'to')).toBe(':0\r\n');
  });
});

test('bad requests are refused', () => {
  const server = sicily();
  server.run('SET', 's', 'x');
  const errors: [string, (string | number)[]][] = [
    ['ERR invalid longitude,latitude pair 200.000000,10.000000', ['GEOADD', 'k', 200, 10, 'm']],
    ['ERR value is not a valid float', ['GEOADD', 'k', 'x', 10, 'm']],
    ['ERR syntax error', ['GEOADD', 'k', 'NX', 'XX', 1, 2, 'm']],
    ['ERR unsupported unit provided. please use M, KM, FT, MI', ['GEODIST', 'Sicily', 'a', 'b', 'x']],
    ['ERR could not decode requested zset member', ['GEORADIUSBYMEMBER', 'Sicily', 'none', 1, 'm']],
    ['ERR need numeric radius', ['GEORADIUS', 'Sicily', 1, 1, 'x', 'm']],
    ['ERR COUNT must be > 0', ['GEORADIUS', 'Sicily', 1, 1, 1, 'm', 'COUNT', 0]],
    ['ERR syntax error', ['GEORADIUS_RO', 'Sicily', 1, 1, 1, 'm', 'STORE', 'to']],
    [
      'ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options',
      ['GEORADIUS', 'Sicily', 1, 1, 1, 'm', 'STORE', 'to', 'WITHDIST'],
    ],
    ['ERR the ANY argument requires COUNT argument', ['GEORADIUS', 'Sicily', 1, 1, 1, 'm', 'ANY']],
  ];
  for (const [error, request] of errors) expect(server.run(...request)).toBe(`-${error}\r\n`);
  expect(server.run('GEOADD', 's', 1, 2, 'm')).toBe(WRONG_TYPE);
  expect(server.run('GEOPOS', 's', 'm')).toBe(WRONG_TYPE);
});

test('without memory nothing is changed', () => {
  const server = new TestServer({ shardCount: 1, shardBytes: 2 << 20 });
  for (let i = 0; i < 2000; i++) server.run('GEOADD', 'k', i / 100, i / 100, `member:${i}`);
  let filler = 0;
  for (const size of [400_000, 30_000, 2000, 300, 100, 30, 8]) {
    while (server.run('SET', `filler:${filler}`, 'x'.repeat(size)) === '+OK\r\n') filler++;
  }
  server.run('ZREM', 'k', 'member:1');
  const more = Array.from({ length: 2000 }, (_, i) => [i / 100, i / 100, `other:${i}`]).flat();
  expect(server.run('GEOADD', 'k', ...more)).toBe(OUT_OF_MEMORY);
  expect(server.run('GEOSEARCHSTORE', 'to', 'k', 'FROMLONLAT', 10, 10, 'BYRADIUS', 5000, 'km')).toBe(
    OUT_OF_MEMORY,
  );
  expect(server.run('ZCARD', 'k')).toBe(':1999\r\n');
  expect(server.run('EXISTS', 'to')).toBe(':0\r\n');
  server.verify();
});
