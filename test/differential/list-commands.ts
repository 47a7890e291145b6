/** Random commands on lists, many of them long enough to be chains of nodes, among other keys. */
import type { Argument, Generator, Random } from '../support/differential.ts';

const SHORT_KEYS = ['l', 'list', 'q', '{t}a', 'binary\0\r\n'];
/** Lists that are left to grow. */
const LONG_KEYS = ['long', '{t}long'];
const KEYS = [...SHORT_KEYS, ...LONG_KEYS];
const OTHER_KEYS = ['string', 'missing'];
const INTEGERS = [
  '0',
  '1',
  '-1',
  '127',
  '128',
  '-4096',
  '4096',
  '65536',
  '-9223372036854775808',
  '01',
  '1.0',
];
const TEXTS = [
  '',
  'a',
  'b',
  'c',
  '\0',
  '\r\n$-1\r\n',
  'ключ',
  'x'.repeat(62),
  'y'.repeat(64),
  'z'.repeat(126),
];
const LONG_TEXTS = ['l'.repeat(700), 'm'.repeat(4100), 'n'.repeat(9000)];
const INDEXES = ['0', '-1', '1', '5', '-5', '100', '-100', '9223372036854775807', '-9223372036854775808'];
const BAD_INTEGERS = ['', 'x', '1.5', ' 1', '9223372036854775808', '+1'];
const COUNTS = ['0', '1', '2', '3', '10', '-1', '-2', '9223372036854775807', '-9223372036854775807'];
const ENDS = ['LEFT', 'RIGHT', 'left', 'Right'];
const POS_WORDS = ['RANK', 'COUNT', 'MAXLEN', 'rank', '1', '2', '-1', '0', '3', 'x'];
const NAMES = 'LPUSH RPUSHX LPOP LLEN LINDEX LINSERT LRANGE LREM LSET LTRIM LPOS LMOVE RPOPLPUSH LMPOP'.split(
  ' ',
);
const WORDS = ['1', '2', 'l', 'LEFT', 'COUNT', 'x', 'BEFORE', '-1'];

function keyOf(random: Random): string {
  return random.oneIn(25) ? random.pick(OTHER_KEYS) : random.pick(KEYS);
}

/** A key whose list may well be gone afterwards. */
function shortKeyOf(random: Random): string {
  return random.oneIn(50) ? keyOf(random) : random.pick(SHORT_KEYS);
}

function valueOf(random: Random): Argument {
  if (random.oneIn(60)) return random.pick(LONG_TEXTS);
  if (random.oneIn(30)) return random.pick(INTEGERS);
  if (random.oneIn(8)) return random.between(-5000, 5000);
  if (random.oneIn(12)) return Uint8Array.from({ length: random.below(40) }, () => random.below(256));
  return random.pick(TEXTS);
}

function valuesOf(random: Random, countMax: number): Argument[] {
  return Array.from({ length: random.between(1, countMax) }, () => valueOf(random));
}

function integerOf(random: Random, from: readonly string[]): string {
  return random.oneIn(20) ? random.pick(BAD_INTEGERS) : random.pick(from);
}

/** Near the ends as a rule, somewhere else at times. */
function indexOf(random: Random): string {
  return random.oneIn(3) ? String(random.between(-300, 300)) : integerOf(random, INDEXES);
}

function endOf(random: Random): string {
  return random.oneIn(20) ? 'UP' : random.pick(ENDS);
}

function some(random: Random, from: readonly string[], countMax: number): string[] {
  return Array.from({ length: random.below(countMax + 1) }, () => random.pick(from));
}

const pushMany: Generator = (random) => [
  random.pick(['LPUSH', 'RPUSH']),
  random.pick(LONG_KEYS),
  ...valuesOf(random, random.pick([20, 60])),
];

const push: Generator = (random) => [
  random.pick(['LPUSH', 'RPUSH', 'LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX', 'rpush']),
  keyOf(random),
  ...valuesOf(random, random.oneIn(10) ? 40 : 4),
];

