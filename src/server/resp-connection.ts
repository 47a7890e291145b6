/** A client that speaks the Redis protocol. */
import type { Bytes } from '../base/bytes.ts';
import { RespReader } from '../protocol/resp-reader.ts';
import { Connection } from './connection.ts';

/** Requests known to take more than this are read by a reader of the connection's own, which keeps its place. */
const OWN_READER_FROM_BYTES = 65536;

export class RespConnection extends Connection {
  private reader: RespReader | null = null;

  protected readRequests(input: Bytes, at: number, end: number, moved: boolean): number {
    const reader = this.chooseReader(input);
    // The shared reader has meanwhile served others; one of our own may go on if its bytes have not moved.
    if (moved || reader !== this.reader) reader.reset();
    const dispatcher = this.engine.dispatcher;
    reader.bulkBytesMax = this.engine.bulkBytesMax;
    let position = at;
    while (position < end) {
      reader.authenticated = this.authenticated;
      const next = reader.read(input, position, end);
      if (next <= 0) {
        if (next < 0) this.refuse(reader.error);
        this.neededBytes = reader.neededBytes;
        return next < 0 ? end : position;
      }
      if (reader.count !== 0 && !dispatcher.execute(reader.source, reader.args, reader.count, this)) {
        this.engine.holdForPause(this);
        return position;
      }
      position = next;
      if (this.mustStop || this.outputIsLarge) break;
    }
    this.neededBytes = 0;
    return position;
  }

  private chooseReader(input: Bytes): RespReader {
    if (input === this.engine.input) {
      this.reader = null;
      return this.engine.reader;
    }
    if (this.reader === null && this.neededBytes > OWN_READER_FROM_BYTES) this.reader = new RespReader(input);
    return this.reader ?? this.engine.reader;
  }

  /** The client does not speak the protocol: says so once and closes. */
  private refuse(error: string): void {
    this.engine.dispatcher.reply.error(error);
    this.closeAfterReply();
  }

  describe(): string {
    return '';
  }
}
