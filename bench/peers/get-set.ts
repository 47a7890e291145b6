/** GET and SET against redis-server at pipelines 1, 16 and 64: the main comparison. */

import type { Goal } from '../result.ts';
import { fillKeys } from './load.ts';
import { measureLoad, runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';

const goalsByPipeline: Record<number, readonly Goal[]> = {
  1: [
    { metric: 'cpuUsPerOperation', on: 'ratio', atMost: 1.05 },
    { metric: 'operationsPerSecond', on: 'ratio', atLeast: 0.97 },
  ],
  16: [{ metric: 'cpuUsPerOperation', on: 'ratio', atMost: 0.8 }],
  64: [
    { metric: 'cpuUsPerOperation', on: 'ratio', atMost: 0.65 },
    { metric: 'operationsPerSecond', on: 'ratio', atLeast: 1.4 },
  ],
};

export const getSet: Scenario = {
  name: 'get-set',
  summary: 'GET and SET at pipelines 1, 16, 64 against redis-server, one worker on one core',
  run: runGetSet,
};

async function runGetSet(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const server of [ours, peer]) {
      await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, bench.cores.load);
    }
    for (const pipeline of [1, 16, 64]) {
      for (const command of ['get', 'set'] as const) {
        const load = { protocol: 'resp', commands: [command], pipeline } as const;
        await runCase(bench, {
          scenario: 'get-set',
          case: `${command.toUpperCase()} pipeline ${pipeline}`,
          peerName: 'redis-server',
          ours: () => measureLoad(bench, ours, load),
          peer: () => measureLoad(bench, peer, load),
          goals: goalsByPipeline[pipeline] ?? [],
        });
      }
    }
  });
}
