/** A client that speaks memcached's text protocol. */
import type { Bytes } from '../../base/bytes.ts';
import { BINARY_REQUEST } from '../../protocol/memcache-reader.ts';
import { Connection } from '../clients/connection.ts';
import { ExecuteResult } from './dispatch.ts';

export class MemcachedConnection extends Connection {
  /** Bytes still to come of a data block that was refused. */
  private swallowBytes = 0;
  /** Bytes of the incomplete line that are known to hold no line end. */
  private scannedBytes = 0;

  protected readRequests(input: Bytes, at: number, end: number): number {
    const { memcached } = this.engine;
    memcached.beginInput();
    let position = at;
    while (position < end) {
      if (this.swallowBytes > 0) {
        const swallowed = Math.min(this.swallowBytes, end - position);
        this.swallowBytes -= swallowed;
        position += swallowed;
        continue;
      }
      if (input.u8[position] === BINARY_REQUEST) {
        // Left alone such a client would wait for its answer until its own patience ends.
        this.closeAfterReply();
        return end;
      }
      const next = memcached.execute(input, position, end, this.scannedBytes, this);
      if (next <= 0) return this.stopAt(next, position, end);
      this.scannedBytes = 0;
      this.swallowBytes = memcached.request.swallowBytes;
      position = next;
      if (this.mustStop || this.outputIsLarge) break;
    }
    this.neededBytes = 0;
    return position;
  }

  private stopAt(result: number, position: number, end: number): number {
    if (result === ExecuteResult.Malformed) {
      this.closeAfterReply();
      return end;
    }
    if (result === ExecuteResult.Paused) {
      this.engine.clientPause.hold(this);
      return position;
    }
    const { neededBytes } = this.engine.memcached;
    // With a length known, the line has been read and it is the data block that is missing.
    this.scannedBytes = neededBytes > 0 ? 0 : end - position;
    this.neededBytes = Math.max(neededBytes, end - position + 1);
    return position;
  }
}
