import { afterEach, beforeEach, expect, test } from 'bun:test';
import { type TestClient, TestServer } from '../support/test-server.ts';
import { TestWorkers } from '../support/test-workers.ts';

const LINE_START = /^\+\d{10}\.\d{6} /gm;

let server: TestServer;
beforeEach(() => {
  server = new TestServer();
});
afterEach(() => server.verify());

async function monitor(client: TestClient): Promise<void> {
  client.run('MONITOR');
  for (let turn = 0; turn < 200 && client.socket.output === ''; turn++) await Bun.sleep(1);
  expect(client.socket.output).toBe('+OK\r\n');
  client.socket.output = '';
}

/** The lines that a monitor was shown, without their times. */
function shownTo(client: TestClient): string[] {
  const { output } = client.socket;
  client.socket.output = '';
  return output.replace(LINE_START, '').split('\r\n').slice(0, -1);
}

test('shows what is run, where, by whom and with which arguments, in quotes', async () => {
  const watcher = server.connect();
  await monitor(watcher);
  const client = server.connect('10.0.0.1:77');
  client.run('set', 'k', 'a\\x"\r\n\t\x07\b\x01');
  client.run('SELECT', 3);
  client.run('GET', Buffer.from([0xff, 0x80, 0x41]));
  client.run('GET');
  client.run('NOSUCH');
  client.run('CONFIG', 'GET', 'port');
  expect(shownTo(watcher)).toEqual([
    String.raw`[0 10.0.0.1:77] "set" "k" "a\\x\"\r\n\t\a\b\x01"`,
    '[3 10.0.0.1:77] "SELECT" "3"',
    String.raw`[3 10.0.0.1:77] "GET" "\xff\x80A"`,
  ]);
});

test('hides passwords', async () => {
  const watcher = server.connect();
  await monitor(watcher);
  server.run('AUTH', 'secret');
  server.run('AUTH', 'user', 'secret');
  server.run('HELLO', 2, 'AUTH', 'user', 'secret', 'SETNAME', 'me');
  server.run('HELLO', 2, 'SETNAME', 'auth', 'AUTH', 'user', 'secret');
  const lines = shownTo(watcher);
  expect(lines.join()).not.toContain('secret');
  expect(lines).toEqual([
    '[0 127.0.0.1:1] "AUTH" "(redacted)"',
    '[0 127.0.0.1:1] "AUTH" "(redacted)" "(redacted)"',
    '[0 127.0.0.1:1] "HELLO" "2" "AUTH" "(redacted)" "(redacted)" "SETNAME" "me"',
    '[0 127.0.0.1:1] "HELLO" "2" "SETNAME" "auth" "AUTH" "(redacted)" "(redacted)"',
  ]);
});

test('shows a monitor its own commands behind their replies, and keeps it from the keys', async () => {
  const watcher = server.connect();
  await monitor(watcher);
  expect(watcher.run('PING').replace(LINE_START, '')).toBe('+PONG\r\n[0 127.0.0.1:1] "PING"\r\n');
  expect(watcher.run('GET', 'x')).toBe("-ERR Replica can't interact with the keyspace\r\n");
  expect(watcher.run('CLIENT', 'INFO')).toContain(' flags=O ');
  expect(watcher.run('MONITOR')).toBe('');
});

test('costs nothing any more after RESET, QUIT and when the monitor has left', async () => {
  const { dispatcher } = server.engine;
  for (const leave of ['RESET', 'QUIT', 'close']) {
    const watcher = server.connect();
    await monitor(watcher);
    expect(dispatcher.observers).not.toBe(0);
    if (leave === 'close') watcher.connection.close();
    else watcher.run(leave);
    for (let turn = 0; turn < 100 && dispatcher.observers !== 0; turn++) await Bun.sleep(1);
    expect(dispatcher.observers).toBe(0);
  }
});

test('shows the commands of every worker', async () => {
  const workers = new TestWorkers(3);
  const [first, second] = [workers.connect(0), workers.connect(1)];
  await monitor(first);
  await monitor(second);
  for (let worker = 0; worker < 3; worker++) workers.connect(worker).run('PING', worker);
  const expected = [0, 1, 2].map((worker) => `[0 127.0.0.1:1] "PING" "${worker}"`);
  const seen = (text: string): string[] => text.match(/\[0 .*(?=\r)/g)?.sort() ?? [];
  const isDone = (client: TestClient): boolean => seen(client.socket.output).length >= 3;
  for (let turn = 0; turn < 500 && !(isDone(first) && isDone(second)); turn++) await Bun.sleep(1);
  expect(seen(first.socket.output)).toEqual(expected);
  expect(seen(second.socket.output)).toEqual(expected);
  workers.close();
});
