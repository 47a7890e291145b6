/** The control thread: starts and watches the workers, owns the configuration, stops the server. No data path. */
import { FAMILIES } from '../commands/families.ts';
import { Registry } from '../commands/registry.ts';
import { NO_WORKER, ScriptStates } from '../scripting/script-state.ts';
import { densityMemoryBytes } from '../store/eviction/hit-density.ts';
import { SCRIPT_MEMORY_BYTES } from '../scripting/scripts.ts';
import { createConnection } from 'node:net';
import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs';
import { Control, ControlBlock } from '../memory/control.ts';
import { createRingMemory } from '../memory/journal-ring.ts';
import { createJournalState } from '../memory/journal-state.ts';
import { createShardHeads, createShardMemory, SHARD_BYTES } from '../memory/shard.ts';
import { AUDIENCE_BYTES } from '../store/audience.ts';
import { createTrackingMemory } from '../store/tracking-board.ts';
import { INTEREST_BYTES } from '../store/interests.ts';
import { WATCH_BYTES } from '../store/watches.ts';
import { UserKeeper } from './acl/user-keeper.ts';
import { checkAddress } from './system/address-check.ts';
import type { Config } from './config/config.ts';
import { rewriteConfigFile } from './config/config-rewrite.ts';
import type { EngineSetup } from './engine.ts';
import { readShutdownWords, SHUTDOWN_FAILED, type ShutdownRequest } from '../commands/server/shutdown.ts';
import { clientsMax, type SetRequest, setConfig } from './config/set-config.ts';
import type { JournalMemories } from './journal/append-only.ts';
import type { KeeperStart } from './keeper/keeper-thread.ts';
import { log, setLog } from './log.ts';
import { Mesh, type Port } from './mesh.ts';
import { hearBells } from './script-bell.ts';
import { StandIn } from './stand-in/stand-in.ts';
import { notifyReady, notifyStopping } from './system/notify.ts';
import { PRODUCT_NAME, PRODUCT_VERSION } from './product.ts';
import type { WorkerStart } from './worker-thread.ts';
import { formatMemoryHuman } from '../base/memory-size.ts';

/** Starts a worker thread; only main.ts may, see there. */
export type Spawn = () => Worker;

const SHARD_COUNT_MIN = 16;
const SHARDS_PER_WORKER_MIN = 4;
/** A worker that a script keeps busy does not stop; the server does. */
const WORKER_STOP_MS_MAX = 1000;

/** How many shards serve `workerCount` workers and `memoryBytes` of data: a power of two. */
export function shardCountFor(workerCount: number, memoryBytes: number): number {
  const wanted = Math.max(
    SHARD_COUNT_MIN,
    SHARDS_PER_WORKER_MIN * workerCount,
    (2 * memoryBytes) / SHARD_BYTES,
  );
  return 2 ** Math.ceil(Math.log2(wanted));
}

/** The running server as main sees it. */
export class MainThread {
  private readonly config: Config;
  private readonly mesh = new Mesh();
  private readonly workers: Worker[] = [];
  private readonly standIn: StandIn;
  private readonly scriptMemory = new SharedArrayBuffer(SCRIPT_MEMORY_BYTES);
  private keeper: Worker | null = null;
  private readonly userKeeper: UserKeeper;
  private control: ControlBlock | null = null;
  private stopping = false;

  constructor(config: Config) {
    this.config = config;
    this.userKeeper = new UserKeeper(config, (change) => this.askAll('acl.assign', change));
    this.userKeeper.serve(this.mesh);
    this.mesh.on('config.set', (request) => this.setConfig(request as SetRequest));
    this.mesh.on('config.rewrite', () => this.rewriteConfig());
    this.standIn = new StandIn({
      config,
      users: this.userKeeper.users,
      registry: new Registry(FAMILIES),
      states: new ScriptStates(this.scriptMemory, NO_WORKER),
      shutDown: () => void this.stop('SHUTDOWN', { isSaving: false, isForced: true }),
    });
    hearBells(this.mesh, this.standIn.busy, () => this.standIn.update());
    this.mesh.on('shutdown', (request) => this.stop('SHUTDOWN', request as ShutdownRequest));
  }

