/**
 * The words of the RDB format on their way in, read from memory. Every read checks that what it wants is there, and throws
 * RdbError if it is not: bytes are never trusted. Whoever reads from a file sees to it that a whole entry is in memory
 * (part-reader.ts).
 */
import { Bytes } from '../../base/bytes.ts';
import { formatInteger } from '../../base/number.ts';
import type { StreamId } from '../../structures/stream/stream-id.ts';
import { decompress } from '../lzf.ts';
import { RdbError } from './error.ts';
import { LengthForm, LONG_LENGTH_32, LONG_LENGTH_64, StringForm } from './format.ts';

const TWO_32 = 4294967296;
/** No text is longer: nothing larger fits into a shard. */
const TEXT_BYTES_MAX = 0x7ffeffff;
/** No text that is decompressed outside of a shard is longer: no packed form is. */
const OWN_BYTES_MAX = 2 ** 30;
/** LZF cannot do better: three bytes for 264. */
const LZF_RATIO_MAX = 90;
/** Nothing that is stepped over is longer. */
const SKIP_BYTES_MAX = 2 ** 31;
const DIGITS_BYTES_MAX = 16;

/** A text that was read: where it lies, in the input or in a buffer of its own. Valid until the next read into it. */
export class TextSlot {
  bytes: Bytes;
  at = 0;
  byteCount = 0;
  private own = Bytes.allocate(64);

  constructor() {
    this.bytes = this.own;
  }

  set(bytes: Bytes, at: number, byteCount: number): void {
    this.bytes = bytes;
    this.at = at;
    this.byteCount = byteCount;
  }

  /** Points at `byteCount` bytes of its own, which the caller fills. */
  makeOwn(byteCount: number): Bytes {
    if (this.own.u8.length < byteCount) this.own = Bytes.allocate(byteCount);
    this.set(this.own, 0, byteCount);
    return this.own;
  }

  /** Gives back a buffer that had to grow large. */
  release(): void {
    if (this.own.u8.length > 1 << 20) this.own = Bytes.allocate(64);
    this.set(this.own, 0, 0);
  }

  toString(): string {
    return this.bytes.u8.toString('utf8', this.at, this.at + this.byteCount);
  }
}

export class RdbInput {
  bytes: Bytes;
  at = 0;
  end = 0;
  /** Where in the file position 0 of `bytes` lies. */
  base = 0;
  /** After `lengthOrForm`: the form of an encoded text, else -1. */
  form = -1;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  /** Goes to [at, end) of `bytes`, whose position 0 is byte `base` of the file. */
  open(bytes: Bytes, at: number, end: number, base: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.base = base;
  }

  fail(reason: string, at = this.at): never {
    throw new RdbError(this.base + at, reason);
  }

  private failShort(): never {
    throw new RdbError(this.base + this.end, 'unexpected end', true);
  }

  /** Asserts that `byteCount` bytes are there. */
  need(byteCount: number): void {
    if (byteCount > this.end - this.at) this.failShort();
  }

  byte(): number {
    if (this.at >= this.end) this.failShort();
    return this.bytes.u8[this.at++]!;
  }

  skip(byteCount: number): void {
    if (byteCount > SKIP_BYTES_MAX) this.fail('a length that is too large');
    this.need(byteCount);
    this.at += byteCount;
  }

  /** A length or count. */
  length(): number {
    const start = this.at;
    const value = this.lengthOrForm();
    if (this.form >= 0) this.fail('a length is expected, not an encoded text', start);
    return value;
  }

  /** A length, or 0 with `form` set. Hot. */
  lengthOrForm(): number {
    const first = this.byte();
    this.form = -1;
    switch (first >> 6) {
      case LengthForm.Six:
        return first;
      case LengthForm.Fourteen:
        return ((first & 0x3f) << 8) | this.byte();
      case LengthForm.Encoded:
        this.form = first;
        return 0;
      default:
        return this.longLength(first);
    }
  }

  private longLength(first: number): number {
    const { view } = this.bytes;
    if (first === LONG_LENGTH_32) {
      this.need(4);
      this.at += 4;
      return view.getUint32(this.at - 4);
    }
    if (first !== LONG_LENGTH_64) this.fail('unknown form of a length', this.at - 1);
    this.need(8);
    const value = view.getUint32(this.at) * TWO_32 + view.getUint32(this.at + 4);
    if (value > Number.MAX_SAFE_INTEGER) this.fail('a length that is too large');
    this.at += 8;
    return value;
  }

