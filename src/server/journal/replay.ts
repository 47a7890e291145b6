/**
 * Running a stream of requests again: what an append-only file holds, or a master sends. They are run as they come, by a
 * client that nobody sees, without its replies. Redis: nothing expires meanwhile, for the stream says itself when keys and
 * fields have gone; so the clock that commands see stands still at 0.
 */
import { Bytes } from '../../base/bytes.ts';
import { RespReader } from '../../protocol/resp-reader.ts';
import type { Engine } from '../engine.ts';
import { Observer } from '../observer.ts';
import { Request } from '../request.ts';
import { ReplayClient } from './replay-client.ts';

/** Why the stream cannot be run on. */
export interface ReplayFailure {
  readonly kind: 'format' | 'unknown command';
  /** Position in the stream. */
  readonly at: number;
  readonly reason: string;
}

const INPUT_BYTES = 1 << 21;
const HASH = 0x23;
const LINE_FEED = 10;
const STAR = 0x2a;
const FLAGS_ANNOTATION = '#FLAGS:';

export class Replay {
  private readonly engine: Engine;
  private readonly reader: RespReader;
  private readonly request: Request;
  private readonly client: ReplayClient;
  /** Input that is no whole request yet: the first `count` bytes. */
  private input = Bytes.allocate(INPUT_BYTES);
  private count = 0;
  /** So many bytes the request that begins it needs at least. */
  private neededBytes = 0;
  /** Position of the input in the stream. */
  private inputAt: number;
  /** Position up to which the stream makes sense by itself: behind the last request that was not within a transaction. */
  validUpTo: number;
  /** Requests run. */
  requestCount = 0;

  /** `startAt`: position of the stream in its file. */
  constructor(engine: Engine, startAt: number) {
    this.engine = engine;
    this.inputAt = startAt;
    this.validUpTo = startAt;
    this.reader = new RespReader(this.input);
    this.reader.authenticated = true;
    this.request = new Request(this.input);
    this.client = new ReplayClient(engine);
  }

  /** Whether the stream ends here within a request, or within a transaction. */
  get isIncomplete(): boolean {
    return this.count > 0 || this.client.transaction !== null;
  }

  get isInTransaction(): boolean {
    return this.client.transaction !== null;
  }

  /** Runs what `chunk` completes. Null: all is well so far. */
  feed(chunk: Uint8Array): ReplayFailure | null {
    this.append(chunk);
    if (this.count < this.neededBytes) return null;
    const { keyspace, dispatcher, eviction, config } = this.engine;
    const { nowMs } = keyspace;
    const { observers } = dispatcher;
    // It is what the server waits for while it loads.
    dispatcher.observers = Observer.None;
    keyspace.nowMs = 0;
    // What fitted once is not refused.
    eviction.guard.configure(0);
    try {
      return this.run();
    } finally {
      keyspace.nowMs = nowMs;
      dispatcher.observers = observers;
      eviction.configure(config);
      this.request.release(this.input);
      dispatcher.release(this.input);
    }
  }

  private append(chunk: Uint8Array): void {
    const wanted = this.count + chunk.length;
    if (wanted > this.input.u8.length) {
      const larger = Bytes.allocate(Math.max(wanted, this.input.u8.length * 2));
      this.input.u8.copy(larger.u8, 0, 0, this.count);
      this.input = larger;
    }
    this.input.u8.set(chunk, this.count);
    this.count = wanted;
  }

  private run(): ReplayFailure | null {
    const { reader, input } = this;
    const end = this.count;
    let at = 0;
    reader.reset();
    reader.bulkBytesMax = 2 ** 31 - 1;
    this.neededBytes = 0;
    while (at < end) {
      const first = input.u8[at]!;
      if (first !== HASH && first !== STAR) return this.failure('format', at, 'a request must begin with *');
      const next = first === HASH ? this.annotation(at, end) : reader.read(input, at, end);
      if (next < 0) return this.failure('format', at, reader.error);
      if (next === 0) {
        if (first === STAR) this.neededBytes = reader.neededBytes;
        break;
      }
      if (first === STAR && reader.count > 0) {
        const reason = this.runRequest(at, next);
        if (reason !== '') return this.failure('unknown command', at, reason);
      }
      at = next;
      if (this.client.transaction === null) this.validUpTo = this.inputAt + at;
    }
    input.u8.copyWithin(0, at, end);
    this.inputAt += at;
    this.count = end - at;
    return null;
  }

  private runRequest(at: number, end: number): string {
    this.request.take(this.reader, at, end, false);
    this.requestCount++;
    return this.client.run(this.request);
  }

  /** A line that redis-server passes over. Returns where the next one begins, 0: it has not come as a whole. */
  private annotation(at: number, end: number): number {
    const { input } = this;
    const lineEnd = input.u8.indexOf(LINE_FEED, at);
    if (lineEnd < 0 || lineEnd >= end) return 0;
    const line = input.u8.toString('latin1', at, lineEnd).trimEnd();
    if (line.startsWith(FLAGS_ANNOTATION))
      this.client.itemFlags = Number(line.slice(FLAGS_ANNOTATION.length));
    return lineEnd + 1;
  }

  private failure(kind: ReplayFailure['kind'], at: number, reason: string): ReplayFailure {
    return { kind, at: this.inputAt + at, reason };
  }
}
