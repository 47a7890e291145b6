import { describe, expect, test } from 'bun:test';
import { replyValue } from '../../support/reply.ts';
import { type TestClient, TestServer, type TestServerOptions } from '../../support/test-server.ts';

const NO_KEY = '-NOPERM this user has no permissions to access one of the keys used as arguments\r\n';
const noCommand = (name: string): string =>
  `-NOPERM this user has no permissions to run the '${name}' command\r\n`;

/** Runs a command whose reply may come later. */
async function run(client: TestClient, ...parts: (string | Buffer)[]): Promise<string> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(0);
  return client.socket.output;
}

/** A server with a user `u` of these rules, and a client that is this user. */
async function startWith(rules: string, options: TestServerOptions = {}) {
  const server = new TestServer(options);
  expect(await run(server.client, 'ACL', 'SETUSER', 'u', 'on', 'nopass', ...rules.split(' '))).toBe(
    '+OK\r\n',
  );
  const client = server.connect();
  expect(client.run('AUTH', 'u', '')).toBe('+OK\r\n');
  return { server, client };
}

describe('permissions', () => {
  test('the default user has none to be checked, a restricted one has', async () => {
    const { server, client } = await startWith('+get ~a');
    expect(server.client.connection.permissions).toBeNull();
    expect(client.connection.permissions).not.toBeNull();
    expect([client.run('GET', 'a'), client.run('GET', 'b'), client.run('SET', 'a', 'x')]).toEqual([
      '$-1\r\n',
      NO_KEY,
      noCommand('set'),
    ]);
  });

  test('a change of rules in a transaction holds for the commands behind it, and then everywhere', async () => {
    const { server, client } = await startWith('+@all ~*');
    client.run('MULTI');
    client.run('GET', 'a');
    client.run('ACL', 'SETUSER', 'u', '-get');
    client.run('GET', 'a');
    client.run('ACL', 'SETUSER', 'u', 'nonsense');
    client.run('ACL', 'SETUSER', 'new', 'on');
    client.run('ACL', 'USERS');
    const error = "-ERR Error in ACL SETUSER modifier 'nonsense': Syntax error\r\n";
    const users = '*3\r\n$7\r\ndefault\r\n$3\r\nnew\r\n$1\r\nu\r\n';
    const refused =
      '-NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is ' +
      'no longer allowed for the following reason: no permission to execute the command or subcommand\r\n';
    expect(await run(client, 'EXEC')).toBe(`*6\r\n$-1\r\n+OK\r\n${refused}${error}+OK\r\n${users}`);
    expect(client.run('GET', 'a')).toBe(noCommand('get'));
    expect(server.run('ACL', 'LIST')).toContain('-get');
  });

  test('a change of rules holds for connected clients at once, and none for a user by name only', async () => {
    const { server, client } = await startWith('+get ~a');
    await run(server.client, 'ACL', 'SETUSER', 'u', '~b', '+set');
    expect([client.run('SET', 'b', '1'), client.run('GET', 'b')]).toEqual(['+OK\r\n', '$1\r\n1\r\n']);
    await run(server.client, 'ACL', 'SETUSER', 'u', '+@all', '~*', '&*');
    expect(client.connection.permissions).toBeNull();
    await run(server.client, 'ACL', 'SETUSER', 'u', '-@all');
    expect(client.run('GET', 'b')).toBe(noCommand('get'));
  });

  test('requests read together with a change of rules are checked by it', async () => {
    const { client } = await startWith('+@all ~* &*');
    await run(client, 'ACL', 'SETUSER', 'u', '-get');
    expect(client.send('*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\n')).toBe(
      `${noCommand('get')}+PONG\r\n`,
    );
  });

  test('a user that is off keeps its connections but lets nobody in', async () => {
    const { server, client } = await startWith('+ping');
    await run(server.client, 'ACL', 'SETUSER', 'u', 'off');
    expect(client.run('PING')).toBe('+PONG\r\n');
    expect(server.connect().run('AUTH', 'u', '')).toContain('WRONGPASS');
  });

  test('a key may hold any bytes, and so may a pattern', async () => {
    const { server, client } = await startWith('+get');
    await run(server.client, 'ACL', 'SETUSER', 'u', Buffer.from([0x7e, 0xff, 0x2a]));
    expect(client.run('GET', Buffer.from([0xff, 0x80]))).toBe('$-1\r\n');
    expect(client.run('GET', 'é')).toBe(NO_KEY);
    expect(await run(server.client, 'ACL', 'LIST')).toContain('~\xff* ');
  });

  test('nothing of a SETUSER with a wrong rule is applied', async () => {
    const { server } = await startWith('+get ~a');
    const before = await run(server.client, 'ACL', 'LIST');
    expect(await run(server.client, 'ACL', 'SETUSER', 'u', '+set', '~b', '+nosuch')).toContain("'+nosuch'");
    expect(await run(server.client, 'ACL', 'SETUSER', 'other', 'on', 'bad')).toContain("'bad': Syntax error");
    expect(await run(server.client, 'ACL', 'LIST')).toBe(before);
  });
});

