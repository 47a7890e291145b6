/** redis-benchmark's tests of collections, and MSET, against redis-server: 50 connections, one element unless said
 *  otherwise. What a test pops is put there first, so that no pop finds nothing; in the end the elements are counted.
 *
 *  At pipeline 16 redis-benchmark itself is often the limit: it takes about as long to make a request and to read a
 *  reply as either server takes to answer. Then both servers look alike, and CPU per operation tells them apart. The
 *  scenario `collections-capacity` asks the same with our generator, which makes its requests once and counts bytes. */

import { geometricMean, type Metrics, type Result } from '../result.ts';
import { comparePhasesInTurn, type Phases } from './compare.ts';
import { Control } from './control.ts';
import { measureRedisBenchmark } from './redis-benchmark.ts';
import { build, measureLoad, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';
import { LRANGE_COUNTS, type SuiteCommand } from './suite-requests.ts';

interface Test {
  readonly name: string;
  /** For redis-benchmark. */
  readonly test: string | readonly string[];
  /** For our generator. */
  readonly command: SuiteCommand;
  /** What puts elements there for the test, and how many per operation (or exactly, when it is not one each). */
  readonly fill?: { readonly command: SuiteCommand; readonly exactly?: number };
  /** Counts the elements that are left, and how the operations change that. */
  readonly count: readonly string[];
  readonly effect: 'adds' | 'removes' | 'keeps' | 'one';
  /** Operations in the time of one LPUSH, about. */
  readonly share?: number;
  /** It has an element that can be drawn anew each time (-r). */
  readonly hasElement?: true;
}

const LIST = ['LLEN', 'mylist'];
const SET = ['SCARD', 'myset'];
const SORTED_SET = ['ZCARD', 'myzset'];
const LIST_ELEMENTS = 1000;

const TESTS: readonly Test[] = [
  { name: 'LPUSH', test: 'lpush', command: 'lpushMylist', count: LIST, effect: 'adds' },
  { name: 'RPUSH', test: 'rpush', command: 'rpushMylist', count: LIST, effect: 'adds' },
  {
    name: 'LPOP',
    test: 'lpop',
    command: 'lpopMylist',
    fill: { command: 'rpushMylist' },
    count: LIST,
    effect: 'removes',
  },
  {
    name: 'RPOP',
    test: 'rpop',
    command: 'rpopMylist',
    fill: { command: 'rpushMylist' },
    count: LIST,
    effect: 'removes',
  },
  { name: 'SADD', test: 'sadd', command: 'saddMyset', count: SET, effect: 'one', hasElement: true },
  {
    name: 'HSET',
    test: 'hset',
    command: 'hsetMyhash',
    count: ['HLEN', 'myhash'],
    effect: 'one',
    hasElement: true,
  },
  {
    name: 'SPOP',
    test: 'spop',
    command: 'spopMyset',
    fill: { command: 'saddMyset' },
    count: SET,
    effect: 'removes',
  },
  { name: 'ZADD', test: 'zadd', command: 'zaddMyzset', count: SORTED_SET, effect: 'one', hasElement: true },
  {
    name: 'ZPOPMIN',
    test: 'zpopmin',
    command: 'zpopminMyzset',
    fill: { command: 'zfillMyzset' },
    count: SORTED_SET,
    effect: 'removes',
  },
  ...LRANGE_COUNTS.map((count): Test => ({
    name: `LRANGE_${count}`,
    test: ['LRANGE', 'mylist', '0', `${count - 1}`],
    command: `lrange${count}Mylist`,
    fill: { command: 'rpushMylist', exactly: LIST_ELEMENTS },
    count: LIST,
    effect: 'keeps',
    share: 25 / count,
  })),
  {
    name: 'MSET',
    test: 'mset',
    command: 'msetTen',
    count: ['DBSIZE'],
    effect: 'one',
    share: 0.5,
    hasElement: true,
  },
];

const CONNECTIONS = 50;
const ELEMENTS_DRAWN = 100_000;
/** redis-benchmark sends up to a pipeline per connection more than it was asked to. */
const SURPLUS_MAX = CONNECTIONS * 16;
const THROUGHPUT_MIN: Readonly<Record<number, number>> = { 1: 0.95, 16: 1.1 };
const MEAN_MIN = 1.3;

export const collections: Scenario = {
  name: 'collections',
  summary: "redis-benchmark's LPUSH to LRANGE_600 and MSET at pipelines 16 and 1 against redis-server",
  run: (bench) =>
    onServers(bench, async (ours, peer) => {
      for (const pipeline of [16, 1]) {
        const results: Result[] = [];
        for (const test of TESTS) {
          const measure = (server: Server): Promise<Metrics> => measureTest(bench, server, test, pipeline);
          const name = `${test.name} pipeline ${pipeline}`;
          results.push(await compare(bench, 'collections', name, pipeline, { ours, peer }, measure));
        }
        reportMean(bench, 'collections', `pipeline ${pipeline}`, results);
      }
    }),
};

export const collectionsCapacity: Scenario = {
  name: 'collections-capacity',
  summary: 'the same requests from our generator at pipeline 16, with one element and with 100,000',
  run: (bench) =>
    onServers(bench, async (ours, peer) => {
      for (const elementCount of [1, ELEMENTS_DRAWN]) {
        const results: Result[] = [];
        for (const test of TESTS.filter(({ hasElement }) => elementCount === 1 || hasElement)) {
          const measure = (server: Server): Promise<Metrics> =>
            measureCapacity(bench, server, test, elementCount);
          const name = `${test.name}, ${elementCount} element${elementCount === 1 ? '' : 's'}`;
          results.push(await compare(bench, 'collections-capacity', name, 16, { ours, peer }, measure));
        }
        reportMean(bench, 'collections-capacity', `${elementCount} elements`, results);
      }
    }),
};

async function onServers(bench: Bench, use: (ours: Server, peer: Server) => Promise<void>): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, use);
}

