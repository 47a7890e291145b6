/** Does anything ever wait long? Two questions, both servers in turn:
 *
 *  - During a fill of 5,000,000 keys, how long do PING and GET on another connection take? The probe is a process of
 *    its own; the fill gives way to it on their shared core (nice), so what it sees is the server.
 *  - With 50 connections at pipelines 1 and 16, what are p99 and the longest reply?
 *
 *  When each of the slowest replies began is in `details`: gaps at a regular distance have another cause than lone ones.
 *  `serverWait` and `stolen` tell gaps of the server from a core it did not get. */

import type { Metrics } from '../result.ts';
import { compareInTurn } from './compare.ts';
import { fillKeys, fillOptions, startLoad, type LoadOptions, type SlowReply } from './load.ts';
import {
  measureLoad,
  measureWhile,
  runCase,
  STANDARD_LOAD,
  withServers,
  type Bench,
  type Scenario,
} from './scenario.ts';
import { startServer } from './server.ts';

const REPLY_US_MAX = 20_000;

export const stall: Scenario = {
  name: 'stall',
  summary:
    'longest replies during a fill of 5,000,000 keys, and p99 and maximum under load, against redis-server',
  run: runStall,
};

async function runStall(bench: Bench): Promise<void> {
  await compareFills(bench);
  await compareUnderLoad(bench);
}

async function compareFills(bench: Bench): Promise<void> {
  const keyCount = bench.isQuick ? 500_000 : 5_000_000;
  const slowestOfOurs: (readonly SlowReply[])[] = [];
  const slowestOfPeer: (readonly SlowReply[])[] = [];
  const comparison = await compareInTurn({
    ours: () => probeFill(bench, bench.binary, keyCount, slowestOfOurs),
    peer: () => probeFill(bench, bench.redisBinary, keyCount, slowestOfPeer),
    rounds: bench.isQuick ? 1 : 3,
    warmUpRounds: 0, // Every round starts a fresh server, and what a cold one does is part of the question.
  });
  bench.report({
    kind: 'result',
    scenario: 'stall',
    case: `probe during a fill of ${keyCount} keys`,
    peerName: 'redis-server',

    ...comparison,
    goals: [{ metric: 'maxUs', on: 'ours', atMost: REPLY_US_MAX }],
    details: { slowestOfOurs, slowestOfPeer },
  });
}

/** Fills a fresh server while a probe asks one thing at a time; the probe's latencies are the result. */
async function probeFill(
  bench: Bench,
  binary: string,
  keyCount: number,
  slowest: (readonly SlowReply[])[],
): Promise<Metrics> {
  const server = await startServer({ binary, cores: bench.cores.server });
  try {
    const { resp: port } = server.ports;
    // The probe reads key 0, which must exist.
    await fillKeys(port, 'resp', 100, bench.cores.load);
    const probe = await startLoad(probeOptions(port), { cores: bench.cores.load });
    const fill = await startLoad(fillOptions(port, 'resp', keyCount), {
      cores: bench.cores.load,
      isPolite: true,
    });
    let fillSeconds = 0;
    const metrics = await measureWhile(server, async () => {
      const probing = probe.go();
      const filled = await fill.go();
      fillSeconds = filled.seconds;
      probe.stop();
      const probed = await probing;
      slowest.push(probed.slowest);
      return probed;
    });
    const { p50Us, p99Us, p999Us, maxUs, serverBusy, serverWait, stolen, operationsPerSecond } = metrics;
    const probesPerSecond = operationsPerSecond!;
    const filledPerSecond = keyCount / fillSeconds;
    return {
      p50Us: p50Us!,
      p99Us: p99Us!,
      p999Us: p999Us!,
      maxUs: maxUs!,
      probesPerSecond,
      filledPerSecond,
      serverBusy: serverBusy!,
      serverWait: serverWait!,
      stolen: stolen!,
    };
  } finally {
    await server.stop();
  }
}

function probeOptions(port: number): LoadOptions {
  return {
    port,
    protocol: 'resp',
    commands: ['ping', 'get'],
    connectionCount: 1,
    pipeline: 1,
    valueBytes: 32,
    keys: { order: 'random', count: 1 },
    seconds: 600,
    warmUpSeconds: 0.3,
  };
}

async function compareUnderLoad(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const server of [ours, peer]) {
      await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, bench.cores.load);
    }
    for (const pipeline of [1, 16]) {
      const load = { protocol: 'resp', commands: ['set', 'get'], pipeline } as const;
      await runCase(bench, {
        scenario: 'stall',
        case: `SET and GET pipeline ${pipeline}`,
        peerName: 'redis-server',
        ours: () => measureLoad(bench, ours, load),
        peer: () => measureLoad(bench, peer, load),
        goals: [
          { metric: 'p99Us', on: 'ratio', atMost: 1 },
          { metric: 'maxUs', on: 'ratio', atMost: 1 },
        ],
      });
    }
  });
}
