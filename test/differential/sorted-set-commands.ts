/** Random commands of the sorted set family. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';
import { type Reply, replyValue } from '../support/reply.ts';

const SCORES = [
  '0',
  '-0',
  '1',
  '-1',
  '3.25',
  '0.1',
  '-2.5e-3',
  '1e20',
  '9007199254740993',
  '-2147483649',
  '1.7976931348623157e308',
  '5e-324',
  'inf',
  '+inf',
  '-INF',
  'infinity',
  '0x1p3',
];
const BAD_SCORES = ['nan', '', 'x', '1 ', ' 1', '1e400', '--1', '1.2.3', '(1', '0x', '1e-400', 'in'];
const BAD_INTEGERS = ['', 'x', '1.5', '9223372036854775808', '-9223372036854775809', ' 1', '01'];
const BOUNDS = [
  '(1',
  '(3.25',
  '(-1',
  '-inf',
  '+inf',
  '(inf',
  '(-inf',
  '',
  '(',
  ' 1',
  '\t-1',
  '1e400',
  '-1e400',
  '1e-400',
  '2\u0000x',
  '0x10',
];
const BAD_BOUNDS = ['x', 'nan', '((1', '1 ', ' ', '[1', '(x', '(nan', '1\n'];
const TEXT_BOUNDS = [
  '-',
  '+',
  '[a',
  '(a',
  '[m',
  '(m1',
  '[',
  '(',
  '[zzz',
  '(-5',
  '[12',
  '-\u0000x',
  '+\u0000',
];
const BAD_TEXT_BOUNDS = ['', 'a', '--', '+a', '12', '\u0000'];
const LONG = ['x'.repeat(20), 'x'.repeat(21), 'y'.repeat(64), 'z'.repeat(65), 'w'.repeat(300)];
const WORDS = ['NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'nx', 'ch', 'incr', 'Gt'];
const RANGE_WORDS = ['BYSCORE', 'BYLEX', 'REV', 'WITHSCORES', 'LIMIT', 'bylex', 'rev', 'foo', ''];

/** Keys of sorted sets with all kinds of scores. */
const MIXED_KEYS = ['k0', 'k1', 'k2', 'k3', 'k4', 'k5'];
/** Keys of sorted sets whose scores are all 0: the others' order by text is nobody's promise. */
const TEXT_KEYS = ['t0', 't1', 't2'];
/** Keys of sets, whose members count as having the score 1. */
const SET_KEYS = ['s0', 's1'];
/** Always a string: see SORTED_SET_PROLOGUE. */
const STRING_KEY = 'string';

export const SORTED_SET_PROLOGUE: readonly Command[] = [['SET', STRING_KEY, 'x']];

const mixedKey = (random: Random): string =>
  random.oneIn(25) ? random.pick([STRING_KEY, 'k6']) : random.pick(MIXED_KEYS);
const textKey = (random: Random): string =>
  random.oneIn(25) ? random.pick([STRING_KEY, 'never']) : random.pick(TEXT_KEYS);
/** For what keeps scores as they are. */
const anyKey = (random: Random): string => (random.oneIn(5) ? textKey(random) : mixedKey(random));
/** Where results are stored: the sources too. */
const destination = (random: Random): string => random.pick([...MIXED_KEYS, 'd0', 'd1']);

/** The case of a word, at random. */
const word = (random: Random, text: string): string => (random.oneIn(3) ? text.toLowerCase() : text);

function some<T>(random: Random, countMax: number, draw: (random: Random) => T): T[] {
  return Array.from({ length: random.between(0, countMax) }, () => draw(random));
}

function member(random: Random): Argument {
  switch (random.below(12)) {
    case 0:
      return random.pick(['', '-5', '0', '007', '-0', '9223372036854775807', '9223372036854775808', '4096']);
    case 1:
      return random.oneIn(4) ? random.pick(LONG) : String(random.between(-300, 70_000));
    case 2:
      return Buffer.from(Array.from({ length: random.below(5) }, () => random.below(256)));
    default:
      return `m${random.below(40)}`;
  }
}

function score(random: Random): string {
  if (random.oneIn(40)) return random.pick(BAD_SCORES);
  if (random.oneIn(4)) return random.pick(SCORES);
  return random.oneIn(3) ? String(random.between(-1000, 1000) / 8) : String(random.between(-20, 20));
}

