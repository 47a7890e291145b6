/**
 * Command lines of memcached's text protocol: tokens between spaces, ended by a line feed with or without a carriage
 * return. Finds where the tokens lie in the input; copies nothing, makes no strings. What follows a line (a data
 * block) only the command can tell. Reference: memcached's doc/protocol.txt; odd cases as memcached 1.6 treats them.
 */
import type { Bytes } from '../base/bytes.ts';

const enum Byte {
  Nul = 0,
  LineFeed = 10,
  CarriageReturn = 13,
  Space = 32,
}

/** memcached: only a `get` or `gets` may be longer; any other client that sends no line end by now is cut off. */
const LINE_BYTES_MAX = 2048;
/** The longest `get`: some 4,000 keys of the longest kind. */
const GET_LINE_BYTES_MAX = 1 << 20;
const TOKENS_FIRST = 32;

/** What `readLine` answers when it has no line. */
export const enum LineResult {
  /** The line has not ended yet. */
  Incomplete = 0,
  /** It is too long to go on waiting for its end. */
  TooLong = -1,
}

/** First byte of a request of memcached's binary protocol, which we do not speak. */
export const BINARY_REQUEST = 0x80;

export class MemcacheReader {
  /** Where each token lies in the input: start at 2i, length in bytes at 2i + 1. */
  args: Int32Array = new Int32Array(TOKENS_FIRST * 2);
  /** Number of tokens of the line just read. */
  count = 0;

  /**
   * Reads the line that starts at `at`. Returns the position behind it, or a LineResult. `scannedBytes`: so many of its
   * bytes are known to hold no line end.
   */
  readLine(input: Bytes, at: number, end: number, scannedBytes: number): number {
    const u8 = input.u8;
    if (scannedBytes > LINE_BYTES_MAX && !hasLineFeed(u8, at + scannedBytes, end)) {
      return incompleteLine(u8, at, end);
    }
    let args = this.args;
    let count = 0;
    let start = at;
    for (let position = at; position < end; position++) {
      const byte = u8[position]!;
      if (byte > Byte.Space) continue;
      if (byte !== Byte.Space && byte !== Byte.LineFeed && byte !== Byte.Nul) continue;
      const isEnd = byte !== Byte.Space;
      const hasReturn =
        byte === Byte.LineFeed && position - at > 1 && u8[position - 1] === Byte.CarriageReturn;
      const tokenEnd = hasReturn ? position - 1 : position;
      if (tokenEnd > start) {
        if (count * 2 === args.length) args = this.growArguments();
        args[count * 2] = start;
        args[count * 2 + 1] = tokenEnd - start;
        count++;
      }
      if (isEnd) {
        this.count = count;
        return byte === Byte.LineFeed ? position + 1 : behindCut(u8, at, position, end);
      }
      start = position + 1;
    }
    return incompleteLine(u8, at, end);
  }

  private growArguments(): Int32Array {
    const larger = new Int32Array(this.args.length * 4);
    larger.set(this.args);
    this.args = larger;
    return larger;
  }
}

/** memcached: a line is a C string, so a zero byte ends it and the rest up to the line end is ignored. */
function behindCut(u8: Buffer, at: number, position: number, end: number): number {
  return hasLineFeed(u8, position, end)
    ? u8.indexOf(Byte.LineFeed, position) + 1
    : incompleteLine(u8, at, end);
}

function hasLineFeed(u8: Buffer, from: number, end: number): boolean {
  const found = u8.indexOf(Byte.LineFeed, from);
  return found >= 0 && found < end;
}

function incompleteLine(u8: Buffer, at: number, end: number): LineResult {
  if (end - at <= LINE_BYTES_MAX) return LineResult.Incomplete;
  const beginning = u8.toString('latin1', at, at + 5);
  const mayBeLong = beginning.startsWith('get ') || beginning === 'gets ';
  return mayBeLong && end - at <= GET_LINE_BYTES_MAX ? LineResult.Incomplete : LineResult.TooLong;
}

/**
 * Decodes `u8[at, at + byteCount)` from base64 into `into`. Returns the number of bytes, 0 when it is not base64.
 * memcached: bytes outside the alphabet are skipped, and what is left must be whole groups of four.
 */
export function decodeBase64(u8: Buffer, at: number, byteCount: number, into: Buffer): number {
  const text = u8.toString('latin1', at, at + byteCount).replace(/[^A-Za-z0-9+/=]/g, '');
  if (text.length % 4 !== 0) return 0;
  return into.write(text, 'base64');
}
