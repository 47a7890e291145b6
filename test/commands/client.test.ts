import { describe, expect, test } from 'bun:test';
import { TestServer } from '../support/test-server.ts';

const settle = (): Promise<void> => Bun.sleep(1);

/** Runs a command whose answer comes from all workers. */
async function ask(client: TestServer['client'], ...parts: string[]): Promise<string> {
  client.run(...parts);
  await settle();
  return client.socket.output;
}

const FIELDS =
  'id addr laddr fd name age idle flags db sub psub ssub multi watch qbuf qbuf-free argv-mem multi-mem rbs rbp obl oll ' +
  'omem tot-mem events cmd user redir resp lib-name lib-ver';

describe('what a client says about itself', () => {
  test('CLIENT ID counts connections', () => {
    const server = new TestServer();
    expect(server.run('CLIENT', 'ID')).toBe(':1\r\n');
    expect(server.connect().run('CLIENT', 'ID')).toBe(':2\r\n');
  });

  test('CLIENT SETNAME names it, and an empty name takes the name away', () => {
    const server = new TestServer();
    expect(server.run('CLIENT', 'GETNAME')).toBe('$-1\r\n');
    expect(server.run('CLIENT', 'SETNAME', 'me')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'SETNAME', 'a\nb')).toBe(
      '-ERR Client names cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(server.run('CLIENT', 'GETNAME')).toBe('$2\r\nme\r\n');
    expect(server.run('CLIENT', 'SETNAME', '')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'GETNAME')).toBe('$-1\r\n');
  });

  test('CLIENT SETINFO keeps the library, without spaces', () => {
    const server = new TestServer();
    expect(server.run('CLIENT', 'SETINFO', 'LIB-NAME', 'lib')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'SETINFO', 'lib-ver', '1.2')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'SETINFO', 'lib-ver', '1 2')).toBe(
      '-ERR lib-ver cannot contain spaces, newlines or special characters.\r\n',
    );
    expect(server.run('CLIENT', 'SETINFO', 'foo', '1')).toBe("-ERR Unrecognized option 'foo'\r\n");
    expect(server.run('CLIENT', 'INFO')).toContain(' lib-name=lib lib-ver=1.2\n');
  });

  test('CLIENT INFO tells how many keys are watched, and within EXEC that it is in a transaction', () => {
    const server = new TestServer();
    server.run('WATCH', 'a', 'b');
    expect(server.run('CLIENT', 'INFO')).toMatch(/ flags=N .* multi=-1 watch=2 /);
    server.run('MULTI');
    server.run('CLIENT', 'INFO');
    server.run('PING');
    expect(server.run('EXEC')).toMatch(/ flags=x .* multi=2 watch=0 /);
    expect(server.run('CLIENT', 'INFO')).toMatch(/ flags=N .* multi=-1 watch=0 /);
  });

  test('CLIENT LIST tells the memory of what a transaction has queued, as its own and as a part of all', () => {
    const server = new TestServer();
    const memory = (): number[] =>
      ['multi-mem', 'tot-mem'].map((field) =>
        Number(new RegExp(` ${field}=(\\d+)`).exec(server.client.connection.describe())![1]),
      );
    const [, total] = memory();
    server.run('MULTI');
    server.run('SET', 'k', 'x'.repeat(100_000));
    const [queued, totalThen] = memory();
    expect(queued).toBeGreaterThan(100_000);
    expect(queued).toBeLessThan(102_000);
    expect(totalThen! - total!).toBeGreaterThanOrEqual(queued!);
    server.run('DISCARD');
    expect(memory()[0]).toBe(0);
  });

  test('CLIENT INFO prints the fields of Redis in its order', () => {
    const server = new TestServer();
    server.run('SELECT', '2');
    const reply = server.run('CLIENT', 'INFO');
    const line = reply.slice(reply.indexOf('\n') + 1).trimEnd();
    expect(line.split(' ').map((field) => field.split('=')[0])).toEqual(FIELDS.split(' '));
    expect(line).toMatch(
      /^id=1 addr=127\.0\.0\.1:1 laddr=127\.0\.0\.1:2 fd=-1 name= age=0 idle=0 flags=N db=2 /,
    );
    expect(line).toEndWith(' cmd=client|info user=default redir=-1 resp=2 lib-name= lib-ver=');
    expect(server.run('HELLO', '3')).toStartWith('%7');
    expect(server.run('CLIENT', 'INFO')).toMatch(/^=\d+\r\ntxt:id=1 /);
  });

  test('CLIENT NO-EVICT and NO-TOUCH take ON or OFF and show in the flags', () => {
    const server = new TestServer();
    expect(server.run('CLIENT', 'NO-EVICT', 'on')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'NO-TOUCH', 'ON')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'INFO')).toContain(' flags=eT ');
    expect(server.run('CLIENT', 'NO-EVICT', 'OFF')).toBe('+OK\r\n');
    expect(server.run('CLIENT', 'NO-TOUCH', 'maybe')).toBe('-ERR syntax error\r\n');
    expect(server.run('CLIENT', 'INFO')).toContain(' flags=T ');
  });

  test('CLIENT HELP lists every subcommand there is', () => {
    const server = new TestServer();
    const help = server.run('CLIENT', 'HELP');
    for (const name of server.engine.registry.byName.get('client')!.subs!.keys()) {
      expect(help).toContain(`+${name.toUpperCase()}`);
    }
    expect(Number(/^\*(\d+)/.exec(help)![1])).toBe(help.split('\r\n').length - 2);
  });
});

