/** What sharing costs: the same binary with two workers and with one, CPU per operation, placed in two ways. `one core`:
 *  the server on its core and the generator on the other, so that only what the workers do differs. `all cores`: nothing
 *  is pinned; with as many cores as workers the generator takes turns with them, and the scheduler's part shows too. */

import { fillKeys } from './load.ts';
import { measureLoad, runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';

export const twoWorkers: Scenario = {
  name: 'two-workers',
  summary: 'CPU per operation with two workers against one worker, cores shared with the generator',
  run: runTwoWorkers,
};

async function runTwoWorkers(bench: Bench): Promise<void> {
  await compare(bench, 'one core');
  await compare({ ...bench, cores: { server: null, load: null } }, 'all cores');
}

async function compare(bench: Bench, placement: string): Promise<void> {
  const launch = { binary: bench.binary, cores: bench.cores.server };
  const servers = { ours: { ...launch, threadCount: 2 }, peer: { ...launch, threadCount: 1 } };
  await withServers(servers, async (two, one) => {
    for (const server of [two, one]) {
      await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, bench.cores.load);
    }
    for (const pipeline of [1, 16, 64]) {
      const load = { protocol: 'resp', commands: ['set', 'get'], pipeline } as const;
      await runCase(bench, {
        scenario: 'two-workers',
        case: `SET and GET pipeline ${pipeline}, ${placement}`,
        peerName: 'one worker',
        ours: () => measureLoad(bench, two, load),
        peer: () => measureLoad(bench, one, load),
        goals: [{ metric: 'cpuUsPerOperation', on: 'ratio', atMost: 1.15 }],
      });
    }
  });
}
