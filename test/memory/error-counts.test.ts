import { expect, test } from 'bun:test';
import { ControlBlock } from '../../src/memory/control.ts';
import { ERROR_CODES_MAX, ErrorCounts } from '../../src/memory/error-counts.ts';

function twoThreads(): [ErrorCounts, ErrorCounts] {
  const { memory } = ControlBlock.create(2, 16);
  return [new ErrorCounts(memory), new ErrorCounts(memory)];
}

test('counts by the first word, over all threads', () => {
  const [a, b] = twoThreads();
  a.count('ERR no such key');
  b.count('WRONGTYPE Operation against');
  b.count('ERR syntax error');
  b.count('ALONE');
  expect(a.entries()).toEqual([
    ['ERR', 2n],
    ['WRONGTYPE', 1n],
    ['ALONE', 1n],
  ]);
});

test('a reset by one thread is noticed by the others', () => {
  const [a, b] = twoThreads();
  a.count('ERR x');
  b.count('OOM x');
  b.reset();
  expect(a.entries()).toEqual([]);
  a.count('OOM x');
  b.count('ERR x');
  b.count('ERR x');
  expect(a.entries()).toEqual([
    ['OOM', 1n],
    ['ERR', 2n],
  ]);
});

test('takes codes of any length and any bytes, but not any number of them', () => {
  const [a] = twoThreads();
  a.count(`${'X'.repeat(1000)} text`);
  a.count('a:b=c,d\u00e4 text');
  a.count('');
  expect(a.entries().map(([code]) => code)).toEqual(['X'.repeat(52), 'a_b_c_d_', 'ERR']);
  for (let i = 0; i < ERROR_CODES_MAX * 2; i++) a.count(`E${i} text`);
  expect(a.entries().length).toBe(ERROR_CODES_MAX);
  a.count('E1 text');
  expect(a.entries().find(([code]) => code === 'E1')![1]).toBe(2n);
});
