import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { Tracking } from '../../src/server/tracking/tracking.ts';
import { type TestClient, TestServer } from '../support/test-server.ts';

let server: TestServer;
let client: TestClient;
let other: TestClient;
beforeEach(() => {
  server = new TestServer();
  client = connect3();
  other = server.connect();
});
afterEach(() => server.verify());

function connect3(): TestClient {
  const made = server.connect();
  made.run('HELLO', 3);
  return made;
}

/** What `to` was sent since it was last looked at. */
function sentTo(to: TestClient): string {
  const { output } = to.socket;
  to.socket.output = '';
  return output;
}

function invalidation(...keys: string[]): string {
  const bulks = keys.map((key) => `$${key.length}\r\n${key}\r\n`).join('');
  return `>2\r\n$10\r\ninvalidate\r\n*${keys.length}\r\n${bulks}`;
}

const EVERYTHING = '>2\r\n$10\r\ninvalidate\r\n_\r\n';

describe('by default', () => {
  beforeEach(() => expect(client.run('CLIENT', 'TRACKING', 'ON')).toBe('+OK\r\n'));

  test('a client is told once of a change of what it has read', () => {
    client.run('GET', 'k');
    client.run('MGET', 'a', 'b');
    sentTo(client);
    other.run('SET', 'k', '1');
    expect(sentTo(client)).toBe(invalidation('k'));
    other.run('SET', 'k', '2');
    other.run('SET', 'never', 'read');
    expect(sentTo(client)).toBe('');
    other.run('MSET', 'a', '1', 'b', '2');
    expect(sentTo(client)).toBe(invalidation('a') + invalidation('b'));
  });

  test('a write is not a read', () => {
    client.run('SET', 'k', '1');
    client.run('INCR', 'k');
    sentTo(client);
    other.run('SET', 'k', '2');
    expect(sentTo(client)).toBe('');
  });

  test('it is told of its own changes behind the reply', () => {
    client.run('GET', 'k');
    expect(client.run('SET', 'k', '1')).toBe(`+OK\r\n${invalidation('k')}`);
    expect(client.run('SET', 'k', '1')).toBe('+OK\r\n');
  });

  test('it is told of expiry, removal and of everything being removed', () => {
    server.run('SET', 'k', '1', 'PX', '10');
    client.run('GET', 'k');
    sentTo(client);
    server.engine.keyspace.setTime(Date.now() + 100);
    server.engine.dispatcher.beginRead = () => server.engine.keyspace.setTime(Date.now() + 100);
    expect(other.run('EXISTS', 'k')).toBe(':0\r\n');
    expect(sentTo(client)).toBe(invalidation('k'));
    client.run('GET', 'x');
    sentTo(client);
    other.run('FLUSHALL');
    expect(sentTo(client)).toBe(EVERYTHING);
    other.run('SET', 'x', '1');
    expect(sentTo(client)).toBe('');
    other.run('SET', 'y', '1');
    other.run('SELECT', '1');
    other.run('SET', 'x', '1');
    client.run('GET', 'x');
    sentTo(client);
    other.run('FLUSHDB');
    expect(sentTo(client)).toBe(EVERYTHING);
    expect(client.run('FLUSHALL')).toBe(`+OK\r\n${EVERYTHING}`);
  });

  test('an expired key that it reads is no change to be told of', () => {
    server.run('SET', 'k', '1', 'PX', '10');
    server.engine.dispatcher.beginRead = () => server.engine.keyspace.setTime(Date.now() + 100);
    expect(client.run('GET', 'k')).toBe('_\r\n');
    other.run('SET', 'k', '1');
    expect(sentTo(client)).toContain(invalidation('k'));
  });

  test('keys are bytes, and the database is not looked at', () => {
    const key = Buffer.from([0, 255, 13, 10]);
    client.run('GET', key);
    sentTo(client);
    other.run('SELECT', '5');
    other.run('SET', key, '1');
    expect(sentTo(client)).toBe(invalidation(key.toString('latin1')));
  });

  test('a change by memcached is one too', () => {
    client.run('GET', 'k');
    sentTo(client);
    const memcached = server.connectMemcached();
    expect(memcached.send('set k 0 0 1\r\nx\r\n')).toBe('STORED\r\n');
    expect(sentTo(client)).toBe(invalidation('k'));
  });

  test('nothing comes any more after OFF, RESET or with RESP2', () => {
    client.run('GET', 'k');
    client.run('CLIENT', 'TRACKING', 'OFF');
    sentTo(client);
    other.run('SET', 'k', '1');
    expect(sentTo(client)).toBe('');
    expect(server.engine.info(['clients'])).toContain('tracking_clients:0\r\n');
    const old = server.connect();
    old.run('CLIENT', 'TRACKING', 'ON');
    old.run('GET', 'k');
    sentTo(old);
    other.run('SET', 'k', '1');
    expect(sentTo(old)).toBe('');
    expect(old.run('RESET')).toBe('+RESET\r\n');
    expect(old.run('CLIENT', 'GETREDIR')).toBe(':-1\r\n');
  });

  test('any keys are given up, and told of, when there are too many', async () => {
    await server.engine.mesh.askHere('config.assign', { 'tracking-table-max-keys': '10' });
    let told = '';
    for (let i = 10; i < 25; i++) told += client.run('GET', `k${i}`);
    expect(told.replaceAll('_\r\n', '')).toMatch(
      /^(>2\r\n\$10\r\ninvalidate\r\n\*1\r\n\$3\r\nk\d\d\r\n){5}$/,
    );
    expect(new Set(told.match(/k\d\d/g)).size).toBe(5);
    sentTo(client);
    for (let i = 10; i < 25; i++) {
      other.run('SET', `k${i}`, '1');
      expect(sentTo(client)).toBe(told.includes(`k${i}`) ? '' : invalidation(`k${i}`));
    }
    for (let i = 10; i < 20; i++) client.run('GET', `k${i}`);
    expect(server.engine.info(['stats'])).toContain('tracking_total_keys:10\r\n');
  });
});

