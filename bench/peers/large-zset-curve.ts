/** How ZADD and ZRANK grow with the sorted set: log n. ZADD gives a random member another random score, so that the size
 *  stays; CPU of the server per command is what is compared, since the generator may be the limit. */

import type { Metrics } from '../result.ts';
import { summarise } from './compare.ts';
import { Control } from './control.ts';
import { LARGE_KEY, type CollectionCommand } from './collection-requests.ts';
import { build, measureLoad, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
/** Built and measured first, and thrown away, while code is compiled. */
const WARM_UP_MEMBERS = 100_000;
const SIZES_QUICK = [10_000, 100_000];
const COMMANDS: readonly CollectionCommand[] = ['zmove', 'zrank'];

export const largeZsetCurve: Scenario = {
  name: 'large-zset-curve',
  summary: 'ZADD and ZRANK in sorted sets of 10,000 to 10,000,000 members, against redis-server',
  run: runCurve,
};

async function runCurve(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    const curve: Record<string, Metrics> = {};
    for (const server of [ours, peer]) {
      await fill(bench, server, WARM_UP_MEMBERS);
      await measureCommands(bench, server, WARM_UP_MEMBERS);
    }
    for (const memberCount of bench.isQuick ? SIZES_QUICK : SIZES) {
      const buildOfOurs = await fill(bench, ours, memberCount);
      const buildOfPeer = await fill(bench, peer, memberCount);
      const name = `${memberCount} members`;
      const measured = await measureSize(bench, { ours, peer }, memberCount);
      const figures = summarise(
        [{ ...buildOfOurs, ...measured.ours }],
        [{ ...buildOfPeer, ...measured.peer }],
      );
      bench.report({
        kind: 'result',
        scenario: 'large-zset-curve',
        case: name,
        peerName: 'redis-server',
        ...figures,
      });
      curve[name] = figures.ours;
    }
    reportGrowth(bench, curve);
  });
}

/** Makes the sorted set anew. */
async function fill(bench: Bench, server: Server, memberCount: number): Promise<Metrics> {
  const control = await Control.open(server.ports.resp);
  try {
    await control.ask('DEL', LARGE_KEY);
    const { cpuUsPerOperation } = await build(bench, server, { command: 'zadd', count: memberCount });
    await control.expect(memberCount, 'ZCARD', LARGE_KEY);
    return { buildUs: cpuUsPerOperation! };
  } finally {
    control.close();
  }
}

/** Medians of what each command costs at one size. */
async function measureSize(
  bench: Bench,
  servers: Readonly<Record<'ours' | 'peer', Server>>,
  memberCount: number,
): Promise<Record<'ours' | 'peer', Metrics>> {
  const rounds: Record<'ours' | 'peer', Metrics[]> = { ours: [], peer: [] };
  for (let round = 0; round < Math.min(bench.rounds, 3); round++) {
    const names = ['ours', 'peer'] as const;
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      rounds[name].push(await measureCommands(bench, servers[name], memberCount));
    }
  }
  return { ours: summarise(rounds.ours, []).ours, peer: summarise(rounds.peer, []).ours };
}

async function measureCommands(bench: Bench, server: Server, memberCount: number): Promise<Metrics> {
  const metrics: Record<string, number> = {};
  for (const command of COMMANDS) {
    const { cpuUsPerOperation, operationsPerSecond } = await measureLoad(bench, server, {
      protocol: 'resp',
      commands: [command],
      pipeline: 16,
      keys: { order: 'random', count: memberCount },
      seconds: bench.seconds / 2,
    });
    metrics[`${command}Us`] = cpuUsPerOperation!;
    metrics[`${command}PerSecond`] = operationsPerSecond!;
  }
  return metrics;
}

/** Cost at each size as a multiple of the cost at the smallest, beside the same of log n. */
function reportGrowth(bench: Bench, curve: Readonly<Record<string, Metrics>>): void {
  const [smallest, ...larger] = Object.entries(curve);
  const [smallestName, base] = smallest!;
  for (const [name, figures] of larger) {
    const growth = (metric: string): number => figures[metric]! / base[metric]!;
    bench.report({
      kind: 'result',
      scenario: 'large-zset-curve',
      case: `growth from ${smallestName} to ${name}`,
      ours: {
        zmove: growth('zmoveUs'),
        zrank: growth('zrankUs'),
        logarithm: Math.log(parseInt(name)) / Math.log(parseInt(smallestName)),
      },
    });
  }
}
