/** Snapshots: what BGSAVE of many keys of 1 KB costs while clients write, and how long a server takes to load the file.
 *  Both servers may use every core; the generator shares one of them with what the server does in the background.
 *
 *  Extra memory is what the process has more at the peak than before the save. The child that redis-server forks shares
 *  its pages with it: what the child adds is what redis-server itself counts as copied. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Metrics } from '../result.ts';
import { summarise } from './compare.ts';
import { Control } from './control.ts';
import { startLoad, type Load } from './load.ts';
import { readResidentBytes } from './process-usage.ts';
import { build, STANDARD_LOAD, type Bench, type Scenario } from './scenario.ts';
import { startServer, type Server } from './server.ts';

const VALUE_BYTES = 1024;
const KEY_COUNT = 3_000_000;
const POLL_MS = 20;
const REPLY_US_MAX = 20_000;
const DISTURBANCE_MAX = 2;
/** Longer than any save takes. */
const LOAD_SECONDS_MAX = 600;

export const snapshots: Scenario = {
  name: 'snapshots',
  summary: 'BGSAVE of 3,000,000 keys of 1 KB under writes, and loading the file, against redis-server',
  run: runSnapshots,
};

async function runSnapshots(bench: Bench): Promise<void> {
  const keyCount = bench.isQuick ? KEY_COUNT / 10 : KEY_COUNT;
  const ours = await measureProduct(bench, bench.binary, keyCount);
  const peer = await measureProduct(bench, bench.redisBinary, keyCount);
  const common = { kind: 'result', scenario: 'snapshots', peerName: 'redis-server' } as const;
  bench.report({
    ...common,
    case: `BGSAVE of ${keyCount} keys of 1 KB under writes`,
    ...summarise([ours.saving], [peer.saving]),
    goals: [
      { metric: 'extraMemoryShare', on: 'ours', atMost: 0.05 },
      { metric: 'saveSeconds', on: 'ratio', atMost: 1 },
      { metric: 'p999Share', on: 'ours', atMost: DISTURBANCE_MAX },
      { metric: 'maxUs', on: 'ours', atMost: REPLY_US_MAX },
    ],
  });
  bench.report({
    ...common,
    case: `loading ${keyCount} keys of 1 KB`,
    ...summarise([ours.loading], [peer.loading]),
    goals: [{ metric: 'loadSeconds', on: 'ratio', atMost: 1 }],
  });
}

async function measureProduct(
  bench: Bench,
  binary: string,
  keyCount: number,
): Promise<{ saving: Metrics; loading: Metrics }> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-snapshot-'));
  try {
    const options = { binary, cores: null, directory, threadCount: 2 };
    const server = await startServer(options);
    let saving: Metrics;
    try {
      saving = await measureSaving(bench, server, keyCount);
    } finally {
      await server.stop();
    }
    const startedMs = performance.now();
    const second = await startServer(options);
    try {
      return { saving, loading: { loadSeconds: await untilLoaded(second, keyCount, startedMs) } };
    } finally {
      await second.stop();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measureSaving(bench: Bench, server: Server, keyCount: number): Promise<Metrics> {
  await build(bench, server, { command: 'set', count: keyCount, valueBytes: VALUE_BYTES });
  const control = await Control.open(server.ports.resp);
  try {
    const quiet = await (await startWriting(bench, server, keyCount, bench.seconds * 2)).go();
    const writing = await startWriting(bench, server, keyCount, LOAD_SECONDS_MAX);
    const disturbed = writing.go();
    const beforeBytes = readResidentBytes(server.pid);
    const startedMs = performance.now();
    await control.ask('BGSAVE');
    let peakBytes = beforeBytes;
    while ((await control.info('rdb_bgsave_in_progress')) === 1) {
      peakBytes = Math.max(peakBytes, readResidentBytes(server.pid));
      await Bun.sleep(POLL_MS);
    }
    const saveSeconds = (performance.now() - startedMs) / 1000;
    writing.stop();
    const { p999Us, maxUs, operationCount, seconds } = await disturbed;
    const copiedBytes = server.product === 'redis' ? await control.info('rdb_last_cow_size') : 0;
    await demandSaved(control);
    return {
      saveSeconds,
      extraMemoryShare: (peakBytes - beforeBytes + copiedBytes) / beforeBytes,
      p999Us,
      quietP999Us: quiet.p999Us,
      p999Share: p999Us / quiet.p999Us,
      maxUs,
      quietMaxUs: quiet.maxUs,
      writesPerSecond: operationCount / seconds,
      quietWritesPerSecond: quiet.operationCount / quiet.seconds,
    };
  } finally {
    control.close();
  }
}

/** Throws unless the save went well: one that failed would look fast. */
async function demandSaved(control: Control): Promise<void> {
  const status = /^rdb_last_bgsave_status:(\w+)/m.exec(await control.ask('INFO', 'persistence'))?.[1];
  if (status !== 'ok') throw new Error(`the save ended with status ${status}`);
}

function startWriting(bench: Bench, server: Server, keyCount: number, seconds: number): Promise<Load> {
  return startLoad(
    {
      port: server.ports.resp,
      protocol: 'resp',
      commands: ['set', 'get'],
      connectionCount: STANDARD_LOAD.connectionCount,
      pipeline: 1,
      valueBytes: VALUE_BYTES,
      keys: { order: 'random', count: keyCount },
      seconds,
      warmUpSeconds: 0.3,
    },
    { cores: bench.cores.load },
  );
}

/** Seconds from its start until the server has every key. */
async function untilLoaded(server: Server, keyCount: number, startedMs: number): Promise<number> {
  const control = await Control.open(server.ports.resp);
  try {
    while ((await control.info('loading')) === 1) await Bun.sleep(POLL_MS);
    const seconds = (performance.now() - startedMs) / 1000;
    await control.expect(keyCount, 'DBSIZE');
    return seconds;
  } finally {
    control.close();
  }
}
