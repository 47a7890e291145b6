/**
 * The stream of requests on its way to a file: records one behind the other, with a SELECT wherever the database changes,
 * gathered so that many become one write. Format: as Redis writes its append-only files.
 */
import { Bytes } from '../../base/bytes.ts';

/** Writes `bytes[0, byteCount)`, and returns how many of them it could; the rest it will be asked for again. */
export type WriteOut = (bytes: Bytes, byteCount: number) => number;

/** What stands before a record at most: a time, flags, a SELECT. */
const HEAD_BYTES = 128;
/** The most that is kept while writing must wait. */
const BYTES_MAX = 1 << 30;

export class RequestStream {
  bytes: Bytes;
  at = 0;
  /** The database of the next request as it stands; -1: not known yet. */
  private database = -1;
  private readonly writeOut: WriteOut;
  private readonly usualBytes: number;
  /** While set, nothing is written, and the buffer grows. */
  isHeldBack = false;
  /** When timestamps are wanted: the second to write before the next record if it is another than the last one. */
  timestampS = 0;
  private lastTimestampS = 0;

  constructor(byteCount: number, writeOut: WriteOut) {
    this.bytes = Bytes.allocate(byteCount);
    this.usualBytes = byteCount;
    this.writeOut = writeOut;
  }

  reserve(byteCount: number): number {
    const { length } = this.bytes.u8;
    if (this.at < length) return Math.min(byteCount, length - this.at);
    if (!this.isHeldBack && this.flush()) return Math.min(byteCount, this.bytes.u8.length);
    return this.grow() ? Math.min(byteCount, this.bytes.u8.length - this.at) : 0;
  }

  private grow(): boolean {
    const { length } = this.bytes.u8;
    if (length >= BYTES_MAX) return false;
    const larger = Bytes.allocate(length * 2);
    this.bytes.u8.copy(larger.u8, 0, 0, this.at);
    this.bytes = larger;
    return true;
  }

  beginRecord(database: number, itemFlags: number): boolean {
    if (this.at + HEAD_BYTES > this.bytes.u8.length) {
      if ((this.isHeldBack || !this.flush()) && !this.grow()) return false;
    }
    if (this.timestampS !== 0 && this.timestampS !== this.lastTimestampS) {
      this.put(`#TS:${this.timestampS}\r\n`);
      this.lastTimestampS = this.timestampS;
    }
    if (database !== this.database) {
      const text = `${database}`;
      this.put(`*2\r\n$6\r\nSELECT\r\n$${text.length}\r\n${text}\r\n`);
      this.database = database;
    }
    // An annotation, which redis-server passes over: it has no such flags.
    if (itemFlags !== 0) this.put(`#FLAGS:${itemFlags}\r\n`);
    return true;
  }

  endRecord(database: number): void {
    this.database = database;
  }

  private put(text: string): void {
    this.at += this.bytes.u8.write(text, this.at, 'latin1');
  }

  /** Writes what was gathered. False: that failed, and it is kept. */
  flush(): boolean {
    if (this.at === 0) return true;
    const written = this.writeOut(this.bytes, this.at);
    if (written < this.at) {
      this.bytes.u8.copyWithin(0, written, this.at);
      this.at -= written;
      return false;
    }
    this.at = 0;
    if (this.bytes.u8.length > this.usualBytes) this.bytes = Bytes.allocate(this.usualBytes);
    return true;
  }

  /** A new file begins: nothing is known in it. */
  restart(): void {
    this.database = -1;
    this.lastTimestampS = 0;
  }
}