describe('channels', () => {
  const NO_CHANNEL =
    '-NOPERM this user has no permissions to access one of the channels used as arguments\r\n';

  test('are checked for those who publish and those who listen', async () => {
    const { client } = await startWith('+@all ~* &ch*');
    expect(await run(client, 'PUBLISH', 'x', 'm')).toBe(NO_CHANNEL);
    expect(await run(client, 'SPUBLISH', 'x', 'm')).toBe(NO_CHANNEL);
    expect(await run(client, 'SUBSCRIBE', 'ch1', 'x')).toBe(NO_CHANNEL);
    expect(await run(client, 'PSUBSCRIBE', 'ch1*')).toBe(NO_CHANNEL);
    expect(await run(client, 'SSUBSCRIBE', 'x')).toBe(NO_CHANNEL);
    expect(await run(client, 'PUBLISH', 'ch1', 'm')).toBe(':0\r\n');
    expect(await run(client, 'PSUBSCRIBE', 'ch*')).toContain('psubscribe');
  });

  test('a client that listens to what it may not any more is closed', async () => {
    const { server, client } = await startWith('+@all ~* &ch* &other');
    expect(await run(client, 'SUBSCRIBE', 'ch1')).toContain('subscribe');
    await run(server.client, 'ACL', 'SETUSER', 'u', 'resetchannels', '&ch1');
    expect(client.socket.ended).toBe(false);
    await run(server.client, 'ACL', 'SETUSER', 'u', 'resetchannels', '&other');
    expect(client.socket.ended).toBe(true);
  });
});

describe('users that go away', () => {
  test('DELUSER closes their clients and nobody else', async () => {
    const { server, client } = await startWith('+ping');
    expect(await run(server.client, 'ACL', 'DELUSER', 'u', 'u', 'nobody')).toBe(':1\r\n');
    expect(client.socket.ended).toBe(true);
    expect(server.run('PING')).toBe('+PONG\r\n');
  });

  test('a client that deletes its own user gets its answer first', async () => {
    const { client } = await startWith('+acl');
    expect(await run(client, 'ACL', 'DELUSER', 'u')).toBe(':1\r\n');
    await Bun.sleep(0);
    expect(client.socket.ended).toBe(true);
  });
});

