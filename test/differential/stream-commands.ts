/** Random commands about streams, on few keys and with few ids, groups and consumers. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const KEYS = ['a', 'b', 'c', 'string', 'missing'] as const;
const GROUPS = ['g', 'h', 'none'] as const;
const CONSUMERS = ['alice', 'bob', 'eve'] as const;
const MAX = '18446744073709551615';

const key = (random: Random): string => (random.oneIn(12) ? random.pick(KEYS) : random.pick(['a', 'b', 'c']));
const group = (random: Random): string => (random.oneIn(15) ? random.pick(GROUPS) : random.pick(['g', 'h']));
const consumer = (random: Random): string => random.pick(CONSUMERS);

/** An id that may exist. */
function id(random: Random): string {
  if (random.oneIn(40)) {
    return random.pick([
      '',
      '-',
      '+',
      'x',
      '1-',
      '-1',
      '1-x',
      '5-*',
      '0-0',
      `${MAX}-${MAX}`,
      MAX,
      '007-01',
      '99999999999999999999',
    ]);
  }
  const ms = random.between(1, 60);
  return random.oneIn(3) ? `${ms}` : `${ms}-${random.below(4)}`;
}

function ids(random: Random): string[] {
  return Array.from({ length: random.between(1, 4) }, () => id(random));
}

/** The id of a new entry: mostly above all others. */
let lastMs = 1;
function newId(random: Random): string {
  if (random.oneIn(15)) return id(random);
  if (random.oneIn(60)) return `${2 ** 40}-${2 ** 45}`;
  if (random.oneIn(3)) lastMs += random.below(2);
  if (lastMs > 60) lastMs = 1;
  return random.oneIn(2) ? `${lastMs}-*` : `${lastMs}-${random.below(6)}`;
}

function fields(random: Random): Argument[] {
  const value = (): Argument =>
    random.oneIn(3)
      ? random.pick([0, -1, 127, 128, 5000, '9223372036854775807', -40000, '1e3', '007', ''])
      : 'v'.repeat(random.below(random.oneIn(10) ? 300 : 12));
  const names = random.pick([['f'], ['f', 'g'], ['f', 'g'], ['g', 'f'], ['1', '2', '3']]);
  return names.flatMap((name) => [name, value()]);
}

function trim(random: Random): Argument[] {
  const sign = random.pick([[], ['='], ['~'], ['~']]);
  const limit = sign[0] === '~' && random.oneIn(2) ? ['LIMIT', random.pick([0, 1, 3, 5, 10, -1])] : [];
  const extra = random.oneIn(30) ? ['LIMIT', 5] : limit;
  if (random.oneIn(3)) return ['MINID', ...sign, id(random), ...extra];
  return ['MAXLEN', ...sign, random.pick([0, 1, 3, 5, 8, 12, 20, 'x', -1]), ...extra];
}

function interval(random: Random, isStart: boolean): string {
  if (random.oneIn(3)) return isStart ? '-' : '+';
  return random.oneIn(5) ? `(${id(random)}` : id(random);
}

const countOption = (random: Random): Argument[] =>
  random.oneIn(2) ? [] : ['COUNT', random.pick([0, 1, 2, 3, 5, 100, -1, 'x'])];

const MIN_IDLES = [0, 0, 0, 50_000, 1_000_000, -1, 'x'] as const;

const add: Generator = (random) => [
  'XADD',
  key(random),
  ...(random.oneIn(20) ? ['NOMKSTREAM'] : []),
  ...(random.oneIn(4) ? trim(random) : []),
  newId(random),
  ...fields(random),
  ...(random.oneIn(50) ? ['odd'] : []),
];

function streams(random: Random, special: string): Argument[] {
  const keys = Array.from({ length: random.pick([1, 1, 2]) }, () => key(random));
  const from = keys.map(() =>
    random.oneIn(2) ? special : random.oneIn(30) ? random.pick(['$', '>']) : id(random),
  );
  return ['STREAMS', ...keys, ...from, ...(random.oneIn(60) ? ['more'] : [])];
}

