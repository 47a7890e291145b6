/** Types and values by hand, one of each form that was ever written, and what they must be when they have been loaded. */
import { bytes, f64, intset, listpack, rawId, text, u64, ziplist, zipmap } from './rdb-bytes.ts';
import type { Command } from './differential.ts';

export interface Body {
  readonly name: string;
  readonly body: Buffer;
  readonly command: Command;
  readonly reply: readonly string[];
}

/** Later than any clock. */
const LATER_MS = 33177117420000;

const all = (name: string, body: Buffer, command: Command, ...reply: string[]): Body => ({
  name,
  body,
  command,
  reply,
});
const list = (name: string, body: Buffer, ...reply: string[]): Body =>
  all(name, body, ['LRANGE', 'k', 0, -1], ...reply);
const set = (name: string, body: Buffer, ...reply: string[]): Body =>
  all(name, body, ['SORT', 'k', 'ALPHA'], ...reply);
const hash = (name: string, body: Buffer, ...reply: string[]): Body =>
  all(name, body, ['HGETALL', 'k'], ...reply);
const sorted = (name: string, body: Buffer, ...reply: string[]): Body =>
  all(name, body, ['ZRANGE', 'k', 0, -1, 'WITHSCORES'], ...reply);
const timed = (name: string, body: Buffer, ...reply: string[]): Body =>
  all(name, body, ['HPEXPIRETIME', 'k', 'FIELDS', 2, 'f', 'g'], ...reply);
const stream = (name: string, body: Buffer): Body =>
  all(name, body, ['XRANGE', 'k', '-', '+'], '5-1', 'a', 'b', '6-7', 'a', '12');

const MIXED = ['a', '', -1, 12, 13, -128, 300, -70000, 5000000, 3000000000, -9000000000000] as const;
const MIXED_TEXTS = MIXED.map(String);

/** A node with two live entries, 5-1 and 6-7, and one that is deleted between them. */
const NODE = listpack(2, 1, 1, 'a', 0, 2, 0, 0, 'b', 4, 3, 0, 1, 'x', 4, 2, 1, 6, 12, 4);
const NODES = bytes(1, 16, rawId(5, 1), text(NODE));
const FACTS = bytes(2, 6, 7);
const MORE_FACTS = bytes(FACTS, 5, 1, 5, 2, 3);
/** A group that has read one entry, which its consumer has not acknowledged. */
const group = (read: Buffer, times: number): Buffer =>
  bytes(
    1,
    text('g'),
    5,
    1,
    read,
    1,
    rawId(5, 1),
    u64(1000),
    3,
    1,
    text('c'),
    ...Array.from({ length: times }, () => u64(2000)),
    1,
    rawId(5, 1),
  );

