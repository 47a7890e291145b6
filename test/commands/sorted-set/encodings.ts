/** Settings under which the same small sorted set is kept in each of the ways there are. */
import { replyValue } from '../../support/reply.ts';
import type { TestServer } from '../../support/test-server.ts';

export const ENCODINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'in records': {},
  'in trees': { 'zset-max-listpack-entries': '0' },
  'in records that they soon outgrow': { 'zset-max-listpack-entries': '3', 'zset-max-listpack-value': '6' },
};

export const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
export const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
export const NOT_AN_INTEGER = '-ERR value is not an integer or out of range\r\n';
export const SYNTAX_ERROR = '-ERR syntax error\r\n';

/** Members and scores from the lowest, as one line. */
export function contentOf(server: TestServer, key: string): string {
  const { version } = server.client.connection;
  server.client.connection.version = 2;
  const reply = replyValue(server.run('ZRANGE', key, 0, -1, 'WITHSCORES')) as string[];
  server.client.connection.version = version;
  return reply.join(' ');
}

/** A reply as JSON: short to write down. */
export function json(reply: string): string {
  return JSON.stringify(replyValue(reply));
}
