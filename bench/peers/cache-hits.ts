/** Hit ratios at equal memory: the same traces replayed against our cache mode, redis-server with allkeys-lru and with
 *  allkeys-lfu, and memcached, beside what a cache that knows the future would reach with as many keys as ours holds. */

import { makeTraces, optimumOf, type Trace } from '../cache/traces.ts';
import { CacheClient, type CacheProtocol } from './cache-client.ts';
import type { Bench, Scenario } from './scenario.ts';
import { ask, productOf, type ServerOptions, startServer } from './server.ts';

const VALUE_BYTES = 100;
const BATCH = 32;
/** The first part of a trace fills the cache and is not counted. */
const WARM_UP_SHARE = 0.2;
/** About what a key and its value take with everything. */
const ENTRY_BYTES = 170;

interface Contender {
  readonly name: string;
  readonly protocol: CacheProtocol;
  readonly server: ServerOptions;
}

interface Outcome {
  readonly hitRatio: number;
  readonly keyCount: number;
}

export const cacheHits: Scenario = {
  name: 'cache-hits',
  summary: 'hit ratios of the cache mode against redis-server (LRU, LFU) and memcached, and the optimum',
  run: runCacheHits,
};

async function runCacheHits(bench: Bench): Promise<void> {
  const memoryMiB = bench.isQuick ? 6 : 16;
  const capacity = Math.floor((memoryMiB << 20) / ENTRY_BYTES);
  const traces = makeTraces({ requestCount: capacity * 20, capacity });
  const [ours, ...peers] = contenders(bench, memoryMiB);
  const rows: string[] = [];
  for (const trace of traces) {
    const own = await replay(ours!, trace);
    const optimum = optimumOf(trace.keys, own.keyCount, firstCounted(trace));
    const figures = [optimum, own.hitRatio];
    for (const peer of peers) {
      const other = await replay(peer, trace);
      figures.push(other.hitRatio);
      // On a loop others may have no hit at all.
      const median = own.hitRatio / Math.max(other.hitRatio, 1 / trace.keys.length);
      bench.report({
        kind: 'result',
        scenario: 'cache-hits',
        case: trace.name,
        peerName: peer.name,
        ours: { ...own, optimum },
        peer: { ...other },
        ratio: { hitRatio: { median, low: median, high: median } },
        goals: [{ metric: 'hitRatio', on: 'ratio', atLeast: 1 }],
      });
    }
    rows.push(
      `  ${trace.name.padEnd(16)}${figures.map((figure) => figure.toFixed(4).padStart(16)).join('')}`,
    );
  }
  const names = ['optimum', ours!.name, ...peers.map(({ name }) => name)];
  const heading = `\nHit ratios with ${memoryMiB} MiB\n  ${''.padEnd(16)}${names.map((name) => name.padStart(16)).join('')}`;
  process.stderr.write(`${heading}\n${rows.join('\n')}\n`);
}

function contenders(bench: Bench, memoryMiB: number): Contender[] {
  const { cores } = bench;
  const limit = ['--maxmemory', `${memoryMiB}mb`];
  const redis = (policy: string): Contender => ({
    name: `redis ${policy.slice(-3)}`,
    protocol: 'resp',
    server: {
      binary: bench.redisBinary,
      cores: cores.server,
      flags: [...limit, '--maxmemory-policy', policy],
    },
  });
  const isOurs = productOf(bench.binary) === 'damselfly';
  return [
    {
      name: isOurs ? 'cache mode' : 'peer',
      protocol: 'resp',
      server: {
        binary: bench.binary,
        cores: cores.server,
        flags: isOurs ? [...limit, '--cache-mode', 'yes'] : [...limit, '--maxmemory-policy', 'allkeys-lru'],
      },
    },
    redis('allkeys-lru'),
    redis('allkeys-lfu'),
    {
      name: 'memcached',
      protocol: 'memcached',
      server: { binary: bench.memcachedBinary, cores: cores.server, flags: ['-m', `${memoryMiB}`] },
    },
  ];
}

function firstCounted({ keys }: Trace): number {
  return Math.floor(keys.length * WARM_UP_SHARE);
}

async function replay({ protocol, server: options }: Contender, trace: Trace): Promise<Outcome> {
  const server = await startServer(options);
  try {
    const port = protocol === 'resp' ? server.ports.resp : server.ports.memcached;
    const client = await CacheClient.open(port, protocol, VALUE_BYTES);
    const from = firstCounted(trace);
    let hits = 0;
    for (let at = 0; at < trace.keys.length; at += BATCH) {
      const found = await client.replay(trace.keys.subarray(at, at + BATCH));
      if (at >= from) hits += found;
    }
    client.close();
    const counted = trace.keys.length - Math.ceil(from / BATCH) * BATCH;
    return { hitRatio: hits / counted, keyCount: await countKeys(port, protocol) };
  } finally {
    await server.stop();
  }
}

async function countKeys(port: number, protocol: CacheProtocol): Promise<number> {
  if (protocol === 'resp') return Number((await ask(port, 'DBSIZE')).slice(1));
  return new Promise((resolve, reject) => {
    let text = '';
    Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => void socket.write('stats\r\n'),
        data(socket, bytes) {
          text += bytes.toString('latin1');
          if (!text.endsWith('END\r\n')) return;
          socket.end();
          resolve(Number(/STAT curr_items (\d+)/.exec(text)?.[1]));
        },
        connectError: (_socket, error) => reject(error),
      },
    }).catch(reject);
  });
}
