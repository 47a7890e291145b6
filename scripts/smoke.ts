#!/usr/bin/env bun
/** Smoke test of dist/damselfly: does the executable, as shipped, start anywhere, serve, and stop?
 *
 *  Where we are root on Linux the binary runs in a root directory that is empty but for glibc's files, /proc and /dev,
 *  with no environment: whatever else it needed would be missing on somebody's machine. Elsewhere it runs plainly. */

import { copyFileSync, existsSync, linkSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Subprocess } from 'bun';
import { Redis } from 'ioredis';
import packageJson from '../package.json';
import { findFreePort } from '../test/support/free-port.ts';

const BINARY = join(import.meta.dir, '..', 'dist', 'damselfly');
const LISTENING_MS_MAX = 500;
/** A busy machine may be late once; a slow binary is late every time. */
const START_ATTEMPTS_MAX = 3;
const EXIT_MS_MAX = 10_000;
const CHECK_MS_MAX = 30_000;
const GLIBC_FILE = /^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util)\.so.*)$/;

/** How to run the binary: `command` followed by its flags. */
interface Enclosure {
  readonly description: string;
  readonly command: string[];
  remove(): void;
}

function makeEnclosure(): Enclosure {
  const plain = (reason: string): Enclosure => ({
    description: `run plainly: ${reason}`,
    command: [BINARY],
    remove() {},
  });
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return plain('an empty root directory needs root');
  const folder = makeEmptyRoot();
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // The mounts belong to a namespace of this one process and vanish with it; exec keeps its id, so signals reach the server.
  const script =
    'mount --bind /proc "$0/proc" && mount --rbind /dev "$0/dev" && exec unshare --root "$0" /damselfly "$@"';
  const command = ['unshare', '--mount', 'sh', '-c', script, folder];
  const attempt = Bun.spawnSync([...command, '--version'], { env: { PATH: process.env['PATH'] } });
  if (attempt.exitCode === 0) {
    return { description: 'run in an empty root directory with glibc, /proc and /dev', command, remove };
  }
  remove();
  // If it works outside, the sandbox is at fault and not the binary.
  const outside = Bun.spawnSync(['unshare', '--mount', 'mount', '--bind', '/proc', '/proc']);
  if (outside.exitCode !== 0)
    return plain(`mounting is not allowed here (${outside.stderr.toString().trim()})`);
  throw new Error(`it does not run in an empty root directory: ${attempt.stderr.toString().trim()}`);
}

function makeEmptyRoot(): string {
  const folder = mkdtempSync(join(tmpdir(), 'damselfly-root-'));
  for (const name of ['proc', 'dev']) mkdirSync(join(folder, name));
  const libraries = Bun.spawnSync(['ldd', BINARY]).stdout.toString().match(/\/\S+/g) ?? [];
  for (const path of libraries) {
    if (!GLIBC_FILE.test(basename(path))) throw new Error(`the binary needs ${path}, which is not glibc's`);
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    copyFileSync(realpathSync(path), join(folder, path));
  }
  try {
    linkSync(BINARY, join(folder, 'damselfly'));
  } catch {
    // The temporary folder is on another file system.
    copyFileSync(BINARY, join(folder, 'damselfly'));
  }
  return folder;
}

interface Server {
  readonly child: Subprocess;
  readonly port: number;
  readonly memcachedPort: number;
  readonly listeningAfterMs: number;
}

interface Finished {
  readonly exitCode: number;
  readonly output: string;
}

class Smoke {
  failedCount = 0;
  readonly #enclosure: Enclosure;
  readonly #children: Subprocess[] = [];

  constructor(enclosure: Enclosure) {
    this.#enclosure = enclosure;
  }

