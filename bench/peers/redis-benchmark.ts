/** Runs Debian's redis-benchmark as the load: for TLS, and for its own default suite. It is slower than our generator
 *  at pipeline 1, but nobody can say that we wrote it. */

import { pinned } from '../machine.ts';
import type { Metrics } from '../result.ts';
import { measureWhile } from './scenario.ts';
import type { Server } from './server.ts';

export interface RedisBenchmarkOptions {
  /** A name for `-t`, which must select exactly one test, or the words of a command. */
  readonly test: string | readonly string[];
  readonly pipeline: number;
  readonly operationCount: number;
  readonly connectionCount: number;
  readonly cores: string | null;
  readonly extra: readonly string[];
  readonly port: number;
}

export function measureRedisBenchmark(server: Server, options: RedisBenchmarkOptions): Promise<Metrics> {
  return measureWhile(server, () => runRedisBenchmark(options));
}

async function runRedisBenchmark(options: RedisBenchmarkOptions) {
  const { operationCount, test } = options;
  const argv = ['redis-benchmark', '-p', `${options.port}`, '-P', `${options.pipeline}`];
  argv.push('-n', `${operationCount}`, '-c', `${options.connectionCount}`, '--csv', ...options.extra);
  argv.push(...(typeof test === 'string' ? ['-t', test] : test));
  const child = Bun.spawn(pinned(options.cores, argv), { stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [table, complaints] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  const exitCode = await child.exited;
  const rows = table.trim().split('\n').slice(1);
  if (exitCode !== 0 || rows.length !== 1) {
    throw new Error(
      `${argv.join(' ')} ended with code ${exitCode}: ${table.slice(-500)}${complaints.slice(-500)}`,
    );
  }
  // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
  const fields = rows[0]!.replaceAll('"', '').split(',').slice(-7).map(Number);
  const seconds = operationCount / (fields[0] ?? NaN);
  return {
    operationCount,
    seconds,
    p50Us: (fields[3] ?? NaN) * 1000,
    p99Us: (fields[5] ?? NaN) * 1000,
    maxUs: (fields[6] ?? NaN) * 1000,
    loadBusy: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6 / seconds,
  };
}
