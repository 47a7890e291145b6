/** memcached's text protocol, pipelined, against memcached with one thread. */

import { fillKeys } from './load.ts';
import { measureLoad, runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';
import { productOf } from './server.ts';

export const memcached: Scenario = {
  name: 'memcached',
  summary: 'memcached text get and set at pipelines 16, 64 against memcached -t 1',
  run: runMemcached,
};

async function runMemcached(bench: Bench): Promise<void> {
  if (productOf(bench.binary) === 'redis') {
    bench.report({
      kind: 'skipped',
      scenario: 'memcached',
      reason: `${bench.binary} does not speak memcached`,
    });
    return;
  }
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.memcachedBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const server of [ours, peer]) {
      await fillKeys(server.ports.memcached, 'memcached', STANDARD_LOAD.keyCount, bench.cores.load);
    }
    for (const pipeline of [16, 64]) {
      for (const command of ['get', 'set'] as const) {
        const load = { protocol: 'memcached', commands: [command], pipeline } as const;
        await runCase(bench, {
          scenario: 'memcached',
          case: `${command} pipeline ${pipeline}`,
          peerName: 'memcached',
          ours: () => measureLoad(bench, ours, load),
          peer: () => measureLoad(bench, peer, load),
          goals: [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: 4 }],
        });
      }
    }
  });
}