  /** Runs one check and reports it. A check fails by throwing, or by taking too long. */
  async check(name: string, body: () => Promise<void>): Promise<void> {
    const deadline = Bun.sleep(CHECK_MS_MAX).then(() => {
      throw new Error(`no end within ${CHECK_MS_MAX} ms`);
    });
    try {
      await Promise.race([body(), deadline]);
      console.log(`ok    ${name}`);
    } catch (error) {
      this.failedCount++;
      console.log(`FAIL  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Runs the binary with `flags` until it ends by itself. */
  async run(...flags: string[]): Promise<Finished> {
    const child = this.#spawn(flags);
    const [exitCode, output] = await Promise.all([exitCodeOf(child), outputOf(child)]);
    return { exitCode, output };
  }

  /** Starts a server on free ports and returns when its port accepts. */
  async startServer(): Promise<Server> {
    const port = findFreePort();
    const memcachedPort = findFreePort();
    const startedAtMs = performance.now();
    const child = this.#spawn([
      '--port',
      `${port}`,
      '--memcached-port',
      `${memcachedPort}`,
      '--threads',
      '2',
    ]);
    while (!(await isAccepting(port))) {
      if (child.exitCode !== null)
        throw new Error(`it ended with ${child.exitCode}: ${await outputOf(child)}`);
      if (performance.now() - startedAtMs > EXIT_MS_MAX) throw new Error('it never listened');
      await Bun.sleep(2);
    }
    return { child, port, memcachedPort, listeningAfterMs: performance.now() - startedAtMs };
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#enclosure.remove();
  }

  #spawn(flags: string[]): Subprocess {
    const env = { PATH: process.env['PATH'] };
    const child = Bun.spawn([...this.#enclosure.command, ...flags], { env, stdout: 'pipe', stderr: 'pipe' });
    this.#children.push(child);
    return child;
  }
}

async function exitCodeOf(child: Subprocess): Promise<number> {
  const inTime = await Promise.race([
    child.exited.then(() => true),
    Bun.sleep(EXIT_MS_MAX).then(() => false),
  ]);
  if (!inTime) {
    child.kill('SIGKILL');
    throw new Error(`it did not end within ${EXIT_MS_MAX} ms`);
  }
  return child.exitCode ?? -1;
}

async function outputOf(child: Subprocess): Promise<string> {
  const texts = [child.stdout, child.stderr].map((stream) =>
    stream instanceof ReadableStream ? new Response(stream).text() : '',
  );
  return (await Promise.all(texts)).join('').trim();
}

async function isAccepting(port: number): Promise<boolean> {
  try {
    const socket = await Bun.connect({ hostname: '127.0.0.1', port, socket: { data() {} } });
    socket.end();
    return true;
  } catch {
    return false;
  }
}

/** Sends `question` and returns the first bytes that come back. */
function ask(port: number, question: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (): void => reject(new Error('the connection closed without an answer'));
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => void socket.write(question),
        data(socket, bytes) {
          resolve(bytes.toString('latin1'));
          socket.end();
        },
        close: refuse,
      },
    }).catch(reject);
  });
}

function expectEqual(actual: unknown, expected: unknown): void {
  if (!Bun.deepEquals(actual, expected)) {
    throw new Error(`expected ${Bun.inspect(expected)}, got ${Bun.inspect(actual)}`);
  }
}

function expectMatch(actual: string, pattern: RegExp): void {
  if (!pattern.test(actual)) throw new Error(`expected ${pattern}, got ${Bun.inspect(actual)}`);
}

async function checkWithoutServer(smoke: Smoke): Promise<void> {
  await smoke.check('--version names the version of package.json', async () => {
    const { exitCode, output } = await smoke.run('--version');
    expectEqual(exitCode, 0);
    expectMatch(output, new RegExp(`\\b${packageJson.version.replaceAll('.', '\\.')}\\b`));
  });
  await smoke.check('--help lists the flags', async () => {
    const { exitCode, output } = await smoke.run('--help');
    expectEqual(exitCode, 0);
    for (const flag of ['--port', '--memcached-port', '--threads', '--healthcheck', '--maxmemory']) {
      expectMatch(output, new RegExp(flag));
    }
  });
  await smoke.check('a flag that does not exist ends it with 1', async () => {
    const { exitCode, output } = await smoke.run('--no-such-flag', '1');
    expectEqual(exitCode, 1);
    expectMatch(output, /no-such-flag/);
  });
  await smoke.check('--healthcheck ends with 1 where no server is', async () => {
    const { exitCode } = await smoke.run('--healthcheck', '--port', `${findFreePort()}`);
    expectEqual(exitCode, 1);
  });
}

async function startInTime(smoke: Smoke): Promise<Server> {
  for (let attempt = 1; ; attempt++) {
    const server = await smoke.startServer();
    if (server.listeningAfterMs <= LISTENING_MS_MAX) return server;
    server.child.kill('SIGKILL');
    if (attempt === START_ATTEMPTS_MAX) throw new Error(`it took ${server.listeningAfterMs.toFixed(0)} ms`);
  }
}

async function checkClients(smoke: Smoke, server: Server): Promise<void> {
  await smoke.check('ioredis: PING, SET, GET, binary values, a pipeline', async () => {
    const redis = new Redis({ port: server.port, host: '127.0.0.1', retryStrategy: () => null });
    redis.on('error', () => {});
    try {
      expectEqual(await redis.ping(), 'PONG');
      expectEqual(await redis.set('smoke:key', 'value'), 'OK');
      expectEqual(await redis.get('smoke:key'), 'value');
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      await redis.set('smoke:bytes', bytes);
      expectEqual(await redis.getBuffer('smoke:bytes'), bytes);
      const pipeline = redis.pipeline();
      for (let i = 0; i < 1000; i++) pipeline.set(`smoke:${i}`, i).get(`smoke:${i}`);
      const replies = (await pipeline.exec()) ?? [];
      expectEqual(replies.length, 2000);
      replies.forEach((reply, index) => expectEqual(reply, [null, index % 2 === 0 ? 'OK' : `${index >> 1}`]));
    } finally {
      redis.disconnect();
    }
  });
  await smoke.check('memcached: version, and one keyspace for both protocols', async () => {
    expectMatch(await ask(server.memcachedPort, 'version\r\n'), /^VERSION \S+\r\n$/);
    expectEqual(await ask(server.memcachedPort, 'set smoke:shared 7 0 5\r\nhello\r\n'), 'STORED\r\n');
    expectEqual(await ask(server.port, 'GET smoke:shared\r\n'), '$5\r\nhello\r\n');
  });
  await smoke.check('--healthcheck ends with 0 where a server is', async () => {
    const { exitCode, output } = await smoke.run('--healthcheck', '--port', `${server.port}`);
    if (exitCode !== 0) throw new Error(`it ended with ${exitCode}: ${output}`);
  });
  await smoke.check('a second server on the same port ends with 1 and says so', async () => {
    const { exitCode, output } = await smoke.run('--port', `${server.port}`);
    expectEqual(exitCode, 1);
    expectMatch(output, new RegExp(`${server.port}`));
  });
}

async function checkSignal(smoke: Smoke, signal: 'SIGTERM' | 'SIGINT', server: Server): Promise<void> {
  await smoke.check(`${signal} stops it with exit code 0`, async () => {
    server.child.kill(signal);
    expectEqual(await exitCodeOf(server.child), 0);
    expectEqual(await isAccepting(server.port), false);
  });
}

async function checkServer(smoke: Smoke): Promise<void> {
  let server: Server | undefined;
  await smoke.check(`listens within ${LISTENING_MS_MAX} ms`, async () => {
    server = await startInTime(smoke);
    console.log(`      listening after ${server.listeningAfterMs.toFixed(0)} ms`);
  });
  // Without a server the other checks would only repeat the same complaint.
  if (server === undefined) return;
  await checkClients(smoke, server);
  await checkSignal(smoke, 'SIGTERM', server);
  await checkSignal(smoke, 'SIGINT', await smoke.startServer());
}

async function main(): Promise<number> {
  if (!existsSync(BINARY)) throw new Error('dist/damselfly is missing: run `bun run build`');
  const enclosure = makeEnclosure();
  console.log(enclosure.description);
  const smoke = new Smoke(enclosure);
  try {
    await checkWithoutServer(smoke);
    await checkServer(smoke);
  } finally {
    smoke.remove();
  }
  return smoke.failedCount === 0 ? 0 : 1;
}

process.exit(await main());
