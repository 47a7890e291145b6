/** CONFIG SET as main carries it out: checks everything, then has every worker take the new values over. */
import { readFileSync } from 'node:fs';
import { log } from '../log.ts';
import type { Config } from './config.ts';

/** What a worker asks main. */
export interface SetRequest {
  readonly pairs: readonly (readonly [name: string, value: string])[];
  /** The client is on this machine. */
  readonly isLocal: boolean;
}

/** Descriptors that are no client's: of the process, and of each thread's event loop and sockets. */
const RESERVED_FILES = 32;
const RESERVED_FILES_PER_THREAD = 16;

/** Returns the error reply, or '' when all of the pairs are in force everywhere. */
export async function setConfig(
  config: Config,
  request: SetRequest,
  assignEverywhere: (changed: Readonly<Record<string, string>>) => Promise<unknown>,
): Promise<string> {
  const outcome = config.trySet(request.pairs, request.isLocal);
  if (!outcome.ok) return outcome.error;
  if (outcome.changed.maxclients !== undefined) {
    const most = clientsMax(config.number('threads'));
    if (config.number('maxclients') > most) {
      outcome.undo();
      return (
        "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating system is not able to " +
        `handle the specified number of clients, try with ${most}`
      );
    }
  }
  for (const name of Object.keys(outcome.changed)) {
    if (!config.isActedOn(name))
      log.warn(`CONFIG SET ${name}: taken and reported, but without effect in this build`);
  }
  await assignEverywhere(outcome.changed);
  return '';
}

/** How many clients the limit on open files allows. */
export function clientsMax(threadCount: number): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  if (limit === undefined) return Infinity;
  return Math.max(Number(limit) - RESERVED_FILES - threadCount * RESERVED_FILES_PER_THREAD, 1);
}
