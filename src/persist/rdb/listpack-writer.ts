/**
 * Building listpacks (github.com/antirez/listpack, listpack.md) out of packed entries, which are listpack's but for the
 * length behind each:
 *
 *  byte 0             4              6
 *       +-------------+--------------+-------+------+-------+------+-----+
 *       | total bytes | entries, u16 | entry | back | entry | back | 255 |
 *       +-------------+--------------+-------+------+-------+------+-----+
 *   65535 entries stands for "count them".
 */
import { type Bytes, copyBytes } from '../../base/bytes.ts';
import { Int64, setInt64 } from '../../base/int64.ts';
import { writeBack } from '../../structures/list/pack.ts';
import {
  Element,
  encodeElement,
  encodeInteger,
  entryBytesAt,
  writeElement,
} from '../../structures/packed-entry.ts';
import { WriteBuffer } from '../../base/write-buffer.ts';
import type { RdbOutput } from './output.ts';

export const LISTPACK_HEAD_BYTES = 6;
/** As the number of entries: they must be counted. */
export const LISTPACK_COUNT_UNKNOWN = 65535;
export const LISTPACK_END = 255;
const BACK_BYTES_MAX = 5;
const INTEGER_BYTES_MAX = 9;

const scratchElement = new Element();
const scratchInteger = new Int64();

export class ListpackWriter {
  readonly buffer = new WriteBuffer();
  private count = 0;

  begin(): void {
    this.buffer.clear();
    this.buffer.reserve(LISTPACK_HEAD_BYTES);
    this.buffer.length = LISTPACK_HEAD_BYTES;
    this.count = 0;
  }

  /** Adds the packed entry at `at`. */
  entry(from: Bytes, at: number): void {
    const entryBytes = entryBytesAt(from, at);
    const { buffer } = this;
    buffer.reserve(entryBytes + BACK_BYTES_MAX);
    copyBytes(from, at, buffer.bytes, buffer.length, entryBytes);
    this.close(entryBytes);
  }

  text(from: Bytes, at: number, byteCount: number): void {
    encodeElement(scratchElement, from, at, byteCount);
    const { entryBytes } = scratchElement;
    const { buffer } = this;
    buffer.reserve(entryBytes + BACK_BYTES_MAX);
    writeElement(scratchElement, buffer.bytes, buffer.length);
    this.close(entryBytes);
  }

  /** Adds a safe integer. */
  number(value: number): void {
    setInt64(scratchInteger, value);
    this.integer(scratchInteger);
  }

  integer(value: Int64): void {
    const { buffer } = this;
    buffer.reserve(INTEGER_BYTES_MAX + BACK_BYTES_MAX);
    const entryBytes = encodeInteger(scratchElement.head, value);
    copyBytes(scratchElement.head, 0, buffer.bytes, buffer.length, entryBytes);
    this.close(entryBytes);
  }

  /** Adds entries that have their lengths behind them. */
  run(from: Bytes, at: number, byteCount: number, count: number): void {
    this.buffer.copy(from, at, byteCount);
    this.count += count;
  }

  private close(entryBytes: number): void {
    const { buffer } = this;
    const end = buffer.length + entryBytes;
    buffer.length = end + writeBack(buffer.bytes, end, entryBytes);
    this.count++;
  }

  /** Ends the listpack and writes it as a text. */
  finish(out: RdbOutput): void {
    const { buffer } = this;
    buffer.byte(LISTPACK_END);
    const { view } = buffer.bytes;
    view.setUint32(0, buffer.length, true);
    view.setUint16(4, Math.min(this.count, LISTPACK_COUNT_UNKNOWN), true);
    out.text(buffer.bytes, 0, buffer.length);
    buffer.clear();
  }
}
