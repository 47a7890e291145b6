/** Requests about streams, bitmaps, places and HyperLogLogs, one key of each. What they need there is put by types.ts. */

import { bulk, request, type Request } from './request-text.ts';

export const STREAM_KEY = 'stream';
export const GROUP = 'workers';
/** Ids of entries are these and more, so that all have ten digits. */
export const ID_FIRST = 1_000_000_000;
/** An entry is acknowledged so many reads after it was given out: more than are ever under way at once. */
export const ACK_LAG = 1000;
export const GEO_KEY = 'places';
/** Places lie in a square of so many degrees, from the equator and the meridian of Greenwich on. */
export const GEO_DEGREES = 10;
/** Digits of the number of a place. */
const GEO_DIGITS = 7;
export const BITMAP_BYTES = 16 << 20;
export const BITMAP_KEYS = ['bits:a', 'bits:b'] as const;
const SMALL_BITS_KEY = 'bits:small';

const READ_COUNT = 10;
const NEAREST_COUNT = 10;

export type TypeCommand = keyof typeof typeRequests;

const INTEGER = { reply: null, replyStart: ':', replyLines: 1 } as const;
const BULK = { reply: null, replyStart: '$', replyLines: 2 } as const;
const ID = '<new10>-0';
const NUMBER = '<new6>';

/** What is told of an entry that `fillStream` of types.ts has made. */
export const entryFields = (number: string): string[] => ['sensor', number, 'value', '123456'];
export const entryReply = `*2\r\n${bulk(`${ID_FIRST}-0`)}*4\r\n${entryFields('000000').map(bulk).join('')}`;
const streamReply = (count: number): string =>
  `*1\r\n*2\r\n${bulk(STREAM_KEY)}*${count}\r\n${entryReply.repeat(count)}`;
/** The last digit is the whole part, for a number goes into a place by its last digits. */
const place = '<new1>.<same6>';
const member = 'place:1234567';

function search(...shape: readonly string[]): string {
  return request('GEOSEARCH', GEO_KEY, 'FROMLONLAT', place, place, ...shape);
}

export const typeRequests = {
  xadd: () => ({ text: request('XADD', STREAM_KEY, '*', ...entryFields(NUMBER)), ...BULK }),
  xaddCapped: () => ({
    text: request('XADD', STREAM_KEY, 'MAXLEN', '~', '10000', '*', ...entryFields(NUMBER)),
    ...BULK,
  }),
  xread: () => ({
    text: request('XREAD', 'COUNT', `${READ_COUNT}`, 'STREAMS', STREAM_KEY, ID),
    reply: streamReply(READ_COUNT),
  }),
  xrange: () => ({
    text: request('XRANGE', STREAM_KEY, ID, '+', 'COUNT', `${READ_COUNT}`),
    reply: streamReply(READ_COUNT).slice(`*1\r\n*2\r\n${bulk(STREAM_KEY)}`.length),
  }),
  xreadgroupXack: () => ({
    text:
      request('XREADGROUP', 'GROUP', GROUP, 'worker', 'COUNT', '1', 'STREAMS', STREAM_KEY, '>') +
      request('XACK', STREAM_KEY, GROUP, ID),
    reply: `${streamReply(1)}:1\r\n`,
  }),
  geoadd: () => ({
    text: request('GEOADD', GEO_KEY, place, place, `place:<new${GEO_DIGITS}>`),
    ...INTEGER,
  }),
  geosearchCircle: () => ({
    text: search('BYRADIUS', '10', 'km', 'ASC', 'COUNT', `${NEAREST_COUNT}`),
    reply: `*${NEAREST_COUNT}\r\n${bulk(member).repeat(NEAREST_COUNT)}`,
  }),
  geosearchBox: () => ({
    text: search('BYBOX', '20', '20', 'km', 'ASC', 'COUNT', `${NEAREST_COUNT}`),
    reply: `*${NEAREST_COUNT}\r\n${bulk(member).repeat(NEAREST_COUNT)}`,
  }),
  geosearchAny: () => ({
    text: search('BYRADIUS', '10', 'km', 'COUNT', `${NEAREST_COUNT}`, 'ANY', 'WITHCOORD', 'WITHDIST'),
    reply: null,
    replyStart: '*',
    // The array, and of each place an array, member, distance, coordinates.
    replyLines: 1 + NEAREST_COUNT * (1 + 2 + 2 + 1 + 4),
  }),
  pfaddDense: () => ({ text: request('PFADD', 'unique', 'visitor:<new12>'), ...INTEGER }),
  pfaddSparse: () => ({ text: request('PFADD', 'unique:<new3>', 'visitor:<new3>'), ...INTEGER }),
  pfcountCached: () => ({ text: request('PFCOUNT', 'unique'), ...INTEGER }),
  pfcountStale: () => ({
    text: request('PFADD', 'unique:stale', 'visitor:<new12>') + request('PFCOUNT', 'unique:stale'),
    reply: null,
    replyStart: ':',
    replyLines: 2,
  }),
  pfcountUnion: () => ({ text: request('PFCOUNT', 'unique', 'unique:stale'), ...INTEGER }),
  bitcount: () => ({ text: request('BITCOUNT', BITMAP_KEYS[0]), ...INTEGER }),
  bitopAnd: () => ({ text: request('BITOP', 'AND', 'bits:result', ...BITMAP_KEYS), ...INTEGER }),
  bitopXor: () => ({ text: request('BITOP', 'XOR', 'bits:result', ...BITMAP_KEYS), ...INTEGER }),
  bitopNot: () => ({ text: request('BITOP', 'NOT', 'bits:result', BITMAP_KEYS[0]), ...INTEGER }),
  setbit: () => ({ text: request('SETBIT', SMALL_BITS_KEY, NUMBER, '1'), ...INTEGER }),
  getbit: () => ({ text: request('GETBIT', SMALL_BITS_KEY, NUMBER), ...INTEGER }),
  bitfield: () => ({
    text: request('BITFIELD', SMALL_BITS_KEY, 'INCRBY', 'u16', `#<new5>`, '1', 'GET', 'u8', '#<new5>'),
    reply: null,
    replyStart: '*',
    replyLines: 3,
  }),
} satisfies Record<string, () => Request>;
