/** Streams, bitmaps, places and HyperLogLogs against redis-server: one worker on one core, the same data and requests
 *  for both, in windows of half a second, so that all of it ends within four minutes. The figure to look at is what a
 *  second of the server's processor does (operationsPerCpuSecond): the generator makes more of it than of throughput. */

import { connect } from 'node:net';
import type { Goal, Metrics } from '../result.ts';
import { compareInTurn, summarise } from './compare.ts';
import { Control } from './control.ts';
import { readResidentBytes } from './process-usage.ts';
import { request } from './request-text.ts';
import { measureLoad, withServers, type Bench, type Scenario } from './scenario.ts';
import { startServer, type Server } from './server.ts';
import {
  ACK_LAG,
  BITMAP_BYTES,
  BITMAP_KEYS,
  entryFields,
  GEO_DEGREES,
  GEO_KEY,
  GROUP,
  ID_FIRST,
  STREAM_KEY,
  type TypeCommand,
} from './type-requests.ts';

const SCENARIO = 'types';
const ROUNDS_MAX = 3;
const SECONDS_MAX = 0.5;
const STREAM_ENTRIES = 100_000;
/** Reads of one window of XREADGROUP, which must not run out of entries. */
const GROUP_READS = 99_000;
const GEO_DRAWN = 10_000_000;
const GEO_PLACES = 1_000_000;
const GEO_BATCH = 100;
const FILL_REQUESTS = 500;
const SETTLE_MS = 1000;

interface Test {
  readonly name: string;
  readonly command: TypeCommand;
  readonly atLeast?: number;
  /** Numbers that are drawn. */
  readonly first?: number;
  readonly count: number;
  readonly order?: 'random' | 'sequential';
  readonly pipeline?: number;
  readonly connectionCount?: number;
  /** What must be so before each window. */
  readonly prepare?: (control: Control, server: Server) => Promise<void>;
}

const dropStream = async (control: Control): Promise<void> => void (await control.ask('DEL', STREAM_KEY));
const ENTRY_NUMBERS = { first: ID_FIRST, count: STREAM_ENTRIES - 20 } as const;
const GEO = { count: GEO_DRAWN, atLeast: 1 } as const;
/** Without leading zeros, which are none of integers. */
const SIX_DIGITS = { first: 100_000, count: 900_000 } as const;
const HUGE = { count: 1, pipeline: 1, connectionCount: 4, atLeast: 0.7 } as const;

const STREAM_TESTS: readonly Test[] = [
  { name: 'XADD', command: 'xadd', count: 1_000_000, atLeast: 1.1, prepare: dropStream },
  { name: 'XADD MAXLEN ~ 10000', command: 'xaddCapped', count: 1_000_000, atLeast: 1.1, prepare: dropStream },
  { name: 'XREAD COUNT 10', command: 'xread', ...ENTRY_NUMBERS, atLeast: 1.1, prepare: fillStream },
  { name: 'XRANGE COUNT 10', command: 'xrange', ...ENTRY_NUMBERS },
  {
    name: 'XREADGROUP COUNT 1 and XACK',
    command: 'xreadgroupXack',
    first: ID_FIRST - ACK_LAG,
    count: GROUP_READS,
    order: 'sequential',
    atLeast: 1.1,
    prepare: renewGroup,
  },
];
const GEO_TESTS: readonly Test[] = [
  { name: 'GEOSEARCH BYRADIUS 10 km, 10 nearest', command: 'geosearchCircle', ...GEO },
  { name: 'GEOSEARCH BYBOX 20 km, 10 nearest', command: 'geosearchBox', ...GEO },
  { name: 'GEOSEARCH BYRADIUS 10 km, any 10 with all', command: 'geosearchAny', ...GEO },
  { name: 'GEOADD', command: 'geoadd', ...GEO },
];
const OTHER_TESTS: readonly Test[] = [
  { name: 'PFADD, dense', command: 'pfaddDense', count: 1_000_000, atLeast: 1 },
  { name: 'PFADD, 1000 sparse', command: 'pfaddSparse', count: 1000, atLeast: 1 },
  { name: 'PFCOUNT', command: 'pfcountCached', count: 1, atLeast: 1 },
  { name: 'PFADD and PFCOUNT', command: 'pfcountStale', count: 1_000_000, atLeast: 1 },
  { name: 'PFCOUNT of two', command: 'pfcountUnion', count: 1, atLeast: 1 },
  { name: 'SETBIT', command: 'setbit', ...SIX_DIGITS },
  { name: 'GETBIT', command: 'getbit', ...SIX_DIGITS },
  { name: 'BITFIELD INCRBY and GET', command: 'bitfield', first: 10_000, count: 90_000 },
  { name: 'BITCOUNT of 16 MiB', command: 'bitcount', ...HUGE, prepare: fillBitmaps },
  { name: 'BITOP AND of 16 MiB', command: 'bitopAnd', ...HUGE },
  { name: 'BITOP XOR of 16 MiB', command: 'bitopXor', ...HUGE },
  { name: 'BITOP NOT of 16 MiB', command: 'bitopNot', ...HUGE },
];

