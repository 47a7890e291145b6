/**
 * Requests of the Redis protocol (RESP2 and RESP3 clients send the same): arrays of bulk strings, or inline commands.
 * Finds where the arguments lie in the input; copies nothing, makes no strings. Reference: redis.io, "Redis
 * serialization protocol specification"; limits and error texts as redis-server's networking.c.
 */
import { Bytes } from '../base/bytes.ts';
import { splitArguments } from '../base/split-arguments.ts';

const enum Byte {
  LineFeed = 10,
  CarriageReturn = 13,
  Dollar = 36,
  Minus = 45,
  Zero = 48,
  Star = 42,
  Space = 32,
  DoubleQuote = 34,
  SingleQuote = 39,
  Delete = 127,
}

/** Arguments in one request. */
export const ARGUMENT_COUNT_MAX = 1024 * 1024;
/** A line without its end (inline request, length) is refused past this many bytes. */
const LINE_BYTES_MAX = 64 * 1024;
const UNAUTHENTICATED_ARGUMENTS_MAX = 10;
const UNAUTHENTICATED_BULK_BYTES_MAX = 16384;
const ARGUMENTS_FIRST = 64;

/** What `read` answers when it has no request. */
export const enum ReadResult {
  /** The request is not complete yet. */
  Incomplete = 0,
  /** The bytes are not a request; `error` says why. */
  Malformed = -1,
}

export class RespReader {
  /** Where each argument lies in `source`: start at 2i, length in bytes at 2i + 1. */
  args: Int32Array = new Int32Array(ARGUMENTS_FIRST * 2);
  /** Number of arguments of the request just read; 0 is an empty request, to be ignored. */
  count = 0;
  /** What `args` points into: the input, or a private copy for an inline request. */
  source: Bytes;
  /** Why the bytes were refused. */
  error = '';
  /** After Incomplete: the least number of bytes, counted from the request's start, that the request will take. */
  neededBytes = 0;
  /** Bulk strings longer than this are refused (proto-max-bulk-len). */
  bulkBytesMax = 512 * 1024 * 1024;
  /** Until the client has authenticated only small requests are taken. */
  authenticated = true;
  private remaining = -1;
  private position = 0;

  constructor(source: Bytes) {
    this.source = source;
  }

  /** Forgets an incomplete request, so that the next `read` starts afresh. */
  reset(): void {
    this.remaining = -1;
  }

  /**
   * Reads one request from `input[at, end)`. Returns the position behind it, or a ReadResult. After Incomplete, calling
   * again with the same `at` and more bytes goes on where it stopped, provided the bytes still lie where they were.
   */
  read(input: Bytes, at: number, end: number): number {
    if (this.remaining < 0) {
      if (at >= end) return ReadResult.Incomplete;
      this.count = 0;
      this.position = at;
      this.source = input;
      if (input.u8[at] !== Byte.Star) return this.readInline(input, at, end);
      const result = this.readCount(input.u8, end);
      if (result !== 1) return result;
    }
    this.source = input;
    return this.readBulks(input.u8, at, end);
  }

  /** Reads `*count`. Returns 1 when arguments follow, else what `read` returns. */
  private readCount(u8: Uint8Array, end: number): number {
    const start = this.position;
    const line = this.readLength(u8, end);
    if (line === INCOMPLETE_LINE) return this.incompleteLine(start, end, 'too big mbulk count string');
    if (line === INVALID_LENGTH || line > ARGUMENT_COUNT_MAX) return this.fail('invalid multibulk length');
    if (line > UNAUTHENTICATED_ARGUMENTS_MAX && !this.authenticated) {
      return this.fail('unauthenticated multibulk length');
    }
    if (line <= 0) return this.position;
    this.remaining = line;
    return 1;
  }

  /** Long because the length of a bulk string is parsed in line: it is the hottest loop of the protocol. */
  private readBulks(u8: Uint8Array, at: number, end: number): number {
    let position = this.position;
    let count = this.count;
    let remaining = this.remaining;
    let args = this.args;
    for (; remaining > 0; remaining--) {
      if (position >= end) return this.suspend(at, position, count, remaining, 4);
      if (u8[position] !== Byte.Dollar) {
        return this.fail(`expected '$', got '${String.fromCharCode(u8[position]!)}'`);
      }
      let digit = position + 1;
      let length = 0;
      while (digit < end) {
        const value = u8[digit]! - Byte.Zero;
        if (value < 0 || value > 9 || length > 99999999) break;
        length = length * 10 + value;
        digit++;
      }
      const leadingZero = u8[position + 1] === Byte.Zero && digit > position + 2;
      if (digit + 1 >= end || u8[digit] !== Byte.CarriageReturn || digit === position + 1 || leadingZero) {
        this.position = position;
        length = this.readLength(u8, end);
        if (length === INCOMPLETE_LINE) {
          if (end - position > LINE_BYTES_MAX) return this.fail('too big bulk count string');
          return this.suspend(at, position, count, remaining, end - position + 1);
        }
        if (length < 0) return this.fail('invalid bulk length');
        digit = this.position - 2;
      }
      if (length > this.bulkBytesMax) return this.fail('invalid bulk length');
      if (length > UNAUTHENTICATED_BULK_BYTES_MAX && !this.authenticated) {
        return this.fail('unauthenticated bulk length');
      }
      const start = digit + 2;
      if (start + length + 2 > end) {
        return this.suspend(at, position, count, remaining, start - position + length + 2);
      }
      if (count * 2 >= args.length) args = this.growArguments();
      args[count * 2] = start;
      args[count * 2 + 1] = length;
      count++;
      position = start + length + 2;
    }
    this.count = count;
    this.remaining = -1;
    return position;
  }

