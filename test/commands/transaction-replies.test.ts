/** MULTI, EXEC, DISCARD, WATCH and UNWATCH: replies byte for byte. Concurrency is in test/workers/transactions.test.ts. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { NO_JOURNAL } from '../../src/server/journal/journal.ts';
import { type TestClient, TestServer } from '../support/test-server.ts';

const QUEUED = '+QUEUED\r\n';
const OK = '+OK\r\n';
const NIL = '*-1\r\n';
const PREVIOUS_ERRORS = '-EXECABORT Transaction discarded because of previous errors.\r\n';

let server: TestServer;
let other: TestClient;

beforeEach(() => {
  server = new TestServer({ shardCount: 8 });
  other = server.connect();
});

const run = (...parts: (string | number)[]): string => server.run(...parts);

/** The reply of EXEC to a transaction of these. */
function transact(...requests: (string | number)[][]): string {
  expect(run('MULTI')).toBe(OK);
  for (const request of requests) expect(run(...request)).toBe(QUEUED);
  return run('EXEC');
}

describe('MULTI and EXEC', () => {
  test('run what was queued, in order, with its replies in an array', () => {
    expect(transact(['SET', 'a', 1], ['INCR', 'a'], ['MGET', 'a', 'b'], ['PING'])).toBe(
      '*4\r\n+OK\r\n:2\r\n*2\r\n$1\r\n2\r\n$-1\r\n+PONG\r\n',
    );
    server.verify();
  });

  test('nothing queued is an empty array', () => expect(transact()).toBe('*0\r\n'));

  test('nobody sees what is queued before EXEC', () => {
    run('MULTI');
    run('SET', 'a', 1);
    expect(other.run('GET', 'a')).toBe('$-1\r\n');
    run('EXEC');
    expect(other.run('GET', 'a')).toBe('$1\r\n1\r\n');
  });

  test('an error while running does not stop the rest', () => {
    run('SET', 'a', 'x');
    expect(transact(['INCR', 'a'], ['LPUSH', 'a', 1], ['SET', 'b', 2])).toBe(
      '*3\r\n-ERR value is not an integer or out of range\r\n' +
        '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n+OK\r\n',
    );
  });

  test.each([
    [['NOSUCH'], "-ERR unknown command 'NOSUCH', with args beginning with: \r\n"],
    [['GET'], "-ERR wrong number of arguments for 'get' command\r\n"],
    [['CLIENT', 'NOSUCH'], "-ERR unknown subcommand 'NOSUCH'. Try CLIENT HELP.\r\n"],
  ])('%p cannot be queued, and EXEC runs nothing', (request, error) => {
    run('MULTI');
    run('SET', 'a', 1);
    expect(run(...request)).toBe(error);
    expect(run('EXEC')).toBe(PREVIOUS_ERRORS);
    expect(run('GET', 'a')).toBe('$-1\r\n');
  });

  test('commands out of place say so', () => {
    expect(run('EXEC')).toBe('-ERR EXEC without MULTI\r\n');
    expect(run('DISCARD')).toBe('-ERR DISCARD without MULTI\r\n');
    run('MULTI');
    expect(run('MULTI')).toBe('-ERR MULTI calls can not be nested\r\n');
    expect(run('WATCH', 'a')).toBe('-ERR WATCH inside MULTI is not allowed\r\n');
    expect(run('EXEC')).toBe('*0\r\n');
  });

  test('EXEC with arguments ends the transaction', () => {
    run('MULTI');
    expect(run('EXEC', 'a')).toBe(
      "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n",
    );
    expect(run('EXEC')).toBe('-ERR EXEC without MULTI\r\n');
  });

  test('DISCARD and RESET forget what was queued', () => {
    run('MULTI');
    run('SET', 'a', 1);
    expect(run('DISCARD')).toBe(OK);
    run('MULTI');
    run('SET', 'a', 1);
    expect(run('RESET')).toBe('+RESET\r\n');
    expect(run('GET', 'a')).toBe('$-1\r\n');
  });

  test('blocking commands answer at once', () => {
    expect(transact(['BLPOP', 'l', 0], ['RPUSH', 'l', 1], ['BLPOP', 'l', 0])).toBe(
      '*3\r\n*-1\r\n:1\r\n*2\r\n$1\r\nl\r\n$1\r\n1\r\n',
    );
  });

  test('commands over every shard and over other databases run inside', () => {
    expect(
      transact(
        ['SET', 'a', 1],
        ['COPY', 'a', 'b', 'DB', 2],
        ['KEYS', '*'],
        ['SELECT', 2],
        ['GET', 'b'],
        ['DBSIZE'],
        ['SWAPDB', 0, 2],
        ['GET', 'a'],
        ['FLUSHALL'],
        ['DBSIZE'],
      ),
    ).toBe('*10\r\n+OK\r\n:1\r\n*1\r\n$1\r\na\r\n+OK\r\n$1\r\n1\r\n:1\r\n+OK\r\n$1\r\n1\r\n+OK\r\n:0\r\n');
    expect(run('CLIENT', 'INFO')).toContain(' db=2 ');
    server.verify();
  });

  test('replies that come from other workers keep their places', async () => {
    run('MULTI');
    for (const request of [
      ['SET', 'a', 1],
      ['CONFIG', 'SET', 'maxmemory-samples', '7'],
      ['INCR', 'a'],
    ]) {
      expect(run(...request)).toBe(QUEUED);
    }
    run('CLIENT', 'LIST');
    expect(server.client.send('*1\r\n$4\r\nEXEC\r\n*1\r\n$4\r\nPING\r\n')).toBe('');
    expect(other.run('GET', 'a')).toBe('$1\r\n2\r\n');
    await Bun.sleep(5);
    const { output } = server.client.socket;
    expect(output).toStartWith('*4\r\n+OK\r\n+OK\r\n:2\r\n$');
    expect(output).toEndWith('\n\r\n+PONG\r\n');
  });

  test('serves clients that wait once, at the end', () => {
    other.run('BLPOP', 'l', 0);
    other.socket.output = '';
    transact(['RPUSH', 'l', 1], ['LPUSH', 'l', 2], ['LPOP', 'l']);
    expect(other.socket.output).toBe('');
  });

  test('CLIENT INFO tells of it', () => {
    run('WATCH', 'a', 'b');
    run('MULTI');
    run('GET', 'a');
    expect(run('CLIENT', 'INFO')).toBe(QUEUED);
    expect(other.run('CLIENT', 'INFO')).toContain(' multi=-1 ');
    expect(server.client.connection.describe()).toContain(' multi=2 ');
  });

  test('a client that queues too much is closed', async () => {
    server = new TestServer({ settings: { 'client-query-buffer-limit': '1048576' } });
    const hostile = server.connect();
    hostile.run('MULTI');
    for (let i = 0; i < 30 && !hostile.socket.ended; i++) hostile.run('SET', 'a', 'x'.repeat(50_000));
    await Bun.sleep(1);
    expect(hostile.socket.ended).toBe(true);
    expect(run('GET', 'a')).toBe('$-1\r\n');
  });
});

