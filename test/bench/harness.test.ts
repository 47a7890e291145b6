import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { compareInTurn, median, summarise } from '../../bench/peers/compare.ts';
import { LatencyHistogram } from '../../bench/peers/histogram.ts';
import { cpuNsBetween, readCpu, type CpuReading } from '../../bench/peers/process-usage.ts';
import { Slot, writeDigits } from '../../bench/peers/request-text.ts';
import { type Batch, makeBatch } from '../../bench/peers/requests.ts';
import { productOf } from '../../bench/peers/server.ts';
import type { Result } from '../../bench/result.ts';
import { compareResults, parseResults } from '../../scripts/bench-diff.ts';

describe('latency histogram', () => {
  test('percentiles are within 2 % of the exact ones and the maximum is exact', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 200 }),
        (latencies) => {
          const histogram = new LatencyHistogram();
          for (const latency of latencies) histogram.record(latency);
          const sorted = latencies.toSorted((a, b) => a - b);
          for (const share of [0.5, 0.99, 1]) {
            const exact = sorted[Math.ceil(sorted.length * share) - 1]!;
            expect(Math.abs(histogram.percentileUs(share) / exact - 1)).toBeLessThan(0.02);
          }
          expect(histogram.maxUs).toBe(sorted.at(-1)!);
          expect(histogram.total).toBe(latencies.length);
        },
      ),
    );
  });

  test('is empty after clear', () => {
    const histogram = new LatencyHistogram();
    histogram.record(5);
    histogram.clear();
    expect([histogram.total, histogram.maxUs, histogram.percentileUs(0.99)]).toEqual([0, 0, 0]);
  });
});

describe('requests', () => {
  /** The batch's requests with the numbers `draw` gives. */
  function write(batch: Batch, draw: () => number): string {
    let number = 0;
    for (let i = 0; i < batch.slots.length; i += Slot.Fields) {
      if (batch.slots[i + Slot.IsNew] === 1) number = draw();
      writeDigits(
        batch.bytes,
        batch.slots[i]!,
        batch.slots[i + Slot.Digits]!,
        number + batch.slots[i + Slot.Added]!,
      );
    }
    return Buffer.from(batch.bytes).toString();
  }

  test('a batch repeats the command and its numbers can be rewritten in place', () => {
    const batch = makeBatch('resp', 'get', 2, 32);
    const numbers = [0, 98_765];
    expect(write(batch, () => numbers.shift()!)).toBe(
      '*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n*2\r\n$3\r\nGET\r\n$16\r\nkey:000000098765\r\n',
    );
    expect(batch.replyBytes).toBe(2 * '$32\r\n'.length + 2 * 34);
  });

  test('a number can stand in several places, with something added', () => {
    expect(write(makeBatch('resp', 'zadd', 1, 0), () => 42)).toBe(
      '*4\r\n$4\r\nZADD\r\n$5\r\nlarge\r\n$10\r\n1000000042\r\n$20\r\nelement:000000000042\r\n',
    );
    expect(write(makeBatch('resp', 'lrange', 1, 0), () => 123_456)).toBe(
      '*4\r\n$6\r\nLRANGE\r\n$5\r\nlarge\r\n$6\r\n123456\r\n$6\r\n123555\r\n',
    );
  });

  test('a request without a number has no places, replies of varying size are counted by lines', () => {
    expect(makeBatch('resp', 'ping', 3, 32).slots.length).toBe(0);
    const { replyBytes, replyLines, replyStart } = makeBatch('resp', 'zrank', 16, 0);
    expect([replyBytes, replyLines, replyStart]).toEqual([0, 16, 58]);
  });

  test('memcached replies are counted with their key, flags and END', () => {
    const reply = `VALUE key:000000000000 0 4\r\nxxxx\r\nEND\r\n`;
    expect(makeBatch('memcached', 'get', 1, 4).replyBytes).toBe(reply.length);
  });
});

describe('comparison', () => {
  test('measures ours and the peer in turn, swapping who goes first, and drops warm-up rounds', async () => {
    const order: string[] = [];
    let turn = 0;
    const subject = (name: string) => async () => {
      order.push(name);
      return { value: ++turn };
    };
    const { ours, peer } = await compareInTurn({
      ours: subject('A'),
      peer: subject('B'),
      rounds: 2,
      warmUpRounds: 1,
    });
    expect(order.join('')).toBe('ABBAAB');
    expect([ours.value, peer.value]).toEqual([(4 + 5) / 2, (3 + 6) / 2]);
  });

  test('the ratio is the median of ratios within a round, not the ratio of medians', () => {
    const { ratio } = summarise([{ us: 10 }, { us: 200 }, { us: 30 }], [{ us: 20 }, { us: 100 }, { us: 30 }]);
    expect(ratio.us).toEqual({ median: 1, low: 0.5, high: 2 });
  });

  test('a metric the peer lacks, or where it is 0, has no ratio', () => {
    expect(summarise([{ a: 1, b: 1 }], [{ b: 0 }]).ratio).toEqual({});
  });

  test('the median of an even count is the mean of the middle two', () => {
    expect([median([4, 1, 3, 2]), median([9, 1, 5])]).toEqual([2.5, 5]);
  });
});

describe('CPU of a process', () => {
  const reading = (runNs: Record<string, number>, ticksNs: number): CpuReading => ({
    runNsByThread: new Map(Object.entries(runNs)),
    waitNs: 0,
    ticksNs,
  });

  test('adds the threads, counting those that started in between from nothing', () => {
    expect(cpuNsBetween(reading({ 1: 100, 2: 50 }, 0), reading({ 1: 130, 2: 55, 3: 7 }, 0))).toBe(42);
  });

  test('falls back to ticks when a thread ended or the kernel keeps no counters', () => {
    expect(cpuNsBetween(reading({ 1: 100, 2: 50 }, 10), reading({ 1: 130 }, 60))).toBe(50);
    expect(cpuNsBetween(reading({}, 10), reading({}, 60))).toBe(50);
  });

  test.skipIf(process.platform !== 'linux')('of this process grows while it works', () => {
    const before = readCpu(process.pid);
    const endMs = performance.now() + 30;
    while (performance.now() < endMs);
    expect(cpuNsBetween(before, readCpu(process.pid))).toBeGreaterThan(0);
  });
});

test('the product is told from the name of the binary', () => {
  expect(['/usr/bin/redis-server', 'memcached', '/x/dist/damselfly'].map(productOf)).toEqual([
    'redis',
    'memcached',
    'damselfly',
  ]);
});

test('two runs are compared by ratio where there is a peer, by our own figure elsewhere', () => {
  const line = (name: string, us: number, ratio: number | null): Result => ({
    kind: 'result',
    scenario: 's',
    case: name,
    ours: { us, serverBusy: us },
    ...(ratio === null ? {} : { peer: { us: 1 }, ratio: { us: { median: ratio, low: ratio, high: ratio } } }),
  });
  const file = (...lines: Result[]) => parseResults(lines.map((each) => JSON.stringify(each)).join('\n'));
  const before = file(line('with', 10, 1), line('alone', 10, null), line('gone', 1, null));
  const after = file(line('with', 90, 0.5), line('alone', 15, null));
  expect(compareResults(before, after)).toEqual([
    { name: 's: with', metric: 'us', isRatio: true, before: 1, after: 0.5, changePercent: -50 },
    { name: 's: alone', metric: 'us', isRatio: false, before: 10, after: 15, changePercent: 50 },
  ]);
});
