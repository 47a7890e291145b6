/** Bytes per element of collections: what used_memory grows by, and beside it what the process does. */

import type { Goal, Metrics } from '../result.ts';
import { summarise } from './compare.ts';
import { LARGE_KEY, type CollectionCommand } from './collection-requests.ts';
import { Control } from './control.ts';
import { readResidentBytes } from './process-usage.ts';
import { build, type Bench, type Scenario } from './scenario.ts';
import { startServer } from './server.ts';

const RATIO_MAX = 0.8;
const GOALS: readonly Goal[] = [{ metric: 'bytesPerElement', on: 'ratio', atMost: RATIO_MAX }];
const SETTLE_MS = 3000;
const WARM_UP_COUNT = 10_000;

interface Content {
  readonly name: string;
  readonly command: CollectionCommand;
  readonly requestCount: number;
  readonly elementsPerRequest: number;
  readonly valueBytes: number;
  /** How many elements, or keys, there must be in the end. */
  readonly count: readonly string[];
  readonly goals: readonly Goal[];
}

function oneLarge(name: string, command: CollectionCommand, count: string, goals = GOALS): Content {
  return {
    name: `${name} of`,
    command,
    requestCount: 1_000_000,
    elementsPerRequest: 1,
    valueBytes: 32,
    count: [count, LARGE_KEY],
    goals,
  };
}

function manySmall(valueBytes: number): Content {
  return {
    name: `hashes of 10 fields, values of ${valueBytes} bytes:`,
    command: 'smallHash',
    requestCount: 100_000,
    elementsPerRequest: 10,
    valueBytes,
    count: ['DBSIZE'],
    goals: GOALS,
  };
}

/**
 * The goal stands on both sizes of small hashes. With 32-byte values 39 of some 46 bytes an element are names and values
 * themselves: that case is the one that has missed it.
 */
const CONTENTS: readonly Content[] = [
  oneLarge('hash', 'hset', 'HLEN'),
  oneLarge('set', 'sadd', 'SCARD'),
  oneLarge('sorted set', 'zadd', 'ZCARD'),
  oneLarge('list', 'rpush', 'LLEN', []),
  manySmall(10),
  manySmall(32),
];

export const collectionMemory: Scenario = {
  name: 'collection-memory',
  summary:
    'bytes per element of 1,000,000-element collections and of 100,000 small hashes, against redis-server',
  run: runCollectionMemory,
};

async function runCollectionMemory(bench: Bench): Promise<void> {
  for (const content of CONTENTS) {
    const count = bench.isQuick ? content.requestCount / 10 : content.requestCount;
    const ours = await measureContent(bench, bench.binary, content, count);
    const peer = await measureContent(bench, bench.redisBinary, content, count);
    bench.report({
      kind: 'result',
      scenario: 'collection-memory',
      case: `${content.name} ${count}`,
      peerName: 'redis-server',
      ...summarise([ours], [peer]),
      goals: content.goals,
    });
  }
}

/** On a fresh server, so that nothing of another collection is left. */
async function measureContent(
  bench: Bench,
  binary: string,
  { command, elementsPerRequest, valueBytes, count }: Content,
  requestCount: number,
): Promise<Metrics> {
  const server = await startServer({ binary, cores: bench.cores.server });
  const control = await Control.open(server.ports.resp);
  try {
    // Compiled code and buffers come with the first requests, not with the data.
    await build(bench, server, { command, count: WARM_UP_COUNT, valueBytes });
    await control.expect('OK', 'FLUSHALL');
    await Bun.sleep(SETTLE_MS);
    const usedBytes = await control.info('used_memory');
    const residentBytes = readResidentBytes(server.pid);
    await build(bench, server, { command, count: requestCount, valueBytes });
    await Bun.sleep(SETTLE_MS);
    await control.expect(requestCount, ...count);
    const elementCount = requestCount * elementsPerRequest;
    return {
      bytesPerElement: ((await control.info('used_memory')) - usedBytes) / elementCount,
      residentPerElement: (readResidentBytes(server.pid) - residentBytes) / elementCount,
    };
  } finally {
    control.close();
    await server.stop();
  }
}
