/**
 * A glance at the requests that a read brought, before the first of them is run: the keys of plain `get` and `set`
 * lines are hashed, and the memory they lead to is fetched together (see Keyspace.fetchAhead). Only a hint: whatever it
 * does not understand ends the glance, and each request is read again, in full, when its turn comes.
 */
import type { Bytes } from '../../base/bytes.ts';
import { FETCH_AHEAD_MAX, type Keyspace } from '../../store/keyspace.ts';

const enum Byte {
  LineFeed = 10,
  Space = 32,
  Zero = 48,
}

/** `get ` and `set ` as little-endian words. */
const GET = 0x20746567;
const SET = 0x20746573;

export class MemcachedAhead {
  /** Up to where the last glance went. */
  end = 0;
  private readonly keyAts = new Int32Array(FETCH_AHEAD_MAX);
  private readonly keyBytes = new Int32Array(FETCH_AHEAD_MAX);
  private readonly hashes = new Int32Array(FETCH_AHEAD_MAX);
  private count = 0;
  private next = 0;
  private source: Bytes | null = null;
  private database = -1;

  /** Forgets the last glance: the input has changed. */
  clear(): void {
    this.count = 0;
    this.end = 0;
  }

  /** Glances at the requests in `input[at, end)` for keys of a physical database. */
  prepare(input: Bytes, at: number, end: number, keyspace: Keyspace, database: number): void {
    const { u8, view } = input;
    let position = at;
    let count = 0;
    while (count < FETCH_AHEAD_MAX && position + 4 < end) {
      const verb = view.getInt32(position, true);
      if (verb !== GET && verb !== SET) break;
      const keyAt = position + 4;
      let keyEnd = keyAt;
      while (keyEnd < end && u8[keyEnd]! > Byte.Space) keyEnd++;
      this.keyAts[count] = keyAt;
      this.keyBytes[count] = keyEnd - keyAt;
      this.hashes[count++] = keyspace.hash(input, keyAt, keyEnd - keyAt, database);
      position = verb === GET ? behindLine(u8, keyEnd, end) : behindData(u8, keyEnd, end);
    }
    if (count > 1) keyspace.fetchAhead(this.hashes, count);
    this.source = input;
    this.database = database;
    this.count = count;
    this.next = 0;
    this.end = Math.max(position, at + 1);
  }

  /** The hash of a key if the last glance saw it, else -1. Keys must be asked for in the order of the requests. */
  hashOf(source: Bytes, keyAt: number, keyBytes: number, database: number): number {
    let { next } = this;
    while (next < this.count && this.keyAts[next]! < keyAt) next++;
    this.next = next;
    if (next >= this.count || source !== this.source || database !== this.database) return -1;
    if (this.keyAts[next] !== keyAt || this.keyBytes[next] !== keyBytes) return -1;
    return this.hashes[next]!;
  }
}

function behindLine(u8: Uint8Array, at: number, end: number): number {
  let position = at;
  while (position < end && u8[position] !== Byte.LineFeed) position++;
  return position + 1;
}

/** Behind the data block whose length is the last number of the line. */
function behindData(u8: Uint8Array, at: number, end: number): number {
  let position = at;
  let byteCount = 0;
  for (; position < end; position++) {
    const byte = u8[position]!;
    if (byte === Byte.Space) byteCount = 0;
    else if (byte === Byte.LineFeed) break;
    else if (byte >= Byte.Zero) byteCount = byteCount * 10 + byte - Byte.Zero;
  }
  return position + 1 + byteCount + 2;
}