describe('CLIENT LIST', () => {
  test('has one line a client in order of their ids, with the last command of each', async () => {
    const server = new TestServer();
    const other = server.connect();
    other.run('GET', 'k');
    const third = server.connect();
    third.run('NOSUCH');
    const lines = (await ask(server.client, 'CLIENT', 'LIST')).split('\n').slice(1, -2);
    expect(lines.map((line) => /^id=(\d+).* cmd=(\S+)/.exec(line)!.slice(1))).toEqual([
      ['1', 'client|list'],
      ['2', 'get'],
      ['3', 'NULL'],
    ]);
  });

  test('can be asked for ids and for types', async () => {
    const server = new TestServer();
    server.connect();
    const ids = async (...options: string[]): Promise<string[]> =>
      [...(await ask(server.client, 'CLIENT', 'LIST', ...options)).matchAll(/\bid=(\d+)/g)].map((m) => m[1]!);
    expect(await ids('ID', '2', '7', '1', '2')).toEqual(['2', '1', '2']);
    expect(await ids('TYPE', 'Normal')).toEqual(['1', '2']);
    expect(await ids('TYPE', 'pubsub')).toEqual([]);
    expect(await ask(server.client, 'CLIENT', 'LIST', 'ID', '9')).toBe('$0\r\n\r\n');
  });

  test('takes the filters of Valkey, their opposites, and several at once', async () => {
    const server = new TestServer();
    const second = server.connect('10.0.0.1:1');
    const third = server.connect('[fe80::1]:2');
    second.run('CLIENT', 'SETNAME', 'two');
    second.run('CLIENT', 'SETINFO', 'LIB-NAME', 'lib');
    second.run('CLIENT', 'NO-EVICT', 'ON');
    second.run('CLIENT', 'NO-TOUCH', 'ON');
    third.run('SELECT', '3');
    third.run('CLIENT', 'NO-TOUCH', 'ON');
    const ids = async (options: string): Promise<string> =>
      [...(await ask(server.client, 'CLIENT', 'LIST', ...options.split(' '))).matchAll(/\bid=(\d+)/g)]
        .map((m) => m[1]!)
        .join(' ');
    expect(await ids('NAME two')).toBe('2');
    expect(await ids('NOT-NAME two')).toBe('1 3');
    expect(await ids('LIB-NAME lib DB 0')).toBe('2');
    expect(await ids('NOT-LIB-NAME lib NOT-DB 3')).toBe('1');
    expect(await ids('FLAGS T')).toBe('2 3');
    expect(await ids('FLAGS Te')).toBe('2');
    expect(await ids('NOT-FLAGS Te SKIPME yes')).toBe('3');
    expect(await ids('IP fe80::1')).toBe('3');
    expect(await ids('NOT-IP 10.0.0.1')).toBe('1 3');
    expect(await ids('NOT-ID 3 1 USER default TYPE normal')).toBe('2');
    expect(await ids('LADDR 127.0.0.1:2 ADDR 10.0.0.1:1')).toBe('2');
    expect(await ids('IDLE 100')).toBe('');
    expect(await ids('MAXAGE 100')).toBe('');
    expect(await ids('ID 3 2 SKIPME no NAME two')).toBe('2');
    expect(await ask(server.client, 'CLIENT', 'KILL', 'ID', '2', '3', 'NOT-NAME', 'two')).toBe(':1\r\n');
    expect(second.socket.ended).toBe(false);
    expect(third.socket.ended).toBe(true);
  });

  test.each([
    [['TYPE', 'foo'], "ERR Unknown client type 'foo'"],
    [['ID', '1', 'x'], 'ERR Invalid client ID'],
    [['ID'], 'ERR syntax error'],
    [['FOO'], 'ERR syntax error'],
    [['TYPE', 'normal', 'x'], 'ERR syntax error'],
    [['NOT-IDLE', '1'], 'ERR syntax error'],
    [['NOT-SKIPME', 'yes'], 'ERR syntax error'],
    [['NAME'], 'ERR syntax error'],
    [['DB', 'x'], 'ERR DB number should be between 0 and 15'],
    [['NOT-ID', '1', 'x'], 'ERR Invalid client ID'],
  ])('refuses %p', (options, error) => {
    expect(new TestServer().run('CLIENT', 'LIST', ...options)).toBe(`-${error}\r\n`);
  });
});

