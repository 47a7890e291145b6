/** Counts near the ends of what 64 bits hold, where doubles have not every integer: replies as redis-server 7.0 gives them. */
import { expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

const OUT_OF_RANGE = '-ERR value is out of range\r\n';

test.each([
  ['ZRANDMEMBER', 'WITHSCORES'],
  ['HRANDFIELD', 'WITHVALUES'],
])('%s', (name, word) => {
  const server = new TestServer();
  expect(server.run(name, 'none', '-9223372036854775807')).toBe('*0\r\n');
  expect(server.run(name, 'none', '9223372036854775807')).toBe('*0\r\n');
  expect(server.run(name, 'none', '-9223372036854775808')).toStartWith(
    '-ERR value is out of range, value must',
  );
  expect(server.run(name, 'none', '9223372036854775808')).toStartWith('-ERR value is not an integer');
  for (const [count, reply] of [
    ['4611686018427387903', '*0\r\n'],
    ['-4611686018427387903', '*0\r\n'],
    ['4611686018427387904', OUT_OF_RANGE],
    ['-4611686018427387904', OUT_OF_RANGE],
  ] as const) {
    expect(server.run(name, 'none', count, word)).toBe(reply);
  }
});

test('the counts of scans', () => {
  const server = new TestServer({
    settings: { 'zset-max-listpack-entries': '1', 'set-max-intset-entries': '1' },
  });
  server.run('ZADD', 'z', 1, 'a', 2, 'b');
  server.run('SADD', 's', 1, 2);
  server.run('HSET', 'h', 'a', 1, 'b', 2);
  for (const scan of [
    ['SCAN', 0],
    ['ZSCAN', 'z', 0],
    ['SSCAN', 's', 0],
    ['HSCAN', 'h', 0],
  ]) {
    const whole = server.run(...scan, 'COUNT', 1000);
    expect(server.run(...scan, 'COUNT', '9007199254740993')).toBe(whole);
    expect(server.run(...scan, 'COUNT', '9223372036854775807')).toBe(whole);
    expect(server.run(...scan, 'COUNT', '9223372036854775808')).toStartWith('-ERR value is not an integer');
    expect(server.run(...scan, 'COUNT', '-9223372036854775808')).toBe('-ERR syntax error\r\n');
  }
});
