/** redis-benchmark's commands on lists, sets, hashes and sorted sets, and its MSET, 50 connections. Pops find something
 *  to pop: what they take has been put there before the window, with random names. */

import type { Goal, Metrics, Result } from '../result.ts';
import { measureRedisBenchmark } from './redis-benchmark.ts';
import { runCase, withServers, type Bench, type Scenario } from './scenario.ts';
import { ask, type Server } from './server.ts';

interface Test {
  readonly name: string;
  /** A name for `-t`, or a command of its own behind the flags. */
  readonly command?: readonly string[];
  /** Puts there what the commands take: a name for `-t`. */
  readonly fill?: string;
  /** Of the commands that others get done in a window. */
  readonly share: number;
}

const TESTS: readonly Test[] = [
  { name: 'lpush', share: 1 },
  { name: 'rpush', share: 1 },
  { name: 'lpop', fill: 'lpush', share: 1 },
  { name: 'rpop', fill: 'rpush', share: 1 },
  { name: 'sadd', share: 1 },
  { name: 'hset', share: 1 },
  { name: 'spop', fill: 'sadd', share: 0.7 },
  { name: 'zadd', share: 1 },
  { name: 'zpopmin', fill: 'zadd', share: 0.7 },
  ...[100, 300, 500, 600].map((count) => ({
    name: `lrange_${count}`,
    command: ['LRANGE', 'mylist', '0', String(count - 1)],
    share: 10 / count,
  })),
  { name: 'mset', share: 0.3 },
];

const LRANGE_ELEMENTS = 10_000;
const RANDOM_NAMES = 1_000_000;
const OPERATIONS_PER_SECOND: Readonly<Record<number, number>> = { 1: 60_000, 16: 500_000 };
const GOALS: Readonly<Record<number, number>> = { 1: 0.95, 16: 1.1 };
const MEAN_GOAL: Goal = { metric: 'operationsPerSecond', on: 'ratio', atLeast: 1.3 };

export const collections: Scenario = {
  name: 'collections',
  summary: "redis-benchmark's commands on collections and MSET at pipelines 16 and 1 against redis-server",
  run: runCollections,
};

async function runCollections(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const pipeline of [16, 1]) {
      const ratios: number[] = [];
      const keeping: Bench = { ...bench, report: (line) => keepRatio(bench, ratios, line) };
      for (const test of TESTS) {
        await runCase(keeping, {
          scenario: 'collections',
          case: `${test.name} pipeline ${pipeline}`,
          peerName: 'redis-server',
          ours: () => measureTest(bench, ours, test, pipeline),
          peer: () => measureTest(bench, peer, test, pipeline),
          goals: [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: GOALS[pipeline]! }],
        });
      }
      if (pipeline === 16) bench.report(geometricMean(ratios));
    }
  });
}

function keepRatio(bench: Bench, ratios: number[], line: Parameters<Bench['report']>[0]): void {
  if (line.kind === 'result') ratios.push(line.ratio?.['operationsPerSecond']?.median ?? NaN);
  bench.report(line);
}

function geometricMean(ratios: readonly number[]): Result {
  const median = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  const ratio = { median, low: Math.min(...ratios), high: Math.max(...ratios) };
  return {
    kind: 'result',
    scenario: 'collections',
    case: 'geometric mean pipeline 16',
    peerName: 'redis-server',
    ours: { operationsPerSecond: median },
    peer: { operationsPerSecond: 1 },
    ratio: { operationsPerSecond: ratio },
    goals: [MEAN_GOAL],
  };
}

async function measureTest(bench: Bench, server: Server, test: Test, pipeline: number): Promise<Metrics> {
  const operationCount = Math.round(bench.seconds * test.share * OPERATIONS_PER_SECOND[pipeline]!);
  const common = { port: server.ports.resp, cores: bench.cores.load, connectionCount: 50 };
  await ask(server.ports.resp, 'FLUSHALL');
  const fill = test.fill ?? (test.command === undefined ? undefined : 'lpush');
  if (fill !== undefined) {
    await measureRedisBenchmark(server, {
      ...common,
      test: fill,
      pipeline: 16,
      operationCount: test.command === undefined ? operationCount : LRANGE_ELEMENTS,
      extra: ['-r', String(RANDOM_NAMES)],
    });
  }
  return measureRedisBenchmark(server, {
    ...common,
    test: test.name,
    pipeline,
    operationCount,
    extra: test.command ?? [],
    isCommand: test.command !== undefined,
  });
}
