/** The requests of one record as bytes of the Redis protocol: one request as it is, several between MULTI and EXEC. */
import type { Bytes } from '../../base/bytes.ts';
import { RespWriter } from '../../protocol/resp-writer.ts';
import type { EffectSink } from '../../commands/effect.ts';

const SCRATCH_BYTES = 65536;
const MULTI = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const EXEC = Buffer.from('*1\r\n$4\r\nEXEC\r\n');

export class RecordRequests implements EffectSink {
  private readonly writer = new RespWriter(SCRATCH_BYTES);
  /** Requests written since `clear`. */
  count = 0;
  /** Where the record begins in `source`, after `finish`. */
  at = 0;
  byteCount = 0;

  constructor() {
    this.clear();
  }

  get source(): Bytes {
    return this.writer.bytes;
  }

  /** Forgets what was written. MULTI stands in front of what comes, to be left out if it turns out to be one request. */
  clear(): void {
    this.writer.clear();
    this.writer.raw(MULTI);
    this.count = 0;
  }

  begin(count: number): void {
    this.count++;
    this.writer.array(count);
  }

  word(text: string): void {
    this.writer.bulkText(text);
  }

  bytes(from: Bytes, at: number, byteCount: number): void {
    this.writer.bulk(from, at, byteCount);
  }

  /** A whole request. */
  put(parts: readonly (string | Uint8Array)[]): void {
    this.begin(parts.length);
    for (const part of parts) {
      if (typeof part === 'string') this.writer.bulkText(part);
      else this.writer.bulkBuffer(part);
    }
  }

  /** Ends the record: it is `source[at, at + byteCount)`. */
  finish(): void {
    this.at = this.count > 1 ? 0 : MULTI.length;
    if (this.count > 1) this.writer.raw(EXEC);
    this.byteCount = this.writer.at - this.at;
  }
}
