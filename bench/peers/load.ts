/** Runs the load generator (generator.ts) as a pinned child process. */

import { pinned } from '../machine.ts';
import type { Command, Protocol } from './requests.ts';

export interface LoadOptions {
  readonly port: number;
  readonly protocol: Protocol;
  /** Each connection sends a batch of each in turn. */
  readonly commands: readonly Command[];
  readonly connectionCount: number;
  /** Requests in a batch: sent together, answered together. */
  readonly pipeline: number;
  readonly valueBytes: number;
  /** Numbers in [first, first + count). `sequential` and `shuffled` visit each once and then stop; `random` runs for
   *  `seconds`. */
  readonly keys: {
    readonly order: 'random' | 'sequential' | 'shuffled';
    readonly count: number;
    readonly first?: number;
  };
  /** What every connection asks first, once; each part must be answered with OK. */
  readonly preamble?: readonly string[];
  /** The longest the run may take. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** A reply that took long, and when its request was sent, counted from the start of the run. */
export interface SlowReply {
  readonly atMs: number;
  readonly latencyUs: number;
}

export interface LoadResult {
  readonly operationCount: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  /** Share of one core the generator used: near 1, it and not the server was the limit. */
  readonly loadBusy: number;
  /** Share of the run in which the generator was ready to go on but had no core. */
  readonly loadWait: number;
  readonly slowest: readonly SlowReply[];
}

export interface LoadPlacement {
  readonly cores: string | null;
  /** Gives way to every other process on its core, so that a probe beside it is not delayed by it. */
  readonly isPolite?: boolean;
}

/** A generator that is connected and warm. `go` starts the measured run; `stop` ends it early. */
export interface Load {
  go(): Promise<LoadResult>;
  stop(): void;
}

export async function startLoad(options: LoadOptions, placement: LoadPlacement): Promise<Load> {
  const ready = Promise.withResolvers<void>();
  const result = Promise.withResolvers<LoadResult>();
  // Both reject when the generator dies; whoever is not being awaited then must not end the benchmark.
  ready.promise.catch(() => {});
  result.promise.catch(() => {});
  const argv = [
    process.execPath,
    new URL('./generator.ts', import.meta.url).pathname,
    JSON.stringify(options),
  ];
  const child = Bun.spawn(
    pinned(placement.cores, placement.isPolite ? ['nice', '-n', '19', ...argv] : argv),
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      ipc(message: 'ready' | LoadResult) {
        if (message === 'ready') ready.resolve();
        else result.resolve(message);
      },
      onExit(_child, exitCode) {
        const error = new Error(`load generator ended with code ${exitCode}`);
        ready.reject(error);
        result.reject(error);
      },
    },
  );
  await ready.promise;
  return {
    go() {
      child.send('go');
      return result.promise;
    },
    stop() {
      child.send('stop');
    },
  };
}

/** Sets every key below `count` once, quickly and unmeasured. */
export async function fillKeys(
  port: number,
  protocol: Protocol,
  count: number,
  cores: string | null,
): Promise<void> {
  const load = await startLoad(fillOptions(port, protocol, count), { cores });
  await load.go();
}

export function fillOptions(port: number, protocol: Protocol, count: number): LoadOptions {
  return {
    port,
    protocol,
    commands: ['set'],
    connectionCount: 8,
    pipeline: 100,
    valueBytes: 32,
    keys: { order: 'sequential', count },
    seconds: 600,
    warmUpSeconds: 0,
  };
}
