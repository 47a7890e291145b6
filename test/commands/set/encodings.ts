/** Settings under which the same small set is kept in each of the ways there are. */
import type { Reply } from '../../support/reply.ts';
import { replyValue } from '../../support/reply.ts';
import type { TestServer } from '../../support/test-server.ts';

export const ENCODINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'in records': {},
  'in tables': { 'set-max-intset-entries': '0', 'set-max-listpack-entries': '0' },
  'in records that they soon outgrow': {
    'set-max-intset-entries': '3',
    'set-max-listpack-entries': '5',
    'set-max-listpack-value': '6',
  },
};

export const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';
export const OUT_OF_MEMORY = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";

/** A reply that is a list of texts, in order of the texts: sets owe no other. */
export function sortedTexts(reply: string): string[] {
  const value = replyValue(reply);
  if (!Array.isArray(value)) throw new Error(`not a list: ${reply.slice(0, 80)}`);
  return value.map((item: Reply) => String(item)).toSorted();
}

/** The members of a set, sorted. */
export function membersOf(server: TestServer, key: string): string[] {
  return sortedTexts(server.run('SMEMBERS', key));
}

export function encodingOf(server: TestServer, key: string): string {
  return String(replyValue(server.run('OBJECT', 'ENCODING', key)));
}
