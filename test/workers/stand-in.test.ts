/** Main stands in for a worker that runs a script: who connects then can end it, also where there is no other worker. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { RealClient, type RealServer, startRealServer } from '../support/real-server.ts';

const BUSY = '-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n';
const ENDLESS = 'while true do end';

let server: RealServer;

beforeAll(async () => {
  server = await startRealServer(['--threads', '1', '--busy-reply-threshold', '200']);
});
afterAll(async () => {
  await server.stop();
});

/** A client whose script runs, and has been found to take long. */
async function startScript(...words: (string | number)[]): Promise<RealClient> {
  const runner = await RealClient.open(server.port);
  runner.send(...words);
  await Bun.sleep(500);
  return runner;
}

async function ended(runner: RealClient): Promise<string> {
  await runner.until(() => runner.received.includes('\r\n'), 3000);
  runner.close();
  return runner.received;
}

test('with one thread a new client ends an endless script, and is told what goes on', async () => {
  const runner = await startScript('EVAL', ENDLESS, 0);
  const client = await RealClient.open(server.port);
  expect(await client.ask('GET', 'a')).toBe(BUSY);
  expect(await client.ask('NOSUCH')).toBe(BUSY);
  expect(await client.ask('FUNCTION', 'KILL')).toBe(BUSY);
  expect(await client.ask('FUNCTION', 'STATS')).toBe(BUSY);
  expect(await client.ask('SCRIPT', 'KILL', 'x')).toStartWith('-ERR wrong number of arguments');
  expect(await client.ask('SCRIPT', 'KILL')).toBe('+OK\r\n');
  expect(await ended(runner)).toContain('Script killed by user with SCRIPT KILL');
  await client.until(() => client.closed);
  const later = await RealClient.open(server.port);
  expect(await later.ask('SCRIPT', 'KILL')).toStartWith('-NOTBUSY');
  later.close();
});

test('pipelined and split requests are answered each once', async () => {
  const runner = await startScript('EVAL', ENDLESS, 0);
  const client = await RealClient.open(server.port);
  client.socket.write('GET a\r\nGET');
  await client.until(() => client.received === BUSY);
  client.socket.write(' b\r\n*2\r\n$6\r\nSCRIPT\r\n$4\r\nKILL\r\n');
  await client.until(() => client.received === `${BUSY}${BUSY}+OK\r\n`);
  await ended(runner);
});

test('a password and permissions count as ever', async () => {
  const admin = await RealClient.open(server.port);
  await admin.ask('ACL', 'SETUSER', 'reader', 'on', '>secret', '+@read', '~*');
  await admin.ask('CONFIG', 'SET', 'requirepass', 'password');
  const runner = await RealClient.open(server.port);
  await runner.ask('AUTH', 'password');
  runner.received = '';
  runner.send('EVAL', ENDLESS, 0);
  await Bun.sleep(500);
  const client = await RealClient.open(server.port);
  expect(await client.ask('SCRIPT', 'KILL')).toStartWith('-NOAUTH');
  expect(await client.ask('AUTH', 'wrong')).toStartWith('-WRONGPASS');
  expect(await client.ask('AUTH', 'reader', 'secret')).toBe('+OK\r\n');
  expect(await client.ask('SCRIPT', 'KILL')).toStartWith('-NOPERM');
  expect(await client.ask('HELLO', '3', 'AUTH', 'default', 'password')).toStartWith('%3\r\n');
  expect(await client.ask('SCRIPT', 'KILL')).toBe('+OK\r\n');
  expect(await ended(runner)).toContain('Script killed by user');
  await admin.ask('CONFIG', 'SET', 'requirepass', '');
  admin.close();
});

test('a function that has been running for long is told of, and ended', async () => {
  const loader = await RealClient.open(server.port);
  const code = `#!lua name=slow\nredis.register_function('forever', function() while true do end end)`;
  expect(await loader.ask('FUNCTION', 'LOAD', code)).toBe('$4\r\nslow\r\n');
  loader.close();
  const runner = await startScript('FCALL', 'forever', 0);
  const client = await RealClient.open(server.port);
  expect(await client.ask('SCRIPT', 'KILL')).toStartWith(
    '-BUSY Redis is busy running a script. You can only call FUNCTION',
  );
  expect(await client.ask('FUNCTION', 'KILL')).toBe('+OK\r\n');
  expect(await ended(runner)).toContain('Script killed by user with FUNCTION KILL');
});

test('SHUTDOWN ends a server whose only worker runs a script that has written', async () => {
  await startScript('EVAL', 'redis.call("set","a","b") while true do end', 0);
  const client = await RealClient.open(server.port);
  expect(await client.ask('SCRIPT', 'KILL')).toStartWith('-UNKILLABLE');
  expect(await client.ask('SHUTDOWN')).toBe(BUSY);
  client.send('SHUTDOWN', 'NOSAVE');
  expect(await server.exited).toBe(0);
});
