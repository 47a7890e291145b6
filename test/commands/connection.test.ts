import { describe, expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

const WRONG_PASSWORD = '-WRONGPASS invalid username-password pair or user is disabled.\r\n';

test('PING answers PONG or its argument, ECHO its argument', () => {
  const server = new TestServer();
  expect(server.run('PING')).toBe('+PONG\r\n');
  expect(server.run('PING', 'a\0b')).toBe('$3\r\na\0b\r\n');
  expect(server.run('PING', 'a', 'b')).toBe("-ERR wrong number of arguments for 'ping' command\r\n");
  expect(server.run('ECHO', '')).toBe('$0\r\n\r\n');
  expect(server.run('ECHO')).toBe("-ERR wrong number of arguments for 'echo' command\r\n");
});

describe('AUTH', () => {
  test('without a password set, one argument is refused and the default user let in', () => {
    const server = new TestServer();
    expect(server.run('AUTH', 'x')).toBe(
      '-ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?\r\n',
    );
    expect(server.run('AUTH', 'default', 'x')).toBe('+OK\r\n');
    expect(server.run('AUTH', 'nobody', 'x')).toBe(WRONG_PASSWORD);
    expect(server.run('AUTH', 'a', 'b', 'c')).toBe('-ERR syntax error\r\n');
  });

  test('with a password set, nothing but authentication is served before it was given', () => {
    const server = new TestServer({ settings: { requirepass: 'sésame' } });
    expect(server.run('GET', 'k')).toBe('-NOAUTH Authentication required.\r\n');
    expect(server.run('CLIENT', 'ID')).toBe('-NOAUTH Authentication required.\r\n');
    expect(server.run('AUTH', 'wrong')).toBe(WRONG_PASSWORD);
    expect(server.run('AUTH', 'nobody', 'sésame')).toBe(WRONG_PASSWORD);
    expect(server.run('GET', 'k')).toBe('-NOAUTH Authentication required.\r\n');
    expect(server.run('AUTH', 'sésame')).toBe('+OK\r\n');
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
    expect(server.run('RESET')).toBe('+RESET\r\n');
    expect(server.run('GET', 'k')).toBe('-NOAUTH Authentication required.\r\n');
    expect(server.run('AUTH', 'default', 'sésame')).toBe('+OK\r\n');
  });

  test('requests that follow AUTH in the same read are served', () => {
    const server = new TestServer({ settings: { requirepass: 'p' } });
    expect(server.client.send('PING\r\nAUTH p\r\nPING\r\nPING\r\n')).toBe(
      '-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n+PONG\r\n',
    );
  });

  test('clients that came while there was a password are let in when it is taken away', async () => {
    const server = new TestServer({ settings: { requirepass: 'p' } });
    await server.engine.askMain('config.set', { pairs: [['requirepass', '']], isLocal: true });
    expect(server.run('PING')).toBe('+PONG\r\n');
  });
});

describe('HELLO', () => {
  const fields = (version: 2 | 3, id: number): string =>
    `$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n8.0.0\r\n$5\r\nproto\r\n:${version}\r\n` +
    `$2\r\nid\r\n:${id}\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n`;

  test('switches between the protocol versions and describes the server', () => {
    const server = new TestServer();
    expect(server.run('HELLO')).toBe(`*14\r\n${fields(2, 1)}`);
    expect(server.run('HELLO', '3')).toBe(`%7\r\n${fields(3, 1)}`);
    expect(server.run('GET', 'k')).toBe('_\r\n');
    expect(server.run('HELLO')).toBe(`%7\r\n${fields(3, 1)}`);
    expect(server.run('HELLO', '2')).toBe(`*14\r\n${fields(2, 1)}`);
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
  });

  test('names and authenticates the connection', () => {
    const server = new TestServer({ settings: { requirepass: 'p' } });
    expect(server.run('HELLO', '3')).toStartWith('-NOAUTH HELLO must be called with the client already');
    expect(server.run('HELLO', '3', 'AUTH', 'default', 'x')).toBe(WRONG_PASSWORD);
    expect(server.run('HELLO', '3', 'SETNAME', 'me', 'auth', 'default', 'p')).toBe(`%7\r\n${fields(3, 1)}`);
    expect(server.run('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
  });

  test.each([
    [['4'], 'NOPROTO unsupported protocol version'],
    [['1'], 'NOPROTO unsupported protocol version'],
    [['x'], 'ERR Protocol version is not an integer or out of range'],
    [['2', 'FOO'], "ERR Syntax error in HELLO option 'FOO'"],
    [['2', 'AUTH', 'a'], "ERR Syntax error in HELLO option 'AUTH'"],
    [['2', 'SETNAME'], "ERR Syntax error in HELLO option 'SETNAME'"],
    [['2', 'SETNAME', 'a b'], 'ERR Client names cannot contain spaces, newlines or special characters.'],
  ])('refuses %p and stays as it was', (args, error) => {
    const server = new TestServer();
    expect(server.run('HELLO', ...args)).toBe(`-${error}\r\n`);
    expect(server.client.connection.version).toBe(2);
    expect(server.client.connection.name).toBe('');
  });
});

test('SELECT chooses among the databases there are', () => {
  const server = new TestServer();
  expect(server.run('SET', 'k', '0')).toBe('+OK\r\n');
  expect(server.run('SELECT', '15')).toBe('+OK\r\n');
  expect(server.run('GET', 'k')).toBe('$-1\r\n');
  expect(server.run('SELECT', '16')).toBe('-ERR DB index is out of range\r\n');
  expect(server.run('SELECT', '-1')).toBe('-ERR DB index is out of range\r\n');
  expect(server.run('SELECT', '1.5')).toBe('-ERR value is not an integer or out of range\r\n');
  expect(server.run('SELECT', '9007199254740993')).toBe(
    '-ERR value is out of range, value must between -2147483648 and 2147483647\r\n',
  );
  expect(server.client.connection.database).toBe(15);
});

test('RESET makes the connection as it was when it was new', () => {
  const server = new TestServer();
  for (const request of ['HELLO 3 SETNAME me', 'SELECT 3', 'CLIENT NO-EVICT ON', 'CLIENT NO-TOUCH ON']) {
    server.run(...request.split(' '));
  }
  expect(server.run('CLIENT', 'REPLY', 'OFF')).toBe('');
  expect(server.run('RESET')).toBe('+RESET\r\n');
  const { version, name, database, noEvict, noTouch, replyMode } = server.client.connection;
  expect({ version, name, database, noEvict, noTouch, replyMode }).toEqual({
    version: 2,
    name: '',
    database: 0,
    noEvict: false,
    noTouch: false,
    replyMode: 'on',
  });
});

test('QUIT answers what came before it, closes, and runs nothing behind it', async () => {
  const server = new TestServer();
  expect(server.client.send('SET k 1\r\nGET k\r\nQUIT\r\nSET k 2\r\n')).toBe('+OK\r\n$1\r\n1\r\n+OK\r\n');
  await Promise.resolve();
  expect(server.client.socket.ended).toBe(true);
  expect(server.connect().run('GET', 'k')).toBe('$1\r\n1\r\n');
  expect(server.client.send('SET k 3\r\n')).toBe('');
});
