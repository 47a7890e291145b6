/**
 * Bytes that are gathered one behind the other: a buffer that grows, off which its owner takes what has accumulated.
 * Writers put everything for which there is a most first (`reserve`), then store through `bytes` and move `length` on;
 * nothing is allocated per write.
 */
import { Bytes, copyBytes } from './bytes.ts';

const FIRST_BYTES = 1 << 16;
/** A larger buffer is given up once it was emptied. */
const KEPT_BYTES = 1 << 22;

export class WriteBuffer {
  bytes = Bytes.allocate(FIRST_BYTES);
  /** Bytes written and not yet taken: [0, length). */
  length = 0;

  /** Makes room for `byteCount` bytes more. `bytes` may be another one afterwards. Hot. */
  reserve(byteCount: number): void {
    if (this.length + byteCount > this.bytes.u8.length) this.grow(byteCount);
  }

  private grow(byteCount: number): void {
    const larger = Bytes.allocate(Math.max(this.bytes.u8.length * 2, this.length + byteCount));
    copyBytes(this.bytes, 0, larger, 0, this.length);
    this.bytes = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes.u8[this.length++] = value;
  }

  /** Copies `from[at, at + byteCount)`. */
  copy(from: Bytes, at: number, byteCount: number): void {
    this.reserve(byteCount);
    copyBytes(from, at, this.bytes, this.length, byteCount);
    this.length += byteCount;
  }

  buffer(from: Uint8Array): void {
    this.reserve(from.length);
    this.bytes.u8.set(from, this.length);
    this.length += from.length;
  }

  /** What was written: valid until the next write. */
  written(): Buffer {
    return this.bytes.u8.subarray(0, this.length);
  }

  /** Forgets everything, and gives back a buffer that had to grow large. */
  clear(): void {
    this.length = 0;
    if (this.bytes.u8.length > KEPT_BYTES) this.bytes = Bytes.allocate(FIRST_BYTES);
  }
}
