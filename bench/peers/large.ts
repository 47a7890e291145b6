/** One collection of 1,000,000 elements of each type against redis-server: built element by element, read at random
 *  places, ranges of 100 taken from it, deleted. Every phase checks what it was answered and how many elements there are.
 *
 *  A deletion is measured twice: until its reply, and until used_memory is back where it was. */

import type { Goal, Metrics } from '../result.ts';
import { comparePhasesInTurn, type Phases } from './compare.ts';
import { Control } from './control.ts';
import { LARGE_KEY, POSITION_FIRST, RANGE_COUNT, type CollectionCommand } from './collection-requests.ts';
import { build, measureLoad, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';
import type { LoadOptions } from './load.ts';

interface Shape {
  readonly name: string;
  readonly insert: CollectionCommand;
  /** Asked for random elements. */
  readonly reads: readonly CollectionCommand[];
  /** Asked for random positions. */
  readonly positionReads: readonly CollectionCommand[];
  readonly range: CollectionCommand;
  readonly count: string;
}

const SHAPES: readonly Shape[] = [
  { name: 'hash', insert: 'hset', reads: ['hget'], positionReads: [], range: 'hmget', count: 'HLEN' },
  {
    name: 'set',
    insert: 'sadd',
    reads: ['sismember'],
    positionReads: [],
    range: 'srandmember',
    count: 'SCARD',
  },
  {
    name: 'sorted set',
    insert: 'zadd',
    reads: ['zscore', 'zrank'],
    positionReads: [],
    range: 'zrange',
    count: 'ZCARD',
  },
  { name: 'list', insert: 'rpush', reads: [], positionReads: ['lindex'], range: 'lrange', count: 'LLEN' },
];
/** Ranges whose numbers are positions; the others' are elements. */
const POSITION_RANGES: readonly CollectionCommand[] = ['lrange', 'zrange'];
const MEMORY_BACK_WITHIN = 0.01;
/** What connections that come and go may hold of it. */
const MEMORY_NOISE_BYTES = 256 << 10;
const MEMORY_WAIT_MS = 20_000;
const MEMORY_POLL_MS = 5;

export const large: Scenario = {
  name: 'large',
  summary:
    'hash, set, sorted set and list of 1,000,000: build, read, range of 100, delete, against redis-server',
  run: runLarge,
};

async function runLarge(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const elementCount = bench.isQuick ? 200_000 : 1_000_000;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const shape of SHAPES) {
      const phases = await comparePhasesInTurn({
        ours: () => measurePhases(bench, ours, shape, elementCount),
        peer: () => measurePhases(bench, peer, shape, elementCount),
        rounds: Math.min(bench.rounds, 3),
        warmUpRounds: 1,
      });
      for (const [phase, comparison] of Object.entries(phases)) {
        const name = `${shape.name} of ${elementCount}: ${phase}`;
        const goals = phase === 'delete' ? DELETE_GOALS : SPEED_GOALS;
        bench.report({
          kind: 'result',
          scenario: 'large',
          case: name,
          peerName: 'redis-server',
          ...comparison,
          goals,
        });
      }
    }
  });
}

const SPEED_GOALS: readonly Goal[] = [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: 1 }];
const DELETE_GOALS: readonly Goal[] = [
  { metric: 'replyMs', on: 'ratio', atMost: 1 },
  { metric: 'backMs', on: 'ratio', atMost: 1 },
];

/** Builds the collection, measures it, and deletes it. */
async function measurePhases(
  bench: Bench,
  server: Server,
  shape: Shape,
  elementCount: number,
): Promise<Phases> {
  const control = await Control.open(server.ports.resp);
  try {
    await control.expect(0, 'EXISTS', LARGE_KEY);
    const emptyBytes = await control.info('used_memory');
    const phases: Record<string, Metrics> = {};
    phases['build'] = await build(bench, server, { command: shape.insert, count: elementCount });
    await control.expect(elementCount, shape.count, LARGE_KEY);
    const positions = {
      order: 'random',
      first: POSITION_FIRST,
      count: elementCount - POSITION_FIRST,
    } as const;
    const elements = { order: 'random', count: elementCount } as const;
    for (const command of shape.reads) {
      phases[command.toUpperCase()] = await measureCommand(bench, server, command, elements);
    }
    for (const command of shape.positionReads) {
      phases[command.toUpperCase()] = await measureCommand(bench, server, command, positions);
    }
    const { range } = shape;
    const rangeKeys = POSITION_RANGES.includes(range)
      ? { ...positions, count: positions.count - RANGE_COUNT }
      : elements;
    phases[`${range.toUpperCase()} ${RANGE_COUNT}`] = await measureCommand(bench, server, range, rangeKeys);
    await control.expect(elementCount, shape.count, LARGE_KEY);
    phases['delete'] = await measureDelete(control, emptyBytes);
    return phases;
  } finally {
    control.close();
  }
}

function measureCommand(
  bench: Bench,
  server: Server,
  command: CollectionCommand,
  keys: LoadOptions['keys'],
): Promise<Metrics> {
  return measureLoad(bench, server, {
    protocol: 'resp',
    commands: [command],
    pipeline: 16,
    keys,
    seconds: bench.seconds / 2,
  });
}

async function measureDelete(control: Control, emptyBytes: number): Promise<Metrics> {
  const fullBytes = await control.info('used_memory');
  const limitBytes = emptyBytes + Math.max((fullBytes - emptyBytes) * MEMORY_BACK_WITHIN, MEMORY_NOISE_BYTES);
  const startedMs = performance.now();
  await control.expect(1, 'DEL', LARGE_KEY);
  const replyMs = performance.now() - startedMs;
  while ((await control.info('used_memory')) > limitBytes) {
    if (performance.now() - startedMs > MEMORY_WAIT_MS) throw new Error('DEL gave back too little memory');
    await Bun.sleep(MEMORY_POLL_MS);
  }
  return { replyMs, backMs: performance.now() - startedMs };
}
