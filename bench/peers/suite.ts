/** redis-benchmark's default suite, as a newcomer would run it: 3-byte values, one key, 50 connections. */

import type { Metrics } from '../result.ts';
import { measureRedisBenchmark } from './redis-benchmark.ts';
import { runCase, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Server } from './server.ts';

const TESTS = ['ping_inline', 'ping_mbulk', 'set', 'get', 'incr', 'mset'];

export const suite: Scenario = {
  name: 'suite',
  summary: "redis-benchmark's default PING, SET, GET, INCR, MSET at pipelines 1, 16 against redis-server",
  run: runSuite,
};

async function runSuite(bench: Bench): Promise<void> {
  const cores = bench.cores.server;
  const servers = { ours: { binary: bench.binary, cores }, peer: { binary: bench.redisBinary, cores } };
  await withServers(servers, async (ours, peer) => {
    for (const pipeline of [1, 16]) {
      for (const test of TESTS) {
        await runCase(bench, {
          scenario: 'suite',
          case: `${test} pipeline ${pipeline}`,
          peerName: 'redis-server',
          ours: () => measureTest(bench, ours, test, pipeline),
          peer: () => measureTest(bench, peer, test, pipeline),
        });
      }
    }
  });
}

function measureTest(bench: Bench, server: Server, test: string, pipeline: number): Promise<Metrics> {
  // MSET writes ten keys: about a fifth as many fit in the same time.
  const share = test === 'mset' && pipeline > 1 ? 0.2 : 1;
  return measureRedisBenchmark(server, {
    test,
    pipeline,
    port: server.ports.resp,
    cores: bench.cores.load,
    connectionCount: 50,
    extra: [],
    operationCount: Math.round(bench.seconds * share * (pipeline === 1 ? 80_000 : 700_000)),
  });
}