describe('WATCH', () => {
  /** Whether a transaction behind WATCH of `w` and these requests of another client is given up. */
  function isGivenUp(...requests: (string | number)[][]): boolean {
    expect(run('WATCH', 'w')).toBe(OK);
    for (const request of requests) other.run(...request);
    run('MULTI');
    run('PING');
    const reply = run('EXEC');
    expect([NIL, '*1\r\n+PONG\r\n']).toContain(reply);
    server.verify();
    return reply === NIL;
  }

  test('of a key that nobody changes', () => {
    run('SET', 'w', 1);
    expect(isGivenUp(['GET', 'w'], ['SET', 'other', 1], ['SELECT', 1], ['SET', 'w', 1])).toBe(false);
  });

  test.each([
    [['SET', 'w', 2]],
    [['DEL', 'w']],
    [['EXPIRE', 'w', 100]],
    [['RENAME', 'w', 'x']],
    [['MOVE', 'w', 1]],
    [['COPY', 'x', 'w', 'REPLACE']],
    [['FLUSHALL']],
    [['FLUSHDB']],
    [['SWAPDB', 0, 1]],
  ])('sees %p', (request) => {
    run('MSET', 'w', 1, 'x', 1);
    expect(isGivenUp(request)).toBe(true);
    expect(isGivenUp()).toBe(false);
  });

  test.each([[['FLUSHALL']], [['FLUSHDB']], [['SWAPDB', 0, 1]], [['DEL', 'w']]])(
    'of a missing key does not mind %p',
    (request) => {
      run('SET', 'x', 1);
      expect(isGivenUp(request)).toBe(false);
    },
  );

  test('follows the logical database when two are exchanged', () => {
    expect(isGivenUp(['SWAPDB', 0, 1], ['SET', 'w', 1])).toBe(true);
    run('DEL', 'w');
    expect(isGivenUp(['SWAPDB', 0, 1], ['SELECT', 1], ['SET', 'w', 1])).toBe(false);
  });

  test('sees expiry, but not that of what had expired before', async () => {
    run('SET', 'w', 1, 'PX', 5);
    run('WATCH', 'w');
    await Bun.sleep(8);
    run('MULTI');
    run('PING');
    expect(run('EXEC')).toBe(NIL);
    run('SET', 'w', 1, 'PX', 1);
    await Bun.sleep(4);
    expect(isGivenUp(['GET', 'w'])).toBe(false);
  });

  test('sees writes of memcached clients', () => {
    run('WATCH', 'w');
    server.connectMemcached().send('set w 0 0 1\r\nx\r\n');
    run('MULTI');
    expect(run('EXEC')).toBe(NIL);
  });

  test("sees the client's own changes before MULTI, not those in it", () => {
    run('WATCH', 'w');
    expect(transact(['SET', 'w', 1])).toBe('*1\r\n+OK\r\n');
    run('WATCH', 'w');
    run('SET', 'w', 2);
    expect(transact(['SET', 'w', 3])).toBe(NIL);
  });

  test('ends with UNWATCH, DISCARD, RESET and the connection', () => {
    for (const end of [['UNWATCH'], ['RESET']]) {
      run('WATCH', 'w', 'w');
      other.run('APPEND', 'w', 'x');
      run(...end);
      expect(transact(['PING'])).toBe('*1\r\n+PONG\r\n');
    }
    const leaving = server.connect();
    leaving.run('WATCH', 'w', 'v');
    leaving.connection.close();
    server.verify();
  });

  test('a transaction given up is a null in RESP3', () => {
    run('HELLO', 3);
    run('WATCH', 'w');
    other.run('SET', 'w', 1);
    run('MULTI');
    expect(run('EXEC')).toBe('_\r\n');
  });
});

test('the journal is told of a transaction as a group, and not of EXEC itself', () => {
  const told: string[] = [];
  server.engine.dispatcher.journal = {
    ...NO_JOURNAL,
    append: (call) => told.push(call.row.name),
    appendServed: () => told.push('served'),
    beginGroup: () => told.push('begin'),
    endGroup: () => told.push('end'),
  };
  other.run('BLPOP', 'l', 0);
  transact(['SET', 'a', 1], ['GET', 'a'], ['RPUSH', 'l', 1]);
  expect(told).toEqual(['begin', 'SET', 'RPUSH', 'end', 'served']);
});
