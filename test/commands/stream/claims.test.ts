/** What Redis 8.2 to 8.10 added to streams, by its documentation: references, XNACK, CLAIM, limits of whole replies. */
import { describe, expect, test } from 'bun:test';
import type { Reply } from '../../support/reply.ts';
import { clockedServer } from '../../support/clocked-server.ts';

const NOW = 1_700_000_000_000;
const MOST = 9223372036854775807n;

function serverWithGroup(entryCount: number) {
  const clocked = clockedServer(NOW, {});
  const { run } = clocked;
  for (let i = 1; i <= entryCount; i++) run('XADD', 's', `${i}-0`, 'f', `v${i}`);
  run('XGROUP', 'CREATE', 's', 'g', '0');
  return clocked;
}

const entry = (i: number): Reply[] => [`${i}-0`, ['f', `v${i}`]];

describe('trimming with references', () => {
  test('ACKED keeps what some group has not acknowledged or not been given, and takes newer ones instead', () => {
    const { run, server } = serverWithGroup(5);
    expect(run('XTRIM', 's', 'MAXLEN', '=', '1', 'ACKED')).toBe(0);
    run('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
    run('XACK', 's', 'g', '2-0', '3-0');
    expect(run('XTRIM', 's', 'MAXLEN', '4', 'ACKED')).toBe(1);
    expect(run('XADD', 's', 'ACKED', 'MAXLEN', '1', '6-0', 'f', 'v6')).toBe('6-0');
    expect(run('XRANGE', 's', '-', '+')).toEqual([1, 4, 5, 6].map(entry));
    expect(run('XTRIM', 's', 'MINID', '5', 'ACKED')).toBe(0);
    run('XACK', 's', 'g', '1-0');
    expect(run('XTRIM', 's', 'MINID', '5', 'ACKED')).toBe(1);
    server.verify();
  });

  test('DELREF takes them off all groups, KEEPREF off none', () => {
    const { run, server } = serverWithGroup(6);
    run('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
    expect(run('XTRIM', 's', 'MAXLEN', '4', 'DELREF')).toBe(2);
    expect(run('XPENDING', 's', 'g')).toEqual([4, '3-0', '6-0', [['c', '4']]]);
    expect(run('XTRIM', 's', 'KEEPREF', 'MAXLEN', '2')).toBe(2);
    expect(run('XPENDING', 's', 'g')).toEqual([4, '3-0', '6-0', [['c', '4']]]);
    expect(run('XTRIM', 's', 'MAXLEN', '1', 'DELREF', 'ACKED')).toEqual({ error: 'ERR syntax error' });
    server.verify();
  });
});

describe('XNACK', () => {
  const pending = (run: (...parts: string[]) => Reply): Reply => run('XPENDING', 's', 'g', '-', '+', '10');

  test('gives entries back, and counts as it is told to', () => {
    const { run, server } = serverWithGroup(4);
    run('XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 's', '>');
    expect(run('XNACK', 's', 'g', 'SILENT', 'IDS', '2', '1-0', '9-9')).toBe(1);
    expect(run('XNACK', 's', 'g', 'FAIL', 'IDS', '2', '2-0', '2-0')).toBe(2);
    expect(run('XNACK', 's', 'g', 'FATAL', 'IDS', '1', '3-0')).toBe(1);
    expect(run('XNACK', 's', 'g', 'FATAL', 'RETRYCOUNT', '7', 'IDS', '1', '4-0')).toBe(1);
    const times = [0, 1, Number(MOST), 7];
    expect(pending(run)).toEqual(times.map((count, i) => [`${i + 1}-0`, '', -1, count]));
    expect(run('XPENDING', 's', 'g', '-', '+', '10', 'c')).toEqual([]);
    expect(run('XACK', 's', 'g', '4-0')).toBe(1);
    expect(run('XGROUP', 'DELCONSUMER', 's', 'g', 'c')).toBe(0);
    expect(run('COPY', 's', 't')).toBe(1);
    for (const key of ['s', 't']) {
      const full = run('XINFO', 'STREAM', key, 'FULL') as unknown[];
      const [group] = full[full.indexOf('groups') + 1] as unknown[][];
      expect(group!.slice(-2)).toEqual(['nacked-count', 3]);
    }
    expect(run('XCLAIM', 't', 'g', 'd', '99999', '1-0')).toEqual([entry(1)]);
    expect(run('XAUTOCLAIM', 't', 'g', 'd', '99999', '0', 'JUSTID')).toEqual(['0-0', ['2-0', '3-0'], []]);
    server.verify();
  });

  test('with FORCE takes up what nobody was given', () => {
    const { run, server } = serverWithGroup(2);
    expect(run('XNACK', 's', 'g', 'FAIL', 'IDS', '2', '1-0', '5-0', 'FORCE')).toBe(1);
    expect(pending(run)).toEqual([['1-0', '', -1, 0]]);
    server.verify();
  });

  test.each([
    [['BAD', 'IDS', '1', '1-0'], 'ERR mode must be SILENT, FAIL, or FATAL'],
    [['FAIL', 'BADOPT', 'IDS', '1', '1-0'], "ERR Unrecognized XNACK option 'BADOPT'"],
    [['FAIL', 'IDS', '1', '1-0', '2-0'], "ERR Unrecognized XNACK option '2-0'"],
    [['SILENT', 'FORCE', 'RETRYCOUNT', '5'], 'ERR syntax error, expected IDS keyword'],
    [['FAIL', 'IDS', '0', '1-0'], 'ERR numids must be a positive integer'],
    [['FAIL', 'IDS', '2', '1-0'], "ERR number of IDs doesn't match numids"],
    [['FAIL', 'IDS', '1', '1-0', 'RETRYCOUNT', '-1'], 'ERR Invalid RETRYCOUNT value, must be >= 0'],
  ])('refuses %p', (rest, error) => {
    const { run } = serverWithGroup(1);
    expect(run('XNACK', 's', 'g', ...rest)).toEqual({ error });
  });
});

describe('XREADGROUP with CLAIM', () => {
  const read = (...options: string[]): string[] => [
    'XREADGROUP',
    'GROUP',
    'g',
    ...options,
    'STREAMS',
    's',
    '>',
  ];
  const told = (i: number, idleMs: number, times: number): Reply[] => [...entry(i), idleMs, times];

  test('takes over what has been idle longest, then what is new', () => {
    const { run, server } = serverWithGroup(6);
    run(...read('a', 'COUNT', '3'));
    for (const [i, idle] of [
      [1, 200],
      [2, 300],
      [3, 50],
    ] as const) {
      run('XCLAIM', 's', 'g', 'a', '0', `${i}-0`, 'IDLE', `${idle}`, 'JUSTID');
    }
    expect(run(...read('b', 'COUNT', '1', 'CLAIM', '100'))).toEqual([['s', [told(2, 300, 1)]]]);
    expect(run(...read('b', 'COUNT', '2', 'CLAIM', '100'))).toEqual([
      ['s', [told(1, 200, 1), told(4, 0, 0)]],
    ]);
    run('XNACK', 's', 'g', 'FAIL', 'IDS', '2', '4-0', '1-0');
    expect(run(...read('c', 'NOACK', 'CLAIM', '100000'))).toEqual([
      ['s', [told(4, NOW, 1), told(1, NOW, 2), told(5, 0, 0), told(6, 0, 0)]],
    ]);
    expect(run('XPENDING', 's', 'g')).toEqual([
      4,
      '1-0',
      '4-0',
      [
        ['a', '1'],
        ['b', '1'],
        ['c', '2'],
      ],
    ]);
    expect(run(...read('c', 'CLAIM', '100000'))).toBe(null);
    run('XTRIM', 's', 'MAXLEN', '0');
    expect(run(...read('c', 'CLAIM', '0'))).toBe(null);
    server.verify();
  });

  test('refuses what is no time, and XREAD does not know it', () => {
    const { run } = serverWithGroup(1);
    expect(run(...read('a', 'CLAIM', 'x'))).toEqual({ error: 'ERR min-idle-time is not an integer' });
    expect(run(...read('a', 'CLAIM', '-1'))).toEqual({
      error: 'ERR min-idle-time must be a positive integer',
    });
    expect(run('XREAD', 'CLAIM', '10', 'STREAMS', 's', '0')).toEqual({
      error: 'ERR The CLAIM option is only supported by XREADGROUP. You called XREAD instead.',
    });
  });
});

test('MAXCOUNT and MAXSIZE limit the whole reply, of which one entry always is', () => {
  const { run } = serverWithGroup(3);
  for (let i = 1; i <= 3; i++) run('XADD', 't', `${i}-0`, 'f', `v${i}`);
  expect(run('XREAD', 'COUNT', '2', 'MAXCOUNT', '3', 'STREAMS', 's', 't', '0', '0')).toEqual([
    ['s', [entry(1), entry(2)]],
    ['t', [entry(1)]],
  ]);
  expect(run('XREAD', 'MAXSIZE', '1', 'STREAMS', 's', 't', '0', '0')).toEqual([['s', [entry(1)]]]);
  expect(run('XREADGROUP', 'GROUP', 'g', 'c', 'MAXSIZE', '1', 'STREAMS', 's', '>')).toEqual([
    ['s', [entry(1)]],
  ]);
  expect(run('XPENDING', 's', 'g')).toEqual([1, '1-0', '1-0', [['c', '1']]]);
  for (const limit of ['0', '-1', 'x']) {
    expect(run('XREAD', 'MAXCOUNT', limit, 'STREAMS', 's', '0')).toEqual({
      error: 'ERR MAXCOUNT must be a positive integer',
    });
  }
});
