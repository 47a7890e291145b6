/** When garbage is collected: by what sockets have delivered. */
import { expect, test } from 'bun:test';
import { Collector } from '../../src/server/collector.ts';

test('collects once for every four megabytes of input, however small the pieces', () => {
  let count = 0;
  const collector = new Collector(() => count++);
  for (let i = 0; i < 64; i++) collector.bufferUsed(1 << 20);
  expect(count).toBeWithin(13, 17);
  count = 0;
  for (let i = 0; i < 100_000; i++) collector.bufferUsed(10);
  expect(count).toBeWithin(5, 8);
});

test('the runtime can be asked for such a collection', () => {
  new Collector().bufferUsed(8 << 20);
});
