/** GET and SET over TLS against redis-server with TLS, loaded by redis-benchmark. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillKeys } from './load.ts';
import { measureRedisBenchmark } from './redis-benchmark.ts';
import { runCase, STANDARD_LOAD, withServers, type Bench, type Scenario } from './scenario.ts';
import type { Certificates, Server } from './server.ts';

export const tls: Scenario = {
  name: 'tls',
  summary: 'GET and SET over TLS at pipelines 1, 16 against redis-server with TLS',
  run: runTls,
};

async function runTls(bench: Bench): Promise<void> {
  const missing = missingTools();
  if (missing !== null) {
    bench.report({ kind: 'skipped', scenario: 'tls', reason: missing });
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'bench-tls-'));
  try {
    await compareTls(bench, makeCertificates(directory));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function missingTools(): string | null {
  if (Bun.which('openssl') === null) return 'openssl is not installed';
  const help = Bun.spawnSync(['redis-benchmark', '--help']);
  return `${help.stdout}${help.stderr}`.includes('--tls') ? null : 'redis was built without TLS';
}

/** A certificate that is its own authority. */
function makeCertificates(directory: string): Certificates {
  const certificateFile = join(directory, 'server.crt');
  const keyFile = join(directory, 'server.key');
  const made = Bun.spawnSync([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
  ]);
  if (!made.success) throw new Error(`openssl: ${made.stderr}`);
  return { certificateFile, keyFile, authorityFile: certificateFile };
}

async function compareTls(bench: Bench, certificates: Certificates): Promise<void> {
  const launch = { cores: bench.cores.server, certificates };
  const servers = {
    ours: { ...launch, binary: bench.binary },
    peer: { ...launch, binary: bench.redisBinary },
  };
  await withServers(servers, async (ours, peer) => {
    for (const server of [ours, peer]) {
      await fillKeys(server.ports.resp, 'resp', STANDARD_LOAD.keyCount, bench.cores.load);
    }
    for (const pipeline of [1, 16]) {
      for (const test of ['get', 'set']) {
        const measure = (server: Server) =>
          measureRedisBenchmark(server, {
            test,
            pipeline,
            port: server.ports.tls,
            cores: bench.cores.load,
            connectionCount: STANDARD_LOAD.connectionCount,
            operationCount: Math.round(bench.seconds * (pipeline === 1 ? 40_000 : 300_000)),
            extra: [
              '-r',
              `${STANDARD_LOAD.keyCount}`,
              '-d',
              `${STANDARD_LOAD.valueBytes}`,
              '--tls',
              '--cacert',
              certificates.authorityFile,
            ],
          });
        await runCase(bench, {
          scenario: 'tls',
          case: `${test.toUpperCase()} pipeline ${pipeline}`,
          peerName: 'redis-server with TLS',
          ours: () => measure(ours),
          peer: () => measure(peer),
          goals: [{ metric: 'operationsPerSecond', on: 'ratio', atLeast: 1 }],
        });
      }
    }
  });
}
