/** What one client has queued, and what it watches. */
import { Bytes } from '../../base/bytes.ts';
import type { Command } from '../../commands/registry.ts';
import type { Row } from '../../commands/row.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import { Request } from '../request.ts';

/** A command that waits for EXEC, with a copy of its arguments. */
export interface Queued {
  readonly command: Command;
  readonly request: Request;
}

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

export class Transaction {
  readonly queued: Queued[] = [];
  /** A command could not be queued: nothing will be run. */
  isBroken = false;
  /** Of all arguments queued. */
  byteCount = 0;

  /** Queues a command with a copy of its arguments. */
  add(command: Command, source: Bytes, args: Int32Array, count: number): void {
    const request = copyRequest(source, args, count);
    this.queued.push({ command, request });
    this.byteCount += request.source.u8.length;
  }
}

/** A request of its own memory. */
export function copyRequest(source: Bytes, args: Int32Array, count: number): Request {
  let byteCount = 0;
  for (let index = 0; index < count; index++) byteCount += args[index * 2 + 1]!;
  const request = new Request(Bytes.allocate(byteCount));
  request.args = new Int32Array(count * 2);
  request.count = count;
  let at = 0;
  for (let index = 0; index < count; index++) {
    const start = args[index * 2]!;
    request.args[index * 2] = at;
    request.args[index * 2 + 1] = args[index * 2 + 1]!;
    at += source.u8.copy(request.source.u8, at, start, start + args[index * 2 + 1]!);
  }
  return request;
}