const rank = (random: Random): Argument =>
  random.oneIn(30)
    ? random.pick([...BAD_INTEGERS, '9223372036854775807', '-9223372036854775808'])
    : random.between(-30, 30);
const bound = (random: Random): string =>
  random.oneIn(40) ? random.pick(BAD_BOUNDS) : random.oneIn(2) ? random.pick(BOUNDS) : score(random);
function textBound(random: Random): Argument {
  if (random.oneIn(40)) return random.pick(BAD_TEXT_BOUNDS);
  if (random.oneIn(2)) return random.pick(TEXT_BOUNDS);
  return Buffer.concat([Buffer.from(random.pick(['[', '('])), Buffer.from(String(member(random)))]);
}

function add(random: Random): Command {
  const pairs: Argument[] = [];
  do pairs.push(score(random), member(random));
  while (!random.oneIn(3));
  if (random.oneIn(30)) pairs.push(random.pick(['5', 'm1']));
  return ['ZADD', mixedKey(random), ...pairs];
}

function addWithOptions(random: Random): Command {
  const options = some(random, 3, () => random.pick(WORDS));
  const pairs: Argument[] = [score(random), member(random)];
  if (random.oneIn(3)) pairs.push(score(random), member(random));
  return ['ZADD', mixedKey(random), ...options, ...pairs];
}

/** Many members at once, so that thresholds are crossed. */
function addMany(random: Random): Command {
  const pairs: Argument[] = [];
  for (let i = random.below(60); i >= 0; i--) {
    pairs.push(random.between(-50, 50), `m${random.below(120)}`);
  }
  return ['ZADD', mixedKey(random), ...pairs];
}

function addTexts(random: Random): Command {
  const pairs: Argument[] = [];
  for (let i = random.below(random.pick([3, 30])); i >= 0; i--) {
    pairs.push('0', random.oneIn(2) ? `m${random.below(120)}` : member(random));
  }
  return ['ZADD', random.pick(TEXT_KEYS), ...pairs];
}

function limit(random: Random): Argument[] {
  if (random.oneIn(2)) return [];
  const count = random.oneIn(4) ? -1 : random.oneIn(10) ? rank(random) : random.below(12);
  return [word(random, 'LIMIT'), random.oneIn(8) ? rank(random) : random.below(6), count];
}

const scores = (random: Random): string[] => (random.oneIn(2) ? [word(random, 'WITHSCORES')] : []);

function range(random: Random): Command {
  const reverse = random.oneIn(2) ? [word(random, 'REV')] : [];
  switch (random.below(4)) {
    case 0:
      return ['ZRANGE', anyKey(random), rank(random), rank(random), ...reverse, ...scores(random)];
    case 1:
      return [
        'ZRANGE',
        anyKey(random),
        bound(random),
        bound(random),
        word(random, 'BYSCORE'),
        ...reverse,
        ...limit(random),
        ...scores(random),
      ];
    case 2:
      return [
        'ZRANGE',
        textKey(random),
        textBound(random),
        textBound(random),
        ...reverse,
        word(random, 'BYLEX'),
        ...limit(random),
        ...(random.oneIn(20) ? scores(random) : []),
      ];
    default:
      return ['ZRANGE', 'k0', '0', '5', ...some(random, 4, () => random.pick([...RANGE_WORDS, '1']))];
  }
}

function storeRange(random: Random): Command {
  const reverse = random.oneIn(2) ? [word(random, 'REV')] : [];
  const into = destination(random);
  if (random.oneIn(3)) return ['ZRANGESTORE', into, anyKey(random), rank(random), rank(random), ...reverse];
  if (random.oneIn(3)) {
    const bounds = [textBound(random), textBound(random)];
    return ['ZRANGESTORE', into, textKey(random), ...bounds, 'BYLEX', ...reverse, ...limit(random)];
  }
  const bounds = [bound(random), bound(random)];
  const bad = random.oneIn(20) ? ['WITHSCORES'] : [];
  return ['ZRANGESTORE', into, anyKey(random), ...bounds, 'BYSCORE', ...reverse, ...limit(random), ...bad];
}

