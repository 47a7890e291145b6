/**
 * The words of the RDB format on their way out: lengths, texts (as they are, as integers, or compressed), times and doubles.
 * Everything goes into one buffer, whose bytes are summed when they are taken out of it.
 */
import type { Bytes } from '../../base/bytes.ts';
import { copyBytes } from '../../base/bytes.ts';
import { Crc64 } from '../../base/crc64.ts';
import { Int64, parseInt64 } from '../../base/int64.ts';
import type { StreamId } from '../../structures/stream/stream-id.ts';
import { compress } from '../lzf.ts';
import { WriteBuffer } from '../../base/write-buffer.ts';
import {
  COMPRESS_FROM_BYTES,
  INTEGER_TEXT_BYTES_MAX,
  LONG_LENGTH_32,
  LONG_LENGTH_64,
  RDB_VERSION_DEFAULT,
  StringForm,
} from './format.ts';

/** What a file, or a payload, is to be like. */
export interface RdbOptions {
  /** Version of the format: `rdb-version`. */
  version: number;
  /** `rdbcompression`. */
  isCompressing: boolean;
}

const TWO_32 = 4294967296;
/** The most bytes of a length. */
const LENGTH_BYTES_MAX = 9;
/** A compressed text must be this much shorter. Redis: the same. */
const COMPRESSION_GAIN_MIN = 4;
/** Room in front of a compressed text for what stands there. */
const LZF_HEAD_BYTES_MAX = 11;

const scratchInteger = new Int64();

export class RdbOutput {
  readonly buffer = new WriteBuffer();
  version: number;
  isCompressing: boolean;

  constructor(options: RdbOptions = { version: RDB_VERSION_DEFAULT, isCompressing: true }) {
    this.version = options.version;
    this.isCompressing = options.isCompressing;
  }

  byte(value: number): void {
    this.buffer.byte(value);
  }

  /** A length or count: a safe integer. */
  length(value: number): void {
    const { buffer } = this;
    buffer.reserve(LENGTH_BYTES_MAX);
    buffer.length = writeLength(buffer.bytes, buffer.length, value);
  }

  /** An unsigned 64-bit number as a length. */
  wideLength(hi: number, lo: number): void {
    if (hi === 0) return this.length(lo >>> 0);
    const { buffer } = this;
    buffer.reserve(LENGTH_BYTES_MAX);
    const { u8, view } = buffer.bytes;
    u8[buffer.length] = LONG_LENGTH_64;
    view.setInt32(buffer.length + 1, hi);
    view.setInt32(buffer.length + 5, lo);
    buffer.length += LENGTH_BYTES_MAX;
  }

  /** Both numbers of an id as lengths. */
  id(id: StreamId): void {
    this.wideLength(id.msHi, id.msLo);
    this.wideLength(id.seqHi, id.seqLo);
  }

  /** The sixteen bytes of an id, the first ones first. */
  rawId(id: StreamId): void {
    const { buffer } = this;
    buffer.reserve(16);
    const { view } = buffer.bytes;
    view.setInt32(buffer.length, id.msHi);
    view.setInt32(buffer.length + 4, id.msLo);
    view.setInt32(buffer.length + 8, id.seqHi);
    view.setInt32(buffer.length + 12, id.seqLo);
    buffer.length += 16;
  }

  /** Unix milliseconds, in eight bytes. */
  time(timeMs: number): void {
    const { buffer } = this;
    buffer.reserve(8);
    const { view } = buffer.bytes;
    view.setUint32(buffer.length, timeMs % TWO_32, true);
    view.setInt32(buffer.length + 4, Math.floor(timeMs / TWO_32), true);
    buffer.length += 8;
  }

  double(value: number): void {
    const { buffer } = this;
    buffer.reserve(8);
    buffer.bytes.view.setFloat64(buffer.length, value, true);
    buffer.length += 8;
  }

