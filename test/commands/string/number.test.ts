/** Numbers in strings: INCR and its kin, INCRBYFLOAT, INCREX. */
import { describe, expect, test } from 'bun:test';
import { TestServer } from '../../support/test-server.ts';

const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
const NOT_A_FLOAT = '-ERR value is not a valid float\r\n';
const OVERFLOW = '-ERR increment or decrement would overflow\r\n';
const MAX = '9223372036854775807';
const MIN = '-9223372036854775808';

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

describe('INCR, DECR, INCRBY and DECRBY', () => {
  test('count from zero, over every length of number', () => {
    const server = new TestServer();
    expect(server.run('INCR', 'k')).toBe(':1\r\n');
    expect(server.run('DECR', 'k')).toBe(':0\r\n');
    expect(server.run('DECR', 'k')).toBe(':-1\r\n');
    for (let value = 9n; value < 1n << 63n; value = value * 10n + 9n) {
      server.run('SET', 'k', `${value}`);
      expect(server.run('INCR', 'k')).toBe(`:${value + 1n}\r\n`);
      expect(server.run('DECR', 'k')).toBe(`:${value}\r\n`);
      expect(server.run('GET', 'k')).toBe(bulk(`${value}`));
    }
    server.verify();
  });

  test('are exact to the ends of 64 bits, and refuse to go further', () => {
    const server = new TestServer();
    server.run('SET', 'k', '9223372036854775806');
    expect(server.run('INCR', 'k')).toBe(`:${MAX}\r\n`);
    expect(server.run('INCR', 'k')).toBe(OVERFLOW);
    expect(server.run('GET', 'k')).toBe(bulk(MAX));
    server.run('SET', 'k', MIN);
    expect(server.run('DECR', 'k')).toBe(OVERFLOW);
    expect(server.run('INCRBY', 'k', MAX)).toBe(':-1\r\n');
    expect(server.run('DECRBY', 'k', MIN)).toBe('-ERR decrement would overflow\r\n');
    expect(server.run('DECRBY', 'k', MAX)).toBe(`:${MIN}\r\n`);
  });

  test('refuse what is no integer, as value and as increment', () => {
    const server = new TestServer();
    for (const text of ['', ' 1', '1 ', '01', '-0', '+1', '1.0', 'x', '9223372036854775808']) {
      server.run('SET', 'k', text);
      expect(server.run('INCR', 'k')).toBe(NOT_AN_INTEGER);
      expect(server.run('INCRBY', 'other', text)).toBe(NOT_AN_INTEGER);
      expect(server.run('DECRBY', 'other', text)).toBe(NOT_AN_INTEGER);
    }
    expect(server.run('GET', 'other')).toBe('$-1\r\n');
  });
});

describe('INCRBYFLOAT', () => {
  test('prints as Redis prints', () => {
    const server = new TestServer();
    expect(server.run('INCRBYFLOAT', 'k', '3.0e3')).toBe(bulk('3000'));
    expect(server.run('INCRBYFLOAT', 'k', '200')).toBe(bulk('3200'));
    expect(server.run('INCRBYFLOAT', 'k', '-3200')).toBe(bulk('0'));
    server.run('SET', 'k', '10.50');
    expect(server.run('INCRBYFLOAT', 'k', '0.1')).toBe(bulk('10.6'));
    expect(server.run('GET', 'k')).toBe(bulk('10.6'));
  });

  test('refuses what is no float, and sums that are no number', () => {
    const server = new TestServer();
    expect(server.run('INCRBYFLOAT', 'k', 'x')).toBe(NOT_A_FLOAT);
    expect(server.run('INCRBYFLOAT', 'k', 'nan')).toBe(NOT_A_FLOAT);
    expect(server.run('INCRBYFLOAT', 'k', 'inf')).toBe('-ERR increment would produce NaN or Infinity\r\n');
    server.run('SET', 'k', 'text');
    expect(server.run('INCRBYFLOAT', 'k', '1')).toBe(NOT_A_FLOAT);
  });
});