function olderRange(random: Random): Command {
  switch (random.below(3)) {
    case 0: {
      const extra = random.oneIn(20) ? some(random, 3, () => random.pick(RANGE_WORDS)) : scores(random);
      return ['ZREVRANGE', anyKey(random), rank(random), rank(random), ...extra];
    }
    case 1: {
      const name = random.pick(['ZRANGEBYSCORE', 'ZREVRANGEBYSCORE']);
      const options = [...scores(random), ...limit(random)];
      return [name, anyKey(random), bound(random), bound(random), ...options];
    }
    default: {
      const name = random.pick(['ZRANGEBYLEX', 'ZREVRANGEBYLEX']);
      return [name, textKey(random), textBound(random), textBound(random), ...limit(random)];
    }
  }
}

const sourceKey = (random: Random): string => (random.oneIn(6) ? random.pick(SET_KEYS) : anyKey(random));

function countKeys(random: Random): Argument[] {
  const keys = some(random, 3, sourceKey);
  keys.push(sourceKey(random));
  const count = random.oneIn(25) ? random.pick([...BAD_INTEGERS, '0', '-1', '9', '2']) : keys.length;
  return [count, ...keys];
}

function combineOptions(random: Random, keyCount: number): Argument[] {
  const options: Argument[] = [];
  while (!random.oneIn(3)) {
    const choice = random.below(10);
    if (choice < 4) {
      const count = random.oneIn(15) ? keyCount - 1 : keyCount;
      options.push(word(random, 'WEIGHTS'), ...Array.from({ length: count }, () => score(random)));
    } else if (choice < 8) {
      options.push(word(random, 'AGGREGATE'), word(random, random.pick(['SUM', 'MIN', 'MAX', 'SUM', 'AVG'])));
    } else if (choice === 8) options.push(word(random, 'WITHSCORES'));
    else options.push(random.pick(['foo', 'LIMIT', 'WEIGHTS', 'AGGREGATE', '1']));
  }
  return options;
}

function combine(random: Random): Command {
  const name = random.pick(['ZUNION', 'ZINTER', 'ZDIFF']);
  const keys = countKeys(random);
  const isPlain = name === 'ZDIFF' && !random.oneIn(8);
  const options = isPlain ? scores(random) : combineOptions(random, keys.length - 1);
  return [name, ...keys, ...options];
}

function combineAndStore(random: Random): Command {
  const name = random.pick(['ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE']);
  const keys = countKeys(random);
  const isPlain = name === 'ZDIFFSTORE' && !random.oneIn(8);
  return [name, destination(random), ...keys, ...(isPlain ? [] : combineOptions(random, keys.length - 1))];
}

function intersectionCount(random: Random): Command {
  const limits = [word(random, 'LIMIT'), random.pick(['0', '1', '2', '100', '-1', 'x'])];
  return ['ZINTERCARD', ...countKeys(random), ...(random.oneIn(2) ? limits : [])];
}

function popMany(random: Random): Command {
  const options = random.oneIn(2)
    ? [word(random, 'COUNT'), random.pick(['1', '3', '100', '0', '-1', 'x'])]
    : [];
  const extra = random.oneIn(15) ? [random.pick(['COUNT', '1', 'MIN'])] : [];
  return [
    'ZMPOP',
    ...countKeys(random),
    word(random, random.pick(['MIN', 'MAX', 'MIN', 'MAX', 'MID'])),
    ...options,
    ...extra,
  ];
}

function removeRange(random: Random): Command {
  switch (random.below(3)) {
    case 0:
      return ['ZREMRANGEBYRANK', anyKey(random), rank(random), rank(random)];
    case 1:
      return ['ZREMRANGEBYSCORE', anyKey(random), bound(random), bound(random)];
    default:
      return ['ZREMRANGEBYLEX', textKey(random), textBound(random), textBound(random)];
  }
}

function randomMembers(random: Random): Command {
  const options = random.oneIn(3) ? [] : [random.oneIn(12) ? rank(random) : random.between(-12, 40)];
  return ['ZRANDMEMBER', anyKey(random), ...options, ...(options.length > 0 ? scores(random) : [])];
}

