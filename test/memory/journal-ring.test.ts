/** The journal ring: records through it alone, larger than it, and between real threads. */
import { expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { createRingMemory, RingConsumer, RingProducer } from '../../src/memory/journal-ring.ts';
import { createJournalState, isNumberReached } from '../../src/memory/journal-state.ts';
import { freshSeed } from '../support/seed.ts';
import { recordOf, pushRecord, RingReader } from '../fuzz/journal-ring.fuzz.ts';
import type { RingTask } from './journal-ring-worker.ts';

/** Records each thread makes: RING_RECORDS for a long run. */
const RECORDS = Number(process.env['RING_RECORDS'] ?? 20_000);

test('a record comes out as it went in', () => {
  const memory = createRingMemory(64);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  expect(consumer.begin()).toBe(false);
  producer.push(7, 3 | (5 << 16), 0xffffffff, Bytes.fromText('xabc'), 1, 3);
  expect(consumer.begin()).toBe(true);
  const { number, byteCount, firstDatabase, lastDatabase, itemFlags } = consumer;
  expect({ number, byteCount, firstDatabase, lastDatabase, itemFlags }).toEqual({
    number: 7,
    byteCount: 3,
    firstDatabase: 3,
    lastDatabase: 5,
    itemFlags: 0xffffffff,
  });
  expect(consumer.end()).toBe(false);
  const into = Bytes.allocate(8);
  consumer.read(into, 0, consumer.readable(2));
  consumer.read(into, 2, consumer.readable(9));
  expect(into.u8.toString('latin1', 0, 3)).toBe('abc');
  expect(consumer.end()).toBe(true);
  expect(consumer.begin()).toBe(false);
});

test('what finds no room waits, in order, and a record may be larger than the ring', () => {
  const memory = createRingMemory(256);
  const producer = new RingProducer(memory);
  const reader = new RingReader(memory, 5000);
  for (let number = 1; number <= 200; number++) pushRecord(producer, recordOf(number, 5000));
  expect(producer.spilledBytes).toBeGreaterThan(0);
  for (let last = 0; reader.count < 200;) {
    const before = reader.count;
    reader.step(100);
    if (reader.count > before) expect(reader.consumer.number).toBe(++last);
    reader.consumer.release();
    producer.drainSpill();
  }
  expect(producer.spilledBytes).toBe(0);
});

test('a record without bytes is one nevertheless', () => {
  const memory = createRingMemory(64);
  const producer = new RingProducer(memory);
  const consumer = new RingConsumer(memory);
  for (let number = 1; number <= 2; number++) pushRecord(producer, { number, bytes: Buffer.alloc(0) });
  for (let number = 1; number <= 2; number++) {
    for (let look = 0; look < 2; look++) expect(consumer.begin() && consumer.number).toBe(number);
    expect(consumer.end()).toBe(true);
  }
  expect(consumer.begin()).toBe(false);
});

test('waiting for room ends when it may not go on', () => {
  const producer = new RingProducer(createRingMemory(64));
  for (let number = 1; number <= 9; number++) pushRecord(producer, { number, bytes: Buffer.alloc(10) });
  let turns = 0;
  producer.makeRoom(() => ++turns < 3);
  expect(turns).toBe(3);
});

test('numbers are compared across the place where they wrap', () => {
  expect(isNumberReached(5, 5)).toBe(true);
  expect(isNumberReached(4, 5)).toBe(false);
  expect(isNumberReached(-0x80000000, 0x7fffffff)).toBe(true);
  expect(isNumberReached(0x7fffffff, -0x80000000)).toBe(false);
});

test(
  'between two producing threads and a consumer nothing is lost, changed, or out of order',
  async () => {
    const seed = freshSeed('journal rings');
    const state = createJournalState();
    const tasks = [1, 2].map((index): RingTask => ({
      state,
      ring: createRingMemory(4096),
      records: RECORDS,
      bytesMax: 20_000,
      seed: seed + index,
    }));
    const workers = tasks.map((task) => {
      const worker = new Worker(new URL('./journal-ring-worker.ts', import.meta.url).href);
      worker.postMessage(task);
      return new Promise<void>((resolve, reject) => {
        worker.addEventListener('message', () => resolve());
        worker.addEventListener('error', (event) => reject(new Error(event.message)));
      }).finally(() => worker.unref());
    });
    const readers = tasks.map(({ ring, bytesMax }) => new RingReader(ring, bytesMax));
    // The merge by number, in its plainest form.
    for (let next = 1; next <= RECORDS * 2;) {
      let isIdle = true;
      for (const reader of readers) {
        while (reader.consumer.begin() && reader.consumer.number === next) {
          const before = reader.count;
          if (!reader.step(300)) break;
          isIdle = false;
          if (reader.count > before) next++;
        }
        reader.consumer.release();
      }
      if (isIdle) await Bun.sleep(0);
    }
    await Promise.all(workers);
    expect(readers.map(({ count }) => count)).toEqual([RECORDS, RECORDS]);
  },
  60_000 + RECORDS * 2,
);