export const BODIES: readonly Body[] = [
  all('string', bytes(0, text('hello')), ['GET', 'k'], 'hello'),
  all('string as an integer of 8 bits', bytes(0, 0xc0, 0x85), ['GET', 'k'], '-123'),
  all('string as an integer of 16 bits', bytes(0, 0xc1, 0x39, 0x30), ['GET', 'k'], '12345'),
  all('string as an integer of 32 bits', bytes(0, 0xc2, 0x15, 0xcd, 0x5b, 0x07), ['GET', 'k'], '123456789'),
  all('compressed string', bytes(0, 0xc3, 5, 12, 0, 'a', 0xe0, 2, 0), ['GET', 'k'], 'a'.repeat(12)),
  all('string with a long length', bytes(0, 0x80, 0, 0, 0, 2, 'ab'), ['GET', 'k'], 'ab'),
  all('string with a longer length', bytes(0, 0x81, 0, 0, 0, 0, 0, 0, 0, 2, 'ab'), ['GET', 'k'], 'ab'),
  list('list', bytes(1, 3, text('a'), 0xc0, 7, text('')), 'a', '7', ''),
  set('set', bytes(2, 2, text('b'), text('a')), 'a', 'b'),
  sorted(
    'sorted set with scores as text',
    bytes(
      3,
      5,
      text('a'),
      text('1.5'),
      text('b'),
      254,
      text('c'),
      255,
      text('d'),
      text('-3'),
      text('e'),
      text('1.5'),
    ),
    'c',
    '-inf',
    'd',
    '-3',
    'a',
    '1.5',
    'e',
    '1.5',
    'b',
    'inf',
  ),
  hash('hash', bytes(4, 2, text('f'), text('v'), text('g'), text('w')), 'f', 'v', 'g', 'w'),
  sorted('sorted set', bytes(5, 2, text('b'), f64(2.5), text('a'), f64(-1)), 'a', '-1', 'b', '2.5'),
  hash('zipmap', bytes(9, text(zipmap(0, 'f', 'v', 'g', ''))), 'f', 'v', 'g', ''),
  hash(
    'zipmap with unused bytes and a long value',
    bytes(9, text(zipmap(3, 'f', 'v'.repeat(300)))),
    'f',
    'v'.repeat(300),
  ),
  list('ziplist', bytes(10, text(ziplist(...MIXED))), ...MIXED_TEXTS),
  list(
    'ziplist with long entries',
    bytes(10, text(ziplist('x'.repeat(300), 'y', 'z'.repeat(100)))),
    'x'.repeat(300),
    'y',
    'z'.repeat(100),
  ),
  set('intset of 16 bits', bytes(11, text(intset(2, -5, 1, 300))), '-5', '1', '300'),
  set('intset of 32 bits', bytes(11, text(intset(4, -70000, 1))), '-70000', '1'),
  set('intset of 64 bits', bytes(11, text(intset(8, 1, 9000000000))), '1', '9000000000'),
  sorted('sorted set in a ziplist', bytes(12, text(ziplist('a', 1, 'b', '2.5'))), 'a', '1', 'b', '2.5'),
  hash('hash in a ziplist', bytes(13, text(ziplist('f', 'v', 7, 8))), 'f', 'v', '7', '8'),
  list('quicklist of ziplists', bytes(14, 2, text(ziplist('a', 1)), text(ziplist('b'))), 'a', '1', 'b'),
  stream('stream', bytes(15, NODES, FACTS, group(Buffer.alloc(0), 1))),
  hash('hash in a listpack', bytes(16, text(listpack('f', 'v', 7, -8))), 'f', 'v', '7', '-8'),
  sorted('sorted set in a listpack', bytes(17, text(listpack('a', 1, 'b', '2.5'))), 'a', '1', 'b', '2.5'),
  sorted(
    'sorted set in a listpack that is out of order',
    bytes(17, text(listpack('b', 2, 'c', 1, 'a', 2))),
    'c',
    '1',
    'a',
    '2',
    'b',
    '2',
  ),
  list(
    'quicklist of listpacks and plain nodes',
    bytes(18, 3, 2, text(listpack('a', 1)), 1, text('plain'), 2, text(listpack(-5))),
    'a',
    '1',
    'plain',
    '-5',
  ),
  stream('stream of version 2', bytes(19, NODES, MORE_FACTS, group(bytes(1), 1))),
  set('set in a listpack', bytes(20, text(listpack('a', 1, 'b'))), '1', 'a', 'b'),
  stream('stream of version 3', bytes(21, NODES, MORE_FACTS, group(bytes(0x81, u64(-1)), 2))),
  timed(
    'hash with times before they were settled',
    bytes(22, 2, 0x81, u64(LATER_MS).reverse(), text('f'), text('v'), 0, text('g'), text('w')),
    `:${LATER_MS}`,
    ':-1',
  ),
  timed(
    'hash in a listpack with times before they were settled',
    bytes(23, text(listpack('f', 'v', LATER_MS, 'g', 'w', 0))),
    `:${LATER_MS}`,
    ':-1',
  ),
  timed(
    'hash with times',
    bytes(24, u64(LATER_MS), 2, 11, text('f'), text('v'), 1, text('g'), text('w')),
    `:${LATER_MS + 10}`,
    `:${LATER_MS}`,
  ),
  timed(
    'hash in a listpack with times',
    bytes(25, u64(LATER_MS), text(listpack('f', 'v', LATER_MS, 'g', 'w', 0))),
    `:${LATER_MS}`,
    ':-1',
  ),
  stream(
    'stream of version 4 without producers',
    bytes(26, NODES, MORE_FACTS, group(bytes(1), 2), 0x40, 100, 0x40, 100, 0, 0, 0),
  ),
  stream(
    'stream of version 5 with nothing given back',
    bytes(27, NODES, MORE_FACTS, group(bytes(1), 2), 0, 0x40, 100, 0x40, 100, 0, 0, 0),
  ),
];

