import { expect, test } from 'bun:test';
import { WallClock } from '../../src/base/wall-clock.ts';

test('tells the time in microseconds, never far from the system clock and finer than it', () => {
  const clock = new WallClock();
  const seen = new Set<number>();
  const until = performance.now() + 20;
  while (performance.now() < until) {
    const nowUs = clock.nowUs();
    expect(Number.isInteger(nowUs)).toBe(true);
    expect(Math.abs(nowUs / 1000 - Date.now())).toBeLessThan(5);
    seen.add(nowUs);
  }
  expect(seen.size).toBeGreaterThan(25);
});
