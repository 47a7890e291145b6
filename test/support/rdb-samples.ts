/** Commands that make a key `k` a value of each type, in every size and shape at which its form changes. */
import type { Command } from './differential.ts';

export interface Sample {
  readonly name: string;
  readonly commands: readonly Command[];
  /** Whether our DUMP is to be the very bytes of redis-server's. */
  readonly isSameBytes: boolean;
}

const words = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const noise = (byteCount: number): string => {
  let state = 1;
  let text = '';
  for (let i = 0; i < byteCount; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    text += String.fromCharCode(33 + ((state >> 16) % 90));
  }
  return text;
};
const sample = (name: string, commands: readonly Command[], isSameBytes = true): Sample => ({
  name,
  commands,
  isSameBytes,
});
const text = (value: string): Sample =>
  sample(`string of ${value.length}: ${value.slice(0, 12)}`, [['SET', 'k', value]]);
const pairs = (count: number): string[] =>
  words(count, 'v').flatMap((word, index) => [String(index / 3), word]);

export const SAMPLES: readonly Sample[] = [
  ...[
    '',
    'a',
    '0',
    '-1',
    '127',
    '128',
    '-129',
    '32768',
    '-32769',
    '2147483647',
    '2147483648',
    '-2147483649',
  ].map(text),
  ...['9223372036854775807', '007', '-0', '+1', '12345678901', 'x'.repeat(20), 'x'.repeat(21)].map(text),
  ...['abc'.repeat(30), noise(63), noise(64), noise(1000), noise(16384), 'abcd'.repeat(5000)].map(text),
  text(noise(300) + noise(300) + 'abc'.repeat(1000) + noise(2000)),
  sample('string that grew', [
    ['APPEND', 'k', '12'],
    ['APPEND', 'k', '3'],
  ]),
  sample('string with an expiry', [['SET', 'k', 'v', 'PXAT', '33177117420000']]),
  sample('list of all kinds of entries', [
    ['RPUSH', 'k', 'a', '', '1', '-1', '5000', '-5000', '40000', '9000000', '3000000000', '99999999999999'],
    ['RPUSH', 'k', 'x'.repeat(63), 'x'.repeat(64), noise(127), noise(128), noise(4096)],
  ]),
  sample('list of one', [['RPUSH', 'k', '7']]),
  sample('list of several nodes', [['RPUSH', 'k', ...words(3000, 'element:')]], false),
  sample('list with a large element', [['RPUSH', 'k', noise(20000), 'a']]),
  sample('set of integers of 16 bits', [['SADD', 'k', '1', '-2', '300']]),
  sample('set of integers of 32 bits', [['SADD', 'k', '1', '70000']]),
  sample('set of integers of 64 bits', [['SADD', 'k', '-1', '99999999999']]),
  sample('set of 512 integers', [['SADD', 'k', ...words(512, '')]]),
  sample('set of 513 integers', [['SADD', 'k', ...words(513, '')]], false),
  sample('set of texts', [['SADD', 'k', 'a', 'b', '12', '']], false),
  sample('set of many texts', [['SADD', 'k', ...words(400, 'm')]], false),
  sample('hash', [['HSET', 'k', 'f', 'v', 'n', '12', '', noise(60), 'e', '']]),
  sample('hash of 512 fields', [['HSET', 'k', ...words(1024, 'm')]]),
  sample('hash of 513 fields', [['HSET', 'k', ...words(1026, 'm')]], false),
  sample('hash with a long value', [['HSET', 'k', 'f', noise(65)]]),
  sample('sorted set', [
    ['ZADD', 'k', '1', 'a', '2.5', 'b', '-3', 'c', 'inf', 'd', '-inf', 'e', '1e20', 'f', '0.1', 'g'],
  ]),
  sample('sorted set of 128', [['ZADD', 'k', ...pairs(128)]]),
  sample('sorted set of 129', [['ZADD', 'k', ...pairs(129)]]),
  sample('sorted set with a long member', [['ZADD', 'k', '1', noise(65), '1', 'b']]),
  sample('stream', [
    ['XADD', 'k', '1-1', 'a', 'b'],
    ['XADD', 'k', '1-5', 'a', '12'],
    ['XADD', 'k', '7-2', 'x', 'y', '1', ''],
    ['XADD', 'k', '8-0', 'a', noise(100)],
    ['XADD', 'k', '18446744073709551614-18446744073709551615', 'a', 'b'],
  ]),
  sample('stream with entries deleted', [
    ...words(6, '').map((_, index): Command => ['XADD', 'k', `${index + 1}-0`, 'a', String(index)]),
    ['XDEL', 'k', '3-0', '6-0'],
    ['XSETID', 'k', '100-3'],
  ]),
  sample(
    'stream of several nodes',
    words(250, '').map((_, index): Command => ['XADD', 'k', `${index + 1}-${index}`, 'f', `v${index}`]),
  ),
  sample('stream without entries', [
    ['XADD', 'k', '1-1', 'a', 'b'],
    ['XTRIM', 'k', 'MAXLEN', '0'],
    ['XGROUP', 'CREATE', 'k', 'g', '$'],
  ]),
  sample(
    'stream with groups',
    [
      ...words(20, '').map((_, index): Command => ['XADD', 'k', `${index + 1}-0`, 'a', String(index)]),
      ['XGROUP', 'CREATE', 'k', 'g', '0', 'ENTRIESREAD', '3'],
      ['XGROUP', 'CREATE', 'k', 'empty', '5-0'],
      ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', '7', 'STREAMS', 'k', '>'],
      ['XREADGROUP', 'GROUP', 'g', 'd', 'COUNT', '2', 'STREAMS', 'k', '>'],
      ['XGROUP', 'CREATECONSUMER', 'k', 'g', 'idle'],
      ['XACK', 'k', 'g', '2-0', '8-0'],
    ],
    // The times at which it was read differ.
    false,
  ),
];
