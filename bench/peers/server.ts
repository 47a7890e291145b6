/** Starts, finds ready and stops the servers under comparison. How each product is launched is said here and nowhere
 *  else: in memory only, on loopback, on free ports. */

import type { Subprocess } from 'bun';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pinned } from '../machine.ts';

const READY_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 10_000;

export type Product = 'damselfly' | 'redis' | 'memcached';

export interface Certificates {
  readonly certificateFile: string;
  readonly keyFile: string;
  readonly authorityFile: string;
}

export interface ServerOptions {
  readonly binary: string;
  /** Cores for taskset, or null to let the scheduler choose. */
  readonly cores: string | null;
  readonly threadCount?: number;
  /** Further arguments, in the product's own words. */
  readonly flags?: readonly string[];
  readonly certificates?: Certificates | undefined;
  /** Where it keeps its files, which the caller removes. Default: one of its own, which goes with it. */
  readonly directory?: string;
}

interface Ports {
  readonly resp: number;
  readonly memcached: number;
  readonly tls: number;
}

export interface Server {
  readonly product: Product;
  readonly pid: number;
  /** Ports the product does not serve are simply refused. */
  readonly ports: Ports;
  stop(): Promise<void>;
}

const launchArguments: Record<
  Product,
  (ports: Ports, options: ServerOptions, directory: string) => string[]
> = {
  damselfly(ports, options, directory) {
    const argv = ['--bind', '127.0.0.1', '--port', `${ports.resp}`, '--memcached-port', `${ports.memcached}`];
    argv.push('--threads', `${options.threadCount ?? 1}`, '--save', '', '--dir', directory);
    // No authority: without client certificates to check it must not be given (a server would demand them).
    if (options.certificates) argv.push(...tlsArguments(ports.tls, options.certificates));
    return argv;
  },
  redis(ports, options, directory) {
    const argv = ['--bind', '127.0.0.1', '--port', `${ports.resp}`, '--save', '', '--appendonly', 'no'];
    argv.push('--dir', directory);
    if (options.certificates) {
      argv.push(...tlsArguments(ports.tls, options.certificates));
      argv.push('--tls-ca-cert-file', options.certificates.authorityFile);
    }
    return argv;
  },
  memcached(ports, options) {
    const argv = ['-l', '127.0.0.1', '-p', `${ports.memcached}`, '-U', '0', '-m', '1024'];
    argv.push('-t', `${options.threadCount ?? 1}`);
    // It refuses to run as root unless told to.
    if (process.getuid?.() === 0) argv.push('-u', 'root');
    return argv;
  },
};

function tlsArguments(port: number, certificates: Certificates): string[] {
  return [
    '--tls-port',
    `${port}`,
    '--tls-auth-clients',
    'no',
    '--tls-cert-file',
    certificates.certificateFile,
    '--tls-key-file',
    certificates.keyFile,
  ];
}

export function productOf(binary: string): Product {
  const name = basename(binary);
  if (name.startsWith('memcached')) return 'memcached';
  if (name.startsWith('redis-server') || name.startsWith('valkey-server')) return 'redis';
  return 'damselfly';
}

/** Servers that have not been stopped, and the directory each works in. */
const running = new Map<Subprocess, string>();

/** An interrupted benchmark leaves no server behind. Called once, by the program. */
export function stopServersOnExit(): void {
  process.on('exit', () => {
    for (const [child, directory] of running) {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
    }
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));
}

/** Starts `options.binary` and returns once it answers on its port. Throws with the server's own words if it ends. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const product = productOf(options.binary);
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'bench-peer-'));
  const ports = { resp: freePort(), memcached: freePort(), tls: freePort() };
  const own = launchArguments[product](ports, options, directory);
  const argv = [options.binary, ...own, ...(options.flags ?? [])];
  const logFile = join(directory, 'server.log');
  const child = Bun.spawn(pinned(options.cores, argv), {
    cwd: directory,
    stdin: 'ignore',
    stdout: Bun.file(logFile),
    stderr: Bun.file(join(directory, 'server.err')),
  });
  running.set(child, directory);

  async function stop(): Promise<void> {
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await child.exited;
    clearTimeout(killer);
    running.delete(child);
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true });
  }

  try {
    await untilReady(child, product === 'memcached' ? ports.memcached : ports.resp, product);
  } catch (error) {
    const words = readFileSync(logFile, 'utf8') + readFileSync(join(directory, 'server.err'), 'utf8');
    await stop();
    throw new Error(`${argv.join(' ')}: ${(error as Error).message}\n${words.slice(-2000)}`);
  }
  return { product, pid: child.pid, ports, stop };
}

async function untilReady(child: Subprocess, port: number, product: Product): Promise<void> {
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  const question = product === 'memcached' ? 'version' : 'PING';
  for (;;) {
    if (child.exitCode !== null) throw new Error(`ended with code ${child.exitCode} before it was ready`);
    try {
      await ask(port, question);
      return;
    } catch (error) {
      // Refused connections are expected until it listens.
      if (performance.now() > deadlineMs) throw error;
      await Bun.sleep(20);
    }
  }
}

/** A port that was free a moment ago. */
function freePort(): number {
  const listener = Bun.listen({ hostname: '127.0.0.1', port: 0, socket: { data() {} } });
  const { port } = listener;
  listener.stop(true);
  return port;
}

/** Sends one inline command on a connection of its own and returns the first line of the reply. */
export function ask(port: number, line: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let reply = '';
  Bun.connect({
    hostname: '127.0.0.1',
    port,
    socket: {
      open(socket) {
        socket.write(`${line}\r\n`);
      },
      data(socket, bytes) {
        reply += bytes.toString('latin1');
        const end = reply.indexOf('\r\n');
        if (end < 0) return;
        resolve(reply.slice(0, end));
        socket.end();
      },
      close() {
        reject(new Error(`connection to port ${port} closed before a reply to ${line}`));
      },
      connectError(_socket, error) {
        reject(error);
      },
    },
  }).catch(reject);
  return promise;
}
