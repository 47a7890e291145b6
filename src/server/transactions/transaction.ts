/** What one client has queued, and what it watches. */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import type { Command } from '../../commands/registry.ts';
import type { Row } from '../../commands/row.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { Request } from '../request.ts';

/** What the dispatcher sets aside while it runs commands under locks that are held. */
export interface Held {
  readonly reply: RespWriter;
  readonly row: Row;
  readonly replyStart: number;
  readonly mayBlock: boolean;
}

/** A key that a client watches: where it is kept (store/watches.ts), and its version when it was first watched. */
export interface WatchedKey {
  readonly at: number;
  readonly version: number;
}

/** Measured roughly: what a queued request takes beside its bytes, and each of its arguments. */
const QUEUED_BYTES = 400;
const ARGUMENT_BYTES = 8;

/** Most transactions fit in this: their buffer is kept for the next one. */
const BUFFER_BYTES = 4096;
const BUFFER_BYTES_KEPT = 65536;
const REQUESTS_KEPT = 64;
/** What a client has queued since MULTI: the arguments of all commands one behind the other in one buffer. */
export class Transaction {
  private bytes = Bytes.allocate(BUFFER_BYTES);
  private end = 0;
  private readonly requests: Request[] = [];
  count = 0;
  /** A command could not be queued: nothing will be run. */
  isBroken = false;
  /** Memory of all that is queued, about. */
  byteCount = 0;

  /** Makes it as new, in the memory that it has. */
  reset(): void {
    if (this.bytes.u8.length > BUFFER_BYTES_KEPT) this.bytes = Bytes.allocate(BUFFER_BYTES);
    if (this.requests.length > REQUESTS_KEPT) this.requests.length = REQUESTS_KEPT;
    for (const request of this.requests) request.release(this.bytes);
    this.end = 0;
    this.count = 0;
    this.isBroken = false;
    this.byteCount = 0;
  }

  /** A queued request with its command; `index` is less than `count`. */
  at(index: number): Request {
    return this.requests[index]!;
  }

  /** Queues a command with a copy of its arguments. */
  add(command: Command, source: Bytes, args: Int32Array, count: number): void {
    let byteCount = 0;
    for (let index = 0; index < count; index++) byteCount += args[index * 2 + 1]!;
    if (this.end + byteCount > this.bytes.u8.length) this.grow(byteCount);
    const request = this.requests[this.count] ?? new Request(this.bytes);
    this.requests[this.count++] = request;
    request.source = this.bytes;
    request.command = command;
    request.reserve(count);
    let at = this.end;
    for (let index = 0; index < count; index++) {
      const length = args[index * 2 + 1]!;
      request.args[index * 2] = at;
      request.args[index * 2 + 1] = length;
      copyBytes(source, args[index * 2]!, this.bytes, at, length);
      at += length;
    }
    this.end = at;
    this.byteCount += byteCount + QUEUED_BYTES + count * ARGUMENT_BYTES;
  }

  private grow(byteCount: number): void {
    const larger = Bytes.allocate(Math.max(this.end + byteCount, this.bytes.u8.length * 2));
    this.bytes.u8.copy(larger.u8, 0, 0, this.end);
    this.bytes = larger;
    for (let index = 0; index < this.count; index++) this.requests[index]!.source = larger;
  }
}