describe('passwords', () => {
  test('a client that never gave the password is let in only while there is none', async () => {
    const server = new TestServer({ settings: { requirepass: 'p' } });
    const client = server.connect();
    expect(server.run('AUTH', 'p')).toBe('+OK\r\n');
    expect(client.run('PING')).toContain('NOAUTH');
    await run(server.client, 'CONFIG', 'SET', 'requirepass', '');
    expect(client.run('PING')).toBe('+PONG\r\n');
    await run(server.client, 'CONFIG', 'SET', 'requirepass', 'q');
    expect([client.run('PING'), server.run('PING')]).toEqual([
      '-NOAUTH Authentication required.\r\n',
      '+PONG\r\n',
    ]);
  });

  test('requirepass and the password of the default user are one', async () => {
    const server = new TestServer();
    await run(server.client, 'CONFIG', 'SET', 'requirepass', 'p');
    expect(server.connect().run('AUTH', 'default', 'p')).toBe('+OK\r\n');
    await run(server.client, 'ACL', 'SETUSER', 'default', 'resetpass', '>q');
    expect(server.connect().run('AUTH', 'p')).toContain('WRONGPASS');
    expect(server.connect().run('AUTH', 'q')).toBe('+OK\r\n');
    expect(server.connect().run('HELLO', '3', 'AUTH', 'default', 'q')).toStartWith('%7');
  });

  test('GENPASS makes as many digits as the bits take', () => {
    const server = new TestServer();
    const lengths = ['1', '4', '5', '256', '4096'].map(
      (bits) => String(replyValue(server.run('ACL', 'GENPASS', bits))).length,
    );
    expect(lengths).toEqual([1, 1, 2, 64, 1024]);
    expect(String(replyValue(server.run('ACL', 'GENPASS')))).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('ACL LOG', () => {
  test('tells what was refused, the latest first, the same together', async () => {
    const { server, client } = await startWith('+get ~a');
    for (const key of ['b', 'b', 'c']) client.run('GET', key);
    client.run('config', 'GET', 'x');
    client.run('Auth', 'nobody', 'x');
    const entries = replyValue(await run(server.client, 'ACL', 'LOG')) as unknown[][];
    expect(entries.map((entry) => [entry[1], entry[3], entry[5], entry[7], entry[9]])).toEqual([
      [1, 'auth', 'toplevel', 'Auth', 'nobody'],
      [1, 'command', 'toplevel', 'config|get', 'u'],
      [1, 'key', 'toplevel', 'c', 'u'],
      [2, 'key', 'toplevel', 'b', 'u'],
    ]);
    expect(String(entries[0]![13])).toContain(' user=u ');
    const info = server.run('INFO', 'stats');
    expect(info).toContain('acl_access_denied_auth:1\r\n');
    expect(info).toContain('acl_access_denied_cmd:1\r\n');
    expect(info).toContain('acl_access_denied_key:3\r\n');
    expect(await run(server.client, 'ACL', 'LOG', 'RESET')).toBe('+OK\r\n');
    expect(await run(server.client, 'ACL', 'LOG')).toBe('*0\r\n');
  });

  test('keeps acllog-max-len entries', async () => {
    const { server, client } = await startWith('+get ~a', { settings: { 'acllog-max-len': '3' } });
    for (let i = 0; i < 20; i++) client.run('GET', `k${i}`);
    expect((replyValue(await run(server.client, 'ACL', 'LOG', '100')) as unknown[]).length).toBe(3);
    await run(server.client, 'CONFIG', 'SET', 'acllog-max-len', '0');
    client.run('GET', 'k');
    expect(await run(server.client, 'ACL', 'LOG')).toBe('*0\r\n');
  });
});

describe('other commands', () => {
  test('CLIENT LIST tells the user, and CLIENT KILL USER finds its clients', async () => {
    const { server, client } = await startWith('+ping');
    expect(await run(server.client, 'CLIENT', 'LIST')).toContain(' user=u ');
    expect(await run(server.client, 'CLIENT', 'KILL', 'USER', 'nobody')).toBe(
      "-ERR No such user 'nobody'\r\n",
    );
    expect(await run(server.client, 'CLIENT', 'KILL', 'USER', 'u')).toBe(':1\r\n');
    expect(client.socket.ended).toBe(true);
  });

  test('RESET makes the client the default user again', async () => {
    const { client } = await startWith('+ping');
    expect(client.run('RESET')).toBe('+RESET\r\n');
    expect(client.run('ACL', 'WHOAMI')).toBe('$7\r\ndefault\r\n');
  });

  test('new users may use no channels, or all of them when configured so', async () => {
    const closed = new TestServer();
    await run(closed.client, 'ACL', 'SETUSER', 'u');
    expect(await run(closed.client, 'ACL', 'LIST')).toContain('user u off resetchannels -@all');
    const open = new TestServer({ settings: { 'acl-pubsub-default': 'allchannels' } });
    await run(open.client, 'ACL', 'SETUSER', 'u', '(+get)');
    expect(await run(open.client, 'ACL', 'LIST')).toContain('user u off &* -@all (&* -@all +get)');
  });
});

describe('the memcached port', () => {
  test("is under the default user's rules", async () => {
    const server = new TestServer();
    const memcached = server.connectMemcached();
    await run(server.client, 'ACL', 'SETUSER', 'default', 'resetkeys', '~a', '-del');
    const replies = [
      'set a 0 0 1\r\nx',
      'set b 0 0 1\r\nx',
      'get a',
      'get a b',
      'delete a',
      'mg b v',
      'mg a v',
      'mn',
      'version',
    ];
    expect(replies.map((request) => memcached.send(`${request}\r\n`))).toEqual([
      'STORED\r\n',
      'CLIENT_ERROR access denied\r\n',
      'VALUE a 0 1\r\nx\r\nEND\r\n',
      'CLIENT_ERROR access denied\r\n',
      'CLIENT_ERROR access denied\r\n',
      'CLIENT_ERROR access denied\r\n',
      'VA 1\r\nx\r\n',
      'MN\r\n',
      'VERSION 1.6.18\r\n',
    ]);
  });

  test('takes the name and password of any user', async () => {
    const server = new TestServer({ settings: { requirepass: 'p' } });
    server.run('AUTH', 'p');
    await run(server.client, 'ACL', 'SETUSER', 'u', 'on', '>secret', '+get', '~a');
    const memcached = server.connectMemcached();
    expect(memcached.send('get a\r\n')).toBe('CLIENT_ERROR unauthenticated\r\n');
    expect(memcached.send('set x 0 0 8\r\nu secret\r\n')).toBe('STORED\r\n');
    expect([memcached.send('get a\r\n'), memcached.send('get b\r\n')]).toEqual([
      'END\r\n',
      'CLIENT_ERROR access denied\r\n',
    ]);
  });
});