/** Values that must be refused, though every length of them is right. */
export const BAD_BODIES: readonly (readonly [name: string, body: Buffer])[] = [
  ['nothing', bytes()],
  ['an unknown type', bytes(28, text('x'))],
  ['an opcode', bytes(250, text('x'), text('y'))],
  ['a module', bytes(7, 0x81, u64(0), 0)],
  ['a set with a member twice', bytes(2, 2, text('a'), text('a'))],
  ['a hash with a field twice', bytes(4, 2, text('a'), text('1'), text('a'), text('2'))],
  ['a hash in a listpack with a field twice', bytes(16, text(listpack('a', 1, 'a', 2)))],
  ['a hash with a field without a value', bytes(16, text(listpack('a', 1, 'b')))],
  ['a sorted set with a member twice', bytes(17, text(listpack('a', 1, 'a', 2)))],
  ['a sorted set without a score', bytes(17, text(listpack('a')))],
  ['a sorted set with a wrong score', bytes(17, text(listpack('a', 'x')))],
  ['a score that is not a number', bytes(5, 1, text('a'), f64(NaN))],
  ['a score as text that is not a number', bytes(3, 1, text('a'), 253)],
  ['a list without elements', bytes(1, 0)],
  ['a set without members', bytes(11, text(intset(2)))],
  ['a hash without fields', bytes(16, text(listpack()))],
  ['an intset out of order', bytes(11, text(intset(2, 5, 1)))],
  ['an intset with an integer twice', bytes(11, text(intset(2, 1, 1)))],
  ['an intset of a wrong width', bytes(11, text(bytes(3, 0, 0, 0, 1, 0, 0, 0, 1, 2, 3)))],
  ['a listpack with a wrong length in it', bytes(16, text(bytes(11, 0, 0, 0, 2, 0, 1, 2, 1, 1, 255)))],
  ['a listpack with a wrong count', bytes(20, text(bytes(9, 0, 0, 0, 2, 0, 1, 1, 255)))],
  ['a list node of an unknown kind', bytes(18, 1, 3, text('x'))],
  ['a compressed text that claims too much', bytes(0, 0xc3, 1, 0x80, 0x7f, 0xff, 0xff, 0xff, 0)],
  ['a text that claims too much', bytes(0, 0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)],
  ['a set that claims too much', bytes(2, 0x80, 0x7f, 0xff, 0xff, 0xff, text('a'))],
  [
    'a stream whose entries are out of order',
    bytes(15, 1, 16, rawId(5, 1), text(listpack(2, 0, 1, 'a', 0, 2, 0, 0, 1, 4, 2, 0, 0, 2, 4)), 2, 5, 1, 0),
  ],
  ['a stream with another length', bytes(15, NODES, 3, 6, 7, 0)],
  ['a stream whose last id is too small', bytes(15, NODES, 2, 6, 6, 0)],
  ['a group twice', bytes(15, NODES, FACTS, 2, text('g'), 0, 0, 0, 0, text('g'), 0, 0, 0, 0)],
  ['a pending entry of nobody', bytes(15, NODES, FACTS, 1, text('g'), 5, 1, 1, rawId(5, 1), u64(1), 1, 0)],
  [
    'a pending entry that the group has not',
    bytes(15, NODES, FACTS, 1, text('g'), 5, 1, 0, 1, text('c'), u64(1), 1, rawId(5, 1)),
  ],
  ['a stream with producers', bytes(26, NODES, MORE_FACTS, 0, 1, 1, 1, text('p'), 0, 0, 0)],
  [
    'a stream with entries given back',
    bytes(27, NODES, MORE_FACTS, group(bytes(1), 2), 1, rawId(5, 1), 1, 1, 0, 0, 0),
  ],
];
