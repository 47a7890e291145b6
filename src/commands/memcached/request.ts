/** What a memcached command line asks for, read from its tokens: the fields that all memcached commands share. */
import { Bytes } from '../../base/bytes.ts';
import { parseSigned } from '../../protocol/memcache-number.ts';
import type { MemcachedCall } from './row.ts';

/** Longest key, in bytes as sent. */
export const KEY_BYTES_MAX = 250;
export const BAD_FORMAT = 'CLIENT_ERROR bad command line format';
export const OTHER_TYPE = 'SERVER_ERROR key holds another type';
export const NO_MEMORY = 'SERVER_ERROR out of memory';
/** An expiry that has passed: the item is stored and gone. */
const LONG_AGO_MS = 1;
/** Up to here a time is a number of seconds from now, above it a Unix time. */
const RELATIVE_S_MAX = 60 * 60 * 24 * 30;
/** So many digits are surely exact, and nearly every number that clients send is no more than digits. */
const PLAIN_DIGITS_MAX = 9;
const ZERO = 0x30;
const NOREPLY = Buffer.from('noreply');

/** How a store command treats what is there. */
export const enum StoreMode {
  Set,
  Add,
  Replace,
  Append,
  Prepend,
}

export class ItemRequest {
  /** The key: in the line, or decoded from base64 into `scratchKey`. */
  keySource: Bytes;
  keyAt = 0;
  keyBytes = 0;
  /** EachKey: the token that is the first key. */
  firstKey = 1;
  /** The client asked for silence. */
  noReply = false;
  mode: StoreMode = StoreMode.Set;
  clientFlags = 0;
  /** Expiry in Unix milliseconds, 0 for none. */
  whenMs = 0;
  /** The cas number that must match; 0 is none. `hasCas` tells whether one was asked for. */
  cas = 0;
  hasCas = false;
  /** The amount of incr and decr. */
  delta: number | bigint = 1;
  /** The data block, without its line end; where it lies is known when it has arrived. */
  dataAt = 0;
  dataBytes = 0;
  /** After a refusal: bytes of the data block that are to be skipped. */
  swallowBytes = 0;
  /** Meta command: errors and other than nominal replies are sent in spite of `noReply`. */
  isMeta = false;
  readonly scratchKey = Bytes.allocate(KEY_BYTES_MAX);

  constructor(source: Bytes) {
    this.keySource = source;
  }

  /** Forgets what the last command left and would be wrong for the next. */
  clear(): void {
    this.firstKey = 1;
    this.noReply = false;
    this.hasCas = false;
    this.cas = 0;
    this.swallowBytes = 0;
    this.isMeta = false;
  }
}

/** Takes token `index` as the key. False: it is too long. */
export function takeKey(call: MemcachedCall, index: number): boolean {
  const { request, args } = call;
  request.keySource = call.source;
  request.keyAt = args[index * 2]!;
  request.keyBytes = args[index * 2 + 1]!;
  return request.keyBytes <= KEY_BYTES_MAX;
}

/** memcached: `noreply` counts wherever the line ends with it, also when the line then proves to be wrong. */
export function takeNoReply(call: MemcachedCall): void {
  const { args, count, source } = call;
  const at = args[count * 2 - 2]!;
  if (args[count * 2 - 1] !== NOREPLY.length) return;
  for (let i = 0; i < NOREPLY.length; i++) if (source.u8[at + i] !== NOREPLY[i]) return;
  call.request.noReply = true;
}

/** Token `index` as a number, NaN when it is none. */
export function numberAt(call: MemcachedCall, index: number): number {
  const { u8 } = call.source;
  const start = call.args[index * 2]!;
  const end = start + call.args[index * 2 + 1]!;
  if (end - start > PLAIN_DIGITS_MAX) return parseSigned(u8, start, end);
  let value = 0;
  for (let position = start; position < end; position++) {
    const digit = u8[position]! - ZERO;
    if (digit < 0 || digit > 9) return parseSigned(u8, start, end);
    value = value * 10 + digit;
  }
  return value;
}

/** The moment that a client's exptime means, in Unix milliseconds; 0 for never. */
export function expiryOf(exptimeS: number, nowMs: number): number {
  if (exptimeS === 0) return 0;
  if (exptimeS < 0) return LONG_AGO_MS;
  return exptimeS <= RELATIVE_S_MAX ? nowMs + exptimeS * 1000 : exptimeS * 1000;
}
