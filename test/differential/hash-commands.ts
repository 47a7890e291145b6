/** Random commands of the hash family, as far as Redis 7.0 has it. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const INTEGERS = [
  '0',
  '1',
  '-1',
  '127',
  '128',
  '-4096',
  '4096',
  '32768',
  '8388608',
  '-8388609',
  '2147483648',
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
  '\0',
  'a\0b',
  'x'.repeat(12),
  'y'.repeat(13),
  'x'.repeat(63),
  'y'.repeat(64),
  'z'.repeat(65),
];
const FIELDS = ['', 'a', 'b', '1', '12345', '-7', '01', 'поле', '\0\r\n', 'f'.repeat(12), 'f'.repeat(13)];
const LONG_FIELDS = ['g'.repeat(64), 'g'.repeat(65), 'g'.repeat(300)];
const PATTERNS = ['*', 'f*', '[ab]', '?', 'f1?', '**', '', '*\0*'];
const COUNTS = ['-1', 'x', '', '9223372036854775807', '-9223372036854775808', '-9223372036854775807'];
const ONE_KEY = ['HGETALL', 'HKEYS', 'HVALS', 'HLEN', 'TYPE', 'EXISTS'];
const ONE_FIELD = ['HGET', 'HEXISTS', 'HSTRLEN'];
const TOO_SHORT = [
  'HSET',
  'HMSET',
  'HSETNX',
  'HGET',
  'HMGET',
  'HDEL',
  'HINCRBY',
  'HSCAN',
  'HLEN',
  'HRANDFIELD',
];

const anyKey = (random: Random): string =>
  random.oneIn(25) ? random.pick(['string', 'list']) : `h${random.below(6)}`;

function field(random: Random): Argument {
  if (random.oneIn(60)) return random.pick(LONG_FIELDS);
  return random.oneIn(3) ? random.pick(FIELDS) : `f${random.below(40)}`;
}

function value(random: Random): Argument {
  switch (random.below(12)) {
    case 0:
      return random.pick(TEXTS);
    case 1:
      return random.pick(FLOATS);
    case 2:
      return random.pick(INTEGERS);
    case 3:
      return Buffer.from(Array.from({ length: random.below(60) }, () => random.below(256)));
    case 4:
      return random.oneIn(10) ? 'abcdefgh'.repeat(random.below(200)) : 'v';
    default:
      return String(random.between(-300, 70_000));
  }
}

const word = (random: Random, text: string): string => (random.oneIn(3) ? text.toLowerCase() : text);

function fields(random: Random): Argument[] {
  const args: Argument[] = [];
  do args.push(field(random));
  while (!random.oneIn(3));
  return args;
}

function pairs(random: Random): Argument[] {
  const args: Argument[] = [];
  do args.push(field(random), value(random));
  while (!random.oneIn(3));
  if (random.oneIn(25)) args.push(field(random));
  return args;
}

const increment = (random: Random): string =>
  random.oneIn(4) ? random.pick(INTEGERS) : String(random.between(-300, 300));

function randomField(random: Random): Command {
  // Counts far above the number of fields, so that the reply is known; otherwise its shape is compared.
  const count = random.oneIn(4) ? '1000' : random.oneIn(6) ? random.pick(COUNTS) : random.between(-4, 4);
  const withValues = random.oneIn(2) ? [word(random, 'WITHVALUES')] : random.oneIn(15) ? ['foo'] : [];
  if (random.oneIn(4)) return ['HRANDFIELD', anyKey(random)];
  // Redis would reply to these for years, or until it has no memory left.
  if (String(count).startsWith('-92') && withValues.length === 0) {
    return ['HRANDFIELD', anyKey(random), '-9223372036854775808'];
  }
  if (random.oneIn(20)) return ['HRANDFIELD', anyKey(random), count, ...withValues, 'bar'];
  return ['HRANDFIELD', anyKey(random), count, ...withValues];
}

function scan(random: Random): Command {
  const options: Argument[] = [];
  if (random.oneIn(2)) options.push(word(random, 'MATCH'), random.pick(PATTERNS));
  if (random.oneIn(12)) options.push(random.pick(['COUNT', 'TYPE', 'MATCH', 'foo', '0', 'hash']));
  const cursor = random.oneIn(12) ? random.pick(['x', '-', '', '18446744073709551616', '00']) : '0';
  return ['HSCAN', anyKey(random), cursor, word(random, 'COUNT'), '100000', ...options];
}

/** Over the keys h0 to h5, and two that hold something else. */
export const HASH_GENERATORS: readonly Generator[] = [
  (random) => ['HSET', anyKey(random), ...pairs(random)],
  (random) => ['HSET', anyKey(random), ...pairs(random)],
  (random) => ['HSET', anyKey(random), field(random), value(random)],
  (random) => ['HMSET', anyKey(random), ...pairs(random)],
  (random) => ['HSETNX', anyKey(random), field(random), value(random)],
  (random) => [random.pick(ONE_FIELD), anyKey(random), field(random)],
  (random) => [random.pick(ONE_FIELD), anyKey(random), field(random)],
  (random) => ['HMGET', anyKey(random), ...fields(random)],
  (random) => [random.pick(ONE_KEY), anyKey(random)],
  (random) => [random.pick(ONE_KEY), anyKey(random)],
  (random) => ['HDEL', anyKey(random), ...fields(random)],
  (random) => ['HDEL', anyKey(random), ...fields(random)],
  (random) => ['HINCRBY', anyKey(random), field(random), increment(random)],
  (random) => [
    'HINCRBYFLOAT',
    anyKey(random),
    field(random),
    random.oneIn(2) ? random.pick(FLOATS) : increment(random),
  ],
  randomField,
  scan,
  (random) => ['OBJECT', 'ENCODING', anyKey(random)],
  (random) => [random.oneIn(3) ? 'DEL' : 'EXISTS', `h${random.below(6)}`],
  (random) => ['COPY', anyKey(random), `h${random.below(6)}`, ...(random.oneIn(2) ? ['REPLACE'] : [])],
  (random) => [random.pick(['RENAME', 'RENAMENX']), `h${random.below(6)}`, `h${random.below(6)}`],
  (random) => [random.pick(TOO_SHORT), ...(random.oneIn(2) ? [anyKey(random)] : [])],
];