describe('INCREX', () => {
  const pair = (first: string | number, second: string | number): string =>
    `*2\r\n:${first}\r\n:${second}\r\n`;

  test('adds one, or what BYINT says, and answers value and increment', () => {
    const server = new TestServer();
    expect(server.run('INCREX', 'k')).toBe(pair(1, 1));
    expect(server.run('INCREX', 'k', 'BYINT', 5)).toBe(pair(6, 5));
    expect(server.run('INCREX', 'k', 'byint', -10)).toBe(pair(-4, -10));
    expect(server.run('GET', 'k')).toBe(bulk('-4'));
  });

  test('leaves the key alone when a bound would be passed', () => {
    const server = new TestServer();
    expect(server.run('INCREX', 'k', 'BYINT', 15, 'UBOUND', 10, 'EX', 100)).toBe(pair(0, 0));
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    server.run('SET', 'k', 10);
    expect(server.run('INCREX', 'k', 'BYINT', 10, 'UBOUND', 15)).toBe(pair(10, 0));
    expect(server.run('INCREX', 'k', 'BYINT', -10, 'LBOUND', 5)).toBe(pair(10, 0));
    expect(server.run('INCREX', 'k', 'BYINT', 5, 'UBOUND', 15, 'LBOUND', 0)).toBe(pair(15, 5));
    server.run('SET', 'k', MAX);
    expect(server.run('INCREX', 'k')).toBe(pair(MAX, 0));
  });

  test('SATURATE goes to the bound, or to the end of the type', () => {
    const server = new TestServer();
    server.run('SET', 'k', 50);
    expect(server.run('INCREX', 'k', 'BYINT', 100, 'UBOUND', 80, 'SATURATE')).toBe(pair(80, 30));
    expect(server.run('INCREX', 'k', 'BYINT', 5, 'UBOUND', 30, 'SATURATE')).toBe(pair(30, -50));
    expect(server.run('INCREX', 'k', 'BYINT', -100, 'LBOUND', 0, 'SATURATE')).toBe(pair(0, -30));
    server.run('SET', 'k', '9223372036854775800');
    expect(server.run('INCREX', 'k', 'BYINT', '9223372036854775800', 'SATURATE')).toBe(pair(MAX, 7));
    expect(server.run('INCREX', 'k', 'SATURATE', 'UBOUND', MIN)).toBe(
      '-ERR applied increment would overflow\r\n',
    );
    expect(server.run('GET', 'k')).toBe(bulk(MAX));
  });

  test('BYFLOAT adds floats, answered as text or, in RESP3, as doubles', () => {
    const server = new TestServer();
    server.run('SET', 'k', '1.5');
    expect(server.run('INCREX', 'k', 'BYFLOAT', '0.25')).toBe(`*2\r\n${bulk('1.75')}${bulk('0.25')}`);
    server.client.connection.version = 3;
    expect(server.run('INCREX', 'k', 'BYFLOAT', '100', 'UBOUND', '42.5', 'SATURATE')).toBe(
      '*2\r\n,42.5\r\n,40.75\r\n',
    );
    expect(server.run('INCREX', 'k', 'BYFLOAT', '1', 'UBOUND', '42.5')).toBe('*2\r\n,42.5\r\n,0\r\n');
    expect(server.run('INCREX', 'k', 'BYFLOAT', 'inf')).toBe('-ERR BYFLOAT increment cannot be Infinity\r\n');
    expect(server.run('INCREX', 'k', 'BYFLOAT', '1', 'UBOUND', 'inf')).toBe('*2\r\n,43.5\r\n,1\r\n');
    server.run('SET', 'k', 'inf');
    expect(server.run('INCREX', 'k', 'BYFLOAT', '1')).toBe('-ERR value cannot be Infinity\r\n');
  });

  test('sets, keeps and removes the expiry', () => {
    const server = new TestServer();
    const expiries = (): number => server.engine.keyspace.expiryCount(0);
    server.run('INCREX', 'k', 'EX', 100);
    expect(expiries()).toBe(1);
    server.run('INCREX', 'k');
    expect(expiries()).toBe(1);
    server.run('INCREX', 'k', 'PERSIST');
    expect(expiries()).toBe(0);
    expect(server.run('INCREX', 'k', 'PX', 100_000, 'ENX')).toBe(pair(4, 1));
    expect(expiries()).toBe(1);
    // Has an expiry already: the one that is past is not set, and the key stays.
    expect(server.run('INCREX', 'k', 'EXAT', 1, 'ENX')).toBe(pair(5, 1));
    expect(server.run('GET', 'k')).toBe(bulk('5'));
    expect(server.run('INCREX', 'k', 'EXAT', 1)).toBe(pair(6, 1));
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    server.verify();
  });

  test('refuses what makes no sense, with nothing changed', () => {
    const server = new TestServer();
    const syntax = '-ERR syntax error\r\n';
    for (const [options, reply] of [
      [['FOO'], syntax],
      [['BYINT'], syntax],
      [['BYINT', '1', 'BYFLOAT', '1'], syntax],
      [['BYFLOAT', '1', 'BYINT', '1'], syntax],
      [['EX', '1', 'PX', '1'], syntax],
      [['EX', '1', 'PERSIST'], syntax],
      [['PERSIST', 'ENX'], syntax],
      [['KEEPTTL'], syntax],
      [['ENX'], '-ERR ENX flag requires an expiration\r\n'],
      [['BYINT', '1.5'], NOT_AN_INTEGER],
      [['UBOUND', 'x'], NOT_AN_INTEGER],
      [['BYFLOAT', 'x'], NOT_A_FLOAT],
      [['LBOUND', '2', 'UBOUND', '1'], "-ERR LBOUND can't be greater than UBOUND\r\n"],
      [['EX', '0'], "-ERR invalid expire time in 'increx' command\r\n"],
    ] as const) {
      expect(server.run('INCREX', 'k', ...options)).toBe(reply);
    }
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    server.run('SET', 'k', '1.5');
    expect(server.run('INCREX', 'k')).toBe(NOT_AN_INTEGER);
  });
});
