/** Random commands of the string family. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const INTEGERS = [
  '0',
  '1',
  '-1',
  '7',
  '100',
  '-4096',
  '2147483648',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775806',
  '9223372036854775808',
  '-0',
  '+1',
  '01',
  ' 1',
  '1 ',
  '',
];
const FLOATS = [
  '0.1',
  '-2.5',
  '3.0e3',
  '1e400',
  'inf',
  '-inf',
  'nan',
  '0x1p3',
  '5e-20',
  '1.',
  '.5',
  '1e5000',
  'x',
];
const TEXTS = [
  '',
  'a',
  'hello',
  'ABRACADABRA',
  'ohmytext',
  'mynewtext',
  '\u00e9\u4e16\r\n\0',
  'x'.repeat(44),
  'y'.repeat(45),
];
const RELATIVE_TIMES = ['100', '1000', '86400', '100000000'];
const BAD_TIMES = [
  '0',
  '-1',
  'abc',
  '',
  '1.5',
  '9223372036854775807',
  '9223372036854775',
  '-9223372036854775808',
];
const ABSOLUTE_SECONDS = ['4102444800', '1', '1000000000'];
const ABSOLUTE_MS = ['4102444800000', '1', '1000000000000'];

const anyKey = (random: Random): string => `k${random.below(12)}`;
const integer = (random: Random): string =>
  random.oneIn(3) ? random.pick(INTEGERS) : String(random.between(-20, 1000));

function value(random: Random): Argument {
  switch (random.below(6)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick(FLOATS);
    case 2:
      return Buffer.from(Array.from({ length: random.below(200) }, () => random.below(256)));
    case 3:
      return 'abcdefgh'.repeat(random.below(600));
    default:
      return integer(random);
  }
}

/** The case of a word, at random. */
const word = (random: Random, text: string): string => (random.oneIn(3) ? text.toLowerCase() : text);

/** Times beyond 2^53 ms that Redis accepts: we end there. */
function isBeyondOurs(option: string, time: string): boolean {
  if (time === '9223372036854775') return option !== 'EX';
  return time === '9223372036854775807' && option.endsWith('AT');
}

function expiry(random: Random): string[] {
  const option = random.pick(['EX', 'PX', 'EXAT', 'PXAT']);
  const relative = RELATIVE_TIMES.map((time) => (option === 'PX' ? `${time}000` : time));
  const good = option === 'EXAT' ? ABSOLUTE_SECONDS : option === 'PXAT' ? ABSOLUTE_MS : relative;
  const bad = BAD_TIMES.filter((time) => !isBeyondOurs(option, time));
  return [word(random, option), random.oneIn(6) ? random.pick(bad) : random.pick(good)];
}

function setOptions(random: Random): string[] {
  const options: string[] = [];
  while (!random.oneIn(3)) {
    const choice = random.below(5);
    if (choice === 0) options.push(word(random, 'GET'));
    else if (choice === 1) options.push(word(random, random.pick(['NX', 'XX'])));
    else if (choice === 2) options.push(word(random, 'KEEPTTL'));
    else options.push(...expiry(random));
    if (random.oneIn(12)) options.push(random.pick(['PERSIST', 'EX', 'PXAT', 'foo', 'XX']));
  }
  return options;
}

function pairs(random: Random): Argument[] {
  const args: Argument[] = [];
  do args.push(anyKey(random), value(random));
  while (!random.oneIn(3));
  if (random.oneIn(15)) args.push(anyKey(random));
  return args;
}

function lcsOptions(random: Random): Argument[] {
  const options: Argument[] = [];
  while (!random.oneIn(2)) {
    const choice = random.below(8);
    if (choice === 0) options.push(word(random, 'LEN'));
    else if (choice < 4) options.push(word(random, 'IDX'));
    else if (choice < 6) options.push(word(random, 'WITHMATCHLEN'));
    else if (choice === 6) options.push('MINMATCHLEN', integer(random));
    else options.push(random.pick(['MINMATCHLEN', 'foo']));
  }
  return options;
}

/** Short texts, so that the matrix stays small. */
function lcs(random: Random): Command {
  return ['LCS', `l${random.below(4)}`, `l${random.below(4)}`, ...lcsOptions(random)];
}

function setForLcs(random: Random): Command {
  const letters = Array.from({ length: random.below(40) }, () => random.pick(['a', 'b', 'c', 'd']));
  return ['SET', `l${random.below(4)}`, letters.join('')];
}

/** Offsets that reach past the end, but not so far that memory is filled. */
const offset = (random: Random): Argument =>
  random.oneIn(8) ? random.pick(['-1', 'x', '']) : random.below(300);
const rangeEnd = (random: Random): Argument =>
  random.oneIn(5) ? random.pick(INTEGERS) : random.between(-40, 40);

/** Over the keys k0 to k11, and l0 to l3 for LCS. */
export const STRING_GENERATORS: readonly Generator[] = [
  (random) => ['GET', anyKey(random)],
  (random) => ['GET', anyKey(random)],
  (random) => ['SET', anyKey(random), value(random)],
  (random) => ['SET', anyKey(random), value(random), ...setOptions(random)],
  (random) => ['SET', anyKey(random), value(random), ...setOptions(random)],
  (random) => ['SETNX', anyKey(random), value(random)],
  (random) => [
    random.pick(['SETEX', 'PSETEX']),
    anyKey(random),
    random.pick([...RELATIVE_TIMES, ...BAD_TIMES]) + '000',
    value(random),
  ],
  (random) => ['GETSET', anyKey(random), value(random)],
  (random) => ['GETDEL', anyKey(random)],
  (random) => ['GETEX', anyKey(random)],
  (random) => ['GETEX', anyKey(random), ...expiry(random)],
  (random) => ['GETEX', anyKey(random), word(random, 'PERSIST'), ...(random.oneIn(4) ? expiry(random) : [])],
  (random) => ['MGET', anyKey(random), anyKey(random), anyKey(random)],
  (random) => ['MSET', ...pairs(random)],
  (random) => ['MSETNX', ...pairs(random)],
  (random) => ['STRLEN', anyKey(random)],
  (random) => ['APPEND', anyKey(random), value(random)],
  (random) => [random.pick(['GETRANGE', 'SUBSTR']), anyKey(random), rangeEnd(random), rangeEnd(random)],
  (random) => ['SETRANGE', anyKey(random), offset(random), value(random)],
  (random) => [random.pick(['INCR', 'DECR']), anyKey(random)],
  (random) => ['SET', anyKey(random), integer(random)],
  (random) => [random.pick(['INCRBY', 'DECRBY']), anyKey(random), integer(random)],
  (random) => ['INCRBYFLOAT', anyKey(random), random.oneIn(2) ? random.pick(FLOATS) : integer(random)],
  setForLcs,
  lcs,
  (random) => [random.pick(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']), anyKey(random)],
  (random) => ['OBJECT', 'ENCODING', anyKey(random)],
];
