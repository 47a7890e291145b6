/**
 * Replies of the Redis protocol, written into one growing buffer. RESP3 types fall back to their RESP2 forms when the
 * client speaks RESP2, so that a handler says what it means once. Reference: redis.io, "Redis serialization protocol".
 */
import { Bytes, copyBytes } from '../base/bytes.ts';
import { writeDouble } from '../base/double.ts';
import { formatInteger, integerDigits } from '../base/number.ts';

/** Size of the buffer while replies are small. */
const REPLY_BYTES = 1 << 20;
/** Room that always stands behind `at` for the fixed parts of a reply. */
const HEAD_BYTES = 64;

/** Type and line end around a number. */
const LINE_BYTES = 3;

const OK = Buffer.from('+OK\r\n');
const NULL2 = Buffer.from('$-1\r\n');
const NULL_ARRAY2 = Buffer.from('*-1\r\n');
const NULL3 = Buffer.from('_\r\n');

/** A Buffer of Bun holds no more. */
export const REPLY_BYTES_MAX = 2 ** 32;

/** A reply outgrew `bytesMax`. What was written of it stands. */
export class ReplyTooLargeError extends Error {}

/** ":0" and a line end, little-endian. */
const ONE_DIGIT = 0x0a0d303a;

const enum Byte {
  CarriageReturn = 13,
  LineFeed = 10,
  CrLf = 0x0a0d,
}

/** "$0" and the end of the line, as an integer: the head of a bulk string of up to nine bytes but for its length. */
const SHORT_HEAD = 0x0a0d3024;
const SHORT_HEAD_BYTES = 4;

export class RespWriter {
  bytes: Bytes;
  /** Bytes written so far. */
  at = 0;
  /** Protocol version of the client being answered: 2 or 3. */
  version: 2 | 3 = 2;
  /** Error replies written since the start. */
  errorCount = 0;
  /** Text of the last error reply. */
  lastError = '';
  /** How often it was emptied. */
  clearCount = 0;
  /** What is written may take no more than about this. */
  bytesMax = REPLY_BYTES_MAX;
  private capacity: number;

  constructor(byteCount: number = REPLY_BYTES) {
    this.bytes = Bytes.allocate(byteCount);
    this.capacity = byteCount;
  }

  /** Makes room for `byteCount` bytes and the fixed parts around them. */
  ensure(byteCount: number): void {
    if (this.at + byteCount + HEAD_BYTES > this.capacity) this.grow(byteCount);
  }

  /** Gives up at once a reply that will take at least `byteCount` more bytes, if that is too much. */
  refuseBeyond(byteCount: number): void {
    if (this.at + byteCount > this.bytesMax) throw new ReplyTooLargeError('reply too large');
  }

  private grow(byteCount: number): void {
    const wanted = this.at + byteCount + HEAD_BYTES;
    if (wanted > this.bytesMax) throw new ReplyTooLargeError('reply too large');
    const capacity = Math.min(Math.max(wanted + Math.floor(wanted / 8), this.capacity * 2), this.bytesMax);
    const larger = Bytes.allocate(capacity);
    this.bytes.u8.copy(larger.u8, 0, 0, this.at);
    this.bytes = larger;
    this.capacity = capacity;
  }

  /** Forgets what was written, and gives back a buffer that had to grow. Returns its size, 0 when it is kept. */
  clear(): number {
    this.at = 0;
    this.clearCount++;
    const { capacity } = this;
    if (capacity <= REPLY_BYTES * 2) return 0;
    this.bytes = Bytes.allocate(REPLY_BYTES);
    this.capacity = REPLY_BYTES;
    return capacity;
  }

  /** What was written to [from, to), as memory of the caller's own. Nothing may be written there until `clear`. */
  take(from: number, to: number): Buffer {
    const rest = this.bytes.u8.subarray(from, to);
    // A buffer that had to grow is given up by `clear` anyway, and may be huge: it is handed over as it is.
    return this.capacity > REPLY_BYTES * 2 ? rest : Buffer.from(rest);
  }

