/** The intersection of two sets of 1,000,000, half of them in common: as a reply, as a number, as a set. */

import type { Metrics } from '../result.ts';
import { comparePhasesInTurn, median, type Phases } from './compare.ts';
import { ELEMENT_BYTES, LARGE_KEY, OTHER_KEY } from './collection-requests.ts';
import { Control } from './control.ts';
import { build, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';

const TIMES = 3;
const BULK_HEAD_BYTES = '$20\r\n\r\n'.length;

export const sinter: Scenario = {
  name: 'sinter',
  summary: 'SINTER, SINTERCARD, SINTERSTORE of two sets of 1,000,000, half in common, against redis-server',
  run: runSinter,
};

async function runSinter(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const memberCount = bench.isQuick ? 200_000 : 1_000_000;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const server of [ours, peer]) {
      await build(bench, server, { command: 'sadd', count: memberCount });
      await build(bench, server, { command: 'saddOther', count: memberCount, first: memberCount / 2 });
    }
    const phases = await comparePhasesInTurn({
      ours: () => measureIntersections(ours, memberCount),
      peer: () => measureIntersections(peer, memberCount),
      rounds: bench.rounds,
      warmUpRounds: 1,
    });
    for (const [phase, comparison] of Object.entries(phases)) {
      bench.report({
        kind: 'result',
        scenario: 'sinter',
        case: `${phase} of two sets of ${memberCount}`,
        peerName: 'redis-server',
        ...comparison,
        goals: [{ metric: 'ms', on: 'ratio', atMost: 1 }],
      });
    }
  });
}

async function measureIntersections(server: Server, memberCount: number): Promise<Phases> {
  const control = await Control.open(server.ports.resp);
  try {
    await control.expect(memberCount, 'SCARD', LARGE_KEY);
    await control.expect(memberCount, 'SCARD', OTHER_KEY);
    const commonCount = memberCount / 2;
    const head = `*${commonCount}\r\n`;
    const replyBytes = head.length + commonCount * (BULK_HEAD_BYTES + ELEMENT_BYTES);
    const number = `:${commonCount}\r\n`;
    const both = [LARGE_KEY, OTHER_KEY];
    return {
      SINTER: await measure(() => control.time(['SINTER', ...both], head, replyBytes)),
      SINTERCARD: await measure(() => control.time(['SINTERCARD', '2', ...both], number, number.length)),
      SINTERSTORE: await measure(async () => {
        await control.ask('UNLINK', 'common');
        return control.time(['SINTERSTORE', 'common', ...both], number, number.length);
      }),
    };
  } finally {
    control.close();
  }
}

async function measure(once: () => Promise<number>): Promise<Metrics> {
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) times.push(await once());
  return { ms: median(times) };
}
