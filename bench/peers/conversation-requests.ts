/** Requests of transactions, publishing and scripts. */

import { bulk, request, type Request } from './request-text.ts';

const KEY = 'key:<new12>';
const SETS = 10;
const OK = '+OK\r\n';

export const CHANNEL = 'news';
/** Three calls, the last of which tells that all were made. */
export const SCRIPT = `redis.call('SET', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], 100)
return redis.call('GET', KEYS[1])`;
const SCRIPT_SHA = new Bun.CryptoHasher('sha1').update(SCRIPT).digest('hex');

export const SUBSCRIBER_COUNTS = [1, 10, 100] as const;

export type ConversationCommand =
  'transactionOfTenSets' | 'tenSets' | 'evalsha' | `publishTo${(typeof SUBSCRIBER_COUNTS)[number]}`;

const publish = (count: number, value: string): Request => ({
  text: request('PUBLISH', CHANNEL, value),
  reply: `:${count}\r\n`,
});

export const conversationRequests: Record<ConversationCommand, (value: string) => Request> = {
  transactionOfTenSets: (value) => ({
    text: request('MULTI') + request('SET', KEY, value).repeat(SETS) + request('EXEC'),
    reply: `${OK}${'+QUEUED\r\n'.repeat(SETS)}*${SETS}\r\n${OK.repeat(SETS)}`,
  }),
  tenSets: (value) => ({ text: request('SET', KEY, value).repeat(SETS), reply: OK.repeat(SETS) }),
  evalsha: (value) => ({ text: request('EVALSHA', SCRIPT_SHA, '1', KEY, value), reply: bulk(value) }),
  publishTo1: (value) => publish(1, value),
  publishTo10: (value) => publish(10, value),
  publishTo100: (value) => publish(100, value),
};