  /** Bytes as they are: for constant replies and for other protocols. */
  raw(constant: Uint8Array): void {
    this.ensure(constant.length);
    const u8 = this.bytes.u8;
    const at = this.at;
    for (let i = 0; i < constant.length; i++) u8[at + i] = constant[i]!;
    this.at = at + constant.length;
  }

  /** Text as it is, in UTF-8. */
  text(text: string): void {
    this.ensure(text.length * 3);
    this.at += this.bytes.u8.write(text, this.at);
  }

  /** `byteCount` bytes from elsewhere as they are. */
  copy(from: Bytes, fromAt: number, byteCount: number): void {
    this.ensure(byteCount);
    copyBytes(from, fromAt, this.bytes, this.at, byteCount);
    this.at += byteCount;
  }

  /** A reply that was written elsewhere, as it is. */
  whole(reply: Uint8Array): void {
    this.ensure(reply.length);
    this.bytes.u8.set(reply, this.at);
    this.at += reply.length;
  }

  ok(): void {
    this.raw(OK);
  }

  /** `text` has no line ends. */
  simple(text: string): void {
    this.text(`+${text}\r\n`);
  }

  /** An error reply; `text` begins with its code, as in `ERR no such key`. Line ends in it become spaces. */
  error(text: string): void {
    this.errorCount++;
    this.lastError = text;
    this.text(`-${text.replace(/[\r\n]+/g, ' ')}\r\n`);
  }

  /** Hot for one digit: the counts that most commands reply. */
  integer(value: number): void {
    if (!(value >= 0 && value < 10)) return this.head(0x3a, value);
    this.ensure(0);
    this.bytes.view.setInt32(this.at, ONE_DIGIT | (value << 8), true);
    this.at += 4;
  }

  /** An integer beyond 2^53. */
  bigInteger(value: bigint): void {
    this.text(`:${value}\r\n`);
  }

  /** A bulk string of `byteCount` bytes from elsewhere. Hot: GET ends here, and LRANGE for each element. */
  bulk(from: Bytes, fromAt: number, byteCount: number): void {
    this.ensure(byteCount);
    const { u8, view } = this.bytes;
    let at = this.at;
    if (byteCount < 10) {
      view.setInt32(at, SHORT_HEAD + (byteCount << 8), true);
      at += 4;
    } else {
      u8[at] = 0x24;
      at = formatInteger(u8, at + 1, byteCount);
      view.setUint16(at, Byte.CrLf, true);
      at += 2;
    }
    copyBytes(from, fromAt, this.bytes, at, byteCount);
    at += byteCount;
    view.setUint16(at, Byte.CrLf, true);
    this.at = at + 2;
  }

  bulkText(text: string): void {
    const byteCount = Buffer.byteLength(text);
    this.head(0x24, byteCount);
    this.text(text);
    this.line();
  }

  bulkBuffer(content: Uint8Array): void {
    this.head(0x24, content.length);
    this.ensure(content.length);
    this.bytes.u8.set(content, this.at);
    this.at += content.length;
    this.line();
  }

  /** The reply for "nothing there" where a bulk string would stand. */
  nil(): void {
    this.raw(this.version === 3 ? NULL3 : NULL2);
  }

  /** The reply for "nothing there" where an array would stand. */
  nilArray(): void {
    this.raw(this.version === 3 ? NULL3 : NULL_ARRAY2);
  }

  /** Head of an array of `count` replies. */
  array(count: number): void {
    this.head(0x2a, count);
  }

  /** Head of a map of `count` pairs: key, value, key, value ... */
  map(count: number): void {
    if (this.version === 3) this.head(0x25, count);
    else this.head(0x2a, count * 2);
  }

  /** Head of a set of `count` replies. */
  set(count: number): void {
    this.head(this.version === 3 ? 0x7e : 0x2a, count);
  }

  /** Head of an attribute of `count` pairs, in front of the reply it is about. RESP3 only. */
  attribute(count: number): void {
    this.head(0x7c, count);
  }

