/** Opens the sockets this worker listens on, and makes a connection of every client that may come in. */
import type { Socket, SocketHandler, TCPSocketListener, UnixSocketListener } from 'bun';
import { Control, Counter } from '../../memory/control.ts';
import type { Connection } from './connection.ts';
import type { Engine } from '../engine.ts';
import { log } from '../log.ts';

type ConnectionKind = new (
  engine: Engine,
  socket: Socket<unknown>,
  address: string,
  localAddress: string,
) => Connection;

/** Bun throws on a longer delay. */
const KEEP_ALIVE_MS_MAX = 2 ** 31 - 1;
const TOO_MANY_CLIENTS = '-ERR max number of clients reached\r\n';
export const PROTECTED =
  '-DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default ' +
  'user. In this mode connections are only accepted from the loopback interface. If you want to connect from external ' +
  'computers, either set a password (requirepass), or disable protected mode with CONFIG SET protected-mode no from ' +
  'the loopback interface, or in the configuration file. Do this only if the server cannot be reached from the ' +
  'internet.\r\n';

export class Listeners {
  private readonly open: (TCPSocketListener<unknown> | UnixSocketListener<unknown>)[] = [];
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Listens on a TCP port of one address; every worker does so on the same port. Throws when it cannot;
   *  returns the socket's descriptor. */
  listenTcp(hostname: string, port: number, kind: ConnectionKind, tls?: Bun.TLSOptions): number {
    const options = {
      hostname,
      port,
      reusePort: true,
      ipv6Only: hostname === '::',
      allowHalfOpen: true,
      socket: this.handlers(kind),
    };
    const opened = Bun.listen<unknown>(tls === undefined ? options : { ...options, tls });
    this.open.push(opened);
    return descriptorOf(opened);
  }

  /** Listens on a unix socket. Only one worker can. Returns its descriptor. */
  listenUnix(path: string, kind: ConnectionKind): number {
    const opened = Bun.listen<unknown>({
      unix: path,
      allowHalfOpen: true,
      socket: this.handlers(kind, path),
    });
    this.open.push(opened);
    return descriptorOf(opened);
  }

  /** Stops accepting; open connections stay. */
  stop(): void {
    for (const listener of this.open.splice(0)) listener.stop(false);
  }

  /** `unixPath` is that of the unix socket listened on, or empty. */
  private handlers(kind: ConnectionKind, unixPath = ''): SocketHandler<unknown> {
    return {
      binaryType: 'buffer',
      open: (socket) => this.accept(socket, kind, unixPath),
      handshake: (socket) => this.checkCertificate(socket),
      data: (socket, chunk) => this.onData(socket, chunk as Buffer),
      end: (socket) => this.onEnd(socket),
      drain: (socket) => (socket.data as Connection | undefined)?.drain(),
      close: (socket) => (socket.data as Connection | undefined)?.onClose(),
      error: (_socket, error) => this.onError(error),
    };
  }

  private accept(socket: Socket<unknown>, kind: ConnectionKind, unixPath: string): void {
    const engine = this.engine;
    const counters = engine.keyspace.counters;
    if (unixPath === '' && this.isForbidden(socket.remoteAddress ?? '')) {
      counters[Counter.RejectedConnections]!++;
      socket.end(PROTECTED);
      return;
    }
    if (Atomics.add(engine.control.words, Control.ClientCount, 1) >= engine.config.number('maxclients')) {
      Atomics.sub(engine.control.words, Control.ClientCount, 1);
      counters[Counter.RejectedConnections]!++;
      socket.end(TOO_MANY_CLIENTS);
      return;
    }
    counters[Counter.ConnectionsReceived]!++;
    counters[Counter.ConnectedClients]!++;
    const keepAliveS = engine.config.number('tcp-keepalive');
    if (keepAliveS > 0) socket.setKeepAlive(true, Math.min(keepAliveS * 1000, KEEP_ALIVE_MS_MAX));
    socket.data =
      unixPath === ''
        ? new kind(
            engine,
            socket,
            formatAddress(socket.remoteAddress, socket.remotePort),
            formatAddress(socket.localAddress, socket.localPort),
          )
        : new kind(engine, socket, `${unixPath}:0`, `${unixPath}:0`);
  }

  private onData(socket: Socket<unknown>, chunk: Buffer): void {
    (socket.data as Connection | undefined)?.receive(chunk);
    this.engine.collector.bufferUsed(chunk.length);
  }

  private onEnd(socket: Socket<unknown>): void {
    const connection = socket.data as Connection | undefined;
    if (connection === undefined) socket.end();
    else connection.onEnd();
  }

  /** Protected mode: without a password only this machine may come in. */
  private isForbidden(address: string): boolean {
    if (!this.engine.users.default.hasNoPassword || !this.engine.config.flag('protected-mode')) return false;
    return !isLoopback(address);
  }

  /** Redis: with `tls-auth-clients optional` a client needs no certificate, but a wrong one keeps it out. */
  private checkCertificate(socket: Socket<unknown>): void {
    const policy = this.engine.config.text('tls-auth-clients');
    if (policy === 'no' || socket.authorized) return;
    const hasCertificate = Object.keys((socket.getPeerCertificate() ?? {}) as object).length > 0;
    if (policy === 'yes' || hasCertificate) socket.terminate();
  }

  /** An exception that reached the event loop is our bug; memory that broke an invariant must not be served. */
  private onError(error: Error & { syscall?: string }): void {
    // What went wrong in the network is followed by a close of the socket.
    if (error.syscall !== undefined) return log.debug(`a connection failed: ${error.message}`);
    log.error('fatal error in a connection', error);
    process.exit(1);
  }
}

/** Bun's listeners have their descriptor, which its types do not tell. */
function descriptorOf(listener: object): number {
  return 'fd' in listener && typeof listener.fd === 'number' ? listener.fd : -1;
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}

function formatAddress(address: string | undefined, port: number): string {
  // The peer may be gone again already.
  if (address === undefined) return '?:0';
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
