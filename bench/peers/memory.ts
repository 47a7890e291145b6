/** Resident memory: 5,000,000 keys of 16 bytes with 32-byte values into a fresh server, then FLUSHALL. One fill each,
 *  ours first: resident memory does not depend on whose turn it is. */

import type { Metrics } from '../result.ts';
import { summarise } from './compare.ts';
import { fillKeys } from './load.ts';
import { readResidentBytes } from './process-usage.ts';
import type { Bench, Scenario } from './scenario.ts';
import { ask, startServer } from './server.ts';

const SETTLE_MS = 3000;
const FLUSH_WAIT_MS = 20_000;
const FLUSH_POLL_MS = 250;
const BACK_WITHIN = 1.1;
const WARM_UP_KEY_COUNT = 50_000;

export const memory: Scenario = {
  name: 'memory',
  summary:
    'resident bytes per key for 5,000,000 small keys against redis-server, and what FLUSHALL gives back',
  run: runMemory,
};

async function runMemory(bench: Bench): Promise<void> {
  const keyCount = bench.isQuick ? 500_000 : 5_000_000;
  const ours = await measureMemory(bench, bench.binary, keyCount);
  const peer = await measureMemory(bench, bench.redisBinary, keyCount);
  bench.report({
    kind: 'result',
    scenario: 'memory',
    case: `${keyCount} keys`,
    peerName: 'redis-server',
    ...summarise([ours], [peer]),
    goals: [
      { metric: 'bytesPerKey', on: 'ratio', atMost: 0.65 },
      { metric: 'afterFlushShare', on: 'ours', atMost: BACK_WITHIN },
    ],
  });
}

async function measureMemory(bench: Bench, binary: string, keyCount: number): Promise<Metrics> {
  const server = await startServer({ binary, cores: bench.cores.server });
  try {
    await Bun.sleep(SETTLE_MS / 3);
    const coldBytes = readResidentBytes(server.pid);
    // Compiled code and the program's own pages come with the first requests, not with the data.
    await fillKeys(server.ports.resp, 'resp', WARM_UP_KEY_COUNT, bench.cores.load);
    await ask(server.ports.resp, 'FLUSHALL');
    await Bun.sleep(SETTLE_MS);
    const startBytes = readResidentBytes(server.pid);
    await fillKeys(server.ports.resp, 'resp', keyCount, bench.cores.load);
    const filledBytes = readResidentBytes(server.pid);
    await Bun.sleep(SETTLE_MS);
    const settledBytes = readResidentBytes(server.pid);
    const askedAtMs = performance.now();
    await ask(server.ports.resp, 'FLUSHALL');
    const flushMs = performance.now() - askedAtMs;
    const { afterBytes, backMs } = await watchReturn(server.pid, startBytes);
    return {
      bytesPerKey: (settledBytes - startBytes) / keyCount,
      coldMiB: coldBytes / 2 ** 20,
      startMiB: startBytes / 2 ** 20,
      filledMiB: filledBytes / 2 ** 20,
      settledMiB: settledBytes / 2 ** 20,
      afterFlushMiB: afterBytes / 2 ** 20,
      afterFlushShare: afterBytes / startBytes,
      afterFlushShareOfCold: afterBytes / coldBytes,
      flushMs,
      backMs,
    };
  } finally {
    await server.stop();
  }
}

/** Waits until memory is back or the time is up. `backMs` is then how long it took, or the whole wait. */
async function watchReturn(pid: number, startBytes: number): Promise<{ afterBytes: number; backMs: number }> {
  const startedMs = performance.now();
  for (;;) {
    const afterBytes = readResidentBytes(pid);
    const backMs = performance.now() - startedMs;
    if (afterBytes <= startBytes * BACK_WITHIN || backMs >= FLUSH_WAIT_MS) return { afterBytes, backMs };
    await Bun.sleep(FLUSH_POLL_MS);
  }
}
