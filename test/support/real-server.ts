/** The server as users run it: a process of its own, several threads, real sockets. Stopped by its id. */

import { createConnection, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { join } from 'node:path';
import { findFreePort } from './free-port.ts';
import { encodeRequest } from './test-server.ts';

const MAIN = join(import.meta.dir, '../../src/main.ts');
const START_WAIT_MS_MAX = 30_000;
const DIE_WITH_PARENT = Bun.which('setpriv') === null ? [] : ['setpriv', '--pdeathsig', 'KILL'];

export interface RealServer {
  readonly port: number;
  readonly pid: number;
  /** What it has printed so far. */
  log(): string;
  stop(): Promise<void>;
  /** Its exit code, once it has ended by itself. */
  readonly exited: Promise<number>;
}

/** Runs the program with `flags` and returns what became of it once it has ended. */
export async function runToEnd(flags: string[]): Promise<{ exitCode: number; output: string }> {
  const child = Bun.spawn([...DIE_WITH_PARENT, process.execPath, MAIN, ...flags], {
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const texts = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { exitCode: await child.exited, output: texts.join('') };
}

/** Starts the server, from its source unless a built `program` is named, on a free port of 127.0.0.1 with two threads,
 *  unless `flags` say otherwise. `wrapper` is a command that runs the words behind it. */
export async function startRealServer(
  flags: string[] = [],
  program = '',
  wrapper: readonly string[] = [],
): Promise<RealServer> {
  const ownPort = flags.indexOf('--port');
  const port = ownPort < 0 ? findFreePort() : Number(flags[ownPort + 1]);
  const address = ['--port', `${port}`, '--bind', '127.0.0.1'];
  // Nobody wants a dump.rdb in the folder that tests are run in, or another's.
  const own = [...address, '--threads', '2', '--maxmemory', '0', '--save', '', '--dbfilename', ''];
  const what = program === '' ? [process.execPath, MAIN] : [program];
  // A redis.conf may be the first of the flags.
  const file = flags[0]?.startsWith('-') === false ? [flags[0]] : [];
  const child = Bun.spawn(
    [...DIE_WITH_PARENT, ...wrapper, ...what, ...file, ...own, ...flags.slice(file.length)],
    {
      stdout: 'pipe',
      stderr: 'pipe',
    },
  );
  let text = '';
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> => {
    for await (const chunk of stream) text += Buffer.from(chunk).toString();
  };
  void read(child.stdout);
  void read(child.stderr);
  const deadlineMs = performance.now() + START_WAIT_MS_MAX;
  while (!text.includes(' ready, pid ')) {
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      throw new Error(`the server did not start:\n${text}`);
    }
    await Bun.sleep(5);
  }
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
  };
  return { port, pid: child.pid, log: () => text, stop, exited: child.exited };
}

/** A client over a real socket that keeps what it receives, as latin1. */
export class RealClient {
  readonly socket: Socket;
  received = '';
  /** The server has closed, or reset, the connection. */
  closed = false;
  error = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => (this.received += chunk.toString('latin1')));
    socket.on('error', (error: Error & { code?: string }) => (this.error = error.code ?? error.message));
    socket.on('end', () => (this.closed = true));
    socket.on('close', () => (this.closed = true));
  }

  /** Connects to a port of this machine, or to the path of a unix socket. */
  static async open(where: number | string, host = '127.0.0.1'): Promise<RealClient> {
    const socket = typeof where === 'string' ? createConnection(where) : createConnection(where, host);
    const client = new RealClient(socket);
    await client.until(() => !socket.connecting || client.closed);
    return client;
  }

  static async openTls(port: number, options: ConnectionOptions): Promise<RealClient> {
    const socket = connectTls({ host: '127.0.0.1', port, checkServerIdentity: () => undefined, ...options });
    let isSecure = false;
    socket.on('secureConnect', () => (isSecure = true));
    const client = new RealClient(socket);
    await client.until(() => isSecure || client.closed);
    return client;
  }

  send(...parts: (string | number | Uint8Array)[]): void {
    this.socket.write(encodeRequest(parts));
  }

  /** Sends one request and returns the reply, which must be one line or one bulk string. */
  async ask(...parts: (string | number | Uint8Array)[]): Promise<string> {
    this.received = '';
    this.send(...parts);
    await this.until(() => this.closed || isWhole(this.received));
    return this.received;
  }

  /** Waits until `condition` holds. Throws when it takes too long. */
  async until(condition: () => boolean, patienceMs = 5_000): Promise<void> {
    const deadlineMs = performance.now() + patienceMs;
    while (!condition()) {
      if (performance.now() > deadlineMs) {
        throw new Error(`waited in vain for: ${condition}; received ${this.received.slice(0, 500)}`);
      }
      await Bun.sleep(2);
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

function isWhole(reply: string): boolean {
  const lineEnd = reply.indexOf('\r\n');
  if (lineEnd < 0) return false;
  if (reply[0] !== '$' || reply.startsWith('$-1')) return true;
  return reply.length >= lineEnd + 4 + Number(reply.slice(1, lineEnd));
}

/** Resident memory of a process in bytes. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`).text();
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024;
}
