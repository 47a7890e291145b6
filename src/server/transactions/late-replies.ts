/**
 * The replies of a transaction of which some come later: commands that need other threads (CONFIG SET, CLIENT LIST) park
 * their client, and here it is one array that all of them belong to. It is sent when the last one is there.
 */
import type { Parked } from '../../commands/row.ts';
import { RespWriter } from '../../protocol/resp-writer.ts';

const REPLY_BYTES = 4096;

export class LateReplies {
  private readonly parts: (Uint8Array | null)[] = [];
  private missingCount = 0;
  private parked: Parked | null = null;
  /** The command just run will reply later. */
  isExpecting = false;

  get isEmpty(): boolean {
    return this.parts.length === 0;
  }

  /** The command being run, whose client speaks RESP `version`, replies later: through the result. */
  add(version: 2 | 3): Parked {
    this.isExpecting = true;
    // Behind what has been written before it.
    const place = this.parts.length + 1;
    this.missingCount++;
    return {
      resume: (write) => {
        const reply = new RespWriter(REPLY_BYTES);
        reply.version = version;
        write(reply);
        this.parts[place] = reply.take(0, reply.at);
        if (--this.missingCount === 0) this.send();
      },
    };
  }

  /** Takes what was replied since `start`, before the reply that is expected. Returns where to go on writing. */
  takeWritten(reply: RespWriter, start: number): number {
    this.isExpecting = false;
    this.parts.push(Buffer.from(reply.bytes.u8.subarray(start, reply.at)), null);
    reply.at = start;
    return start;
  }

  /** Nothing more will be added but `rest`; `parked` is the client. */
  finish(rest: Uint8Array, parked: Parked): void {
    this.parts.push(rest);
    this.parked = parked;
    // Not from within the command.
    if (this.missingCount === 0) queueMicrotask(() => this.send());
  }

  private send(): void {
    this.parked?.resume((reply) => {
      for (const part of this.parts) if (part !== null) reply.whole(part);
    });
  }
}

/** A script cannot wait for other threads, and its client must not get the reply of what the script has called. */
export function refuseLateReply(reply: RespWriter): Parked {
  reply.error('ERR This Redis command is not allowed from script');
  return { resume: () => {} };
}