export const types: Scenario = {
  name: SCENARIO,
  summary: 'streams, geo, HyperLogLog and bitmaps at pipeline 16, and memory of a stream, in four minutes',
  run: async (bench) => {
    await compareMemory(bench);
    const cores = bench.cores.server;
    const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
    await withServers(servers, async (ours, peer) => {
      for (const test of STREAM_TESTS) await compare(bench, test, ours, peer);
      for (const server of [ours, peer]) await fillPlaces(server);
      for (const test of [...GEO_TESTS, ...OTHER_TESTS]) await compare(bench, test, ours, peer);
    });
  },
};

async function compare(bench: Bench, test: Test, ours: Server, peer: Server): Promise<void> {
  const comparison = await compareInTurn({
    ours: () => measure(bench, ours, test),
    peer: () => measure(bench, peer, test),
    rounds: Math.min(bench.rounds, ROUNDS_MAX),
    warmUpRounds: 1,
  });
  const { atLeast } = test;
  const goals: Goal[] =
    atLeast === undefined ? [] : [{ metric: 'operationsPerCpuSecond', on: 'ratio', atLeast }];
  bench.report({
    kind: 'result',
    scenario: SCENARIO,
    case: test.name,
    peerName: 'redis-server',
    ...comparison,
    goals,
  });
}

async function measure(bench: Bench, server: Server, test: Test): Promise<Metrics> {
  if (test.prepare !== undefined) await withControl(server, (control) => test.prepare!(control, server));
  const isCounted = test.order === 'sequential';
  const metrics = await measureLoad(bench, server, {
    protocol: 'resp',
    commands: [test.command],
    pipeline: test.pipeline ?? 16,
    connectionCount: test.connectionCount ?? 50,
    keys: { order: test.order ?? 'random', count: test.count, first: test.first ?? 0 },
    seconds: isCounted ? 60 : Math.min(bench.seconds, SECONDS_MAX),
    warmUpSeconds: isCounted ? 0 : 0.2,
  });
  return { operationsPerCpuSecond: 1e6 / metrics['cpuUsPerOperation']!, ...metrics };
}

async function withControl<Result>(
  server: Server,
  use: (control: Control) => Promise<Result>,
): Promise<Result> {
  const control = await Control.open(server.ports.resp);
  try {
    return await use(control);
  } finally {
    control.close();
  }
}

/** Sends requests on one connection, some at a time, each of which is answered with one line or a short bulk string. */
async function send(server: Server, lineCount: number, requests: Iterable<string>): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: server.ports.resp });
  let lines = 0;
  let failure: Error | null = null;
  let onLines: () => void = () => {};
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === '-'.charCodeAt(0)) failure = new Error(chunk.toString('latin1', 0, 100));
    for (const byte of chunk) if (byte === 10) lines++;
    onLines();
  });
  socket.on('error', (error) => {
    failure = error;
    onLines();
  });
  let wanted = 0;
  const flush = (batch: readonly string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      wanted += batch.length * lineCount;
      onLines = () => {
        if (failure !== null) reject(failure);
        else if (lines >= wanted) resolve();
      };
      socket.write(Buffer.from(batch.join(''), 'latin1'));
    });
  let batch: string[] = [];
  try {
    for (const text of requests) {
      batch.push(text);
      if (batch.length < FILL_REQUESTS) continue;
      await flush(batch);
      batch = [];
    }
    if (batch.length > 0) await flush(batch);
  } finally {
    socket.destroy();
  }
}

