/** What a worker thread does from its start: joins the mesh, opens its sockets, runs its periodic duties. */
import { MemcachedConnection } from './memcached/connection.ts';
import { RespConnection } from './clients/resp-connection.ts';
import { startDuties } from './duties/duties.ts';
import { Engine, type EngineSetup } from './engine.ts';
import { Listeners } from './clients/listener.ts';
import { log, setLog } from './log.ts';
import type { Port } from './mesh.ts';
import { readTlsOptions } from './clients/tls.ts';

/** Main's first message to a worker. */
export interface WorkerStart {
  readonly role: 'worker';
  readonly setup: EngineSetup;
  /** Ports to the other workers by index; null in the worker's own place. */
  readonly peers: readonly (MessagePort | null)[];
  readonly keeper: MessagePort;
}

/** Starts one worker with what main sent; `main` is the port back to it. Answers the topics main asks. */
export function startWorker(start: WorkerStart, main: Port): void {
  const engine = new Engine(start.setup);
  const listeners = new Listeners(engine);
  const applyLog = () => setLog(engine.config.text('loglevel'), engine.config.text('logfile'));
  applyLog();
  engine.whenConfigured(applyLog);
  engine.mesh.on('worker.listen', () => openSockets(engine, listeners));
  engine.mesh.on('worker.stop', () => listeners.stop());
  engine.connect(start.peers, main, start.keeper);
  for (const port of [...start.peers, start.keeper]) port?.start();
  startDuties(engine);
  process.on('uncaughtException', (error) => {
    log.error('fatal error in a worker', error);
    process.exit(1);
  });
}

/** Returns the descriptors of those on which clients speak Redis' protocol without TLS: main may take clients from them. */
function openSockets(engine: Engine, listeners: Listeners): number[] {
  const plain: number[] = [];
  const { config } = engine;
  for (const address of config.list('bind')) {
    const isOptional = address.startsWith('-');
    const hostname = bindName(isOptional ? address.slice(1) : address);
    try {
      if (config.number('port') !== 0) {
        plain.push(listeners.listenTcp(hostname, config.number('port'), RespConnection));
      }
      if (config.number('tls-port') !== 0) {
        listeners.listenTcp(hostname, config.number('tls-port'), RespConnection, readTlsOptions(config));
      }
      if (config.number('memcached-port') !== 0) {
        listeners.listenTcp(hostname, config.number('memcached-port'), MemcachedConnection);
      }
    } catch (error) {
      if (!isOptional) throw new Error(`cannot listen on ${address}: ${(error as Error).message}`);
      log.debug(`not listening on ${address}: ${(error as Error).message}`);
    }
  }
  const unixPath = config.text('unixsocket');
  if (unixPath !== '' && engine.workerIndex === 0) plain.push(listeners.listenUnix(unixPath, RespConnection));
  return plain.filter((descriptor) => descriptor >= 0);
}

/** Redis: `*` is every IPv4 address and `::*` every IPv6 address. */
function bindName(address: string): string {
  if (address === '*') return '0.0.0.0';
  return address === '::*' ? '::' : address;
}
