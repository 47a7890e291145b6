/** Hashes when memory runs out: a command succeeds, or nothing has changed. */
import { describe, expect, test } from 'bun:test';
import { type ClockedServer, clockedServer } from '../../support/clocked-server.ts';

const NOW = 1_700_000_000_000;
const OUT_OF_MEMORY = { error: "OOM command not allowed when used memory > 'maxmemory'." };
const ENCODINGS: [name: string, settings: Record<string, string>][] = [
  ['packed', { 'hash-max-listpack-value': '1000000' }],
  ['a table', { 'hash-max-listpack-entries': '0' }],
  ['about to become a table', { 'hash-max-listpack-entries': '20', 'hash-max-listpack-value': '1000000' }],
];

/** A server of one small shard that holds a hash `h` of twenty fields, and no memory beside it. */
function fullServer(settings: Record<string, string>): ClockedServer {
  const clocked = clockedServer(NOW, { shardCount: 1, shardBytes: 2 << 20, settings });
  const { run } = clocked;
  for (let i = 0; i < 20; i++) run('HSET', 'h', `f${i}`, 'v'.repeat(50));
  run('HEXPIRE', 'h', '100', 'FIELDS', '1', 'f0');
  let filler = 0;
  for (const size of [400_000, 30_000, 2000, 300, 100, 30, 8, 0]) {
    while (run('SET', `filler:${filler}`, 'x'.repeat(size)) === 'OK') filler++;
  }
  return clocked;
}

describe.each(ENCODINGS)('a hash that is %s', (_name, settings) => {
  test('is as it was after a command for which there was no memory', () => {
    const { run, server } = fullServer(settings);
    const long = 'y'.repeat(20_000);
    const before = [run('HGETALL', 'h'), run('HPEXPIRETIME', 'h', 'FIELDS', '2', 'f0', 'f1')];
    const pairs = Array.from({ length: 50 }, (_, i) => [`n${i}`, 'v'.repeat(50)]).flat();
    for (const request of [
      ['HSET', 'h', 'f1', long],
      ['HSET', 'h', 'new', long],
      ['HSET', 'h', 'f1', 'x', ...pairs],
      ['HMSET', 'h', 'f1', 'x', 'f2', 'y', 'new', long],
      ['HSETNX', 'h', 'new', long],
      ['HSETEX', 'h', 'EX', '10', 'FIELDS', '2', 'f1', 'x', 'new', long],
      ['HSETEX', 'h', 'EX', '10', 'FIELDS', '1', 'f1', long],
      ['HSET', 'other', 'a', long],
      ['HSET', 'other', 'a', '1', 'b', long],
      ['HSETEX', 'other', 'EX', '10', 'FIELDS', '1', 'a', long],
      ['COPY', 'h', 'other'],
    ]) {
      expect(run(...request)).toEqual(OUT_OF_MEMORY);
      expect([run('HGETALL', 'h'), run('HPEXPIRETIME', 'h', 'FIELDS', '2', 'f0', 'f1')]).toEqual(before);
      expect(run('EXISTS', 'other')).toBe(0);
    }
    server.verify();
  });

  test('can still lose fields, and times', () => {
    const { run, server } = fullServer(settings);
    expect(run('HPERSIST', 'h', 'FIELDS', '1', 'f0')).toEqual([1]);
    expect(run('HEXPIRE', 'h', '0', 'FIELDS', '1', 'f0')).toEqual([2]);
    expect(run('HGETDEL', 'h', 'FIELDS', '1', 'f1')).toEqual(['v'.repeat(50)]);
    for (let i = 2; i < 20; i++) expect(run('HDEL', 'h', `f${i}`)).toBe(1);
    expect(run('EXISTS', 'h')).toBe(0);
    server.verify();
  });

  test('gives times to all fields of a request or to none', () => {
    const { run, server } = fullServer(settings);
    const fields = Array.from({ length: 20 }, (_, i) => `f${i}`);
    const times = () => run('HPEXPIRETIME', 'h', 'FIELDS', '20', ...fields);
    const before = times();
    for (const request of [
      ['HPEXPIREAT', 'h', `${NOW + 5}`, 'FIELDS', '20', ...fields],
      ['HGETEX', 'h', 'PXAT', `${NOW + 5}`, 'FIELDS', '20', ...fields],
    ]) {
      const reply = run(...request);
      const isRefused = !Array.isArray(reply);
      if (isRefused) expect(reply).toEqual(OUT_OF_MEMORY);
      expect(times()).toEqual(isRefused ? before : fields.map(() => NOW + 5));
    }
    server.verify();
  });
});
