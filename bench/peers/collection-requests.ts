/** Requests to one large collection, under the key `large`, and to many small hashes. Element number n is `element:n`,
 *  with twelve digits, in lists, sets and sorted sets (there with the score SCORE_FIRST + n), and the name of a field in hashes. */

import { bulk, request, type Request } from './request-text.ts';

export const LARGE_KEY = 'large';
/** A second set. */
export const OTHER_KEY = 'other';
export const ELEMENT_BYTES = 20;
/** Scores have ten digits, so that replies have a fixed size. */
export const SCORE_FIRST = 1_000_000_000;
/** Positions have six digits: numbers must be drawn from 100,000 on. */
export const POSITION_FIRST = 100_000;
/** Elements of a range. */
export const RANGE_COUNT = 100;

export type CollectionCommand =
  | 'rpush'
  | 'lindex'
  | 'lrange'
  | 'sadd'
  | 'saddOther'
  | 'sismember'
  | 'srandmember'
  | 'hset'
  | 'hget'
  | 'hmget'
  | 'zadd'
  | 'zmove'
  | 'zscore'
  | 'zrank'
  | 'zrange'
  | 'smallHash';

const ELEMENT = 'element:<new12>';
const ONE = ':1\r\n';
const SOME_ELEMENT = `element:${'0'.repeat(12)}`;
const RANGE_REPLY = `*${RANGE_COUNT}\r\n${bulk(SOME_ELEMENT).repeat(RANGE_COUNT)}`;
const SMALL_HASH_FIELDS = 10;

export const collectionRequests: Record<CollectionCommand, (value: string) => Request> = {
  rpush: () => ({ text: request('RPUSH', LARGE_KEY, ELEMENT), ...integer }),
  lindex: () => ({ text: request('LINDEX', LARGE_KEY, '<new6>'), reply: bulk(SOME_ELEMENT) }),
  lrange: () => ({
    text: request('LRANGE', LARGE_KEY, '<new6>', `<same6+${RANGE_COUNT - 1}>`),
    reply: RANGE_REPLY,
  }),
  sadd: () => ({ text: request('SADD', LARGE_KEY, ELEMENT), reply: ONE }),
  saddOther: () => ({ text: request('SADD', OTHER_KEY, ELEMENT), reply: ONE }),
  sismember: () => ({ text: request('SISMEMBER', LARGE_KEY, ELEMENT), reply: ONE }),
  srandmember: () => ({ text: request('SRANDMEMBER', LARGE_KEY, `${RANGE_COUNT}`), reply: RANGE_REPLY }),
  hset: (value) => ({ text: request('HSET', LARGE_KEY, ELEMENT, value), reply: ONE }),
  hget: (value) => ({ text: request('HGET', LARGE_KEY, ELEMENT), reply: bulk(value) }),
  hmget: (value) => ({
    text: request('HMGET', LARGE_KEY, ...Array.from({ length: RANGE_COUNT }, () => ELEMENT)),
    reply: `*${RANGE_COUNT}\r\n${bulk(value).repeat(RANGE_COUNT)}`,
  }),
  zadd: () => ({
    text: request('ZADD', LARGE_KEY, `<new10+${SCORE_FIRST}>`, 'element:<same12>'),
    reply: ONE,
  }),
  zmove: () => ({ text: request('ZADD', LARGE_KEY, `<new10+${SCORE_FIRST}>`, ELEMENT), reply: ':0\r\n' }),
  zscore: () => ({ text: request('ZSCORE', LARGE_KEY, ELEMENT), reply: bulk(`${SCORE_FIRST}`) }),
  zrank: () => ({ text: request('ZRANK', LARGE_KEY, ELEMENT), ...integer }),
  zrange: () => ({
    text: request('ZRANGE', LARGE_KEY, '<new6>', `<same6+${RANGE_COUNT - 1}>`),
    reply: RANGE_REPLY,
  }),
  smallHash: (value) => {
    const fields = Array.from({ length: SMALL_HASH_FIELDS }, (_, i) => [`field:${i}`, value]).flat();
    return { text: request('HSET', 'hash:<new12>', ...fields), reply: `:${SMALL_HASH_FIELDS}\r\n` };
  },
};

/** An integer of any size. */
const integer = { reply: null, replyStart: ':', replyLines: 1 } as const;