/** A table owes no order, and a draw at random only the shape of its reply. */
export function isSameHash(command: Command, ours: string, theirs: string): boolean {
  if (ours.startsWith('-') || theirs.startsWith('-')) return false;
  switch (command[0]) {
    case 'HGETALL':
      return sortedEntries(ours, 2) === sortedEntries(theirs, 2);
    case 'HKEYS':
    case 'HVALS':
      return sortedEntries(ours, 1) === sortedEntries(theirs, 1);
    case 'HSCAN':
      return sortedEntries(afterCursor(ours), 2) === sortedEntries(afterCursor(theirs), 2);
    case 'HRANDFIELD':
      return isSameDraw(command, ours, theirs);
    default:
      return false;
  }
}

function isSameDraw(command: Command, ours: string, theirs: string): boolean {
  if (command[2] !== '1000')
    return ours.split('\r\n')[0]![0] === theirs[0] && sizeOf(ours) === sizeOf(theirs);
  return (
    sortedEntries(ours, command.length > 3 ? 2 : 1) === sortedEntries(theirs, command.length > 3 ? 2 : 1)
  );
}

/** The number in the head of an array; of anything else nothing. */
function sizeOf(reply: string): string {
  return reply.startsWith('*') ? reply.slice(0, reply.indexOf('\r\n')) : '';
}

/** What follows the cursor in the reply of HSCAN, if that is 0. */
function afterCursor(reply: string): string {
  const head = '*2\r\n$1\r\n0\r\n';
  return reply.startsWith(head) ? reply.slice(head.length) : reply;
}

/** The elements of a flat reply, by ones or by pairs, in a definite order. */
function sortedEntries(reply: string, size: number): string {
  const texts: string[] = [];
  let at = reply.indexOf('\r\n') + 2;
  const head = reply.slice(0, at);
  while (at < reply.length) {
    const lineEnd = reply.indexOf('\r\n', at) + 2;
    const end = reply[at] === '$' ? lineEnd + Number(reply.slice(at + 1, lineEnd - 2)) + 2 : lineEnd;
    // RESP3 wraps pairs that were drawn into arrays of their own.
    if (reply[at] === '$') texts.push(reply.slice(lineEnd, end));
    at = end;
  }
  const entries: string[] = [];
  for (let i = 0; i < texts.length; i += size) entries.push(JSON.stringify(texts.slice(i, i + size)));
  return head + entries.toSorted().join(' ');
}