  /** Head of an attribute-free push message of `count` replies. */
  push(count: number): void {
    this.head(this.version === 3 ? 0x3e : 0x2a, count);
  }

  /**
   * Puts what `write` writes in front of everything written since `start`: for the head of an array whose length is
   * known only at its end. Moves those bytes once.
   */
  before(start: number, write: () => void): void {
    const end = this.at;
    write();
    const head = Buffer.from(this.bytes.u8.subarray(end, this.at));
    this.bytes.u8.copyWithin(start + head.length, start, end);
    this.bytes.u8.set(head, start);
  }

  /** Leaves room for the head of a set of up to `countMax` replies. Returns where it is, for `endSet`. */
  beginSet(countMax: number): number {
    this.ensure(0);
    const start = this.at;
    this.at += LINE_BYTES + integerDigits(countMax);
    return start;
  }

  /** Writes the head for which `beginSet` has left room; what follows is moved only if its number has fewer digits. */
  endSet(start: number, countMax: number, count: number): void {
    this.endHead(start, countMax, count, this.version === 3 ? 0x7e : 0x2a);
  }

  /** `endSet` for the head of an array. */
  endArray(start: number, countMax: number, count: number): void {
    this.endHead(start, countMax, count, 0x2a);
  }

  /** `endSet` for the head of a map, for which there is room for `countMax` pairs; RESP2: an array of pairs. */
  endMapOfPairs(start: number, countMax: number, count: number): void {
    this.endHead(start, countMax, count, this.version === 3 ? 0x25 : 0x2a);
  }

  private endHead(start: number, countMax: number, count: number, type: number): void {
    const spare = integerDigits(countMax) - integerDigits(count);
    const end = this.at - spare;
    if (spare > 0) {
      const first = start + LINE_BYTES + integerDigits(count);
      this.bytes.u8.copyWithin(first, first + spare, this.at);
    }
    this.at = start;
    this.head(type, count);
    this.at = end;
  }

  boolean(value: boolean): void {
    if (this.version === 3) this.text(value ? '#t\r\n' : '#f\r\n');
    else this.integer(value ? 1 : 0);
  }

  /** Hot: the scores of ranges. */
  double(value: number): void {
    this.ensure(0);
    const { u8 } = this.bytes;
    const start = this.at;
    if (this.version === 3) {
      u8[start] = 0x2c;
      this.at = writeDouble(u8, start + 1, value);
      return this.line();
    }
    // Behind a head of one digit; most are short.
    let end = writeDouble(u8, start + SHORT_HEAD_BYTES, value);
    const byteCount = end - start - SHORT_HEAD_BYTES;
    if (byteCount < 10) this.bytes.view.setInt32(start, SHORT_HEAD + (byteCount << 8), true);
    else {
      for (let at = end; at > start + SHORT_HEAD_BYTES; at--) u8[at] = u8[at - 1]!;
      end++;
      this.head(0x24, byteCount);
    }
    this.at = end;
    this.line();
  }

  /** An integer of any length, by its digits. */
  bigNumber(digits: string): void {
    if (this.version === 3) this.text(`(${digits}\r\n`);
    else this.bulkText(digits);
  }

  /** Human text; RESP3 marks its format, a word of three letters such as `txt`. */
  verbatim(text: string, format: string): void {
    if (this.version !== 3) return this.bulkText(text);
    this.head(0x3d, Buffer.byteLength(text) + 4);
    this.text(`${format}:${text}\r\n`);
  }

  private head(type: number, value: number): void {
    this.ensure(0);
    const u8 = this.bytes.u8;
    u8[this.at] = type;
    const at = formatInteger(u8, this.at + 1, value);
    u8[at] = Byte.CarriageReturn;
    u8[at + 1] = Byte.LineFeed;
    this.at = at + 2;
  }

  private line(): void {
    this.ensure(0);
    const u8 = this.bytes.u8;
    u8[this.at] = Byte.CarriageReturn;
    u8[this.at + 1] = Byte.LineFeed;
    this.at += 2;
  }
}