const pop: Generator = (random) => [
  random.pick(['LPOP', 'RPOP']),
  shortKeyOf(random),
  ...(random.oneIn(3) ? [integerOf(random, COUNTS)] : []),
  ...some(random, random.oneIn(20) ? WORDS : [], 1).filter((word) => word !== undefined),
];

const lmpop: Generator = (random) => {
  const keys = Array.from({ length: random.between(1, 3) }, () => shortKeyOf(random));
  const count = random.oneIn(15) ? integerOf(random, COUNTS) : keys.length;
  const tail = random.oneIn(2) ? [random.pick(['COUNT', 'count']), integerOf(random, COUNTS)] : [];
  return ['LMPOP', count, ...keys, endOf(random), ...tail, ...(random.oneIn(30) ? ['COUNT'] : [])];
};

/** Values are drawn from few, so that many are found. */
export function listGenerators(): Generator[] {
  return [
    push,
    push,
    push,
    pushMany,
    pop,
    (random) => [random.pick(['LPOP', 'RPOP']), random.pick(LONG_KEYS), random.between(1, 40)],
    lmpop,
    (random) => [random.pick(['LLEN', 'TYPE', 'EXISTS', 'TTL']), keyOf(random)],
    (random) => ['LINDEX', keyOf(random), indexOf(random)],
    (random) => ['LRANGE', keyOf(random), indexOf(random), indexOf(random)],
    (random) => ['LRANGE', keyOf(random), '0', '-1'],
    (random) => ['LSET', keyOf(random), indexOf(random), valueOf(random)],
    (random) => ['LSET', keyOf(random), indexOf(random), valueOf(random)],
    (random) => [
      'LINSERT',
      keyOf(random),
      random.oneIn(20) ? 'beside' : random.pick(['BEFORE', 'AFTER', 'after']),
      valueOf(random),
      valueOf(random),
    ],
    (random) => [
      'LINSERT',
      keyOf(random),
      random.pick(['BEFORE', 'AFTER']),
      random.pick(TEXTS),
      valueOf(random),
    ],
    (random) => ['LREM', shortKeyOf(random), integerOf(random, COUNTS), random.pick(TEXTS)],
    (random) => ['LREM', keyOf(random), random.pick(['1', '-1', '2']), valueOf(random)],
    (random) =>
      random.oneIn(4)
        ? ['LTRIM', shortKeyOf(random), indexOf(random), indexOf(random)]
        : ['LTRIM', keyOf(random), random.below(4), -1 - random.below(4)],
    (random) => ['LPOS', keyOf(random), random.pick(TEXTS), ...some(random, POS_WORDS, 6)],
    (random) => [
      'LPOS',
      keyOf(random),
      valueOf(random),
      'RANK',
      random.pick(['1', '-1', '2', '-2', '3']),
      'COUNT',
      random.pick(['0', '1', '3']),
      'MAXLEN',
      random.pick(['0', '5', '100']),
    ],
    (random) => ['LMOVE', keyOf(random), keyOf(random), endOf(random), endOf(random)],
    (random) => ['LMOVE', keyOf(random), keyOf(random), random.pick(ENDS), random.pick(ENDS)],
    (random) => ['RPOPLPUSH', keyOf(random), keyOf(random)],
    (random) => [
      random.oneIn(3) ? 'RENAME' : 'COPY',
      shortKeyOf(random),
      shortKeyOf(random),
      ...(random.oneIn(2) ? ['REPLACE'] : []),
    ],
    (random) => [random.pick(NAMES), ...some(random, WORDS, 5)],
    (random) =>
      random.oneIn(6)
        ? [random.pick(['DEL', 'UNLINK']), shortKeyOf(random)]
        : [random.pick(['EXPIRE', 'PERSIST']), keyOf(random), ...(random.oneIn(3) ? [] : ['10000'])],
    (random) => ['SET', 'string', random.pick(TEXTS)],
  ];
}