/** A stream of STREAM_ENTRIES entries with known ids, unless it is there. */
async function fillStream(control: Control, server: Server): Promise<void> {
  if ((await control.ask('XLEN', STREAM_KEY)) === `${STREAM_ENTRIES}`) return;
  await dropStream(control);
  const entries = function* (): Iterable<string> {
    for (let i = 0; i < STREAM_ENTRIES; i++) {
      yield request('XADD', STREAM_KEY, `${ID_FIRST + i}-0`, ...entryFields(`${i}`.padStart(6, '0')));
    }
  };
  await send(server, 2, entries());
  await control.expect(STREAM_ENTRIES, 'XLEN', STREAM_KEY);
}

async function renewGroup(control: Control, server: Server): Promise<void> {
  await fillStream(control, server);
  await control.ask('XGROUP', 'DESTROY', STREAM_KEY, GROUP);
  await control.expect('OK', 'XGROUP', 'CREATE', STREAM_KEY, GROUP, '0');
}

/** Numbers that look random and are the same for every server. */
function* randomNumbers(): Generator<number, never> {
  for (let state = 0x2545f491; ;) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    yield state >>> 0;
  }
}

async function fillPlaces(server: Server): Promise<void> {
  const numbers = randomNumbers();
  const degrees = (): string => ((numbers.next().value / 2 ** 32) * GEO_DEGREES).toFixed(6);
  const requests = function* (): Iterable<string> {
    for (let i = 0; i < GEO_PLACES; i += GEO_BATCH) {
      const places = Array.from({ length: GEO_BATCH }, (_, j) => [
        degrees(),
        degrees(),
        `place:${`${i + j}`.padStart(7, '0')}`,
      ]);
      yield request('GEOADD', GEO_KEY, ...places.flat());
    }
  };
  await send(server, 1, requests());
  await withControl(server, (control) => control.expect(GEO_PLACES, 'ZCARD', GEO_KEY));
}

async function fillBitmaps(control: Control, server: Server): Promise<void> {
  if ((await control.ask('STRLEN', BITMAP_KEYS[1])) === `${BITMAP_BYTES}`) return;
  const numbers = randomNumbers();
  for (const key of BITMAP_KEYS) {
    const words = Uint32Array.from({ length: BITMAP_BYTES / 4 }, () => numbers.next().value);
    const bits = Buffer.from(words.buffer).toString('latin1');
    await send(server, 1, [`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${bits.length}\r\n${bits}\r\n`]);
  }
}

/** Memory of a stream of 1,000,000 small entries in a fresh server, by its own account and by the system's. */
async function compareMemory(bench: Bench): Promise<void> {
  const count = bench.isQuick ? 100_000 : 1_000_000;
  bench.report({
    kind: 'result',
    scenario: SCENARIO,
    case: `memory of a stream of ${count} entries`,
    peerName: 'redis-server',
    ...summarise(
      [await measureMemory(bench, bench.binary, count)],
      [await measureMemory(bench, bench.redisBinary, count)],
    ),
    goals: [{ metric: 'usedBytesPerEntry', on: 'ratio', atMost: 1 }],
  });
}

async function measureMemory(bench: Bench, binary: string, count: number): Promise<Metrics> {
  const server = await startServer({ binary, cores: bench.cores.server });
  try {
    return await withControl(server, async (control) => {
      const add = (number: number): string =>
        request('XADD', STREAM_KEY, '*', ...entryFields(`${number}`.padStart(6, '0')));
      const entries = function* (entryCount: number): Iterable<string> {
        for (let i = 0; i < entryCount; i++) yield add(i);
      };
      // Compiled code comes with the first requests, not with the data.
      await send(server, 2, entries(50_000));
      await control.ask('DEL', STREAM_KEY);
      await Bun.sleep(SETTLE_MS);
      const before = {
        used: await control.info('used_memory'),
        resident: readResidentBytes(server.pid),
      };
      await send(server, 2, entries(count));
      await control.expect(count, 'XLEN', STREAM_KEY);
      await Bun.sleep(SETTLE_MS);
      return {
        usedBytesPerEntry: ((await control.info('used_memory')) - before.used) / count,
        residentBytesPerEntry: (readResidentBytes(server.pid) - before.resident) / count,
      };
    });
  } finally {
    await server.stop();
  }
}
