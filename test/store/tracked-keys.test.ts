import { expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { Counter } from '../../src/memory/control.ts';
import { TrackedKeys } from '../../src/store/tracked-keys.ts';
import { createTrackingMemory, TrackingBoard } from '../../src/store/tracking-board.ts';
import { Random } from '../support/differential.ts';
import { freshSeed } from '../support/seed.ts';

const SMALL_BYTES = 1 << 20;

class Harness {
  readonly board = new TrackingBoard(createTrackingMemory(1), 0, 1);
  readonly counters = new Float64Array(64);
  readonly keys: TrackedKeys;

  constructor(byteCount = 64 << 20) {
    this.keys = new TrackedKeys(this.board, this.counters, byteCount);
  }

  /** Few hashes, so that keys meet. */
  hash(key: string): number {
    return (key.length * 7 + (key.charCodeAt(0) || 0)) % 50;
  }

  read(key: string, clientId: number): boolean {
    const bytes = Bytes.fromText(key);
    this.keys.expect(this.hash(key));
    return this.keys.remember(this.hash(key), bytes, 0, bytes.u8.length, clientId);
  }

  take(key: string): number[] {
    const bytes = Bytes.fromText(key);
    return this.sorted(this.keys.take(this.hash(key), bytes, 0, bytes.u8.length));
  }

  sorted(count: number): number[] {
    return [...this.keys.taken.subarray(0, count)].sort((a, b) => a - b);
  }
}

test('keys and who has read them are those of a plain model', () => {
  const random = new Random(freshSeed('tracked keys'));
  const harness = new Harness();
  const model = new Map<string, Set<number>>();
  for (let step = 0; step < 20_000; step++) {
    const key = 'k'.repeat(random.below(4)) + random.below(random.pick([3, 60]));
    const known = [...(model.get(key) ?? [])].sort((a, b) => a - b);
    if (random.below(10) < 8) {
      const id = 1 + random.below(random.pick([3, 200, 1_000_000]));
      expect(harness.read(key, id)).toBe(true);
      model.set(key, new Set([...known, id]));
    } else if (random.below(3) > 0) {
      expect(harness.take(key)).toEqual(known);
      model.delete(key);
    } else if (random.oneIn(2)) {
      const any = harness.keys.takeAny();
      expect(any === null).toBe(model.size === 0);
      if (any === null) continue;
      const text = any.text.u8.toString();
      expect(harness.sorted(any.count)).toEqual([...model.get(text)!].sort((a, b) => a - b));
      model.delete(text);
    } else if (random.oneIn(100)) {
      harness.keys.clear();
      model.clear();
    }
    expect(harness.keys.size).toBe(model.size);
    if (step % 200 === 0) harness.keys.verify();
  }
  const items = [...model.values()].reduce((sum, ids) => sum + ids.size, 0);
  expect(harness.counters[Counter.TrackedKeys]).toBe(model.size);
  expect(harness.counters[Counter.TrackedItems]).toBe(items);
});

test('the filter names a key from before it is read until it is forgotten', () => {
  const { board, keys } = new Harness();
  const key = Bytes.fromText('key');
  keys.expect(77);
  expect(board.concernsAny(board.slotOf(77))).toBe(true);
  keys.remember(77, key, 0, 3, 1);
  keys.expect(77);
  keys.remember(77, key, 0, 3, 1);
  expect(board.concernsAny(board.slotOf(77))).toBe(true);
  expect(keys.take(77, key, 0, 3)).toBe(1);
  expect(board.concernsAny(board.slotOf(77))).toBe(false);
  keys.expect(77);
  keys.remember(77, key, 0, 3, 1);
  keys.clear();
  expect(board.concernsAny(board.slotOf(77))).toBe(false);
});

test('what there is no room for is refused, and nothing is lost', () => {
  const harness = new Harness(SMALL_BYTES);
  const long = 'x'.repeat(1000);
  let count = 0;
  while (harness.read(`${count}${long}`, 1)) count++;
  expect(count).toBeGreaterThan(300);
  harness.keys.verify();
  // A client more, for which the key must grow: sooner or later not even that goes.
  let added = 0;
  while (added < 100_000 && harness.read(`0${long}`, 2 + added)) added++;
  expect(added).toBeLessThan(100_000);
  harness.keys.verify();
  expect(harness.take(`0${long}`)).toEqual(Array.from({ length: added + 1 }, (_, id) => id + 1));
  expect(harness.read(`new${long}`, 1)).toBe(true);
  harness.keys.verify();
});
