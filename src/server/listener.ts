/** Opens the sockets this worker listens on, and makes a connection of every client that may come in. */
import type { Socket, SocketHandler, TCPSocketListener, UnixSocketListener } from 'bun';
import { Control, Counter } from '../memory/control.ts';
import type { Connection } from './connection.ts';
import type { Engine } from './engine.ts';
import { log } from './log.ts';

type ConnectionKind = new (
  engine: Engine,
  socket: Socket<unknown>,
  address: string,
  localAddress: string,
) => Connection;

const TOO_MANY_CLIENTS = '-ERR max number of clients reached\r\n';
const PROTECTED =
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

  /** Listens on a TCP port of one address; every worker does so on the same port. Throws when it cannot. */
  listenTcp(hostname: string, port: number, kind: ConnectionKind, tls?: Bun.TLSOptions): void {
    const options = {
      hostname,
      port,
      reusePort: true,
      ipv6Only: hostname === '::',
      socket: this.handlers(kind),
    };
    this.open.push(Bun.listen<unknown>(tls === undefined ? options : { ...options, tls }));
  }

  /** Listens on a unix socket. Only one worker can. */
  listenUnix(path: string, kind: ConnectionKind): void {
    this.open.push(Bun.listen<unknown>({ unix: path, socket: this.handlers(kind) }));
  }

  /** Stops accepting; open connections stay. */
  stop(): void {
    for (const listener of this.open.splice(0)) listener.stop(false);
  }

  private handlers(kind: ConnectionKind): SocketHandler<unknown> {
    return {
      binaryType: 'buffer',
      open: (socket) => this.accept(socket, kind),
      data: (socket, chunk) => (socket.data as Connection | undefined)?.receive(chunk as Buffer),
      drain: (socket) => (socket.data as Connection | undefined)?.drain(),
      close: (socket) => (socket.data as Connection | undefined)?.onClose(),
      error: (_socket, error) => this.onError(error),
    };
  }

  private accept(socket: Socket<unknown>, kind: ConnectionKind): void {
    const engine = this.engine;
    const counters = engine.keyspace.counters;
    const address = socket.remoteAddress ?? '';
    if (this.isForbidden(address)) {
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
    if (keepAliveS > 0) socket.setKeepAlive(true, keepAliveS * 1000);
    socket.data = new kind(engine, socket, peerName(socket), localName(socket));
  }

  /** Protected mode: without a password only this machine may come in. */
  private isForbidden(address: string): boolean {
    if (this.engine.password !== '' || !this.engine.config.flag('protected-mode')) return false;
    return address !== '' && !isLoopback(address);
  }

  /** An exception that reached the event loop is our bug; memory that broke an invariant must not be served. */
  private onError(error: Error): void {
    log.error('fatal error in a connection', error);
    process.exit(1);
  }
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1' || address.startsWith('::ffff:127.');
}

function peerName(socket: Socket<unknown>): string {
  if (socket.remoteAddress === undefined || socket.remoteAddress === '') return '/unix:0';
  return formatAddress(socket.remoteAddress, socket.remotePort);
}

function localName(socket: Socket<unknown>): string {
  if (socket.localAddress === undefined || socket.localAddress === '') return '/unix:0';
  return formatAddress(socket.localAddress, socket.localPort);
}

function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