  /** Starts the workers and returns when all of them listen. Throws with a text for people when that fails. */
  async start(spawn: Spawn): Promise<void> {
    this.checkSettings();
    this.userKeeper.start();
    await this.checkAddresses();
    const workerCount = this.config.number('threads');
    const memoryBytes = this.config.number('maxmemory') || this.config.limits.memoryBytes;
    const control = ControlBlock.create(workerCount, this.config.number('databases'));
    this.control = control;
    // Clients are answered from the first moment on, if only that they must wait.
    Atomics.store(control.words, Control.Loading, 1);
    const shards = Array.from({ length: shardCountFor(workerCount, memoryBytes) }, () => createShardMemory());
    const random = crypto.getRandomValues(new Int32Array(2));
    const runId = Buffer.from(crypto.getRandomValues(new Uint8Array(20))).toString('hex');
    const common = {
      control: control.memory,
      shards,
      interests: createShardMemory(INTEREST_BYTES),
      scripts: this.scriptMemory,
      uses: new SharedArrayBuffer(densityMemoryBytes(workerCount)),
      audience: createShardMemory(AUDIENCE_BYTES),
      watches: createShardMemory(WATCH_BYTES),
      tracking: createTrackingMemory(workerCount),
      shardHeads: createShardHeads(shards.length + 3),
      hashKey: { k0: random[0]!, k1: random[1]! },
      config: this.config.toJSON(),
      runId,
      users: this.userKeeper.users.texts(),
    };
    const journal: JournalMemories = {
      state: createJournalState(),
      rings: Array.from({ length: workerCount }, () => createRingMemory()),
    };
    for (let index = 0; index < workerCount; index++) this.workers.push(this.watch(spawn(), 'a worker'));
    this.keeper = this.watch(spawn(), 'the keeper');
    this.introduce(common, journal, this.keeper);
    await this.listen();
    await this.askKeeper('keeper.load', null);
    this.announce();
  }

  /** Without one of its threads the server cannot go on: it says so and ends. */
  private watch(thread: Worker, name: string): Worker {
    thread.addEventListener('error', (event) => {
      log.error(`${name} failed: ${event.message}`);
      process.exit(1);
    });
    thread.addEventListener('close', () => {
      if (this.stopping) return;
      log.error(`${name} ended; the server cannot go on without it`);
      process.exit(1);
    });
    return thread;
  }

