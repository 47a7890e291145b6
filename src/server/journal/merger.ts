/**
 * Merges the rings of all workers by the numbers of their records into one stream of requests. Every number was taken by
 * somebody and comes through one of the rings, so that the next record is always known by its number; while it has not
 * come, those behind it wait.
 */
import type { Bytes } from '../../base/bytes.ts';
import { isNumberReached } from '../../memory/journal-state.ts';
import type { RingConsumer } from '../../memory/journal-ring.ts';

/** Takes the stream. */
export interface StreamSink {
  /** Where the next bytes are to be put: `bytes[at, ...)`, of which at least one is free after `reserve`. */
  readonly bytes: Bytes;
  at: number;
  /** Makes room for some bytes, up to `byteCount`. Returns for how many; 0: for now it takes no more. */
  reserve(byteCount: number): number;
  /** A record begins: its requests begin in database `database`. False: the sink takes no more for now. */
  beginRecord(database: number, itemFlags: number): boolean;
  /** A record has ended, with its last request in `database`. */
  endRecord(database: number): void;
}

export class JournalMerger {
  private readonly rings: readonly RingConsumer[];
  /** The ring whose record is under way. */
  private current: RingConsumer | null = null;
  /** Number of the last record that has come through as a whole. */
  lastNumber: number;

  constructor(rings: readonly RingConsumer[], lastNumber: number) {
    this.rings = rings;
    this.lastNumber = lastNumber;
  }

  /** Moves into `sink` what has come of the records up to `until`. Whether anything was moved. */
  drain(sink: StreamSink, until: number): boolean {
    let hasMoved = false;
    for (;;) {
      if (this.current === null) {
        if (!this.next(sink, until)) break;
        hasMoved = true;
      }
      if (!this.move(sink)) break;
    }
    for (const ring of this.rings) if (ring.release()) hasMoved = true;
    return hasMoved;
  }

  private next(sink: StreamSink, until: number): boolean {
    const number = (this.lastNumber + 1) | 0;
    if (!isNumberReached(until, number)) return false;
    for (const ring of this.rings) {
      if (!ring.begin() || ring.number !== number) continue;
      if (!sink.beginRecord(ring.firstDatabase, ring.itemFlags)) return false;
      this.current = ring;
      return true;
    }
    return false;
  }

  /** Moves on with the record under way. Whether it has ended. */
  private move(sink: StreamSink): boolean {
    const ring = this.current!;
    while (!ring.end()) {
      const readable = ring.readable(MOVE_BYTES_MAX);
      if (readable === 0) return false;
      const count = sink.reserve(readable);
      if (count === 0) return false;
      ring.read(sink.bytes, sink.at, count);
      sink.at += count;
      // A record that is larger than its ring comes through only as room is made.
      if (ring.byteCount > MOVE_BYTES_MAX) ring.release();
    }
    sink.endRecord(ring.lastDatabase);
    this.lastNumber = ring.number;
    this.current = null;
    return true;
  }
}

const MOVE_BYTES_MAX = 1 << 18;