test.each(['', 'BCAST'])(
  'what is read while another worker removes everything is told to be old behind the reply: %p',
  (mode) => {
    client.run('CLIENT', 'TRACKING', 'ON', ...(mode === '' ? [] : [mode]));
    const { tracking } = server.engine;
    tracking.rememberReads = (reader) => {
      server.trackingBoard.postFlush(0, 0);
      Tracking.prototype.rememberReads.call(tracking, reader);
    };
    expect(client.run('GET', 'k')).toBe(`${EVERYTHING}_\r\n${EVERYTHING}`);
  },
);

test('NOLOOP leaves out own changes', () => {
  client.run('CLIENT', 'TRACKING', 'ON', 'NOLOOP');
  client.run('GET', 'k');
  expect(client.run('SET', 'k', '1')).toBe('+OK\r\n');
  client.run('GET', 'k');
  sentTo(client);
  other.run('SET', 'k', '1');
  expect(sentTo(client)).toBe(invalidation('k'));
});

test('OPTIN remembers what is asked for, OPTOUT all but that', () => {
  client.run('CLIENT', 'TRACKING', 'ON', 'OPTIN');
  client.run('GET', 'k');
  client.run('CLIENT', 'CACHING', 'YES');
  client.run('GET', 'asked');
  client.run('GET', 'k');
  client.run('CLIENT', 'CACHING', 'YES');
  client.run('PING');
  client.run('GET', 'k');
  sentTo(client);
  other.run('MSET', 'k', '1', 'asked', '1');
  expect(sentTo(client)).toBe(invalidation('asked'));
  client.run('CLIENT', 'TRACKING', 'OFF');
  client.run('CLIENT', 'TRACKING', 'ON', 'OPTOUT');
  client.run('CLIENT', 'CACHING', 'NO');
  client.run('GET', 'asked');
  client.run('GET', 'k');
  sentTo(client);
  other.run('MSET', 'k', '1', 'asked', '1');
  expect(sentTo(client)).toBe(invalidation('k'));
});

