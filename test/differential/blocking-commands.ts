/** Commands of several clients that wait for each other: random ones on few keys. */
import type { Command, Random } from '../support/differential.ts';

const KEYS = ['a', 'b', 'c', 'd'] as const;
const ENDS = ['LEFT', 'RIGHT', 'left'] as const;

export type ClientCommand = (random: Random) => Command;

const key = (random: Random): string => random.pick(KEYS);
const end = (random: Random): string => random.pick(ENDS);
/** A request must be read by the oracle in one go (16 KiB): see `settle` in the test. */
const ELEMENT_BYTES_MAX = 3000;

const element = (random: Random): string =>
  random.oneIn(20) ? 'x'.repeat(random.below(ELEMENT_BYTES_MAX)) : `${random.below(100)}`;

/** One to three keys, which may be the same. */
function keys(random: Random): string[] {
  return Array.from({ length: random.between(1, 3) }, () => key(random));
}

function elements(random: Random): string[] {
  return Array.from({ length: random.between(1, 4) }, () => element(random));
}

function scored(random: Random): (string | number)[] {
  const count = random.between(1, 3);
  return Array.from({ length: count }, () => [random.below(10) / 2, `m${random.below(6)}`]).flat();
}

function countOption(random: Random): (string | number)[] {
  return random.oneIn(2) ? [] : ['COUNT', random.between(1, 4)];
}

/** What may wait; their time is never over. */
export const WAITING: readonly ClientCommand[] = [
  (random) => ['BLPOP', ...keys(random), 0],
  (random) => ['BRPOP', ...keys(random), 0],
  (random) => ['BLMOVE', key(random), key(random), end(random), end(random), 0],
  (random) => ['BLMOVE', key(random), key(random), end(random), end(random), '1e6'],
  (random) => ['BRPOPLPUSH', key(random), key(random), 0],
  (random) => {
    const names = keys(random);
    return ['BLMPOP', 0, names.length, ...names, end(random), ...countOption(random)];
  },
  (random) => ['BZPOPMIN', ...keys(random), 0],
  (random) => ['BZPOPMAX', ...keys(random), 0],
  (random) => {
    const names = keys(random);
    return ['BZMPOP', 0, names.length, ...names, random.pick(['MIN', 'MAX']), ...countOption(random)];
  },
];

/** What those who wait are served by, or are not, and what looks at what is left. */
export const OTHER: readonly ClientCommand[] = [
  (random) => ['RPUSH', key(random), ...elements(random)],
  (random) => ['RPUSH', key(random), ...elements(random)],
  (random) => ['LPUSH', key(random), ...elements(random)],
  (random) => ['LPUSHX', key(random), ...elements(random)],
  (random) => ['ZADD', key(random), ...scored(random)],
  (random) => ['ZADD', key(random), ...scored(random)],
  (random) => ['ZINCRBY', key(random), 1, `m${random.below(6)}`],
  (random) => ['LINSERT', key(random), 'BEFORE', element(random), element(random)],
  (random) => ['SET', key(random), element(random)],
  (random) => ['DEL', key(random)],
  (random) => ['DEL', key(random), key(random)],
  (random) => ['LPOP', key(random)],
  (random) => ['ZPOPMIN', key(random)],
  (random) => ['LMOVE', key(random), key(random), end(random), end(random)],
  (random) => ['RENAME', key(random), key(random)],
  (random) => ['RENAMENX', key(random), key(random)],
  (random) => ['COPY', key(random), key(random), 'REPLACE'],
  (random) => ['COPY', key(random), key(random), 'DB', random.below(2)],
  (random) => ['MOVE', key(random), random.below(2)],
  (random) => ['LRANGE', key(random), 0, -1],
  (random) => ['ZRANGE', key(random), 0, -1, 'WITHSCORES'],
  (random) => ['TYPE', key(random)],
  (random) => ['SELECT', random.below(2)],
  (random) => (random.oneIn(10) ? ['FLUSHALL'] : ['FLUSHDB']),
];