const readGroup: Generator = (random) => [
  'XREADGROUP',
  'GROUP',
  group(random),
  consumer(random),
  ...countOption(random),
  ...(random.oneIn(6) ? ['NOACK'] : []),
  ...streams(random, '>'),
];

function claimOptions(random: Random): Argument[] {
  const options: Argument[] = [];
  if (random.oneIn(3)) options.push('IDLE', random.pick([0, 60_000, 2_000_000, 'x', -5]));
  if (random.oneIn(8)) options.push('TIME', random.pick([0, 1000, '99999999999999', 'x']));
  if (random.oneIn(5)) options.push('RETRYCOUNT', random.pick([0, 7, -1, 'x']));
  if (random.oneIn(3)) options.push('FORCE');
  if (random.oneIn(4)) options.push('JUSTID');
  if (random.oneIn(10)) options.push('LASTID', id(random));
  if (random.oneIn(40)) options.push('NONSENSE');
  return options;
}

const claim: Generator = (random) => [
  'XCLAIM',
  key(random),
  group(random),
  consumer(random),
  random.pick(MIN_IDLES),
  ...ids(random),
  ...claimOptions(random),
];

function pending(random: Random): Command {
  const head = ['XPENDING', key(random), group(random)];
  if (random.oneIn(3)) return head;
  const idle = random.oneIn(3) ? ['IDLE', random.pick([0, 50_000, 'x'])] : [];
  const range = [interval(random, true), interval(random, false), random.pick([0, 1, 5, 100, -1, 'x'])];
  return [...head, ...idle, ...range, ...(random.oneIn(3) ? [consumer(random)] : [])];
}

const groupOptions = (random: Random): Argument[] =>
  random.oneIn(3) ? ['ENTRIESREAD', random.pick([0, 1, 5, -1, -2, 'x'])] : [];

export const STREAM_GENERATORS: readonly Generator[] = [
  add,
  add,
  add,
  add,
  add,
  readGroup,
  readGroup,
  readGroup,
  claim,
  claim,
  pending,
  (random) => ['XLEN', key(random)],
  (random) => [
    'XRANGE',
    key(random),
    interval(random, true),
    interval(random, false),
    ...countOption(random),
  ],
  (random) => [
    'XREVRANGE',
    key(random),
    interval(random, false),
    interval(random, true),
    ...countOption(random),
  ],
  (random) => ['XDEL', key(random), ...ids(random)],
  (random) => ['XTRIM', key(random), ...trim(random), ...(random.oneIn(30) ? trim(random) : [])],
  (random) => ['XREAD', ...countOption(random), ...streams(random, random.pick(['0', '$']))],
  (random) => ['XACK', key(random), group(random), ...ids(random)],
  (random) => ['XACK', key(random), group(random), ...ids(random)],
  (random) => [
    'XAUTOCLAIM',
    key(random),
    group(random),
    consumer(random),
    random.pick(MIN_IDLES),
    interval(random, true),
    ...(random.oneIn(3) ? ['COUNT', random.pick([1, 2, 5, 0, 'x'])] : []),
    ...(random.oneIn(4) ? ['JUSTID'] : []),
  ],
  (random) => [
    'XGROUP',
    'CREATE',
    key(random),
    random.pick(['g', 'h']),
    random.pick(['$', '0', id(random)]),
    ...(random.oneIn(2) ? ['MKSTREAM'] : []),
    ...groupOptions(random),
  ],
  (random) => [
    'XGROUP',
    'SETID',
    key(random),
    group(random),
    random.pick(['$', '0', id(random)]),
    ...groupOptions(random),
  ],
  (random) =>
    random.oneIn(4) ? ['XGROUP', 'DESTROY', key(random), group(random)] : ['XINFO', 'GROUPS', key(random)],
  (random) => ['XGROUP', 'CREATECONSUMER', key(random), group(random), consumer(random)],
  (random) => ['XGROUP', 'DELCONSUMER', key(random), group(random), consumer(random)],
  (random) => ['XINFO', 'STREAM', key(random)],
  (random) => [
    'XINFO',
    'STREAM',
    key(random),
    'FULL',
    ...(random.oneIn(3) ? ['COUNT', random.pick([0, 1, -1, 'x'])] : []),
  ],
  (random) => ['XINFO', 'GROUPS', key(random)],
  (random) => ['XINFO', 'CONSUMERS', key(random), group(random)],
  (random) => [
    'XSETID',
    key(random),
    id(random),
    ...(random.oneIn(3) ? ['ENTRIESADDED', random.pick([0, 5, 30, -1, 'x'])] : []),
    ...(random.oneIn(3) ? ['MAXDELETEDID', id(random)] : []),
  ],
  (random) => {
    if (random.oneIn(3)) return ['DEL', key(random)];
    return random.pick([
      ['COPY', key(random), key(random), 'REPLACE'],
      ['RENAME', key(random), key(random)],
      ['TYPE', key(random)],
      ['OBJECT', 'ENCODING', key(random)],
      ['SET', 'string', 'text'],
    ]);
  },
  (random) =>
    random.pick<Command>([
      ['XADD', key(random)],
      ['XGROUP', 'SETID', key(random), 'g', '0', 'more'],
      ['XGROUP', 'CREATE', key(random), 'g', '0', 'more'],
      ['XGROUP', 'HELP'],
      ['XINFO', 'HELP'],
      ['XINFO', 'STREAM', key(random), 'more'],
      ['XREAD', 'GROUP', 'g', 'c', 'STREAMS', 'a', '0'],
      ['XREAD', 'NOACK', 'STREAMS', 'a', '0'],
      ['XREAD', 'COUNT', '1'],
      ['XREAD', 'BLOCK', '-1', 'STREAMS', 'a', '0'],
      ['XREAD', 'BLOCK', 'x', 'STREAMS', 'a', '0'],
      ['XREADGROUP', 'COUNT', '1', 'STREAMS', 'a', 'b', '0', '0'],
      ['XREADGROUP', 'COUNT', '1', 'GROUP', 'g', 'streams', 'STREAMS', 'a', '>'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'BLOCK', '0', 'STREAMS', 'a', '0'],
    ]),
];

