/** What a thread is to be: the first message it gets from main says so. */
import { startKeeper, type KeeperStart } from './keeper/keeper-thread.ts';
import type { Port } from './mesh.ts';
import { startWorker, type WorkerStart } from './worker-thread.ts';

export type ThreadStart = WorkerStart | KeeperStart;

export function startThread(start: ThreadStart, main: Port): void {
  if (start.role === 'keeper') startKeeper(start, main);
  else startWorker(start, main);
}
