/** Streams beyond what redis-server is asked for: ids by the clock, other databases and shards, memory that runs out. */
import { describe, expect, test } from 'bun:test';
import { clockedServer } from '../../support/clocked-server.ts';

const NOW = 1_700_000_000_000;
const OUT_OF_MEMORY = { error: "OOM command not allowed when used memory > 'maxmemory'." };

describe('a new entry', () => {
  test('gets the time for its id, and what follows the last where that is later', () => {
    const { run } = clockedServer(NOW, {});
    expect(run('XADD', 's', '*', 'f', 'v')).toBe(`${NOW}-0`);
    expect(run('XADD', 's', '*', 'f', 'v')).toBe(`${NOW}-1`);
    expect(run('XADD', 's', `${NOW + 5}-7`, 'f', 'v')).toBe(`${NOW + 5}-7`);
    expect(run('XADD', 's', '*', 'f', 'v')).toBe(`${NOW + 5}-8`);
    expect(run('XADD', 's', '18446744073709551615-18446744073709551614', 'f', 'v')).toBe(
      '18446744073709551615-18446744073709551614',
    );
    expect(run('XADD', 's', '*', 'f', 'v')).toBe('18446744073709551615-18446744073709551615');
    expect(run('XADD', 's', '*', 'f', 'v')).toEqual({
      error: 'ERR The stream has exhausted the last possible ID, unable to add more items',
    });
  });

  test('pushes out old ones, as queue libraries have it', () => {
    const { run, server } = clockedServer(NOW, {});
    for (let i = 0; i < 1000; i++)
      run('XADD', 'events', 'MAXLEN', '~', '150', '*', 'event', 'added', 'jobId', `${i}`);
    expect(run('XLEN', 'events')).toBe(200);
    expect(run('XTRIM', 'events', 'MAXLEN', '10')).toBe(190);
    expect(run('XREAD', 'COUNT', '1', 'STREAMS', 'events', '+')).toEqual([
      ['events', [[`${NOW}-999`, ['event', 'added', 'jobId', '999']]]],
    ]);
    expect(run('TYPE', 'events')).toBe('stream');
    expect(run('OBJECT', 'ENCODING', 'events')).toBe('stream');
    expect(run('SCAN', '0', 'TYPE', 'stream')).toEqual(['0', ['events']]);
    server.verify();
  });
});

test('a copy and a moved stream have all groups and pending entries', () => {
  for (const shardCount of [1, 16]) {
    const { run, server } = clockedServer(NOW, { shardCount, shardBytes: 8 << 20 });
    run('XGROUP', 'CREATE', 'a', 'g', '0', 'MKSTREAM');
    for (let i = 0; i < 500; i++) run('XADD', 'a', '*', 'f', `${i}`);
    for (let i = 0; i < 5; i++) run('XREADGROUP', 'GROUP', 'g', `c${i}`, 'COUNT', '70', 'STREAMS', 'a', '>');
    for (let i = 0; i < 100; i += 3) run('XACK', 'a', 'g', `${NOW}-${i}`);
    const facts = (key: string) => [
      run('XINFO', 'STREAM', key, 'FULL', 'COUNT', '0'),
      run('XPENDING', key, 'g', '-', '+', '1000'),
    ];
    const before = facts('a');
    expect(run('COPY', 'a', 'b')).toBe(1);
    expect(facts('b')).toEqual(before);
    expect(run('RENAME', 'a', 'c')).toBe('OK');
    expect(facts('c')).toEqual(before);
    expect(run('MOVE', 'c', '1')).toBe(1);
    run('SELECT', '1');
    expect(facts('c')).toEqual(before);
    expect(run('XGROUP', 'DELCONSUMER', 'c', 'g', 'c1')).toBe(70 - 10);
    server.verify();
    run('FLUSHALL');
    server.verify();
  }
});

