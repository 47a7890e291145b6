/**
 * Requests read ahead of their execution. A pipeline arrives as many requests in one read: knowing all their keys
 * before the first is run lets the memory they lead to be fetched while others are being fetched (see
 * Keyspace.fetchAhead), where one after the other each would wait for main memory three times.
 */
import type { Bytes } from '../base/bytes.ts';
import type { Command } from '../commands/registry.ts';
import { FETCH_AHEAD_MAX } from '../store/keyspace.ts';
import type { RespReader } from '../protocol/resp-reader.ts';

/** Requests read ahead at a time: enough to keep the memory busy, few enough to stay in the first-level cache. */
export const AHEAD_MAX = FETCH_AHEAD_MAX;
const ARGUMENTS_USUAL = 8;
const ARGUMENTS_KEPT = 1024;

/** A request as a reader left it. */
export interface RequestArguments {
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
}

export class Request {
  private usualArgs: Int32Array = new Int32Array(ARGUMENTS_USUAL * 2);
  args: Int32Array = this.usualArgs;
  count = 0;
  source: Bytes;
  /** Where it began and ended in the input. */
  at = 0;
  end = 0;
  /** The command asked for, as far as its name tells: null for an unknown one. */
  command: Command | null = null;
  /** Hash of its key in `database`, when it has exactly one; -1 otherwise. */
  hash = -1;

  constructor(source: Bytes) {
    this.source = source;
  }

  /** Makes room for `count` arguments, which are undefined then. */
  reserve(count: number): void {
    this.args = count * 2 <= this.usualArgs.length ? this.usualArgs : new Int32Array(count * 2);
    this.count = count;
  }

  /** Lends `reader` this request's argument array, so that nothing need be copied. */
  lend(reader: RespReader): void {
    this.args = this.usualArgs;
    reader.args = this.usualArgs;
  }

  /** Lets go of what it was read from; `source` is any other input. */
  release(source: Bytes): void {
    this.args = this.usualArgs;
    this.count = 0;
    this.source = source;
  }

  /**
   * Takes over the request that `reader` has just read at `at`, up to `end`. `lent`: into the array that it was lent, or
   * into a larger one made in its place. An array of the reader's own must not be kept: its next request will lie there.
   */
  take(reader: RespReader, at: number, end: number, lent: boolean): void {
    this.args = reader.args;
    if (lent && reader.args.length <= ARGUMENTS_KEPT * 2) this.usualArgs = reader.args;
    this.count = reader.count;
    this.source = reader.source;
    this.at = at;
    this.end = end;
    this.hash = -1;
  }
}
