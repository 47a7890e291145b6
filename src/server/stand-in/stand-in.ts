/**
 * Main's part for a worker whose script takes long. Such a worker accepts nobody, so that who comes to end the script
 * could not even connect. While it lasts, main takes new clients from the queue of the worker's listening sockets and
 * answers them itself: that the server is busy, or by ending the script. When it has ended they are closed, and connect
 * anew. TLS and memcached are not stood in for.
 */
import type { SocketHandler } from 'bun';
import { openLibc } from '../../base/libc.ts';
import type { UserTable } from '../../commands/acl/user-table.ts';
import type { Registry } from '../../commands/registry.ts';
import { BusyScripts } from '../../scripting/busy-scripts.ts';
import type { ScriptStates } from '../../scripting/script-state.ts';
import { isLoopback, PROTECTED } from '../clients/listener.ts';
import type { Config } from '../config/config.ts';
import { log } from '../log.ts';
import { StandInClient } from './stand-in-client.ts';

/** What main knows that the clients it stands in for may ask about. */
export interface StandInSetup {
  readonly config: Config;
  readonly users: UserTable;
  readonly registry: Registry;
  readonly states: ScriptStates;
  readonly shutDown: () => void;
}

/** How often the queues are looked at, and how many clients are taken at most. */
const LOOK_MS = 50;
const CLIENTS_MAX = 64;
/** Of Linux: O_NONBLOCK and O_CLOEXEC. */
const ACCEPT_FLAGS = 0o2004000;

export class StandIn {
  readonly busy = new BusyScripts();
  private readonly setup: StandInSetup;
  private readonly clients = new Set<StandInClient>();
  /** Descriptors of listening sockets by worker. */
  private sockets: readonly (readonly number[])[] = [];
  private libc: ReturnType<typeof openAccept> = null;
  private timer: Timer | undefined = undefined;

  constructor(setup: StandInSetup) {
    this.setup = setup;
  }

  /** Takes over what the workers listen on. */
  watch(sockets: readonly (readonly number[])[]): void {
    this.sockets = sockets;
  }

  /** Begins or ends standing in, as `busy` says. */
  update(): void {
    if (this.busy.isEmpty) this.stop();
    else if (this.timer === undefined) this.start();
  }

  private start(): void {
    this.libc ??= openAccept();
    if (this.libc === null) return;
    log.info('a script takes long: SCRIPT KILL or FUNCTION KILL ends it');
    this.timer = setInterval(() => this.acceptAll(), LOOK_MS);
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    for (const client of this.clients) client.close();
    this.clients.clear();
  }

  private acceptAll(): void {
    for (const worker of this.busy.workers) {
      for (const socket of this.sockets[worker] ?? []) this.acceptFrom(socket);
    }
  }

  private acceptFrom(socket: number): void {
    while (this.clients.size < CLIENTS_MAX) {
      const descriptor = this.libc!.symbols.accept4(socket, null, null, ACCEPT_FLAGS);
      if (descriptor < 0) return;
      void this.serve(descriptor);
    }
  }

  private async serve(fd: number): Promise<void> {
    const client = new StandInClient(this.setup, this.busy);
    this.clients.add(client);
    try {
      // Bun's types demand an address, which it does not look at where there is a descriptor.
      const options = { fd, hostname: '', port: 0, socket: this.handlersOf(client) };
      const socket = await Bun.connect(options);
      client.begin(socket);
      if (this.isForbidden(socket.remoteAddress)) socket.end(PROTECTED);
    } catch (error) {
      this.clients.delete(client);
      log.debug(`a client was not taken over: ${(error as Error).message}`);
    }
  }

  private handlersOf(client: StandInClient): SocketHandler<undefined> {
    return {
      binaryType: 'buffer',
      data: (from, chunk) => client.receive(from, chunk as Buffer),
      close: () => this.forget(client),
      error: () => this.forget(client),
    };
  }

  private forget(client: StandInClient): void {
    this.clients.delete(client);
  }

  /** Protected mode, as for every other client; one of a unix socket has no address. */
  private isForbidden(address: string | undefined): boolean {
    const { config, users } = this.setup;
    if (!users.default.hasNoPassword || !config.flag('protected-mode')) return false;
    return address !== undefined && address !== '' && !isLoopback(address);
  }
}

function openAccept() {
  return openLibc({ accept4: { args: ['int', 'ptr', 'ptr', 'int'], returns: 'int' } });
}
