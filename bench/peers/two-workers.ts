/** What sharing costs: the same binary with two workers and with one, CPU per operation. Neither is pinned, and both
 *  share the cores with the generator, so throughput says nothing here on a machine with two cores. */

import { fillKeys } from './load.ts';
import { measureLoad, runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';

export const twoWorkers: Scenario = {
  name: 'two-workers',
  summary: 'CPU per operation with two workers against one worker, cores shared with the generator',
  run: runTwoWorkers,
};

async function runTwoWorkers(bench: Bench): Promise<void> {
  const unpinned: Bench = { ...bench, cores: { server: null, load: null } };
  const launch = { binary: bench.binary, cores: null };
  const servers = { ours: { ...launch, threadCount: 2 }, peer: { ...launch, threadCount: 1 } };
  await withServers(servers, async (two, one) => {
    for (const server of [two, one]) {
      await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, null);
    }
    for (const pipeline of [1, 16, 64]) {
      const load = { protocol: 'resp', commands: ['set', 'get'], pipeline } as const;
      await runCase(unpinned, {
        scenario: 'two-workers',
        case: `SET and GET pipeline ${pipeline}`,
        peerName: 'one worker',
        ours: () => measureLoad(unpinned, two, load),
        peer: () => measureLoad(unpinned, one, load),
        goals: [{ metric: 'cpuUsPerOperation', on: 'ratio', atMost: 1.15 }],
      });
    }
  });
}
