/** The requests the generator sends and what it expects back. Every request of a batch has a fixed size, so that a batch
 *  is built once and only the digits of its numbers change. Replies are counted by their bytes where those are fixed too, and
 *  by their line ends where they are not. */

import { collectionRequests, type CollectionCommand } from './collection-requests.ts';
import { conversationRequests, type ConversationCommand } from './conversation-requests.ts';
import { suiteRequests, type SuiteCommand } from './suite-requests.ts';
import { bulk, fillPlaces, request, type Request, Slot } from './request-text.ts';
import { typeRequests, type TypeCommand } from './type-requests.ts';

export type Protocol = 'resp' | 'memcached';
export type BasicCommand = 'get' | 'set' | 'ping';
export type Command = BasicCommand | CollectionCommand | SuiteCommand | ConversationCommand | TypeCommand;

export interface Batch {
  readonly bytes: Uint8Array;
  /** The places of its numbers, SLOT_FIELDS entries each; see Slot. */
  readonly slots: Int32Array;
  /** Bytes of all replies together, or 0 when they vary. */
  readonly replyBytes: number;
  /** Line ends of all replies together. */
  readonly replyLines: number;
  /** First byte of a good reply. */
  readonly replyStart: number;
}

/** `key:` and twelve digits: the keys redis-benchmark uses, so that either tool may fill for the other. */
const KEY = 'key:<new12>';
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUE_SEED = 0x2f6e2b1;

/** `count` times the same command, with the number 0 everywhere. */
export function makeBatch(protocol: Protocol, command: Command, count: number, valueBytes: number): Batch {
  const request = findRequest(protocol, command, valueText(valueBytes));
  const { text, slots } = fillPlaces(request.text);
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    for (let field = 0; field < slots.length; field++) {
      const isAt = field % Slot.Fields === Slot.At;
      all.push(slots[field]! + (isAt ? i * text.length : 0));
    }
  }
  const lines = request.replyLines ?? (request.reply ?? '').split('\n').length - 1;
  return {
    bytes: Buffer.from(text.repeat(count), 'latin1'),
    slots: Int32Array.from(all),
    replyBytes: (request.reply?.length ?? 0) * count,
    replyLines: lines * count,
    replyStart: (request.reply ?? request.replyStart ?? '').charCodeAt(0),
  };
}

/** Letters in which a compressor finds nothing: snapshots must not be cheap because every value is one letter. */
function valueText(byteCount: number): string {
  let state = VALUE_SEED;
  let text = '';
  while (text.length < byteCount) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += LETTERS[state >>> 26]!;
  }
  return text;
}

function findRequest(protocol: Protocol, command: Command, value: string): Request {
  if (command === 'get' || command === 'set' || command === 'ping') return basics[protocol][command](value);
  if (protocol !== 'resp') throw new Error(`${command} is no command of ${protocol}`);
  if (command in conversationRequests) return conversationRequests[command as ConversationCommand](value);
  if (command in typeRequests) return typeRequests[command as TypeCommand]();
  return command in suiteRequests
    ? suiteRequests[command as SuiteCommand]()
    : collectionRequests[command as CollectionCommand](value);
}

const basics: Record<Protocol, Record<BasicCommand, (value: string) => Request>> = {
  resp: {
    get: (value) => ({ text: request('GET', KEY), reply: bulk(value) }),
    set: (value) => ({ text: request('SET', KEY, value), reply: '+OK\r\n' }),
    ping: () => ({ text: request('PING'), reply: '+PONG\r\n' }),
  },
  memcached: {
    get: (value) => ({
      text: `get ${KEY}\r\n`,
      reply: `VALUE key:${'0'.repeat(12)} 0 ${value.length}\r\n${value}\r\nEND\r\n`,
    }),
    set: (value) => ({
      text: `set ${KEY} 0 0 ${value.length}\r\n${value}\r\n`,
      reply: 'STORED\r\n',
    }),
    ping: () => ({ text: 'mn\r\n', reply: 'MN\r\n' }),
  },
};