test('a large stream goes bit by bit', () => {
  const { run, server } = clockedServer(NOW, { shardCount: 1, shardBytes: 16 << 20 });
  for (let i = 0; i < 2000; i++) run('XADD', 's', '*', 'f', `value ${i}`);
  run('XGROUP', 'CREATE', 's', 'g', '0');
  run('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
  run('DEL', 's');
  expect(run('EXISTS', 's')).toBe(0);
  server.verify();
});

test('a stream is as it was after a command for which there was no memory', () => {
  const { run, server } = clockedServer(NOW, { shardCount: 1, shardBytes: 2 << 20 });
  run('XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM');
  for (let i = 0; i < 20; i++) run('XADD', 's', '*', 'f', 'v'.repeat(50));
  run('XGROUP', 'CREATECONSUMER', 's', 'g', 'c');
  let filler = 0;
  for (const size of [400_000, 30_000, 2000, 300, 100, 30, 8, 0]) {
    while (run('SET', `filler:${filler}`, 'x'.repeat(size)) === 'OK') filler++;
  }
  const before = run('XINFO', 'STREAM', 's', 'FULL');
  const long = 'y'.repeat(20_000);
  for (const request of [
    ['XADD', 's', '*', 'f', long],
    ['XADD', 's', 'MAXLEN', '1', '*', 'other', long],
    ['XADD', 'new', '*', 'f', long],
    ['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>'],
    ['XREADGROUP', 'GROUP', 'g', 'new', 'STREAMS', 's', '>'],
    ['XCLAIM', 's', 'g', 'new', '0', `${NOW}-1`, 'FORCE'],
    ['XAUTOCLAIM', 's', 'g', 'new', '0', '-'],
    ['XGROUP', 'CREATE', 'new', 'g', '0', 'MKSTREAM'],
    ['XGROUP', 'CREATE', 's', 'h'.repeat(20_000), '0'],
    ['XGROUP', 'CREATECONSUMER', 's', 'g', 'c'.repeat(20_000)],
    ['COPY', 's', 'new'],
  ]) {
    expect(run(...request)).toEqual(OUT_OF_MEMORY);
    expect(run('XINFO', 'STREAM', 's', 'FULL')).toEqual(before);
    expect(run('EXISTS', 'new')).toBe(0);
  }
  server.verify();
  expect(run('XTRIM', 's', 'MAXLEN', '3')).toBe(17);
  expect(run('XGROUP', 'DESTROY', 's', 'g')).toBe(1);
  server.verify();
});

describe('deleting with regard to groups', () => {
  function scene() {
    const clocked = clockedServer(NOW, {});
    const { run } = clocked;
    for (let i = 1; i <= 5; i++) run('XADD', 's', `${i}-0`, 'f', 'v');
    for (const group of ['g', 'h']) run('XGROUP', 'CREATE', 's', group, '0');
    run('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
    run('XREADGROUP', 'GROUP', 'h', 'c', 'COUNT', '2', 'STREAMS', 's', '>');
    return clocked;
  }
  const pending = (run: ReturnType<typeof scene>['run'], group: string) =>
    (run('XPENDING', 's', group) as [number])[0];

  test('keeps what is pending, or takes it off all groups, or keeps the entry', () => {
    const { run, server } = scene();
    expect(run('XDELEX', 's', 'IDS', '2', '1', '9')).toEqual([1, -1]);
    expect([pending(run, 'g'), pending(run, 'h')]).toEqual([5, 2]);
    expect(run('XDELEX', 's', 'DELREF', 'IDS', '1', '2')).toEqual([1]);
    expect([pending(run, 'g'), pending(run, 'h')]).toEqual([4, 1]);
    run('XACK', 's', 'g', '3', '4');
    expect(run('XDELEX', 's', 'ACKED', 'IDS', '1', '3')).toEqual([2]);
    run('XREADGROUP', 'GROUP', 'h', 'c', 'NOACK', 'STREAMS', 's', '>');
    expect(run('XDELEX', 's', 'ACKED', 'IDS', '2', '3', '5')).toEqual([1, 2]);
    expect(run('XDELEX', 'none', 'IDS', '2', '3', '5')).toEqual([-1, -1]);
    server.verify();
  });

  test('and acknowledging at once', () => {
    const { run, server } = scene();
    expect(run('XACKDEL', 's', 'g', 'ACKED', 'IDS', '2', '1', '9')).toEqual([2, -1]);
    expect(run('XACKDEL', 's', 'h', 'ACKED', 'IDS', '1', '1')).toEqual([1]);
    expect(run('XACKDEL', 's', 'g', 'IDS', '1', '2')).toEqual([1]);
    expect([run('XLEN', 's'), pending(run, 'g'), pending(run, 'h')]).toEqual([3, 3, 1]);
    expect(run('XACKDEL', 's', 'g', 'ACKED', 'DELREF', 'IDS', '1', '2')).toEqual({
      error: 'ERR syntax error',
    });
    server.verify();
  });
});