  /** A text: as an integer if it reads like one, compressed if that is wanted and pays. Hot. */
  text(from: Bytes, at: number, byteCount: number): void {
    if (byteCount <= INTEGER_TEXT_BYTES_MAX) {
      if (this.integerText(from, at, byteCount)) return;
    } else if (this.isCompressing && byteCount >= COMPRESS_FROM_BYTES) {
      if (this.compressedText(from, at, byteCount)) return;
    }
    const { buffer } = this;
    buffer.reserve(LENGTH_BYTES_MAX + byteCount);
    const start = writeLength(buffer.bytes, buffer.length, byteCount);
    copyBytes(from, at, buffer.bytes, start, byteCount);
    buffer.length = start + byteCount;
  }

  /** False, nothing written: it is no integer of 32 bits. */
  private integerText(from: Bytes, at: number, byteCount: number): boolean {
    const { buffer } = this;
    const integer = scratchInteger;
    const first = from.u8[at]!;
    if (byteCount === 0 || first > 0x39 || (first < 0x30 && first !== 0x2d)) return false;
    if (!parseInt64(from.u8, at, at + byteCount, integer) || integer.hi !== integer.lo >> 31) return false;
    const value = integer.lo;
    buffer.reserve(5);
    const { u8, view } = buffer.bytes;
    const start = buffer.length;
    if (value >= -128 && value <= 127) {
      u8[start] = StringForm.Integer8;
      u8[start + 1] = value;
      buffer.length = start + 2;
    } else if (value >= -32768 && value <= 32767) {
      u8[start] = StringForm.Integer16;
      view.setInt16(start + 1, value, true);
      buffer.length = start + 3;
    } else {
      u8[start] = StringForm.Integer32;
      view.setInt32(start + 1, value, true);
      buffer.length = start + 5;
    }
    return true;
  }

  /** False, nothing written: it does not pay. */
  private compressedText(from: Bytes, at: number, byteCount: number): boolean {
    const { buffer } = this;
    const bytesMax = byteCount - COMPRESSION_GAIN_MIN;
    buffer.reserve(LZF_HEAD_BYTES_MAX + bytesMax);
    const { bytes } = buffer;
    const packedAt = buffer.length + LZF_HEAD_BYTES_MAX;
    const packedBytes = compress(from, at, byteCount, bytes, packedAt, bytesMax);
    if (packedBytes === 0) return false;
    bytes.u8[buffer.length] = StringForm.Lzf;
    let end = writeLength(bytes, buffer.length + 1, packedBytes);
    end = writeLength(bytes, end, byteCount);
    bytes.u8.copyWithin(end, packedAt, packedAt + packedBytes);
    buffer.length = end + packedBytes;
    return true;
  }

  /** A text of our own, as UTF-8. */
  words(value: string): void {
    const source = Buffer.from(value);
    this.length(source.length);
    this.buffer.buffer(source);
  }
}

/** Writes a length at `at`, where there is room, and returns where it ends. Hot. */
export function writeLength(into: Bytes, at: number, value: number): number {
  const { u8 } = into;
  if (value < 64) {
    u8[at] = value;
    return at + 1;
  }
  if (value < 16384) {
    u8[at] = 0x40 | (value >> 8);
    u8[at + 1] = value;
    return at + 2;
  }
  if (value < TWO_32) {
    u8[at] = LONG_LENGTH_32;
    into.view.setUint32(at + 1, value);
    return at + 5;
  }
  u8[at] = LONG_LENGTH_64;
  into.view.setUint32(at + 1, Math.floor(value / TWO_32));
  into.view.setUint32(at + 5, value % TWO_32);
  return at + LENGTH_BYTES_MAX;
}

/** Appends the checksum of all that was written, `crc` being that of what has been taken out before. */
export function appendChecksum(buffer: WriteBuffer, crc: Crc64, summedBytes: number): void {
  crc.update(buffer.bytes.view, summedBytes, buffer.length);
  buffer.reserve(8);
  buffer.bytes.view.setInt32(buffer.length, crc.lo, true);
  buffer.bytes.view.setInt32(buffer.length + 4, crc.hi, true);
  buffer.length += 8;
}
