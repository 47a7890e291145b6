import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mergeEvents } from '../../src/commands/latency-event.ts';
import { drawLatency } from '../../src/commands/server/latency-report.ts';
import { percentileUs, timeBucket } from '../../src/server/info/command-times.ts';
import { LatencyEvents } from '../../src/server/slow/latency-events.ts';
import { OracleClient } from '../support/oracle-client.ts';
import { isOracleMissing, type Oracle, startOracle } from '../support/oracles.ts';
import { type Reply, replyValue } from '../support/reply.ts';
import { TestServer, type TestClient } from '../support/test-server.ts';
import { TestWorkers } from '../support/test-workers.ts';

async function ask(client: TestClient, ...parts: (string | number)[]): Promise<Reply> {
  client.run(...parts);
  for (let turn = 0; client.socket.output === '' && turn < 100; turn++) await Bun.sleep(1);
  return replyValue(client.socket.output);
}

describe('LATENCY', () => {
  test('tells the last and the worst spike of what took latency-monitor-threshold or longer', async () => {
    const server = new TestServer({ settings: { 'latency-monitor-threshold': '5' } });
    server.run('DEBUG', 'SLEEP', '0.02');
    server.run('GET', 'k');
    const latest = (await ask(server.client, 'LATENCY', 'LATEST')) as [string, number, number, number][];
    expect(latest).toHaveLength(1);
    const [name, timeS, lastMs, worstMs] = latest[0]!;
    expect(name).toBe('command');
    expect(Math.abs(timeS - Date.now() / 1000)).toBeLessThan(5);
    expect(lastMs).toBeGreaterThanOrEqual(20);
    expect(worstMs).toBe(lastMs);
    expect(await ask(server.client, 'LATENCY', 'HISTORY', 'command')).toEqual([[timeS, lastMs]]);
    expect(await ask(server.client, 'LATENCY', 'GRAPH', 'command')).toContain(`command - high ${lastMs} ms`);
    expect(await ask(server.client, 'LATENCY', 'DOCTOR')).toContain('1. command: 1 spikes');
    expect(await ask(server.client, 'LATENCY', 'RESET', 'foo')).toBe(0);
    expect(await ask(server.client, 'LATENCY', 'RESET')).toBe(1);
    expect(await ask(server.client, 'LATENCY', 'LATEST')).toEqual([]);
  });

  test('keeps nothing while the threshold is 0', async () => {
    const server = new TestServer();
    server.run('DEBUG', 'SLEEP', '0.02');
    expect(await ask(server.client, 'LATENCY', 'LATEST')).toEqual([]);
    expect(await ask(server.client, 'LATENCY', 'DOCTOR')).toContain('latency-monitor-threshold');
  });

  test('puts together what several workers have seen', async () => {
    const workers = new TestWorkers(2);
    for (const engine of workers.engines) {
      await engine.mesh.askHere('config.assign', { 'latency-monitor-threshold': '5' });
    }
    const [one, two] = [workers.connect(0), workers.connect(1)];
    one.run('DEBUG', 'SLEEP', '0.01');
    two.run('DEBUG', 'SLEEP', '0.03');
    const [event] = (await ask(one, 'LATENCY', 'LATEST')) as [string, number, number, number][];
    expect(event![3]).toBeGreaterThanOrEqual(30);
    expect(await ask(two, 'LATENCY', 'RESET')).toBe(1);
    expect(await ask(one, 'LATENCY', 'LATEST')).toEqual([]);
    workers.close();
  });

  test('HISTOGRAM adds up to the calls of each command, and INFO latencystats tells percentiles', () => {
    const server = new TestServer();
    for (let i = 0; i < 100; i++) server.run('SET', `k${i}`, 'v');
    server.run('DEBUG', 'SLEEP', '0.005');
    server.run('CONFIG', 'GET', 'x');
    server.run('HELLO', '3');
    const reply = server.run('LATENCY', 'HISTOGRAM', 'set', 'debug', 'config', 'nosuch', 'get');
    expect(reply).toStartWith('%3\r\n$3\r\nset\r\n%2\r\n$5\r\ncalls\r\n:100\r\n$14\r\nhistogram_usec\r\n%');
    expect(reply).toMatch(
      /\$5\r\ndebug\r\n%2\r\n\$5\r\ncalls\r\n:1\r\n\$14\r\nhistogram_usec\r\n%1\r\n:\d{4,}\r\n:1\r\n/,
    );
    expect(reply).toContain('$10\r\nconfig|get\r\n%2\r\n$5\r\ncalls\r\n:1\r\n');
    expect(reply.split('$9\r\nhistogram')[0]).toMatch(/:100\r\n/);
    const info = server.run('INFO', 'latencystats');
    expect(info).toMatch(/latency_percentiles_usec_set:p50=\d+\.\d{3},p99=\d+\.\d{3},p99\.9=\d+\.\d{3}\r\n/);
    expect(info).toMatch(/latency_percentiles_usec_debug:p50=(\d{4,}\.\d{3}),p99=\1,p99\.9=\1\r\n/);
  });

  test('latency-tracking no tells nothing', () => {
    const server = new TestServer({ settings: { 'latency-tracking': 'no' } });
    server.run('SET', 'k', 'v');
    expect(server.run('LATENCY', 'HISTOGRAM')).toBe('*0\r\n');
    expect(server.run('INFO', 'latencystats')).toContain('# Latencystats\r\n\r\n');
  });
});

