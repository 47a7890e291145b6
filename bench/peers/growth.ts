/** What ZADD and ZRANK cost as a sorted set grows from 10,000 to 10,000,000 members: about as the logarithm, and what a
 *  processor's caches add. Ours alone beyond 1,000,000, where redis-server would take long to fill. */

import { Prng } from '../../test/support/prng.ts';
import type { Metrics } from '../result.ts';
import { BatchClient, measureStep, type Words } from './batch-client.ts';
import { summarise } from './compare.ts';
import { withServers, type Bench, type Scenario } from './scenario.ts';

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
const PEER_SIZE_MAX = 1_000_000;
const SAMPLE = 50_000;
const CHUNK = 100_000;

export const growth: Scenario = {
  name: 'growth',
  summary: 'ZADD and ZRANK in sorted sets of 10,000 to 10,000,000 members against redis-server',
  run: runGrowth,
};

async function runGrowth(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    const clients = { ours: await BatchClient.open(ours), peer: await BatchClient.open(peer) };
    let size = 0;
    for (const wanted of bench.isQuick ? SIZES.slice(0, 3) : SIZES) {
      const withPeer = wanted <= PEER_SIZE_MAX;
      for (; size < wanted; size += Math.min(CHUNK, wanted - size)) {
        const chunk = members(size, Math.min(CHUNK, wanted - size));
        await clients.ours.run(chunk);
        if (withPeer) await clients.peer.run(chunk);
      }
      const ofOurs = await measureSize(clients.ours, size);
      const ofPeer = withPeer ? await measureSize(clients.peer, size) : null;
      bench.report({
        kind: 'result',
        scenario: 'growth',
        case: `${size} members`,
        peerName: 'redis-server',
        ...(ofPeer === null ? { ours: ofOurs } : summarise([ofOurs], [ofPeer])),
      });
    }
    clients.ours.close();
    clients.peer.close();
  });
}

/** Members in no order of their names or scores. */
function members(from: number, count: number): Words[] {
  return Array.from({ length: count }, (_, i): Words => ['ZADD', 'z', scoreOf(from + i), nameOf(from + i)]);
}

function scoreOf(number: number): number {
  return Math.imul(number, 0x9e3779b1) >>> 0;
}

function nameOf(number: number): string {
  return `member:${number}`;
}

/** CPU of the server for adding members that are taken away again, and for asking the rank of others. */
async function measureSize(client: BatchClient, size: number): Promise<Metrics> {
  const random = new Prng(size);
  const added = Array.from({ length: SAMPLE }, (_, i) => `new:${i}`);
  const ranks = Array.from({ length: SAMPLE }, (): Words => ['ZRANK', 'z', nameOf(random.below(size))]);
  const add = added.map((name): Words => ['ZADD', 'z', random.below(2 ** 32), name]);
  const zrank = await measureStep(client, { name: 'ZRANK', commands: ranks });
  const zadd = await measureStep(client, { name: 'ZADD', commands: add });
  await client.run(added.map((name): Words => ['ZREM', 'z', name]));
  return { zaddCpuUs: zadd['cpuUsPerOperation']!, zrankCpuUs: zrank['cpuUsPerOperation']! };
}