  private suspend(at: number, position: number, count: number, remaining: number, bytes: number): number {
    this.position = position;
    this.count = count;
    this.remaining = remaining;
    this.neededBytes = position - at + bytes;
    return ReadResult.Incomplete;
  }

  private growArguments(): Int32Array {
    const larger = new Int32Array(this.args.length * 4);
    larger.set(this.args);
    this.args = larger;
    return larger;
  }

  /** Reads the number behind the type byte at `position` and moves behind its line, as string2ll reads it. */
  private readLength(u8: Uint8Array, end: number): number {
    const start = this.position + 1;
    let at = start;
    while (at < end && u8[at] !== Byte.CarriageReturn) at++;
    if (at + 1 >= end) return INCOMPLETE_LINE;
    this.position = at + 2;
    return parseLength(u8, start, at);
  }

  private incompleteLine(start: number, end: number, error: string): number {
    if (end - start > LINE_BYTES_MAX) return this.fail(error);
    this.neededBytes = end - start + 1;
    return ReadResult.Incomplete;
  }

  private readInline(input: Bytes, at: number, end: number): number {
    const u8 = input.u8;
    const plainEnd = this.readPlainLine(u8, at, end);
    if (plainEnd > 0) return plainEnd;
    this.count = 0;
    const lineFeed = u8.indexOf(Byte.LineFeed, at);
    if (lineFeed < 0 || lineFeed >= end) return this.incompleteLine(at, end, 'too big inline request');
    const lineEnd = lineFeed > at && u8[lineFeed - 1] === Byte.CarriageReturn ? lineFeed - 1 : lineFeed;
    const parts = splitArguments(u8.subarray(at, lineEnd));
    if (parts === null) return this.fail('unbalanced quotes in request');
    const joined = Buffer.concat(parts);
    this.source = new Bytes(joined.buffer, joined.byteOffset, joined.length);
    while (parts.length * 2 > this.args.length) this.growArguments();
    let start = 0;
    for (const part of parts) {
      this.args[this.count * 2] = start;
      this.args[this.count * 2 + 1] = part.length;
      this.count++;
      start += part.length;
    }
    return lineFeed + 1;
  }

  /** Reads an inline request of few printable words without quotes where it lies. Returns 0 for any other line. */
  private readPlainLine(u8: Uint8Array, at: number, end: number): number {
    const args = this.args;
    let start = at;
    for (let position = at; position < end; position++) {
      const byte = u8[position]!;
      if (byte > Byte.Space && byte !== Byte.DoubleQuote && byte !== Byte.SingleQuote && byte < Byte.Delete) {
        continue;
      }
      if (byte !== Byte.Space && byte !== Byte.CarriageReturn && byte !== Byte.LineFeed) return 0;
      if (byte === Byte.CarriageReturn && u8[position + 1] !== Byte.LineFeed) return 0;
      if (position > start) {
        if (this.count * 2 >= args.length) return 0;
        args[this.count * 2] = start;
        args[this.count * 2 + 1] = position - start;
        this.count++;
      }
      start = position + 1;
      if (byte === Byte.LineFeed) return start;
    }
    return 0;
  }

  private fail(reason: string): number {
    this.error = `ERR Protocol error: ${reason}`;
    this.remaining = -1;
    return ReadResult.Malformed;
  }
}

const INCOMPLETE_LINE = -2;
const INVALID_LENGTH = -3;

/** The decimal number in `u8[start, end)`, -1 for any negative one, or INVALID_LENGTH. */
function parseLength(u8: Uint8Array, start: number, end: number): number {
  const negative = u8[start] === Byte.Minus;
  let at = negative ? start + 1 : start;
  if (at === end || end - at > 10) return INVALID_LENGTH;
  if (u8[at] === Byte.Zero && (end - at > 1 || negative)) return INVALID_LENGTH;
  let value = 0;
  for (; at < end; at++) {
    const digit = u8[at]! - Byte.Zero;
    if (digit < 0 || digit > 9) return INVALID_LENGTH;
    value = value * 10 + digit;
  }
  return negative ? -1 : value;
}