describe('broadcasting', () => {
  test('tells of all changes under the prefixes, in one message for each', () => {
    client.run('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'foo', 'PREFIX', 'bar');
    other.run('MSET', 'foo1', '1', 'bar2', '2', 'zoo', '3', 'foo0', '3');
    expect(sentTo(client)).toContain(invalidation('bar2') + invalidation('foo0', 'foo1'));
    expect(client.run('SET', 'foo', '1')).toBe(`+OK\r\n${invalidation('foo')}`);
    sentTo(client);
    other.run('FLUSHALL');
    expect(sentTo(client)).toBe(EVERYTHING);
    expect(client.run('CLIENT', 'TRACKINGINFO')).toContain(
      '$8\r\nprefixes\r\n*2\r\n$3\r\nbar\r\n$3\r\nfoo\r\n',
    );
    expect(client.run('CLIENT', 'INFO')).toContain(' flags=tB ');
  });

  test('many prefixes are taken in no time, and overlaps among them are found', () => {
    const prefixes = Array.from({ length: 20_000 }, (_, index) => ['PREFIX', `p${index}:`]).flat();
    const start = performance.now();
    expect(client.run('CLIENT', 'TRACKING', 'ON', 'BCAST', ...prefixes)).toBe('+OK\r\n');
    // Comparing all with all took half a minute; this takes about 0.1 s.
    expect(performance.now() - start).toBeLessThan(3000);
    expect(client.run('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'q', 'PREFIX', 'p7:x')).toBe(
      "-ERR Prefix 'p7:x' overlaps with an existing prefix 'p7:'. Prefixes for a single client must not overlap.\r\n",
    );
    expect(
      client.run('CLIENT', 'TRACKING', 'ON', 'BCAST', 'PREFIX', 'rs', 'PREFIX', 'q', 'PREFIX', 'r'),
    ).toBe(
      "-ERR Prefix 'rs' overlaps with another provided prefix 'r'. Prefixes for a single client must not overlap.\r\n",
    );
  });

  test('without prefixes tells of everything', () => {
    client.run('CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP');
    sentTo(client);
    other.run('SET', 'k', '1');
    expect(sentTo(client)).toBe(invalidation('k'));
    client.run('SET', 'k', '1');
    expect(sentTo(client)).toBe('+OK\r\n');
    client.connection.close();
    expect(server.engine.info(['stats'])).toContain('tracking_total_prefixes:0\r\n');
  });
});

describe('redirection', () => {
  async function redirect(from: TestClient, to: TestClient | number): Promise<string> {
    from.run('CLIENT', 'TRACKING', 'ON', 'REDIRECT', typeof to === 'number' ? to : to.connection.id);
    for (let turn = 0; turn < 100 && from.socket.output === ''; turn++) await Bun.sleep(1);
    return sentTo(from);
  }

  test('another client is told, through the channel when it speaks RESP2', async () => {
    const listener = server.connect();
    const reader = server.connect();
    expect(await redirect(reader, listener)).toBe('+OK\r\n');
    expect(reader.run('CLIENT', 'GETREDIR')).toBe(`:${listener.connection.id}\r\n`);
    reader.run('GET', 'k');
    other.run('SET', 'k', '1');
    expect(sentTo(listener)).toBe('');
    listener.run('SUBSCRIBE', '__redis__:invalidate');
    sentTo(listener);
    reader.run('GET', 'k');
    sentTo(reader);
    other.run('SET', 'k', '1');
    const channel = '*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n';
    expect(sentTo(listener)).toBe(`${channel}*1\r\n$1\r\nk\r\n`);
    other.run('FLUSHALL');
    expect(sentTo(listener)).toBe(`${channel}$-1\r\n`);
    expect(sentTo(reader)).toBe('');
  });

  test('is broken when the other client leaves', async () => {
    const id = other.connection.id;
    await redirect(client, other);
    other.connection.close();
    client.run('GET', 'k');
    sentTo(client);
    server.run('SET', 'k', '1');
    expect(sentTo(client)).toBe(`>2\r\n$21\r\ntracking-redir-broken\r\n:${id}\r\n`);
    expect(client.run('CLIENT', 'INFO')).toContain(` flags=tR `);
    expect(client.run('CLIENT', 'TRACKINGINFO')).toContain('$15\r\nbroken_redirect\r\n');
  });

  test('to nobody is refused', async () => {
    expect(await redirect(client, 999_999)).toBe(
      '-ERR The client ID you want redirect to does not exist\r\n',
    );
  });
});

test('options that do not go together are refused, in the words of Redis', () => {
  const refused: [string, string][] = [
    ['ON PREFIX x', 'PREFIX option requires BCAST mode to be enabled'],
    ['ON OPTIN OPTOUT', "You can't specify both OPTIN mode and OPTOUT mode"],
    ['ON BCAST OPTIN', 'OPTIN and OPTOUT are not compatible with BCAST'],
    [
      'ON BCAST PREFIX ff PREFIX f',
      "Prefix 'ff' overlaps with another provided prefix 'f'. Prefixes for a single client must not overlap.",
    ],
    ['ON FOO', 'syntax error'],
    ['ON PREFIX', 'syntax error'],
    ['MAYBE', 'syntax error'],
    ['ON REDIRECT x', 'value is not an integer or out of range'],
    ['ON REDIRECT 0', 'The client ID you want redirect to does not exist'],
  ];
  for (const [options, error] of refused) {
    expect(client.run('CLIENT', 'TRACKING', ...options.split(' '))).toBe(`-ERR ${error}\r\n`);
  }
  expect(client.run('CLIENT', 'CACHING', 'YES')).toStartWith('-ERR CLIENT CACHING can be called only when');
  client.run('CLIENT', 'TRACKING', 'ON', 'OPTIN');
  expect(client.run('CLIENT', 'TRACKING', 'ON', 'BCAST')).toStartWith(
    "-ERR You can't switch BCAST mode on/off",
  );
  expect(client.run('CLIENT', 'TRACKING', 'ON', 'OPTOUT')).toStartWith("-ERR You can't switch OPTIN/OPTOUT");
  expect(client.run('CLIENT', 'CACHING', 'NO')).toStartWith('-ERR CLIENT CACHING NO is only valid');
  expect(client.run('CLIENT', 'CACHING', 'x')).toBe('-ERR syntax error\r\n');
});