describe('CLIENT KILL', () => {
  test('with an address alone closes that client, the asker too, which is answered first', async () => {
    const server = new TestServer();
    const other = server.connect('10.0.0.1:5');
    expect(await ask(server.client, 'CLIENT', 'KILL', '10.0.0.1:6')).toBe('-ERR No such client\r\n');
    expect(await ask(server.client, 'CLIENT', 'KILL', '10.0.0.1:5')).toBe('+OK\r\n');
    expect(other.socket.ended).toBe(true);
    expect(other.run('PING')).toBe('');
    expect(server.client.socket.ended).toBe(false);
    expect(await ask(server.client, 'CLIENT', 'KILL', '127.0.0.1:1')).toBe('+OK\r\n');
    expect(server.client.socket.ended).toBe(true);
  });

  test('with options closes all that fit them all, and spares the asker unless told otherwise', async () => {
    const server = new TestServer();
    const others = ['10.0.0.1:1', '10.0.0.1:2', '10.0.0.1:3'].map((address) => server.connect(address));
    const ended = (): boolean[] => others.map((other) => other.socket.ended);
    expect(await ask(server.client, 'CLIENT', 'KILL', 'ID', '2', 'ADDR', '10.0.0.1:2')).toBe(':0\r\n');
    expect(await ask(server.client, 'CLIENT', 'KILL', 'ID', '2', 'ADDR', '10.0.0.1:1')).toBe(':1\r\n');
    expect(ended()).toEqual([true, false, false]);
    expect(await ask(server.client, 'CLIENT', 'KILL', 'MAXAGE', '1000')).toBe(':0\r\n');
    expect(await ask(server.client, 'CLIENT', 'KILL', 'TYPE', 'replica')).toBe(':0\r\n');
    expect(await ask(server.client, 'CLIENT', 'KILL', 'USER', 'default', 'LADDR', '127.0.0.1:2')).toBe(
      ':2\r\n',
    );
    expect(ended()).toEqual([true, true, true]);
    expect(await ask(server.client, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'no')).toBe(':1\r\n');
    expect(server.client.socket.ended).toBe(true);
  });

  test.each([
    [['ID', '0'], 'ERR client-id should be greater than 0'],
    [['ID', 'x'], 'ERR client-id should be greater than 0'],
    [['ID', '1', 'FOO'], 'ERR syntax error'],
    [['FOO', '1'], 'ERR syntax error'],
    [['TYPE', 'foo'], "ERR Unknown client type 'foo'"],
    [['USER', 'foo'], "ERR No such user 'foo'"],
    [['SKIPME', 'foo'], 'ERR syntax error'],
    [['MAXAGE', '0'], 'ERR maxage should be greater than 0'],
    [['MAXAGE', 'x'], 'ERR maxage is not an integer or out of range'],
  ])('refuses %p', (options, error) => {
    expect(new TestServer().run('CLIENT', 'KILL', ...options)).toBe(`-${error}\r\n`);
  });

  test('drops a client held back by a pause, and with it what it would have done', async () => {
    const server = new TestServer();
    const other = server.connect('10.0.0.1:1');
    await ask(server.client, 'CLIENT', 'PAUSE', '10000');
    expect(other.run('SET', 'k', 'v')).toBe('');
    expect(await ask(server.client, 'CLIENT', 'KILL', 'ADDR', '10.0.0.1:1')).toBe(':1\r\n');
    await ask(server.client, 'CLIENT', 'UNPAUSE');
    expect(server.run('GET', 'k')).toBe('$-1\r\n');
  });
});

