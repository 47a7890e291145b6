/**
 * What the keeper thread does from its start. The keeper looks after what is kept outside the process: it takes
 * snapshots, drains the journal, feeds replicas. It maps the shards and may take their locks like a worker, has no sockets
 * and no clients, and no worker ever waits for it while holding a lock.
 */
import { AppendOnly } from '../journal/append-only.ts';
import { log, setLog } from '../log.ts';
import type { Port } from '../mesh.ts';
import { Data } from './data.ts';
import { Keeper, type KeeperSetup } from './keeper.ts';
import { Snapshots } from './snapshots.ts';

/** Main's first message to the keeper. */
export interface KeeperStart {
  readonly role: 'keeper';
  readonly setup: KeeperSetup;
  /** Ports to the workers by index. */
  readonly workers: readonly MessagePort[];
}

/** Starts the keeper with what main sent; `main` is the port back to it. Answers the topics main and workers ask. */
export function startKeeper(start: KeeperStart, main: Port): void {
  const keeper = new Keeper(start.setup);
  const applyLog = () => setLog(keeper.config.text('loglevel'), keeper.config.text('logfile'));
  applyLog();
  keeper.whenConfigured(applyLog);
  process.on('uncaughtException', (error) => {
    log.error('fatal error in the keeper', error);
    process.exit(1);
  });
  const snapshots = new Snapshots(keeper);
  void new Data(keeper, snapshots, new AppendOnly(keeper, snapshots, start.setup.journal));
  keeper.connect(start.workers, main);
  for (const port of start.workers) port.start();
}