/** Every scan asks for more members than there are, so it ends. */
function scan(random: Random): Command {
  const options = some(random, 1, () => [
    'MATCH',
    random.pick(['*', 'm1*', '[0-9]*', '', '**', '-?']),
  ]).flat();
  const bad = random.oneIn(20) ? [random.pick(['TYPE', 'COUNT', 'NOVALUES', 'foo'])] : [];
  const cursor = random.oneIn(20) ? random.pick(['x', '', '00', '-']) : '0';
  return ['ZSCAN', anyKey(random), cursor, 'COUNT', '1000', ...options, ...bad];
}

const TOO_SHORT = [
  'ZADD',
  'ZRANGE',
  'ZCARD',
  'ZUNION',
  'ZMPOP',
  'ZSCAN',
  'ZINCRBY',
  'ZRANGESTORE',
  'ZPOPMIN',
];

/** Over MIXED_KEYS, TEXT_KEYS and a few more. */
export const SORTED_SET_GENERATORS: readonly Generator[] = [
  add,
  add,
  add,
  addWithOptions,
  addWithOptions,
  addMany,
  addTexts,
  range,
  range,
  range,
  olderRange,
  olderRange,
  storeRange,
  combine,
  combine,
  combineAndStore,
  intersectionCount,
  popMany,
  removeRange,
  randomMembers,
  scan,
  (random) => ['ZINCRBY', mixedKey(random), score(random), member(random)],
  (random) => ['ZINCRBY', mixedKey(random), score(random), member(random)],
  (random) => ['ZREM', anyKey(random), ...some(random, 3, member), member(random)],
  (random) => ['ZSCORE', anyKey(random), member(random)],
  (random) => ['ZMSCORE', anyKey(random), ...some(random, 3, member), member(random)],
  (random) => [random.pick(['ZRANK', 'ZREVRANK']), anyKey(random), member(random)],
  (random) => ['ZCARD', sourceKey(random)],
  (random) => [
    random.pick(['SADD', 'SADD', 'SREM']),
    random.pick(SET_KEYS),
    ...some(random, 9, member),
    'm1',
  ],
  (random) => ['ZCOUNT', anyKey(random), bound(random), bound(random)],
  (random) => ['ZLEXCOUNT', textKey(random), textBound(random), textBound(random)],
  (random) => [
    random.pick(['ZPOPMIN', 'ZPOPMAX']),
    anyKey(random),
    ...some(random, 1, () => (random.oneIn(5) ? rank(random) : random.below(6))),
  ],
  (random) => ['OBJECT', 'ENCODING', anyKey(random)],
  (random) => ['TYPE', anyKey(random)],
  (random) => (random.oneIn(30) ? ['DEL', random.pick(MIXED_KEYS)] : ['EXISTS', anyKey(random)]),
  (random) => [random.pick(['COPY', 'RENAME']), random.pick(MIXED_KEYS), random.pick([...MIXED_KEYS, 'd0'])],
  (random) => (random.oneIn(5) ? [random.pick(TOO_SHORT), 'k1'] : ['ZCARD', anyKey(random)]),
];

/** What is drawn at random differs, and a scan owes no order. */
export function isSameOutcome(command: Command, ours: string, theirs: string): boolean {
  if (ours.startsWith('-') || theirs.startsWith('-')) return false;
  if (command[0] === 'ZRANDMEMBER') return shapeOf(ours) === shapeOf(theirs);
  if (command[0] === 'ZSCAN') return sortedPairs(ours) === sortedPairs(theirs);
  return withoutNegativeZero(ours) === withoutNegativeZero(theirs);
}

/** What ZRANGESTORE makes of -0 depends on what Redis has packed at that moment (see copySpan). */
function withoutNegativeZero(reply: string): string {
  return reply.replaceAll('$2\r\n-0\r\n', '$1\r\n0\r\n').replaceAll(',-0\r\n', ',0\r\n');
}

/** The types of everything in a reply. */
function shapeOf(reply: string): string {
  const describe = (value: Reply): string =>
    Array.isArray(value) ? `[${value.map(describe).join()}]` : typeof value;
  return `${reply[0]}${describe(replyValue(reply))}`;
}

/** The cursor of a scan, and its members with their scores. */
function sortedPairs(reply: string): string {
  const [cursor, listing] = replyValue(withoutNegativeZero(reply)) as [string, string[]];
  const pairs = listing.flatMap((text, index) =>
    index % 2 === 0 ? [JSON.stringify([text, listing[index + 1]])] : [],
  );
  return `${cursor}|${pairs.toSorted().join('|')}`;
}
