/** Random commands on keys and databases. */
import type { Command, Generator, Random } from '../support/differential.ts';

export const GENERIC_KEYS = [
  '',
  'a',
  'b',
  'key',
  '{tag}1',
  '{tag}2',
  'ключ',
  'with space',
  'x'.repeat(100),
  '0',
  '\0\r\n*1\r\n',
];
const INTEGERS = ['0', '12', '-7', '9223372036854775807', '9223372036854775808'];
const VALUES = ['', 'v', 'y'.repeat(44), 'z'.repeat(45), ...INTEGERS];
/** Wrong times, and times that are past for every command. None beyond 2^53 ms, where ours ends. */
const TIMES = ['0', '-1', 'x', '', '1.5', '9223372036854775808', '-9223372036854775808'];
const OPTIONS = ['NX', 'XX', 'GT', 'LT', 'gt', 'REPLACE', 'DB', '1', '99', 'foo', 'ASYNC'];
const DATABASES = ['0', '1', '2', '3', '16', '-1', 'x', '2147483648', '99999999999999999999'];
const PATTERNS = ['*', '**', 'k*', '[a-b]', '?', '\\*', '', 'кл*', '{tag}?', '[^a]*'];
const CURSORS = ['0', '', '00', 'x', '-', '18446744073709551616', ' 1'];
const SCAN_WORDS = ['MATCH', 'TYPE', 'COUNT', 'string', 'k*', 'x', '0', '*', '**', '1000'];
const OBJECT_WORDS = ['ENCODING', 'encoding', 'FREQ', 'HELP', 'foo'];
const ONE_KEY = ['TYPE', 'GET', 'PERSIST', 'TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'PERSIST'];
const MANY_KEYS = ['DEL', 'UNLINK', 'EXISTS', 'EXISTS', 'TOUCH'];
const TOO_SHORT = ['TTL', 'KEYS', 'MOVE', 'COPY', 'SCAN', 'RENAME', 'OBJECT', 'EXPIRE', 'SWAPDB', 'DBSIZE'];

function some(random: Random, from: readonly string[], countMax: number): string[] {
  return Array.from({ length: random.between(0, countMax) }, () => random.pick(from));
}

function keyOf(random: Random): string {
  return random.pick(GENERIC_KEYS);
}

/** Times are so far apart that the two servers' clocks never decide which of two is the later. */
function expireGenerator(): Generator {
  const baseS = Math.floor(Date.now() / 1000) + 10_000;
  let fromNow = 0;
  return (random) => {
    const name = random.pick(['EXPIREAT', 'PEXPIREAT', 'EXPIRE', 'PEXPIRE']);
    const steps = name.endsWith('AT') ? random.below(100) : (fromNow++ * 37) % 5000;
    const seconds = steps * 100 + (name.endsWith('AT') ? baseS : 10_050);
    const time = String(name.startsWith('P') ? seconds * 1000 : seconds);
    return [name, keyOf(random), random.oneIn(6) ? random.pick(TIMES) : time, ...some(random, OPTIONS, 2)];
  };
}

/** Over GENERIC_KEYS in four databases. */
export function genericGenerators(): Generator[] {
  const set: Generator = (random) => ['SET', keyOf(random), random.pick(VALUES)];
  const expire = expireGenerator();
  const copy: Generator = (random) => [
    'COPY',
    keyOf(random),
    keyOf(random),
    'DB',
    random.pick(DATABASES),
    ...some(random, ['REPLACE'], 1),
  ];
  return [
    set,
    set,
    set,
    set,
    expire,
    expire,
    copy,
    (random) => [random.pick(MANY_KEYS), ...some(random, GENERIC_KEYS, 3)],
    (random) => [random.pick(ONE_KEY), keyOf(random)],
    (random) => [random.pick(ONE_KEY), keyOf(random)],
    (random) => [random.pick(['RENAME', 'RENAMENX']), keyOf(random), keyOf(random)],
    (random) => ['COPY', keyOf(random), keyOf(random), ...some(random, OPTIONS, 3)],
    (random) => ['MOVE', keyOf(random), random.pick(DATABASES)],
    (random) => ['OBJECT', random.pick(OBJECT_WORDS), ...some(random, GENERIC_KEYS, 1)],
    (random) => ['KEYS', random.pick(PATTERNS)],
    (random) => ['SCAN', random.pick(CURSORS), 'COUNT', '1000', ...some(random, SCAN_WORDS, 4)],
    (random) => ['SWAPDB', random.pick(DATABASES), random.pick(DATABASES)],
    (random) => ['SELECT', random.pick(['0', '1', '2', '3'])],
    (random) => [
      random.oneIn(20) ? random.pick(['FLUSHDB', 'FLUSHALL']) : 'DBSIZE',
      ...some(random, OPTIONS, 1),
    ],
    (random) => [random.pick(TOO_SHORT)],
  ];
}

/** What redis-server 7.0 gives for DUMP, of small values that are the same bytes here; then payloads that are damaged. */
const PAYLOADS = [
  '0001760a009108ceb219388ace',
  '00c139300a009d94ea2793fc08b9',
  '00c30a405002616261e042010161620a00949d5f0eb1dea445',
  '1012120000000400816602817602816e020c01ff0a0001369481d35b8974',
  '1114140000000400816102010181620283322e3504ff0a00d44c6ea4f644d9d7',
  '0b1404000000030000000100000002000000701101000a0085d5c1065b1dd055',
  '0001760a009108ceb219388acf',
  '0001760b009108ceb219388ace',
  '0001',
  '',
].map((digits) => Buffer.from(digits, 'hex'));
const RESTORE_OPTIONS = ['REPLACE', 'replace', 'IDLETIME', 'FREQ', '5', '300', '-1', 'x', 'foo'];

/** DUMP and RESTORE over GENERIC_KEYS. */
export function dumpGenerators(): Generator[] {
  const restore: Generator = (random) => [
    random.oneIn(4) ? 'RESTORE-ASKING' : 'RESTORE',
    keyOf(random),
    random.oneIn(3)
      ? random.pick(['-1', 'x', '', '1.5', '9223372036854775808'])
      : random.pick(['0', '5000000']),
    random.pick(PAYLOADS),
    ...(random.oneIn(2) ? ['REPLACE'] : some(random, RESTORE_OPTIONS, 3)),
  ];
  return [
    restore,
    restore,
    (random) => [
      'RESTORE',
      keyOf(random),
      random.pick(['0', '1', '33177117420000']),
      random.pick(PAYLOADS),
      'ABSTTL',
      ...some(random, ['REPLACE'], 1),
    ],
    (random) => ['DUMP', keyOf(random)],
    (random) => ['DUMP', keyOf(random), ...some(random, ['x'], 1)],
  ];
}

/** KEYS and SCAN owe no order. (Every SCAN here asks for more keys than there are, so it ends.) */
export function isSameListing(command: Command, ours: string, theirs: string): boolean {
  if (command[0] !== 'KEYS' && command[0] !== 'SCAN') return false;
  if (ours.startsWith('-') || theirs.startsWith('-')) return false;
  return sortedLines(ours) === sortedLines(theirs);
}

function sortedLines(reply: string): string {
  return reply
    .slice(0, -2)
    .split(/\r\n(?=[$*])/)
    .toSorted()
    .join('|');
}