describe('CLIENT REPLY', () => {
  test('OFF silences everything up to ON', () => {
    const { client } = new TestServer();
    expect(client.send('CLIENT REPLY OFF\r\nPING\r\nNOSUCH\r\nCLIENT REPLY SKIP\r\nPING\r\n')).toBe('');
    expect(client.send('PING\r\nCLIENT REPLY ON\r\nPING\r\n')).toBe('+OK\r\n+PONG\r\n');
  });

  test('SKIP silences the next command only, and two in a row count as one', () => {
    const { client } = new TestServer();
    expect(client.send('CLIENT REPLY SKIP\r\nECHO a\r\nECHO b\r\n')).toBe('$1\r\nb\r\n');
    expect(client.send('CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nECHO a\r\nECHO b\r\n')).toBe('$1\r\nb\r\n');
    expect(client.send('CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nECHO a\r\n')).toBe('+OK\r\n$1\r\na\r\n');
    expect(client.run('CLIENT', 'REPLY', 'x')).toBe('-ERR syntax error\r\n');
  });

  test('silences commands that are answered later, too', async () => {
    const { client } = new TestServer();
    client.send('CLIENT REPLY SKIP\r\nCLIENT LIST\r\nECHO a\r\n');
    await settle();
    expect(client.socket.output).toBe('$1\r\na\r\n');
    client.send('CLIENT REPLY OFF\r\nCLIENT LIST\r\nECHO a\r\nCLIENT REPLY ON\r\n');
    await settle();
    expect(client.socket.output).toBe('+OK\r\n');
  });
});

describe('CLIENT PAUSE', () => {
  test('holds all commands back until UNPAUSE, in their order', async () => {
    const server = new TestServer();
    const other = server.connect();
    expect(await ask(server.client, 'CLIENT', 'PAUSE', '9223372036854775807')).toBe('+OK\r\n');
    expect(other.send('SET k 1\r\nGET k\r\n')).toBe('');
    expect(other.send('PING\r\n')).toBe('');
    await settle();
    expect(await ask(server.client, 'CLIENT', 'UNPAUSE')).toBe('+OK\r\n');
    expect(other.socket.output).toBe('+OK\r\n$1\r\n1\r\n+PONG\r\n');
    expect(server.run('GET', 'k')).toBe('$1\r\n1\r\n');
  });

  test('WRITE lets reads through and holds back the first write and all behind it', async () => {
    const server = new TestServer();
    await ask(server.client, 'CLIENT', 'PAUSE', '10000', 'WRITE');
    expect(server.connect().send('GET k\r\nSET k 1\r\nGET k\r\n')).toBe('$-1\r\n');
    await ask(server.client, 'CLIENT', 'PAUSE', '10', 'ALL');
    expect(server.connect().send('PING\r\n')).toBe('');
    await ask(server.client, 'CLIENT', 'UNPAUSE');
    expect(server.run('GET', 'k')).toBe('$1\r\n1\r\n');
  });

  test('ends by itself', async () => {
    const server = new TestServer();
    await ask(server.client, 'CLIENT', 'PAUSE', '20');
    const other = server.connect();
    expect(other.run('PING')).toBe('');
    await Bun.sleep(40);
    expect(other.socket.output).toBe('+PONG\r\n');
  });

  test('UNPAUSE runs what was held back after itself, not within', async () => {
    const server = new TestServer();
    await ask(server.client, 'CLIENT', 'PAUSE', '10000');
    const other = server.connect();
    other.send('ECHO held\r\n');
    server.client.send('CLIENT UNPAUSE\r\nECHO own\r\n');
    await settle();
    expect(server.client.socket.output).toBe('+OK\r\n$3\r\nown\r\n');
    expect(other.socket.output).toBe('$4\r\nheld\r\n');
  });

  test.each([
    [['x'], 'ERR timeout is not an integer or out of range'],
    [['-1'], 'ERR timeout is negative'],
    [['1', 'FOO'], 'ERR CLIENT PAUSE mode must be WRITE or ALL'],
  ])('refuses %p', (options, error) => {
    expect(new TestServer().run('CLIENT', 'PAUSE', ...options)).toBe(`-${error}\r\n`);
  });
});
