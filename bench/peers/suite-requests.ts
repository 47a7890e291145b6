/** The requests of redis-benchmark's tests of collections, under the keys it uses. With numbers drawn from one they are what
 *  it sends by default, with more what it sends with -r. */

import { bulk, request, type Request } from './request-text.ts';

const VALUE = 'VXK';
const ELEMENT = 'element:<new12>';
const INTEGER = { reply: null, replyStart: ':', replyLines: 1 } as const;
const SCORE_FIRST = 1_000_000_000;
const PAIRS = 10;

export const LRANGE_COUNTS = [100, 300, 500, 600] as const;

export type SuiteCommand =
  | 'lpushMylist'
  | 'rpushMylist'
  | 'lpopMylist'
  | 'rpopMylist'
  | 'saddMyset'
  | 'hsetMyhash'
  | 'spopMyset'
  | 'zaddMyzset'
  | 'zfillMyzset'
  | 'zpopminMyzset'
  | `lrange${(typeof LRANGE_COUNTS)[number]}Mylist`
  | 'msetTen';

const pop = (command: string): Request => ({ text: request(command, 'mylist'), reply: bulk(VALUE) });

function lrange(count: number): Request {
  return {
    text: request('LRANGE', 'mylist', '0', `${count - 1}`),
    reply: `*${count}\r\n${bulk(VALUE).repeat(count)}`,
  };
}

export const suiteRequests: Record<SuiteCommand, () => Request> = {
  lpushMylist: () => ({ text: request('LPUSH', 'mylist', VALUE), ...INTEGER }),
  rpushMylist: () => ({ text: request('RPUSH', 'mylist', VALUE), ...INTEGER }),
  lpopMylist: () => pop('LPOP'),
  rpopMylist: () => pop('RPOP'),
  saddMyset: () => ({ text: request('SADD', 'myset', ELEMENT), ...INTEGER }),
  hsetMyhash: () => ({ text: request('HSET', 'myhash', ELEMENT, VALUE), ...INTEGER }),
  spopMyset: () => ({ text: request('SPOP', 'myset'), reply: bulk(`element:${'0'.repeat(12)}`) }),
  zaddMyzset: () => ({ text: request('ZADD', 'myzset', `<new10+${SCORE_FIRST}>`, ELEMENT), ...INTEGER }),
  zfillMyzset: () => ({
    text: request('ZADD', 'myzset', `<new10+${SCORE_FIRST}>`, 'element:<same12>'),
    ...INTEGER,
  }),
  zpopminMyzset: () => ({
    text: request('ZPOPMIN', 'myzset'),
    reply: `*2\r\n${bulk(`element:${'0'.repeat(12)}`)}${bulk(`${SCORE_FIRST}`)}`,
  }),
  lrange100Mylist: () => lrange(100),
  lrange300Mylist: () => lrange(300),
  lrange500Mylist: () => lrange(500),
  lrange600Mylist: () => lrange(600),
  msetTen: () => ({
    text: request('MSET', ...Array.from({ length: PAIRS }, () => ['key:<new12>', VALUE]).flat()),
    reply: '+OK\r\n',
  }),
};