/** Waits that are refused, or not waits at all. */
export const REFUSED: readonly ClientCommand[] = [
  (random) => ['BLPOP', key(random), random.pick(['x', '-1', '', 'nan', '1 '])],
  (random) => ['BZPOPMIN', key(random), random.pick(['x', '-1'])],
  (random) => ['BLPOP', key(random)],
  (random) => ['BLMOVE', key(random), key(random), random.pick(['LEFT', 'UP']), 'DOWN', 'x'],
  (random) => ['BLMOVE', key(random), key(random), 'LEFT', 'RIGHT', 'x'],
  (random) => ['BRPOPLPUSH', key(random), key(random), '-2'],
  (random) => ['BLMPOP', random.pick([0, 'x']), random.pick([0, 2, 'x']), key(random), 'LEFT'],
  (random) => ['BLMPOP', 'x', 1, key(random), random.pick(['LEFT', 'UP'])],
  (random) => ['BLMPOP', 0, 1, key(random), 'LEFT', 'COUNT', random.pick([0, 'x', -1])],
  (random) => ['BLMPOP', 0, 1, key(random), 'LEFT', 'COUNT', 1, 'COUNT', 1],
  (random) => ['BLMPOP', 0, 1, key(random), 'LEFT', random.pick(['COUNT', 'FOO'])],
  (random) => ['BZMPOP', random.pick([0, 'x']), random.pick([0, 2, 'x']), key(random), 'MIN'],
  (random) => ['BZMPOP', 0, 1, key(random), 'MAX', 'COUNT', random.pick([0, 'x'])],
];

/** For a run of their own, in which everybody waits for one key: in which order several are served then is open. */
export const EXCHANGES: readonly ClientCommand[] = [
  (random) => ['SWAPDB', random.below(2), random.below(2)],
  (random) => ['RPUSH', key(random), ...elements(random)],
  (random) => ['ZADD', key(random), ...scored(random)],
  (random) => ['DEL', key(random)],
  (random) => ['SELECT', random.below(2)],
  (random) => ['LRANGE', key(random), 0, -1],
];
export const EXCHANGE_WAITING: readonly ClientCommand[] = [
  (random) => [random.pick(['BLPOP', 'BRPOP', 'BZPOPMIN', 'BZPOPMAX']), key(random), 0],
];

const streamGroup = (random: Random): string => random.pick(['g', 'h']);

/** Streams to read, and the ids to go on from. */
function streams(random: Random, special: string): string[] {
  const names = Array.from({ length: random.pick([1, 1, 2, 3]) }, () => key(random));
  return ['STREAMS', ...names, ...names.map(() => (random.oneIn(5) ? `${random.below(30)}` : special))];
}

/** Waits for entries of streams, whose time is never over. */
export const STREAM_WAITING: readonly ClientCommand[] = [
  (random) => ['XREAD', 'BLOCK', 0, ...countOption(random), ...streams(random, '$')],
  (random) => ['XREAD', 'BLOCK', 0, ...countOption(random), ...streams(random, '25-3')],
  ...Array.from({ length: 3 }, (): ClientCommand => (random) => [
    'XREADGROUP',
    'GROUP',
    streamGroup(random),
    random.pick(['alice', 'bob', 'streams']),
    'BLOCK',
    0,
    ...countOption(random),
    ...(random.oneIn(3) ? ['NOACK'] : []),
    'STREAMS',
    key(random),
    '>',
  ]),
  (random) => ['BLPOP', ...keys(random), 0],
];

/** What ends those, and what looks at what is left. */
export const STREAM_OTHER: readonly ClientCommand[] = [
  ...Array.from({ length: 3 }, (): ClientCommand => (random) => [
    'XADD',
    key(random),
    ...(random.oneIn(4) ? ['MAXLEN', random.between(1, 4)] : []),
    `${random.below(30)}-*`,
    'f',
    element(random),
  ]),
  ...Array.from({ length: 2 }, (): ClientCommand => (random) => [
    'XGROUP',
    'CREATE',
    key(random),
    streamGroup(random),
    random.pick(['$', '0']),
    'MKSTREAM',
  ]),
  (random) => ['XGROUP', 'DESTROY', key(random), streamGroup(random)],
  (random) => ['XDEL', key(random), `${random.below(30)}-0`],
  (random) => ['XPENDING', key(random), streamGroup(random)],
  (random) => ['XLEN', key(random)],
  (random) => ['DEL', key(random)],
  (random) => ['RENAME', key(random), key(random)],
  (random) => ['COPY', key(random), key(random), 'REPLACE'],
  (random) => (random.oneIn(4) ? ['SET', key(random), 'text'] : ['TYPE', key(random)]),
  (random) => (random.oneIn(5) ? [random.pick(['FLUSHALL', 'FLUSHDB'])] : ['XLEN', key(random)]),
  (random) => (random.oneIn(2) ? ['RPUSH', key(random), 'x'] : ['LPOP', key(random)]),
];
