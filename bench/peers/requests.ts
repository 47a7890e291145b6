/** The requests the generator sends and what it expects back. Every request and every reply of a batch has a fixed
 *  size, so that a batch is built once, only digits of keys change, and replies are counted by bytes. */

export type Protocol = 'resp' | 'memcached';
export type Command = 'get' | 'set' | 'ping';

/** `key:` and twelve digits: the keys redis-benchmark uses, so that either tool may fill for the other. */
const KEY_DIGITS = 12;
const DIGIT_ZERO = 48;

export interface Batch {
  readonly bytes: Uint8Array;
  /** Where each request's key digits start; empty for requests without a key. */
  readonly digitsAt: readonly number[];
  /** Bytes of all replies together when every key exists. */
  readonly replyBytes: number;
  /** First byte of a good reply. */
  readonly replyStart: number;
}

interface Request {
  readonly text: string;
  readonly reply: string;
}

/** `count` times the same command, with key 0 everywhere. */
export function makeBatch(protocol: Protocol, command: Command, count: number, valueBytes: number): Batch {
  const request = requests[protocol][command](`key:${'0'.repeat(KEY_DIGITS)}`, 'x'.repeat(valueBytes));
  const keyAt = request.text.indexOf('key:');
  const digitsAt: number[] = [];
  for (let i = 0; i < count && keyAt >= 0; i++) digitsAt.push(i * request.text.length + keyAt + 4);
  return {
    bytes: Buffer.from(request.text.repeat(count), 'latin1'),
    digitsAt,
    replyBytes: request.reply.length * count,
    replyStart: request.reply.charCodeAt(0),
  };
}

const requests: Record<Protocol, Record<Command, (key: string, value: string) => Request>> = {
  resp: {
    get: (key, value) => ({
      text: `*2\r\n$3\r\nGET\r\n${bulk(key)}`,
      reply: bulk(value),
    }),
    set: (key, value) => ({
      text: `*3\r\n$3\r\nSET\r\n${bulk(key)}${bulk(value)}`,
      reply: '+OK\r\n',
    }),
    ping: () => ({ text: '*1\r\n$4\r\nPING\r\n', reply: '+PONG\r\n' }),
  },
  memcached: {
    get: (key, value) => ({
      text: `get ${key}\r\n`,
      reply: `VALUE ${key} 0 ${value.length}\r\n${value}\r\nEND\r\n`,
    }),
    set: (key, value) => ({
      text: `set ${key} 0 0 ${value.length}\r\n${value}\r\n`,
      reply: 'STORED\r\n',
    }),
    ping: () => ({ text: 'mn\r\n', reply: 'MN\r\n' }),
  },
};

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

/** Writes `key` as twelve digits at `at`. Any key below 2^31. */
export function writeKeyDigits(bytes: Uint8Array, at: number, key: number): void {
  let rest = key | 0;
  for (let position = at + KEY_DIGITS - 1; position >= at; position--) {
    const tenth = (rest / 10) | 0;
    bytes[position] = DIGIT_ZERO + rest - tenth * 10;
    rest = tenth;
  }
}
