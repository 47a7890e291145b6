/** What every scenario is given and how it measures a case. */

import type { Cores } from '../machine.ts';
import type { Goal, Metrics, Result, Skipped } from '../result.ts';
import { compareInTurn } from './compare.ts';
import { startLoad, type LoadOptions, type LoadResult } from './load.ts';
import { cpuNsBetween, readCpu, readStolenMs } from './process-usage.ts';
import type { Command } from './requests.ts';
import { startServer, type Server, type ServerOptions } from './server.ts';

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  run(bench: Bench): Promise<void>;
}

export interface Bench {
  /** The server under test, and the peers. */
  readonly binary: string;
  readonly redisBinary: string;
  readonly memcachedBinary: string;
  readonly cores: Cores;
  readonly rounds: number;
  /** Measured seconds of one window; a case takes about 2 × (rounds + 1) windows. */
  readonly seconds: number;
  /** Fewer keys and operations, for checking that everything runs. */
  readonly isQuick: boolean;
  /** Whether a case of this name is to be run. */
  wantsCase(name: string): boolean;
  report(line: Result | Skipped): void;
}

/** What the issue names: 50 connections, 32-byte values, 100,000 keys. */
export const STANDARD_LOAD = { connectionCount: 50, valueBytes: 32, keyCount: 100_000 } as const;

/** Starts two servers, hands them over, and stops both whatever happens. */
export async function withServers(
  options: { ours: ServerOptions; peer: ServerOptions },
  use: (ours: Server, peer: Server) => Promise<void>,
): Promise<void> {
  const ours = await startServer(options.ours);
  try {
    const peer = await startServer(options.peer);
    try {
      await use(ours, peer);
    } finally {
      await peer.stop();
    }
  } finally {
    await ours.stop();
  }
}

export interface Case {
  readonly scenario: string;
  readonly case: string;
  readonly peerName: string;
  readonly ours: () => Promise<Metrics>;
  readonly peer: () => Promise<Metrics>;
  readonly goals?: readonly Goal[];
}

/** Measures one case in turn, after one discarded round, and reports it. */
export async function runCase(
  bench: Bench,
  { scenario, case: name, peerName, ours, peer, goals = [] }: Case,
): Promise<void> {
  if (!bench.wantsCase(name)) return;
  const comparison = await compareInTurn({ ours, peer, rounds: bench.rounds, warmUpRounds: 1 });
  bench.report({ kind: 'result', scenario, case: name, peerName, ...comparison, goals });
}

/** One window from the generator against one server: the standard load where `load` says nothing else. */
export async function measureLoad(
  bench: Bench,
  server: Server,
  load: Pick<LoadOptions, 'protocol' | 'commands' | 'pipeline'> & Partial<LoadOptions>,
): Promise<Metrics> {
  const running = await startLoad(
    {
      port: load.protocol === 'memcached' ? server.ports.memcached : server.ports.resp,
      connectionCount: STANDARD_LOAD.connectionCount,
      valueBytes: STANDARD_LOAD.valueBytes,
      keys: { order: 'random', count: STANDARD_LOAD.keyCount },
      seconds: bench.seconds,
      warmUpSeconds: 0.3,
      ...load,
    },
    { cores: bench.cores.load },
  );
  return measureWhile(server, () => running.go());
}

/** Runs `command` once for each number from `first` on, in an order that looks random, many at a time. */
export async function build(
  bench: Bench,
  server: Server,
  { command, count, first = 0, valueBytes = STANDARD_LOAD.valueBytes }: BuildOptions,
): Promise<Metrics> {
  const load = await startLoad(
    {
      port: server.ports.resp,
      protocol: 'resp',
      commands: [command],
      connectionCount: 8,
      pipeline: 100,
      valueBytes,
      keys: { order: 'shuffled', count, first },
      seconds: 600,
      warmUpSeconds: 0,
    },
    { cores: bench.cores.load },
  );
  return measureWhile(server, () => load.go());
}

interface BuildOptions {
  readonly command: Command;
  readonly count: number;
  readonly first?: number;
  readonly valueBytes?: number;
}

/** What redis-benchmark tells is enough; our generator tells more. */
type Outcome = Omit<LoadResult, 'slowest' | 'p999Us' | 'loadWait'> &
  Partial<Pick<LoadResult, 'p999Us' | 'loadWait'>>;

/** Adds to a load's own figures what the server used while it ran. */
export async function measureWhile(server: Server, load: () => Promise<Outcome>): Promise<Metrics> {
  const stolenBeforeMs = readStolenMs();
  const before = readCpu(server.pid);
  const result = await load();
  const after = readCpu(server.pid);
  const cpuNs = cpuNsBetween(before, after);
  return {
    operationsPerSecond: result.operationCount / result.seconds,
    cpuUsPerOperation: cpuNs / 1000 / result.operationCount,
    p50Us: result.p50Us,
    p99Us: result.p99Us,
    ...(result.p999Us === undefined ? {} : { p999Us: result.p999Us }),
    maxUs: result.maxUs,
    // Shares of one core. A server well below 1 with a load near 1: throughput is the generator's limit.
    serverBusy: cpuNs / 1e9 / result.seconds,
    loadBusy: result.loadBusy,
    // Shares of the window in which a core was wanted and not given, by this machine or by its hypervisor. Large ones
    // say that others had our cores: repeat the run when they are gone.
    serverWait: (after.waitNs - before.waitNs) / 1e9 / result.seconds,
    ...(result.loadWait === undefined ? {} : { loadWait: result.loadWait }),
    stolen: (readStolenMs() - stolenBeforeMs) / 1000 / result.seconds,
  };
}