  /** Reads an unsigned 64-bit number written as a length: the high half into `wideHi`. Returns the low half, an int32. */
  wideLength(): number {
    this.wideHi = 0;
    if (this.bytes.u8[this.at] !== LONG_LENGTH_64 || this.at >= this.end) {
      const value = this.length();
      return value | 0;
    }
    this.at++;
    this.need(8);
    this.at += 8;
    this.wideHi = this.bytes.view.getInt32(this.at - 8);
    return this.bytes.view.getInt32(this.at - 4);
  }

  wideHi = 0;

  /** An id as two lengths. */
  id(into: StreamId): void {
    const msLo = this.wideLength();
    const msHi = this.wideHi;
    const seqLo = this.wideLength();
    into.setWords(msHi, msLo, this.wideHi, seqLo);
  }

  /** An id of sixteen bytes. */
  rawId(into: StreamId): void {
    this.need(16);
    readRawId(this.bytes, this.at, into);
    this.at += 16;
  }

  /** Unix milliseconds, in eight bytes. Negative ones, and ones no clock will show, are as they are. */
  time(): number {
    this.need(8);
    const { view } = this.bytes;
    this.at += 8;
    return view.getInt32(this.at - 4, true) * TWO_32 + view.getUint32(this.at - 8, true);
  }

  double(): number {
    this.need(8);
    this.at += 8;
    return this.bytes.view.getFloat64(this.at - 8, true);
  }

  /** A text, which is left where it is if it lies there as it is. Hot. */
  text(into: TextSlot): void {
    const start = this.at;
    const byteCount = this.lengthOrForm();
    if (this.form >= 0) return this.encodedText(into, start);
    this.need(byteCount);
    into.set(this.bytes, this.at, byteCount);
    this.at += byteCount;
  }

  private encodedText(into: TextSlot, start: number): void {
    const { form } = this;
    if (form === StringForm.Lzf) {
      const { packedBytes, byteCount } = this.lzfHead(start);
      if (byteCount > OWN_BYTES_MAX) this.fail('a compressed text that is too long', start);
      const own = into.makeOwn(byteCount);
      if (!decompress(this.bytes, this.at, packedBytes, own, 0, byteCount)) {
        this.fail('a compressed text that is damaged', start);
      }
      this.at += packedBytes;
      return;
    }
    const value = this.integer(start);
    const own = into.makeOwn(DIGITS_BYTES_MAX);
    into.byteCount = formatInteger(own.u8, 0, value);
  }

  /** The integer whose form has just been read. */
  integer(start: number): number {
    const { view } = this.bytes;
    switch (this.form) {
      case StringForm.Integer8:
        this.need(1);
        this.at += 1;
        return view.getInt8(this.at - 1);
      case StringForm.Integer16:
        this.need(2);
        this.at += 2;
        return view.getInt16(this.at - 2, true);
      case StringForm.Integer32:
        this.need(4);
        this.at += 4;
        return view.getInt32(this.at - 4, true);
      default:
        return this.fail('unknown form of a text', start);
    }
  }

  private readonly head = { packedBytes: 0, byteCount: 0 };

  /** Reads the two lengths of a compressed text, whose form has just been read; its bytes are there then. */
  lzfHead(start: number): { readonly packedBytes: number; readonly byteCount: number } {
    const { head } = this;
    head.packedBytes = this.length();
    head.byteCount = this.length();
    this.need(head.packedBytes);
    if (head.byteCount > TEXT_BYTES_MAX || head.byteCount > head.packedBytes * LZF_RATIO_MAX) {
      this.fail('a compressed text that claims to be longer than it can be', start);
    }
    return head;
  }

  /** Steps over a text. */
  skipText(): void {
    const start = this.at;
    const byteCount = this.lengthOrForm();
    if (this.form < 0) this.skip(byteCount);
    else if (this.form === StringForm.Lzf) this.skip(this.lzfHead(start).packedBytes);
    else this.integer(start);
  }
}

/** Reads an id of sixteen bytes. */
export function readRawId(bytes: Bytes, at: number, into: StreamId): void {
  const { view } = bytes;
  into.setWords(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
}