async function compare(
  bench: Bench,
  scenario: string,
  name: string,
  pipeline: number,
  servers: { readonly ours: Server; readonly peer: Server },
  measure: (server: Server) => Promise<Metrics>,
): Promise<Result> {
  const { only } = await comparePhasesInTurn({
    ours: async (): Promise<Phases> => ({ only: await measure(servers.ours) }),
    peer: async (): Promise<Phases> => ({ only: await measure(servers.peer) }),
    rounds: pipeline === 1 ? Math.min(bench.rounds, 3) : bench.rounds,
    warmUpRounds: 1,
  });
  const goals = [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: THROUGHPUT_MIN[pipeline]! }] as const;
  const result: Result = {
    kind: 'result',
    scenario,
    case: name,
    peerName: 'redis-server',
    ...only!,
    goals,
  };
  bench.report(result);
  return result;
}

function reportMean(bench: Bench, scenario: string, name: string, results: readonly Result[]): void {
  const mean = (metric: string): number =>
    geometricMean(results.map(({ ratio }) => ratio?.[metric]?.median ?? NaN));
  bench.report({
    kind: 'result',
    scenario,
    case: `geometric mean of ratios, ${name}`,
    ours: { operationsPerSecondRatio: mean('operationsPerSecond'), cpuRatio: mean('cpuUsPerOperation') },
    goals: name.endsWith('16') ? [{ metric: 'operationsPerSecondRatio', on: 'ours', atLeast: MEAN_MIN }] : [],
  });
}

async function measureTest(bench: Bench, server: Server, test: Test, pipeline: number): Promise<Metrics> {
  const share = pipeline === 1 ? Math.min(1, (test.share ?? 1) * 8) : (test.share ?? 1);
  const perSecond = pipeline === 1 ? 40_000 : 700_000;
  const operationCount = Math.round((bench.seconds / 2) * share * perSecond);
  return prepared(bench, server, test, operationCount + SURPLUS_MAX, async (control) => {
    const metrics = await measureRedisBenchmark(server, {
      test: test.test,
      pipeline,
      port: server.ports.resp,
      cores: bench.cores.load,
      connectionCount: CONNECTIONS,
      extra: [],
      operationCount,
    });
    await checkCount(control, test, operationCount, 1);
    return metrics;
  });
}

async function measureCapacity(
  bench: Bench,
  server: Server,
  test: Test,
  elementCount: number,
): Promise<Metrics> {
  // How many operations there will be nobody knows before: as many elements as the fastest server could take away.
  const filledCount = Math.round((bench.seconds / 2) * 2_000_000);
  return prepared(bench, server, test, filledCount, async (control) => {
    const metrics = await measureLoad(bench, server, {
      protocol: 'resp',
      commands: [test.command],
      pipeline: 16,
      connectionCount: CONNECTIONS,
      keys: { order: 'random', count: elementCount },
      seconds: bench.seconds / 2,
      warmUpSeconds: test.effect === 'removes' ? 0 : 0.2,
    });
    await checkCount(
      control,
      test,
      metrics['operationsPerSecond']! * (bench.seconds / 2) * 0.9,
      elementCount,
    );
    return metrics;
  });
}

/** Runs `measure` on an empty server, or one that holds what the test takes away. */
async function prepared(
  bench: Bench,
  server: Server,
  test: Test,
  elementCount: number,
  measure: (control: Control) => Promise<Metrics>,
): Promise<Metrics> {
  const control = await Control.open(server.ports.resp);
  try {
    await control.expect('OK', 'FLUSHALL');
    if (test.fill !== undefined) {
      const count = test.fill.exactly ?? Math.ceil(elementCount / 800) * 800;
      await build(bench, server, { command: test.fill.command, count });
      await control.expect(count, ...test.count);
    }
    return await measure(control);
  } finally {
    control.close();
  }
}

/** Whether as many elements came or went as there were operations, at least. */
async function checkCount(
  control: Control,
  test: Test,
  operationCount: number,
  elementCount: number,
): Promise<void> {
  const left = Number(await control.ask(...test.count));
  const isRight = {
    adds: left >= operationCount,
    removes: left > 0,
    keeps: left === LIST_ELEMENTS,
    one: left > 0 && left <= elementCount,
  }[test.effect];
  if (!isRight) throw new Error(`${test.name}: ${left} elements after ${operationCount} operations`);
}