describe('what LATENCY is made of', () => {
  test('buckets double from 1.032 us, as in Redis', () => {
    expect([0, 1, 1.032, 1.04, 2.06, 2.07, 33, 33.1, 1e6, 1e12].map(timeBucket)).toEqual([
      0, 0, 0, 1, 1, 2, 5, 6, 20, 21,
    ]);
  });

  test('a percentile is the limit of its bucket', () => {
    const times = {
      calls: 100,
      buckets: [
        { limitUs: 1, calls: 50 },
        { limitUs: 8, calls: 99 },
        { limitUs: 16, calls: 100 },
      ],
    };
    expect([0, 50, 51, 99, 99.9, 100].map((p) => percentileUs(times, p))).toEqual([1, 1, 8, 8, 16, 16]);
  });

  test('of the spikes of one second the worst stays, and 160 seconds in all', () => {
    const first = {
      name: 'a',
      samples: [
        { timeS: 1, latencyMs: 5 },
        { timeS: 2, latencyMs: 1 },
      ],
      worstMs: 9,
    };
    const second = {
      name: 'a',
      samples: [
        { timeS: 1, latencyMs: 7 },
        { timeS: 3, latencyMs: 2 },
      ],
      worstMs: 7,
    };
    expect(mergeEvents([[first], [second]])).toEqual([
      {
        name: 'a',
        samples: [
          { timeS: 1, latencyMs: 7 },
          { timeS: 2, latencyMs: 1 },
          { timeS: 3, latencyMs: 2 },
        ],
        worstMs: 9,
      },
    ]);
    const events = new LatencyEvents();
    events.thresholdMs = 3;
    for (const latencyMs of [2, 3.5, 9, 4]) events.addIfLong('x', latencyMs);
    expect(events.list()[0]).toMatchObject({ name: 'x', worstMs: 9 });
  });

  test('a graph has a bar for each spike over its age', () => {
    const samples = [1, 4, 2].map((latencyMs, i) => ({ timeS: 100 - 70 * i, latencyMs }));
    const text = drawLatency({ name: 'e', samples, worstMs: 8 }, 101);
    expect(text.split('\n')[0]).toBe('e - high 4 ms, low 1 ms (all time high 8 ms)');
    expect(text).toContain('11');
  });
});

describe.skipIf(isOracleMissing('redis-server'))('LATENCY and redis-server', () => {
  let oracle: Oracle;
  beforeAll(async () => {
    oracle = await startOracle('redis-server');
  });
  afterAll(() => oracle.stop());

  test('agree where nothing depends on time', async () => {
    const theirs = await OracleClient.connect(oracle.port);
    const ours = new TestServer();
    const requests =
      'LATENCY|LATENCY FOO|LATENCY LATEST|LATENCY LATEST x|LATENCY HISTORY|LATENCY HISTORY command|LATENCY GRAPH x|' +
      'LATENCY RESET|LATENCY RESET a b|LATENCY HISTOGRAM nosuch|LATENCY HISTOGRAM hset|LATENCY HELP';
    for (const version of ['2', '3']) {
      await theirs.run('HELLO', version);
      ours.run('HELLO', version);
      for (const request of requests.split('|')) {
        const parts = request.split(' ');
        const their = await theirs.run(...parts);
        ours.client.run(...parts);
        for (let turn = 0; ours.client.socket.output === '' && turn < 50; turn++) await Bun.sleep(1);
        if (!request.endsWith('HELP')) expect([request, ours.client.socket.output]).toEqual([request, their]);
      }
    }
    theirs.close();
  });
});
