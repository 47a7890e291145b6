/** A client that speaks the Redis protocol. */
import type { Bytes } from '../../base/bytes.ts';
import { RespReader } from '../../protocol/resp-reader.ts';
import { Connection } from './connection.ts';
import { AHEAD_MAX } from '../request.ts';
import { Watching } from '../slow/command-watch.ts';

/** Requests known to take more than this are read by a reader of the connection's own, which keeps its place. */
const OWN_READER_FROM_BYTES = 16384;
/** Answer of `runAhead` when nothing stopped it. */
const ALL_RAN = -1;

export class RespConnection extends Connection {
  private reader: RespReader | null = null;
  private aheadCount = 0;
  private aheadEnd = 0;

  protected readRequests(input: Bytes, at: number, end: number, moved: boolean): number {
    const reader = this.chooseReader(input);
    // The shared reader has meanwhile served others; one of our own may go on if its bytes have not moved.
    if (moved || reader !== this.reader) reader.reset();
    reader.bulkBytesMax = this.engine.bulkBytesMax;
    let position = at;
    while (position < end) {
      const next = this.readAhead(reader, input, position, end);
      const ran = this.runAhead(position);
      if (ran !== ALL_RAN) return ran;
      position = this.aheadEnd;
      if (next <= 0) {
        if (next < 0) this.refuse(reader.error);
        this.neededBytes = reader.neededBytes;
        return next < 0 ? end : position;
      }
      if (this.outputIsLarge) break;
    }
    this.neededBytes = 0;
    return position;
  }

  /** Reads requests into the engine's `ahead` until it is full or the input ends. Returns the last read's result. */
  private readAhead(reader: RespReader, input: Bytes, at: number, end: number): number {
    const { ahead } = this.engine;
    // One by one as long as what a client may send depends on whether it has authenticated; and with a reader of the
    // connection's own, which has one array of arguments for all that it reads.
    const isShared = reader !== this.reader;
    const countMax = this.authenticated && isShared ? AHEAD_MAX : 1;
    reader.authenticated = this.authenticated;
    let count = 0;
    let next = at;
    let position = at;
    while (count < countMax && position < end) {
      const request = ahead[count]!;
      if (isShared) request.lend(reader);
      next = reader.read(input, position, end);
      if (next <= 0) break;
      if (reader.count !== 0) {
        request.take(reader, position, next, isShared);
        count++;
      }
      position = next;
    }
    this.aheadCount = count;
    this.aheadEnd = position;
    return next;
  }

  /** Runs what was read ahead. Returns ALL_RAN, or the position up to which it ran when it had to stop. */
  private runAhead(at: number): number {
    const { ahead, dispatcher } = this.engine;
    const count = this.aheadCount;
    if (dispatcher.watching !== Watching.Nothing) dispatcher.watch!.begin();
    if (count > 1) dispatcher.ahead.prepare(ahead, count, this);
    let position = at;
    for (let i = 0; i < count; i++) {
      const request = ahead[i]!;
      if (!dispatcher.run(request, count > 1, this)) {
        this.engine.clientPause.hold(this);
        return request.at;
      }
      position = request.end;
      // Replies may be huge: 32 of them together must not be.
      if (this.mustStop || this.outputIsLarge) return position;
    }
    return ALL_RAN;
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
    if (this.replyMode !== 'off') this.engine.dispatcher.reply.error(error);
    this.closeAfterReply();
  }

  protected override dropPending(): void {
    super.dropPending();
    this.reader = null;
  }
}
