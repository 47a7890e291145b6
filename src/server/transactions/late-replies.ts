/**
 * Replies of a transaction of which some come later, because other workers must be asked: each keeps its place among the
 * others, and all are sent together. The data commands have long been run by then, at once.
 */
import { RespWriter } from '../../protocol/resp-writer.ts';
import type { Parked } from '../../commands/row.ts';

const REPLY_BYTES = 1024;

export class LateReplies {
  /** Where in the reply those that come later belong, in ascending order. */
  private readonly places: number[] = [];
  private readonly late: (Uint8Array | null)[] = [];
  private missingCount = 0;
  private readonly errors: string[] = [];
  private whenComplete: (() => void) | null = null;

  get isEmpty(): boolean {
    return this.places.length === 0;
  }

  /** The reply that belongs at the end of `reply` comes later. */
  park(reply: RespWriter): Parked {
    const index = this.places.push(reply.at) - 1;
    const { version, bytesMax } = reply;
    this.late.push(null);
    this.missingCount++;
    return {
      resume: (write) => {
        const scratch = new RespWriter(REPLY_BYTES);
        scratch.version = version;
        scratch.bytesMax = bytesMax;
        write(scratch);
        if (scratch.errorCount > 0) this.errors.push(scratch.lastError);
        this.late[index] = scratch.take(0, scratch.at);
        if (--this.missingCount === 0) this.whenComplete?.();
      },
    };
  }

  /** Takes what was written to `reply` from `start` on, and hands it to `parked` when it is whole. */
  finish(reply: RespWriter, start: number, parked: Parked): void {
    const written = Buffer.from(reply.bytes.u8.subarray(start, reply.at));
    reply.at = start;
    this.whenComplete = () => parked.resume((into) => this.write(into, written, start));
    if (this.missingCount === 0) this.whenComplete();
  }

  private write(into: RespWriter, written: Buffer, start: number): void {
    let from = 0;
    for (const [index, place] of this.places.entries()) {
      into.whole(written.subarray(from, place - start));
      into.whole(this.late[index]!);
      from = place - start;
    }
    into.whole(written.subarray(from));
    const last = this.errors.at(-1);
    if (last === undefined) return;
    into.errorCount++;
    into.lastError = last;
  }
}
