/** The program as an operator starts it: what it refuses, what it says, which signals stop it. */

import { afterAll, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../support/free-port.ts';
import { runToEnd, startRealServer } from '../support/real-server.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'damselfly-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('nothing to listen on is an error', async () => {
  const { exitCode, output } = await runToEnd(['--port', '0']);
  expect(exitCode).toBe(1);
  expect(output).toContain('nothing to listen on');
});

test('the log goes to logfile, line by line with its time, and SIGHUP stops nothing', async () => {
  const path = join(folder, 'server.log');
  const flags = ['--port', String(findFreePort()), '--threads', '2', '--logfile', path, '--save', ''];
  const server = Bun.spawn([process.execPath, MAIN, ...flags], { stdout: 'ignore', stderr: 'ignore' });
  const logged = async (words: string): Promise<void> => {
    while (!existsSync(path) || !readFileSync(path, 'utf8').includes(words)) await Bun.sleep(5);
  };
  await logged(' ready, pid ');
  server.kill('SIGHUP');
  await logged('SIGHUP');
  expect(server.exitCode).toBe(null);
  server.kill('SIGTERM');
  expect(await server.exited).toBe(0);
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  for (const line of lines) expect(line).toMatch(/^\d+:M \d{4}-\d\d-\d\dT[\d:.]+Z [#*-] ./);
});

test('a log file that cannot be opened is an error that names it', async () => {
  const { exitCode, output } = await runToEnd(['--port', String(findFreePort()), '--logfile', '/nope/log']);
  expect(exitCode).toBe(1);
  expect(output).toContain('/nope/log');
});

test('a certificate that is none is an error that names the listener', async () => {
  const flags = `--port 0 --tls-port ${findFreePort()} --tls-auth-clients no`;
  const files = '--tls-cert-file /etc/passwd --tls-key-file /etc/passwd';
  const { exitCode, output } = await runToEnd(`${flags} ${files}`.split(' '));
  expect(exitCode).toBe(1);
  expect(output).toContain('cannot listen on');
});

test('a memcached client of the binary protocol is disconnected', async () => {
  const memcachedPort = findFreePort();
  const server = await startRealServer(['--memcached-port', String(memcachedPort)]);
  const closed = Promise.withResolvers<void>();
  await Bun.connect({
    hostname: '127.0.0.1',
    port: memcachedPort,
    socket: {
      data() {},
      open: (socket) => void socket.write(Buffer.concat([Buffer.from([0x80, 0x0b]), Buffer.alloc(22)])),
      close: () => closed.resolve(),
    },
  });
  await closed.promise;
  await server.stop();
});