/** Whether replies are the same but for what clocks and trees of nodes make different. */
export function isSameStream(command: Command, ours: string, theirs: string): boolean {
  const name = String(command[0]);
  // Redis 7.4 and we know `+` as the last entry.
  if (name === 'XREAD' && command.includes('+')) return theirs.startsWith('-ERR Invalid stream ID');
  if (name === 'XPENDING') return maskPending(ours) === maskPending(theirs);
  if (name !== 'XINFO') return false;
  return maskInfo(withoutNacked(ours)) === maskInfo(theirs);
}

function maskPending(reply: string): string {
  return reply.replace(/(\*4\r\n\$\d+\r\n\d+-\d+\r\n\$\d+\r\n\w+\r\n):\d+/g, (_, head) => `${head}:idle`);
}

function maskInfo(reply: string): string {
  return (
    reply
      .replace(/(idle\r\n):\d+/g, (_, head) => `${head}:idle`)
      .replace(/(radix-tree-nodes\r\n):\d+/g, (_, head) => `${head}:nodes`)
      // Redis keeps a node whose last entry was trimmed if deleted ones stand behind it: we do not.
      .replace(/(length\r\n:0\r\n\$15\r\nradix-tree-keys\r\n):\d+/g, (_, head) => `${head}:keys`)
      .replace(/:\d{12,}\r\n/g, ':time\r\n')
  );
}

/** A reply of XINFO STREAM FULL without what only Redis 8.8 and we tell of groups. */
export function withoutNacked(reply: string): string {
  return reply
    .replace(/\$12\r\nnacked-count\r\n:\d+\r\n/g, '')
    .replace(/\*16(\r\n\$4\r\nname\r\n)/g, (_, rest) => `*14${rest}`)
    .replace(/%8(\r\n\$4\r\nname\r\n)/g, (_, rest) => `%7${rest}`);
}