  /** Gives every thread its setup and a port to every other. */
  private introduce(
    common: Omit<EngineSetup, 'workerIndex'>,
    journal: JournalMemories,
    keeper: Worker,
  ): void {
    const count = this.workers.length;
    const ports = this.workers.map(() => Array.from({ length: count }, (): MessagePort | null => null));
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) {
        const channel = new MessageChannel();
        ports[a]![b] = channel.port1;
        ports[b]![a] = channel.port2;
      }
    }
    const keeperChannels = this.workers.map(() => new MessageChannel());
    this.workers.forEach((worker, workerIndex) => {
      const peers = ports[workerIndex]!;
      const start: WorkerStart = {
        role: 'worker',
        setup: {
          ...common,
          workerIndex,
          journal: { state: journal.state, ring: journal.rings[workerIndex]! },
        },
        peers,
        keeper: keeperChannels[workerIndex]!.port1,
      };
      worker.postMessage(
        start,
        [...peers, start.keeper].filter((port) => port !== null),
      );
      this.mesh.connect(worker as Port);
    });
    const { control, shards, shardHeads, hashKey, config, runId } = common;
    const start: KeeperStart = {
      role: 'keeper',
      setup: { control, shards, shardHeads, hashKey, config, journal, runId },
      workers: keeperChannels.map(({ port2 }) => port2),
    };
    keeper.postMessage(start, [...start.workers]);
    this.mesh.connect(keeper as Port);
  }

  private askKeeper(topic: string, payload: unknown): Promise<unknown> {
    return this.keeper === null ? Promise.resolve() : this.mesh.ask(this.keeper as Port, topic, payload);
  }

  private askAll(topic: string, payload: unknown): Promise<unknown[]> {
    return Promise.all(this.workers.map((worker) => this.mesh.ask(worker as Port, topic, payload)));
  }

  /** Refuses settings that would leave a server nobody can reach, and mends the number of clients. */
  private checkSettings(): void {
    const { config } = this;
    const ports = [config.number('port'), config.number('tls-port'), config.number('memcached-port')];
    if (ports.every((port) => port === 0) && config.text('unixsocket') === '') {
      throw new Error('nothing to listen on: port, tls-port, memcached-port and unixsocket are all off');
    }
    const most = clientsMax(config.number('threads'));
    if (config.number('maxclients') <= most) return;
    log.warn(`the limit on open files (ulimit -n) allows ${most} clients: maxclients is set to that`);
    config.assign({ maxclients: String(most) });
  }

  /** reusePort would let us share another server's port in silence: a look without it tells. */
  private async checkAddresses(): Promise<void> {
    const ports = [
      this.config.number('port'),
      this.config.number('tls-port'),
      this.config.number('memcached-port'),
    ];
    for (const address of this.config.list('bind')) {
      for (const port of ports) if (port !== 0) await demandAddress(address, port);
    }
    const path = this.config.text('unixsocket');
    if (path !== '' && existsSync(path)) await removeStaleSocket(path);
  }

  /** Has every worker open its sockets. Nobody may use the unix socket before it has the permissions it is to have. */
  private async listen(): Promise<void> {
    const path = this.config.text('unixsocket');
    const permissions = this.config.number('unixsocketperm');
    const hasPermissions = path !== '' && permissions !== 0;
    const umask = process.umask();
    if (hasPermissions) process.umask(0o777 & ~permissions);
    try {
      this.standIn.watch((await this.askAll('worker.listen', null)) as number[][]);
    } finally {
      process.umask(umask);
    }
    if (hasPermissions) chmodSync(path, permissions);
  }

  private announce(): void {
    const { config } = this;
    const memory = config.number('maxmemory');
    const lines = [
      `${PRODUCT_NAME} ${PRODUCT_VERSION} ready, pid ${process.pid}`,
      `threads ${config.number('threads')}, maxmemory ${memory === 0 ? 'none' : formatMemoryHuman(memory)}`,
    ];
    const bound = config.list('bind')[0] ?? '*';
    const host = ['*', '0.0.0.0', '::', '::*'].includes(bound) ? '127.0.0.1' : bound.replace(/^-/, '');
    if (config.number('port') !== 0) {
      lines.push(
        `Redis protocol on port ${config.number('port')}: redis-cli -h ${host} -p ${config.number('port')}`,
      );
    }
    if (config.number('tls-port') !== 0) lines.push(`TLS on port ${config.number('tls-port')}`);
    if (config.number('memcached-port') !== 0) {
      lines.push(`memcached protocol on port ${config.number('memcached-port')}`);
    }
    if (config.text('unixsocket') !== '') lines.push(`unix socket ${config.text('unixsocket')}`);
    for (const line of lines) log.info(line);
    notifyReady(lines[0]!);
  }

  private async setConfig(request: SetRequest): Promise<string> {
    const error = await setConfig(this.config, request, async (changed) => {
      await Promise.all([this.askAll('config.assign', changed), this.askKeeper('config.assign', changed)]);
      if ('requirepass' in changed) await this.userKeeper.passwordChanged();
    });
    setLog(this.config.text('loglevel'), this.config.text('logfile'));
    return error;
  }

  private rewriteConfig(): string {
    const error = rewriteConfigFile(this.config, this.userKeeper.configLines);
    if (error !== '') log.warn(`CONFIG REWRITE failed: ${error}`);
    else log.info('CONFIG REWRITE executed with success');
    return error;
  }

  /** A signal that ends the server, as `shutdown-on-sigterm` and `shutdown-on-sigint` want it. */
  async stopBySignal(signal: 'SIGTERM' | 'SIGINT'): Promise<void> {
    if (this.stopping && signal === 'SIGINT') {
      log.warn('You insist... exiting now.');
      process.exit(1);
    }
    const words = this.config.list(signal === 'SIGTERM' ? 'shutdown-on-sigterm' : 'shutdown-on-sigint');
    await this.stop(signal, readShutdownWords(words));
  }

  /** Saves if that is wanted, stops accepting and ends the process with code 0. Returns only if it cannot: why. */
  private async stop(reason: string, { isSaving, isForced }: ShutdownRequest): Promise<string> {
    if (this.stopping) return '';
    this.stopping = true;
    log.info(`${reason}: stopping`);
    notifyStopping();
    const isLoading = this.control === null || Atomics.load(this.control.words, Control.Loading) !== 0;
    if (isSaving !== false && !isLoading) {
      const isSnapshotWanted = isSaving ?? this.config.list('save').length > 0;
      // What is acknowledged from here on would be in no file.
      const clientsStop = this.askAll('clients.stop', null);
      await (isSnapshotWanted ? clientsStop : Promise.race([clientsStop, Bun.sleep(WORKER_STOP_MS_MAX)]));
      if (isSnapshotWanted && !(await this.askKeeper('save.last', null)) && !isForced) {
        log.error('Errors trying to shut down the server: the data could not be saved. It goes on serving');
        this.stopping = false;
        await this.askAll('clients.resume', null);
        return SHUTDOWN_FAILED;
      }
    }
    await Promise.race([this.askAll('worker.stop', null), Bun.sleep(WORKER_STOP_MS_MAX)]);
    // However long that takes: it may be what makes the data last.
    if (!isLoading) await this.askKeeper('keeper.stop', null);
    const path = this.config.text('unixsocket');
    if (path !== '' && existsSync(path)) unlinkSync(path);
    process.exit(0);
  }
}

/** Throws when `address`, one of `bind`, cannot be listened on. One that begins with `-` need not be there. */
async function demandAddress(address: string, port: number): Promise<void> {
  const isOptional = address.startsWith('-');
  const name = isOptional ? address.slice(1) : address;
  const host = name === '*' ? '0.0.0.0' : name === '::*' ? '::' : name;
  const { reason, isTaken } = await checkAddress(host, port);
  if (reason === '' || (isOptional && !isTaken)) return;
  throw new Error(`cannot listen on ${host} port ${port}: ${reason}`);
}

/** Removes a unix socket that no server answers on any more; refuses when one does, or when it is another file. */
function removeStaleSocket(path: string): Promise<void> {
  if (!statSync(path).isSocket()) throw new Error(`cannot listen on ${path}: it is not a socket`);
  return new Promise((resolve, reject) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      reject(new Error(`cannot listen on ${path}: another server is using the socket`));
    });
    probe.once('error', (error: Error & { code?: string }) => {
      if (error.code !== 'ECONNREFUSED')
        return reject(new Error(`cannot listen on ${path}: ${error.message}`));
      unlinkSync(path);
      resolve();
    });
  });
}
